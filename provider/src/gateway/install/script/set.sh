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
  if [ -z "$broken" ] && [ -n "$owner" ]; then
    # the folders stay with whoever runs this: nobody else can put a link where he writes next
    find "$building" -type f -exec chown "$owner" {} + || broken="the owner of the files"
  fi
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
    rm -rf "$directory/sets/edited"
    # shellcheck disable=SC2015 # a failure of either
    cp -Rp "$set" "$directory/sets/edited" && switch_to edited || refuse "$set can't be copied (see above)"
    old=edited
    is_current=0
  fi
  rm -rf "$set"
}

check_set() {
  has_check || return 0
  run command_check && return 0
  show_output
  refuse "the server's own check says no to this configuration (see above)"
}
