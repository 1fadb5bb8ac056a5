# shellcheck shell=sh
## `nginx -t` says nothing of a file that its configuration never includes; the dump of `-T` names each. Two lines are
## found when all is well: the file's, and ours after nginx's exit status was 0.
tls_gateway_found=$({ nginx -T -q && echo '# tls-gateway: nginx -T is well'; } | grep -cxF -e '# configuration file @configFile@:' -e '# tls-gateway: nginx -T is well')
case $tls_gateway_found in
  0) false ;;
  ## after a removal there is nothing to read
  1) [ ! -e @configFile@ ] || { echo 'nginx does not read @configFile@: its http block must include it' >&2; false; } ;;
esac
