# shellcheck shell=sh
# shellcheck disable=SC2154 # variables of plan() and of the other parts
## The order of the steps, and the way back.

is_name() { case $1 in '' | *[!0-9a-z]*) return 1 ;; esac; }

# What was proved last is what a failure goes back to; a set that a killed run left in use was not.
read_state() {
  current=$(readlink "$directory/current") || current=
  current=$(printf '%s' "$current" | sed 's,^sets/,,')
  applied=
  [ ! -f "$directory/applied" ] || applied=$(cat "$directory/applied")
  old=
  if [ -f "$directory/applied" ]; then
    if is_name "$applied" && [ -d "$directory/sets/$applied" ]; then
      old=$applied
    elif is_name "$current" && [ "$current" != before ] && [ -d "$directory/sets/$current" ]; then
      old=$current
    fi
  fi
  is_current=0
  [ "$current" != "$hash" ] || is_current=1
  # whether the running server may have read what it has to forget
  told=0
  [ "$current" = "$applied" ] || [ -z "$current" ] || told=1
}

clean_up() {
  rm -rf "$directory/.current.new" "$directory/.given" "$directory/applied.new" "$directory/.merged.new"
  # a run that was killed after its proof left what it had kept; it may hold secrets
  if [ -f "$directory/.merge-for" ] && [ "$(cat "$directory/.merge-for")" = "$applied" ]; then
    forget_merge
  fi
  # shellcheck disable=SC2010 # the names are ours, and a glob would leave out what begins with a dot
  for left in $(ls -a "$directory/sets" | grep '^\..*\.new$'); do
    rm -rf "$directory/sets/$left"
  done
}

compare_place() { # how path file
  is_placed "$1" "$2" "$3" "$hash" || broken=$2
}

# A merged document is not looked at: its server writes it anew in its own way, and must not be stopped for that.
is_in_place() {
  [ "$is_current" = 1 ] && [ "$applied" = "$hash" ] || return 1
  broken=
  each_path compare_place
  [ -z "$broken" ] || return 1
  can_verify || return 0
  choose_probes
  verify 0
}

# places of a set that a killed run left in use
give_back_current() { # set that is to be in use
  [ -z "$current" ] || [ "$current" = "$1" ] || give_back "$current" "$1"
}

roll_back() { # why
  trap : INT TERM HUP
  phase=back
  why=$1
  is_back=1
  warn "going back: $why"
  if [ "$told" = 1 ] && has_stop; then
    run command_stop || show_output
  fi
  if [ "$old" = "$hash" ]; then
    warn "the set $short was in use before, and stays"
  elif [ -n "$old" ]; then
    switch_to "$old" && place_all "$old" && give_back "$hash" "$old" && give_back_current "$old" || is_back=0
  else
    give_back "$hash" '' && give_back_current '' && rm -f "$directory/current" || is_back=0
  fi
  undo_merge || is_back=0
  # shellcheck disable=SC2034 # commands of a kind read it
  set="$directory/sets/$old"
  if [ "$is_back" = 0 ]; then
    warn "the way back failed (see above): look at $directory/current and at the places of the files"
  elif [ "$hash" != "$old" ]; then
    rm -rf "$directory/sets/$hash" "$directory/sets/before"
    [ -n "$old" ] || rm -f "$directory/applied"
  fi
  if [ "$told" = 1 ] && ! run command_reload; then
    show_output
    warn "not installed: $why; and the server could not be told to take the old configuration (see above): look at it now"
    exit 2
  fi
  [ "$is_back" = 1 ] || exit 2
  warn "not installed: $why; what was there before serves"
  exit 1
}

interrupted() {
  case $phase in
    start) warn "nothing was changed: interrupted"; exit 3 ;;
    build) refuse "interrupted" ;;
    swap) roll_back "interrupted" ;;
  esac
}

finish() {
  # shellcheck disable=SC1010 # a word, not the end of a loop
  phase=done
  # shellcheck disable=SC2015 # a failure of either
  printf '%s' "$hash" >"$directory/applied.new" && mv -f "$directory/applied.new" "$directory/applied" ||
    warn "installed, but $directory/applied can't be written (see above): the next run will do its work again"
  forget_merge
  kept=0
  # shellcheck disable=SC2045 # the names are ours, and no glob sorts by time
  for name in $(ls -t "$directory/sets"); do
    case $name in
      "$hash") ;;
      before | edited) rm -rf "$directory/sets/$name" ;;
      *)
        kept=$((kept + 1))
        [ "$kept" -lt 3 ] || rm -rf "$directory/sets/$name"
        ;;
    esac
  done
  say "installed $short"
  exit 0
}

main() {
  plan
  prepare_shell
  enter_directory
  take_back_sets
  read_state
  clean_up
  phase=build
  repair_set
  if [ -d "$directory/sets/$hash" ] && is_in_place; then
    say_verified
    say "nothing to do: $short is installed"
    exit 0
  fi
  build_set
  check_set
  try_merge
  restore_copies "$old"
  [ -z "$broken" ] || refuse "$broken"
  each_path keep_before
  [ -z "$broken" ] || refuse "$broken"
  phase=swap
  each_path adopt
  [ -z "$broken" ] || roll_back "$broken"
  if has_stop; then
    told=1
    say "stopping the server"
    run command_stop || { show_output; roll_back "the server could not be stopped (see above)"; }
  fi
  # shellcheck disable=SC2015 # a failure of either
  switch_to "$hash" && place_all "$hash" || roll_back "the new set can't be put in place (see above)"
  # shellcheck disable=SC2015 # a failure of either
  give_back_current "$hash" && { [ -z "$old" ] || give_back "$old" "$hash"; } ||
    roll_back "what only the old set had can't be taken away (see above)"
  merge || roll_back "the sites can't be put into $merge_into (see above)"
  if has_check_installed; then
    run command_check_installed || { show_output; roll_back "the server's own check says no to the whole configuration (see above)"; }
  fi
  told=1
  say "telling the server"
  run command_reload || { show_output; roll_back "the server did not take the configuration over (see above)"; }
  if can_verify; then
    choose_probes
    verify "$patience" || roll_back "$failed"
  fi
  say_verified
  finish
}
