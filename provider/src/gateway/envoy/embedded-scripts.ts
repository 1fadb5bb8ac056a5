// Made by `npm run build` from the .sh and .awk files of this folder: change those.

/** `check.sh` */
export const checkSh = "one() { sed -e '1d;$d' -e 's/^ \"resources\"/\"'\"$1\"'\"/' -e '/^   \"@type\"/d' \"$set/check/$2\"; }\nif command -v envoy >/dev/null; then umask 077; { echo '{\"static_resources\":{'; one listeners lds.json; echo ,; one clusters cds.json; echo '}}'; } >\"$set/check/static.json\" && envoy --mode validate -c \"$set/check/static.json\"; else echo 'envoy is not on PATH: its configuration was not checked' >&2; fi\n";

/** `reload.sh` */
export const reloadSh = "if [ -d /run/systemd/system ]; then systemctl is-active --quiet envoy || systemctl start envoy\nelif tls_gateway_find_server envoy '@user@' /etc/envoy/envoy.json >/dev/null; then :\nelse nohup envoy -c /etc/envoy/envoy.json >/dev/null 2>&1 &\nfi\n";
