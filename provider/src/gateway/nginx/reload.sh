# shellcheck shell=sh
## A reload answers 0 whatever the server then does, for instance when a port is another program's. It has done it when new
## workers are there, children of the same master, and the old ones take no more connections, which they tell by their
## titles (Linux has both in /proc); where that can't be seen nothing is said.
tls_gateway_children() { cat "/proc/$1/task/$1/children" 2>/dev/null; }
## whether an old worker may still take a connection
tls_gateway_accepts() {
  for tls_gateway_child in $tls_gateway_before; do
    case $(tr '\000' ' ' <"/proc/$tls_gateway_child/cmdline" 2>/dev/null) in
      *"shutting down"*) ;; *"worker process"*) return 0 ;;
    esac
  done
  return 1
}
tls_gateway_master=$(cat '@pidFile@' 2>/dev/null)
tls_gateway_before=" $(tls_gateway_children "${tls_gateway_master:-none}") "
tls_gateway_told=$(date +%s)
if [ -d /run/systemd/system ]; then systemctl reload-or-restart nginx; else nginx -s reload 2>/dev/null || nginx; fi &&
if [ "$tls_gateway_before" != "  " ]; then
  ## who tells the server reads the whole configuration too, and takes as long as it will
  tls_gateway_took=$(($(date +%s) - tls_gateway_told))
  tls_gateway_tries=0 tls_gateway_new=
  ## new workers may come ten seconds later than that, in tenths: half a minute with ten thousand sites
  while [ -z "$tls_gateway_new" ] && [ "$tls_gateway_tries" -lt $((10 * 10 + 30 * tls_gateway_took)) ]; do
    [ "$(cat '@pidFile@' 2>/dev/null)" = "$tls_gateway_master" ] || tls_gateway_new=restarted
    for tls_gateway_child in $(tls_gateway_children "$tls_gateway_master"); do
      case $tls_gateway_before in *" $tls_gateway_child "*) ;; *) tls_gateway_new=$tls_gateway_child ;; esac
    done
    if [ -n "$tls_gateway_new" ] && [ "$tls_gateway_new" != restarted ] && tls_gateway_accepts; then tls_gateway_new=; fi
    tls_gateway_tries=$((tls_gateway_tries + 1))
    [ -n "$tls_gateway_new" ] || sleep 0.1 2>/dev/null || { sleep 1; tls_gateway_tries=$((tls_gateway_tries + 9)); }
  done
  [ -n "$tls_gateway_new" ] || { echo 'nginx did not take the configuration over and goes on with the old one: its error log says why' >&2; false; }
fi
