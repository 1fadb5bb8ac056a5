# shellcheck shell=sh
# shellcheck disable=SC2154 # the install script sets directory
## Traefik reads its dynamic folder anew when a file there changes, and certificates with it. After a renewal the text is
## the same as before, so it is moved into place again. Of the static file, which is read at the start, a copy tells which
## one is running. Functions of `process.sh` come before this.
(
  ## The copy has another ending than Traefik looks for, until it is whole.
  if [ -e @dynamicFile@ ]; then
    # shellcheck disable=SC2015 # a failure of either
    cp -p @dynamicFile@ @dynamicFile@.next && mv -f @dynamicFile@.next @dynamicFile@ || exit 1
  fi
  current="$directory/current/traefik.yml" running="$directory/running" pid_file="$directory/running.pid"
  keep_running() { (umask 077 && cp "$current" "$running"); }
  if [ -d /run/systemd/system ]; then
    cmp -s "$current" "$running" && systemctl is-active --quiet traefik && exit 0
    systemctl restart traefik && keep_running
    exit
  fi
  ## when a process began, which no later one with its number has in common with it; one that has ended prints nothing
  started() { sed 's/^.*) //' "/proc/$1/stat" 2>/dev/null | awk '$1 != "Z" && $1 != "X" { print $20 }'; }
  pid=$(head -n 1 "$pid_file" 2>/dev/null) || pid=
  case $pid in '' | *[!0-9]*) pid= ;; esac
  if [ -n "$pid" ] && { [ -z "$(started "$pid")" ] || ! tls_gateway_is_server "$pid" traefik '@user@' || ! tls_gateway_has_word "$pid" @configFile@; }; then
    pid=
  fi
  other=
  [ -n "$pid" ] || other=$(tls_gateway_find_server traefik '@user@' @configFile@)
  [ -z "$pid$other" ] || ! cmp -s "$current" "$running" || exit 0
  if [ -n "$other" ]; then
    echo "Traefik runs as process $other, which the install script did not start, and must be started again to read its static configuration: end it and run the script again, or give options.reloadCommand" >&2
    exit 1
  fi
  if [ -n "$pid" ]; then
    began=$(started "$pid")
    kill "$pid" || exit 1
    ## tenths of a second: Traefik gives requests ten seconds
    tries=0
    while [ "$(started "$pid")" = "$began" ]; do
      tries=$((tries + 1))
      [ "$tries" -ne 300 ] || kill -KILL "$pid"
      [ "$tries" -lt 350 ] || { echo "Traefik, process $pid, does not end" >&2; exit 1; }
      sleep 0.1 2>/dev/null || sleep 1
    done
  fi
  nohup traefik --configFile=@configFile@ >/dev/null 2>&1 &
  echo $! >"$pid_file" && keep_running
)
