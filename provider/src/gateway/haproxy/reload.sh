# shellcheck shell=sh
## A master with a configuration that it can't read, or a port that it can't have, goes on with its old workers and says so in
## its log alone. It has done it when it has a worker that it had not before; while it reads, a variable is missing in its
## environment, and a second signal would be lost. Where Linux does not tell in /proc nothing is said.
(
  ## of several lines the first is the master's
  pid=$(head -n 1 @pidFile@ 2>/dev/null) && [ -n "$pid" ] || pid=0
  ## the file outlives its process, whose number may be another's by now: the signal would end that
  runs=
  tls_gateway_is_server "$pid" haproxy @processUser@ && runs=1
  [ -e /proc/self/exe ] || [ "$(ps -p "$pid" -o comm= 2>/dev/null)" != haproxy ] || runs=1
  children() { cat "/proc/$1/task/$1/children" 2>/dev/null; }
  before=" $(children "$pid") "
  if [ -d /run/systemd/system ]; then systemctl reload-or-restart haproxy
  elif [ -n "$runs" ] && tr '\0' ' ' <"/proc/$pid/cmdline" | grep -q -e ' -W'; then kill -USR2 "$pid"
  ## no master: a new one asks the old process to end
  elif [ -n "$runs" ]; then haproxy -W -D -f @configFile@ -p @pidFile@ -sf "$pid"
  ## a second one would take a share of the connections (SO_REUSEPORT)
  elif tls_gateway_find_server haproxy @processUser@ @configFile@ >/dev/null; then echo "haproxy runs, and @pidFile@ does not tell its process: give options.pidFile or options.reloadCommand" >&2; false
  else haproxy -W -D -f @configFile@ -p @pidFile@; fi || exit 1
  [ "$before" != "  " ] || exit 0
  ## tenths of a second: how long reading ten thousand certificates may take, and how long nothing is to be seen
  tries=0 still=0
  while [ "$tries" -lt 1200 ] && [ "$still" -lt 20 ]; do
    [ "$(head -n 1 @pidFile@ 2>/dev/null)" = "$pid" ] || exit 0
    for child in $(children "$pid"); do
      case $before in *" $child "*) ;; *) exit 0 ;; esac
    done
    if tr '\0' '\n' <"/proc/$pid/environ" 2>/dev/null | grep -q '^HAPROXY_MWORKER_WAIT_ONLY='; then still=$((still + 1)); else still=0; fi
    tries=$((tries + 1))
    sleep 0.1 2>/dev/null || { sleep 1; tries=$((tries + 9)); }
  done
  echo 'HAProxy did not take the configuration over, and goes on with the old one: its log says why' >&2
  exit 1
)
