# shellcheck shell=sh
# shellcheck disable=SC2154 # variables of plan() and of the other parts
## The places outside of the folder, and the link `current`. A set's `.paths` has a line for each place: "link" or "copy",
## the path, the file of the set. A file that was there before is kept beside it as `<path>.before-tls-gateway`.

# the link is replaced in one step: a server that reads at this moment gets the old set or the new one
switch_to() {
  [ "$(readlink "$directory/current")" = "sets/$1" ] && return 0
  rm -rf "$directory/.current.new"
  ln -s "sets/$1" "$directory/.current.new" && rename_link "$directory/.current.new" "$directory/current"
}

# whether what stands at a path is what a set has there
is_ours() { # how path file set
  case $1 in
    link) [ "$(readlink "$2")" = "$directory/current/$3" ] ;;
    *) [ ! -L "$2" ] && cmp -s "$2" "$directory/sets/$4/$3" ;;
  esac
}

is_of_any_set() { # how path file
  is_ours "$1" "$2" "$3" "$hash" && return 0
  [ "$1" = copy ] || return 1
  # shellcheck disable=SC2045 # the names are ours
  for any in $(ls "$directory/sets"); do
    is_untrusted "$any" && continue
    is_ours "$1" "$2" "$3" "$any" && return 0
  done
  return 1
}

# whether files of a set belonged to somebody else, who may have changed them; see take_back_sets
is_untrusted() { [ -n "$1" ] && [ -e "$directory/sets/$1/.untrusted" ]; } # set

# A server goes on reading a copy that somebody changed. What it holds goes to a name with an ending that no server looks for,
# and ours comes back, before anything is kept, given back or removed: all that follows finds what the set in use has there.
restore_copies() { # set that was proved, and is in use
  [ -n "$1" ] && [ "$(readlink "$directory/current")" = "sets/$1" ] && [ -f "$directory/sets/$1/.paths" ] || return 0
  is_untrusted "$1" && return 0
  placing=$1
  broken=
  while IFS="$tab" read -r how path file; do
    restore_copy "$how" "$path" "$file" </dev/null
  done <"$directory/sets/$1/.paths"
}

restore_copy() { # how path file
  [ "$1" = copy ] && [ -z "$broken" ] && is_there "$2" || return 0
  is_of_any_set "$1" "$2" "$3" && return 0
  is_safe_place "$2" || { broken=$unsafe; return 0; }
  rm -rf "$2.changed-tls-gateway"
  mv -f "$2" "$2.changed-tls-gateway" || { broken="$2 can't be moved (see above)"; return 0; }
  warn "$2 was changed by somebody else: what it held is in $2.changed-tls-gateway, which no server reads"
  place "$1" "$2" "$3"
}

# Before the swap: keeps a file of somebody else, and refuses where that would lose another one.
keep_before() { # how path file
  [ -z "$broken" ] || return 0
  is_safe_place "$2" || { broken=$unsafe; return 0; }
  if [ -d "$2" ] && [ ! -L "$2" ]; then
    broken="$2 is a folder; move it away, or name another path"
    return 0
  fi
  is_there "$2" || return 0
  is_of_any_set "$1" "$2" "$3" && return 0
  # ours as far as is known: nothing to give back later
  if [ "$1" = copy ] && is_untrusted "$old" && grep -qF "copy$tab$2$tab" "$directory/sets/$old/.paths"; then
    rm -rf "$2.changed-tls-gateway"
    cp -pP "$2" "$2.changed-tls-gateway" || broken="$2 can't be kept (see above)"
    warn "$2 belonged to another user, who changed it: what it held is in $2.changed-tls-gateway, which no server reads"
    return 0
  fi
  kept="$2.before-tls-gateway"
  if is_there "$kept"; then
    [ "$(readlink "$2")" = "$(readlink "$kept")" ] && cmp -s "$2" "$kept" && return 0
    broken="$2 is not what was installed there, and $kept keeps an earlier file: see which of them you need, and move one of them away"
    return 0
  fi
  if ! { rm -f "$kept.new" && cp -pP "$2" "$kept.new" && mv -f "$kept.new" "$kept"; }; then
    rm -f "$kept.new"
    broken="$2 can't be kept as $kept (see above)"
  fi
}

