# shellcheck shell=sh
## The swap of the link is what a running Envoy sees, so that it is started at most. Functions of `process.sh` come before this.
if [ -d /run/systemd/system ]; then systemctl is-active --quiet envoy || systemctl start envoy
elif tls_gateway_find_server envoy '@user@' /etc/envoy/envoy.json >/dev/null; then :
else nohup envoy -c /etc/envoy/envoy.json >/dev/null 2>&1 &
fi
