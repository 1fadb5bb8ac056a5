// Made by `npm run build` from the .sh and .awk files of this folder: change those.

/** `reload.sh` */
export const reloadSh = "[ ! -d /run/systemd/system ] || systemctl daemon-reload\nanswer=$(caddy reload --config \"$file\" --force --address @admin@ 2>&1) || case $answer in *\"connect: connection refused\"* | *\"connect: no such file or directory\"*) if [ -d /run/systemd/system ]; then systemctl start caddy; else caddy start --config \"$file\"; fi ;; *) printf '%s\\n' \"$answer\" >&2; false ;; esac\n";
