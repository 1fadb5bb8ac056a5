# shellcheck shell=sh
# shellcheck disable=SC2154 # the install script sets directory
## Traefik reads its dynamic folder anew when a file there changes, and certificates with it. After a renewal the text is
## the same as before, so it is moved into place again. Of the static file, which is read at the start, a copy tells which
## one is running.
## The copy has another ending than Traefik looks for, until it is whole.
# shellcheck disable=SC2015 # a failure of either
cp -p @dynamicFile@ @dynamicFile@.next && mv -f @dynamicFile@.next @dynamicFile@ || exit 1
running="$directory/running"; current="$directory/current/traefik.yml"
# shellcheck disable=SC1075,SC2086 # one line of several commands; the numbers of several processes are words of their own
if [ -d /run/systemd/system ]; then if cmp -s "$current" "$running" && systemctl is-active --quiet traefik; then :; else systemctl restart traefik; fi && cp "$current" "$running"; else pids=$(ps -e -o pid=,args= | awk '$2 ~ /(^|\/)traefik$/ && ($0 !~ /--config[Ff]ile/ || index($0, "--configFile=@configFile@")) { print $1 }'); if [ -n "$pids" ] && cmp -s "$current" "$running"; then :; else if [ -n "$pids" ]; then kill $pids; while kill -0 $pids 2>/dev/null; do sleep 1; done; fi; { nohup traefik --configFile=@configFile@ >/dev/null 2>&1 & }; cp "$current" "$running"; fi; fi
