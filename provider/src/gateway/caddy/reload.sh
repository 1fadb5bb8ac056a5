# shellcheck shell=sh
# shellcheck disable=SC2154 # the module sets file in a line before
## Has a running Caddy take over the file that its service reads, `$file`, which is what was there before when an installation
## failed or was removed. A new certificate in an unchanged configuration shows with --force alone. A Caddy that does not run
## is started; only the refused connection tells, since a second Caddy could share the ports of the first.
[ ! -d /run/systemd/system ] || systemctl daemon-reload
answer=$(caddy reload --config "$file" --force --address @admin@ 2>&1) || case $answer in *"connect: connection refused"* | *"connect: no such file or directory"*) if [ -d /run/systemd/system ]; then systemctl start caddy; else caddy start --config "$file"; fi ;; *) printf '%s\n' "$answer" >&2; false ;; esac
