# shellcheck shell=sh
# shellcheck disable=SC2154 # variables of plan() and of the other parts
## A server's own JSON document that takes our sites. Until the new set is proved `.merge-before` (or `.merge-absent`) has
## what was there, `.merged` what was written, so that a roll-back sees whether the server wrote meanwhile, and `.merge-for`
## the set that it was for: once that one is proved all of them go.

merge_target() {
  unsafe=
  [ -n "$merge_into" ] || return 1
  target=$merge_into
  if [ "$my_id" = 0 ]; then
    # the path without links, which only root can have made
    if ! walk "$merge_into"; then
      unsafe="$merge_into is not touched: $(explain_unsafe)"
    else
      target=$walked
      is_safe_place "$target"
    fi
  elif [ -L "$target" ]; then
    target=$(readlink -f "$target")
  fi
  return 0
}

# prints the second document with defaults.sites of the first
merged() { MERGE_FROM="$1" MERGE_INTO="$2" LC_ALL=C awk "$merge_program"; }

make_merged() {
  merge_from="$directory/sets/$hash/$configuration"
  if [ -e "$target" ]; then
    merged "$merge_from" "$target" >"$directory/.merged.new" 2>"$directory/.output"
  else
    printf '{}\n' >"$directory/.merge-empty" &&
      merged "$merge_from" "$directory/.merge-empty" >"$directory/.merged.new" 2>"$directory/.output"
  fi
}

# before anything is stopped
try_merge() {
  merge_target || return 0
  [ -z "$unsafe" ] || refuse "$unsafe"
  if [ "$my_id" = 0 ] && [ -n "$user" ] && [ "$(id -u "$user")" != 0 ] && ! is_there "$target"; then
    refuse "$target does not exist, and one that root makes could not be changed by $user: start the server once, so that it makes the file"
  fi
  if ! make_merged; then
    show_output
    rm -f "$directory/.merged.new" "$directory/.merge-empty"
    refuse "the sites can't be put into $merge_into (see above); it was not changed"
  fi
  rm -f "$directory/.merged.new"
}

# owner and mode stay, and the old text is there until the new one is whole
write_target() { # file with the new text
  rm -f "$target.tls-gateway-new"
  # shellcheck disable=SC2015 # a failure of any step
  if [ -e "$target" ]; then
    cp -p "$target" "$target.tls-gateway-new" && cat "$1" >"$target.tls-gateway-new"
  else
    cat "$1" >"$target.tls-gateway-new"
  fi && mv -f "$target.tls-gateway-new" "$target" || { rm -f "$target.tls-gateway-new"; return 1; }
}

keep_merge() {
  printf '%s' "$hash" >"$directory/.merge-for" || return 1
  [ ! -f "$directory/.merge-absent" ] || return 0
  if [ -f "$directory/.merge-before" ]; then
    # of a run that was killed; the server may have written since
    cmp -s "$target" "$directory/.merged" && return 0
    merged "$directory/.merge-before" "$target" >"$directory/.merge-before.new" 2>/dev/null || cp "$target" "$directory/.merge-before.new" || return 1
  elif [ -e "$target" ]; then
    cp "$target" "$directory/.merge-before.new" || return 1
  else
    printf '' >"$directory/.merge-absent"
    return
  fi
  mv -f "$directory/.merge-before.new" "$directory/.merge-before"
}

merge() {
  merge_target || return 0
  [ -z "$unsafe" ] || { warn "$unsafe"; return 1; }
  make_merged || { show_output; return 1; }
  cmp -s "$directory/.merged.new" "$target" && return 0
  keep_merge && mv -f "$directory/.merged.new" "$directory/.merged" && write_target "$directory/.merged"
}

undo_merge() {
  merge_target || return 0
  [ -z "$unsafe" ] || { warn "$unsafe"; return 1; }
  if [ -f "$directory/.merge-absent" ]; then
    cmp -s "$target" "$directory/.merged" && rm -f "$target"
    [ ! -e "$target" ] || warn "$target is not what was written there, and stays"
  elif [ -f "$directory/.merge-before" ]; then
    if cmp -s "$target" "$directory/.merged" || ! merged "$directory/.merge-before" "$target" >"$directory/.merged.new" 2>/dev/null; then
      write_target "$directory/.merge-before" || return 1
    else
      write_target "$directory/.merged.new" || return 1
    fi
  fi
  forget_merge
}

forget_merge() {
  rm -f "$directory/.merge-for" "$directory/.merge-before" "$directory/.merge-before.new" "$directory/.merge-absent" "$directory/.merge-empty" "$directory/.merged" "$directory/.merged.new"
}