# Files that the configuration names by paths of their own go through current as well. One that is there already moves into
# the set in use first, so that the swap changes all of them in one step.
adopt() { # how path file
  [ -z "$broken" ] || return 0
  case $3 in outside/*) ;; *) return 0 ;; esac
  [ -f "$2" ] || return 0
  is_ours "$1" "$2" "$3" && return 0
  if [ ! -L "$directory/current" ]; then
    (umask 022 && mkdir -p "$directory/sets/before") && switch_to before
  fi
  (umask 022 && mkdir -p "$directory/current/outside") &&
    cp -p "$2" "$directory/current/$3.new" && mv -f "$directory/current/$3.new" "$directory/current/$3" &&
    place link "$2" "$3" || broken="$2 can't be made a link into $directory/current (see above)"
}

# what is ours, and can be read and changed by nobody else than what the set has
is_placed() { # how path file set
  is_ours "$@" || return 1
  [ "$1" = link ] || { is_mine "$2" && [ "$(mode_of "$2")" = "$(mode_of "$directory/sets/$4/$3")" ]; }
}

# shellcheck disable=SC2012 # the first word alone is read
mode_of() { ls -ldn "$1" | cut -c 1-10; }

# a copy that everybody may read needs no group
copy_place() { # file copy
  (umask 022 && cp "$1" "$2") || return 1
  case $(mode_of "$1") in
    ???????r*) [ "$my_id" != 0 ] || chown 0:0 "$2" ;;
    *) [ -z "$group" ] || chown ":$group" "$2" ;;
  esac
}

place() { # how path file, of the set $placing
  [ -z "$broken" ] || return 0
  is_safe_place "$2" || { broken=$unsafe; return 0; }
  is_placed "$1" "$2" "$3" "$placing" && return 0
  next="$2.tls-gateway-new"
  folder=$(printf '%s' "$2" | sed 's,/[^/]*$,,')
  [ -d "$folder" ] || (umask 022 && mkdir -p "$folder")
  rm -rf "$next"
  # shellcheck disable=SC2015 # a failure of either
  case $1 in
    link) ln -s "$directory/current/$3" "$next" ;;
    *) copy_place "$directory/sets/$placing/$3" "$next" ;;
  esac && mv -f "$next" "$2" || { rm -f "$next"; broken="$2 can't be put in place (see above)"; }
}

# what the first set has and the second has not goes back to what it was
give_back() { # set, other set or nothing
  ours="$directory/sets/$1/.paths"
  [ -f "$ours" ] || return 0
  others="$directory/sets/$2/.paths"
  [ -n "$2" ] && [ -f "$others" ] || others=/dev/null
  cmp -s "$ours" "$others" && return 0
  awk -F '\t' 'FILENAME == ARGV[1] { kept[$2] = 1; next } !($2 in kept)' "$others" "$ours" >"$directory/.given" || return 1
  # shellcheck disable=SC2094 # it only reads the file
  while IFS="$tab" read -r how path file; do
    give_back_one "$how" "$path" "$file" "$1" </dev/null || { rm -f "$directory/.given"; return 1; }
  done <"$directory/.given"
  rm -f "$directory/.given"
}

give_back_one() { # how path file set
  is_safe_place "$2" || { warn "$unsafe"; return 1; }
  if is_there "$2" && ! is_ours "$1" "$2" "$3" "$4" && ! { [ "$1" = copy ] && is_untrusted "$4"; }; then
    is_there "$2.before-tls-gateway" && cmp -s "$2" "$2.before-tls-gateway" && rm -f "$2.before-tls-gateway"
    is_there "$2.before-tls-gateway" && warn "$2 was changed by somebody else and stays; $2.before-tls-gateway has what was there before"
    return 0
  fi
  rm -rf "$2.tls-gateway-new"
  if is_there "$2.before-tls-gateway"; then
    mv -f "$2.before-tls-gateway" "$2"
  else
    rm -f "$2"
  fi
}

place_all() { # set
  placing=$1
  broken=
  [ -f "$directory/sets/$1/.paths" ] || return 0
  while IFS="$tab" read -r how path file; do
    # the copy of the set that comes after it stays
    [ "$how" = copy ] && is_untrusted "$1" && continue
    place "$how" "$path" "$file" </dev/null
  done <"$directory/sets/$1/.paths"
  [ -z "$broken" ] || { warn "$broken"; return 1; }
}
