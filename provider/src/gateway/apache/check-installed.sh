# shellcheck shell=sh
## `configtest` opens no sockets, and a graceful restart that can't open one ends the server: so the addresses of all
## `Listen` lines are compared beforehand, as mod_info tells them.
apache2ctl configtest &&
{ tls_gateway_dump=$(apache2ctl -t -D DUMP_CONFIG -C 'LoadModule info_module @modulesDirectory@/mod_info.so' 2>/dev/null) || tls_gateway_dump=; } &&
{ [ -z "$tls_gateway_dump" ] || printf '%s\n' "$tls_gateway_dump" | awk -v "there=$(ls '@configFile@' 2>/dev/null)" '
@listenAwk@'; }
