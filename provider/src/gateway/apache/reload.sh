# shellcheck shell=sh
## A graceful restart leaves requests under way to the old processes, and answers 0 whatever the server then does: where it
## can't open a socket it ends. It has done it when the first process has children that it had not before (Linux says so in
## /proc); where that can't be seen nothing is said.
(
  master=$(cat '@pidFile@' 2>/dev/null) || master=none
  children() { cat "/proc/$1/task/$1/children" 2>/dev/null; }
  ## a process that has ended, and that nobody has asked after, has no command line
  lives() { [ -n "$(tr -d '\0' 2>/dev/null <"/proc/$1/cmdline")" ]; }
  before=" $(children "$master") "
  if [ -d /run/systemd/system ]; then systemctl reload-or-restart apache2
  elif [ -d /proc/self ] && ! lives "$master" 2>/dev/null; then
    rm -f '@pidFile@' && apache2ctl start
  else apache2ctl graceful; fi || exit 1
  [ "$before" != "  " ] || exit 0
  tries=0
  while lives "$master" 2>/dev/null && [ "$tries" -lt 100 ]; do
    [ "$(cat '@pidFile@' 2>/dev/null)" = "$master" ] || exit 0
    for child in $(children "$master"); do
      case $before in *" $child "*) ;; *) exit 0 ;; esac
    done
    tries=$((tries + 1))
    sleep 0.1 2>/dev/null || sleep 1
  done
  ## restarted by systemd
  again=$(cat '@pidFile@' 2>/dev/null) && [ "$again" != "$master" ] && lives "$again" 2>/dev/null && exit 0
  echo 'Apache did not take the configuration over, or has ended: its error log says why' >&2
  exit 1
)
