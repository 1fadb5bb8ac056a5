# shellcheck shell=sh
# shellcheck disable=SC2154 # variables of plan() and of the other parts
## Takes away what an install script put in place.

interrupted() {
  warn "interrupted; run it again"
  exit 1
}

remove_place() { # how path file
  is_safe_place "$2" || { warn "$unsafe"; left=$2; return 0; }
  if is_of_any_set "$1" "$2" "$3" || ! is_there "$2"; then
    is_there "$2" && removed=1
    if is_there "$2.before-tls-gateway"; then
      mv -f "$2.before-tls-gateway" "$2" && removed=1 || left=$2
    else
      rm -f "$2" || left=$2
    fi
  elif is_there "$2.before-tls-gateway"; then
    warn "$2 was changed by somebody else and stays; $2.before-tls-gateway has what was there before"
  fi
}

remove_sets() {
  rm -rf "$directory/current" "$directory/.current.new" "$directory/applied" "$directory/applied.new" "$directory/running" "$directory/running.pid" "$directory/.given"
  rm -f "$directory/.merge-for" "$directory/.merge-before" "$directory/.merge-before.new" "$directory/.merge-absent" "$directory/.merge-empty" "$directory/.merged" "$directory/.merged.new"
  # shellcheck disable=SC2045 # the names are ours, and a glob would leave out what begins with a dot
  for name in $(ls -a "$directory/sets" 2>/dev/null); do
    case $name in
      before | edited) rm -rf "$directory/sets/$name" ;;
      .[0-9a-f]*.new) rm -rf "$directory/sets/$name" ;;
      *[!0-9a-f]*) ;;
      *) rm -rf "$directory/sets/$name" ;;
    esac
  done
  rmdir "$directory/sets" 2>/dev/null
  unlock
  rmdir "$directory" 2>/dev/null || warn "$directory holds more than was installed, and stays"
}

tell_server() {
  # shellcheck disable=SC2034 # commands of a kind read it
  set=$directory/current
  if [ -n "$merge_into" ]; then
    warn "$merge_into still has the sites: take defaults.sites out of it, or set others, before the server starts again; it was not told"
  elif has_check_installed && ! run command_check_installed; then
    show_output
    warn "the server was not told: its own check says no to what is left (see above)"
  elif ! run command_reload; then
    show_output
    warn "removed, but the server could not be told (see above)"
    told_badly=1
  fi
}

main() {
  plan
  prepare_shell
  removed=0
  left=
  broken=
  told_badly=0
  check_folder
  if [ -d "$directory" ]; then
    lock
    is_there "$directory/current" && removed=1
  fi
  if [ "$removed" = 1 ] && has_stop && [ -z "$merge_into" ]; then
    run command_stop || { show_output; warn "the server could not be stopped (see above)"; }
  fi
  current=$(readlink "$directory/current" | sed 's,^sets/,,')
  if [ -f "$directory/applied" ]; then
    restore_copies "$current"
    [ -z "$broken" ] || { warn "$broken"; exit 1; }
    # a second run must not take what this one gives back for a copy that was changed
    rm -f "$directory/applied"
  fi
  each_path remove_place
  [ -z "$current" ] || give_back "$current" '' || left="one of the places"
  [ -z "$left" ] || { warn "$left can't be taken away (see above)"; exit 1; }
  if [ ! -d "$directory" ]; then
    say "nothing to do: $directory is not there"
    exit 0
  fi
  [ "$removed" = 0 ] || tell_server
  remove_sets
  say "removed"
  [ "$told_badly" = 0 ] || exit 1
  exit 0
}
