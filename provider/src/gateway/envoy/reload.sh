# shellcheck shell=sh
## The swap of the link is what a running Envoy sees, so that it is started at most.
# shellcheck disable=SC2009 # pgrep is missing on small systems
if [ -d /run/systemd/system ]; then systemctl is-active --quiet envoy || systemctl start envoy; else ps -e -o comm= | grep -qx envoy || { nohup envoy -c /etc/envoy/envoy.json >/dev/null 2>&1 & }; fi
