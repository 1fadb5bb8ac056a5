# shellcheck shell=sh
# shellcheck disable=SC2154 # variables of plan() and of the other parts
## A set: written beside the others, judged, and only then given its name.

refuse() {
  warn "not installed: $1"
  [ "$is_current" = 1 ] && roll_back "$1"
  # what was kept of files that are still in their places
  [ ! -d "$directory/sets/$hash" ] || give_back "$hash" "$old"
  rm -rf "$directory/sets/.$hash.new"
  [ "$hash" = "$old" ] || rm -rf "$directory/sets/$hash"
  warn "the server was not touched"
  exit 1
}

write_file() { # path mask content
  [ -z "$broken" ] || return 0
  umask "$2"
  printf '%s' "$3" >"$building/$1" || broken=$1
  umask 077
}

compare_file() { # path mask content
  [ -z "$broken" ] || return 0
  printf '%s' "$3" | cmp -s - "$set/$1" || broken=$1
}

# a text as it is judged before it is in use: what it names is that of its own set
write_check() { # path mask
  [ -z "$broken" ] || return 0
  umask "$2"
  sed "s#$pattern/current/#$set/check/#g" "$building/$1" >"$building/check/$1" || broken=check/$1
  umask 077
}

# the other files stand beside the texts there
link_check() { # path target
  [ -z "$broken" ] || return 0
  ln -s "$2" "$building/check/$1" || broken=check/$1
}

write_path() { printf '%s\t%s\t%s\n' "$1" "$2" "$3"; }

make_folder() { [ -n "$broken" ] || (umask 022 && mkdir -p "$building/$1") || broken=$1; }

# a key that is not the certificate's would stop the server; a pair that the old set has too was judged then
check_pair() { # certificate key, and how they are called
  [ -z "$broken" ] || return 0
  if [ -n "$old" ] && cmp -s "$building/$1" "$directory/sets/$old/$1" && cmp -s "$building/$2" "$directory/sets/$old/$2"; then
    return 0
  fi
  certified=$(openssl x509 -in "$building/$1" -noout -pubkey 2>/dev/null)
  held=$(openssl pkey -in "$building/$2" -passin pass: -pubout 2>/dev/null)
  if [ -z "$certified" ]; then
    broken="$3 holds no certificate that openssl can read"
  elif [ -z "$held" ]; then
    broken="$4 holds no private key that openssl can read; it must not be encrypted"
  elif [ "$certified" != "$held" ]; then
    broken="the private key of $4 does not belong to the certificate of $3"
  fi
}

# the owner stays whoever runs this: a service that could change its files would decide what root reads and runs
give_to_group() { # set
  [ -z "$group" ] || find "$1" -type f -exec chown ":$group" {} +
}

build_set() {
  set="$directory/sets/$hash"
  building="$directory/sets/.$hash.new"
  broken=
  if [ -d "$set" ]; then
    touch "$set"
    return 0
  fi
  say "writing the set $short"
  mkdir "$building" || refuse "$building can't be made (see above)"
  each_folder make_folder
  each_file write_file
  each_text write_check
  each_check_link link_check
  each_path write_path >"$building/.paths" || broken=.paths
  [ -n "$broken" ] || give_to_group "$building" || broken="the group of the files"
  [ -z "$broken" ] || refuse "$broken can't be written into $building (see above): is the disk full?"
  if command -v openssl >/dev/null 2>&1; then
    each_pair check_pair
    [ -z "$broken" ] || refuse "$broken"
  else
    say "keys are not compared with their certificates: no openssl on this machine"
  fi
  chmod 755 "$building"
  # a machine that loses its power must not find the name without the content
  sync -f "$building" 2>/dev/null || sync 2>/dev/null
  mv "$building" "$set" || refuse "$set can't be made (see above)"
}

# A set in use that somebody edited goes on serving under another name while it is written anew.
repair_set() {
  set="$directory/sets/$hash"
  broken=
  [ -d "$set" ] || return 0
  each_file compare_file
  [ -n "$broken" ] || return 0
  if [ "$(readlink "$directory/current")" = "sets/$hash" ]; then
    say "$set/$broken was changed by hand: it is written anew"
    serve_copy "$hash" '' || refuse "$set can't be copied (see above)"
    old=edited
    is_current=0
  fi
  rm -rf "$set"
}

# the copy belongs to whoever runs this
serve_copy() { # set name-of-a-mark-or-nothing
  rm -rf "$directory/sets/edited"
  (umask 022 && cp -RP "$directory/sets/$1" "$directory/sets/edited") && give_to_group "$directory/sets/edited" || return 1
  [ -z "$2" ] || : >"$directory/sets/edited/$2"
  switch_to edited
}

# what was proved goes on under the copy's name
applies_as_copy() { # set
  [ "$(cat "$directory/applied" 2>/dev/null)" = "$1" ] || return 0
  printf edited >"$directory/applied.new" && mv -f "$directory/applied.new" "$directory/applied"
}

# Files of a set that belong to a service, as an earlier release left them, may hold anything by now. The set in use goes on
# serving as a copy of root's, of which no text goes to a system folder any more. The others go. What `before` has was there before us.
take_back_sets() {
  [ "$my_id" = 0 ] || return 0
  used=$(readlink "$directory/current") || used=
  for name in $(find "$directory/sets" -type f ! -user 0 | sed "s,^$pattern/sets/,," | cut -d/ -f1 | sort -u); do
    [ "$name" != before ] || continue
    if [ "$used" = "sets/$name" ]; then
      [ "$name" != edited ] || { rm -rf "$directory/sets/0" && mv "$directory/sets/edited" "$directory/sets/0" && switch_to 0 && name=0; }
      # shellcheck disable=SC2015 # a failure of either
      serve_copy "$name" .untrusted && applies_as_copy "$name" || cannot_start "$directory/sets/$name can't be copied (see above)"
      warn "files of the set in use belonged to another user: it serves as a copy of root's until the new set is in use"
    fi
    rm -rf "$directory/sets/$name"
  done
}

check_set() {
  has_check || return 0
  run command_check && return 0
  show_output
  refuse "the server's own check says no to this configuration (see above)"
}
