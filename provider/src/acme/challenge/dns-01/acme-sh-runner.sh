# shellcheck shell=sh
# shellcheck disable=SC2119,SC2120 # hook files pass arguments to these functions
## What `sh -c` runs for a hook file of acme.sh: `$1` its path, `$2` the function, `$3` the record's name, `$4` its value.
## The file calls functions of acme.sh. When acme.sh itself stands beside it, or one folder above (`~/.acme.sh/acme.sh` with
## `~/.acme.sh/dnsapi/dns_cf.sh`), these are its own, and settings that it saved in its account.conf are read. Without it
## there are the ones below, which serve most hook files: messages (`_info`, `_err`, `_debug`, …), texts (`_contains`,
## `_startswith`, `_endswith`, `_lower_case`, `_upper_case`, `_head_n`, `_tail_n`, `_egrep_o`, `_normalizeJson`, `_math`,
## `_exists`, `_sleep`, `_time`, `_utc_date`, `_mktemp`), codes by openssl (`_base64`, `_dbase64`, `_digest`, `_hmac`, `_hex_dump`,
## `_url_encode`) and requests by curl (`_get`, `_post`, with `_H1` to `_H5`, HTTP_HEADER and the response's headers).
## Settings come from the environment, and nothing is saved in either case: credentials go to no file of ours.

_tg_hook=$1 _tg_function=$2 _tg_name=$3 _tg_value=$4
_folder=$(dirname -- "$_tg_hook")
_tg_made=$(mktemp -d) || exit 1
trap 'rm -rf "$_tg_made"' EXIT
trap 'exit 143' HUP INT TERM
HTTP_HEADER="$_tg_made/http.header"
for _core in "$_folder/acme.sh" "$_folder/../acme.sh"; do
  [ -f "$_core" ] && break
  _core=
done
if [ "$_core" ]; then
  LE_WORKING_DIR=${LE_WORKING_DIR:-$(dirname -- "$_core")}
  LE_CONFIG_HOME=${LE_CONFIG_HOME:-$LE_WORKING_DIR}
  ACCOUNT_CONF_PATH=${ACCOUNT_CONF_PATH:-$LE_CONFIG_HOME/account.conf}
  export LE_WORKING_DIR LE_CONFIG_HOME ACCOUNT_CONF_PATH
  # it runs what its first argument names
  set -- true
  # shellcheck disable=SC1090 # the user's own acme.sh
  . "$_core"
else
  _say() { printf '%s\n' "$*" >&2; }
  _info() { _say "$@"; }
  _err() { _say "$@"; return 1; }
  _debug() { :; }
  _debug2() { :; }
  _debug3() { :; }
  _secure_debug() { :; }
  _secure_debug2() { :; }
  _secure_debug3() { :; }
  _log() { :; }
  __green() { printf '%s' "$1"; }
  _exists() { command -v "$1" >/dev/null 2>&1; }
  _startswith() { case $1 in "$2"*) return 0 ;; esac; return 1; }
  _endswith() { case $1 in *"$2") return 0 ;; esac; return 1; }
  _contains() { printf '%s' "$1" | grep -q -- "$2"; }
  _egrep_o() { grep -E -o -- "$1"; }
  _head_n() { head -n "$1"; }
  _tail_n() { tail -n "$1"; }
  # shellcheck disable=SC2018,SC2019 # only ASCII, as in acme.sh
  _lower_case() { tr 'A-Z' 'a-z'; }
  # shellcheck disable=SC2018,SC2019 # only ASCII, as in acme.sh
  _upper_case() { tr 'a-z' 'A-Z'; }
  _normalizeJson() { sed 's/" *: *\(["{[]\)/":\1/g' | sed 's/^ *\([^ ]\)/\1/' | tr -d '\r\n'; }
  _getfield() { printf '%s\n' "$1" | cut -d "${3:-,}" -f "$2"; }
  _math() { printf '%s' "$(($*))"; }
  _sleep() { sleep "$1"; }
  _time() { date -u '+%s'; }
  _utc_date() { date -u '+%Y-%m-%d %H:%M:%S'; }
  _mktemp() { mktemp "$_tg_made/XXXXXX"; }
  _idn() { printf '%s' "$1"; }
  _base64() { if [ "$1" ]; then openssl base64 -e; else openssl base64 -e | tr -d '\r\n'; fi; }
  _dbase64() { if [ "$1" ]; then openssl base64 -d; else openssl base64 -d -A; fi; }
  _hex_dump() { od -A n -v -t x1 | tr -d '\r\n'; }
  _digest() { if [ "$2" ]; then openssl dgst "-$1" -hex | cut -d = -f 2 | tr -d ' '; else openssl dgst "-$1" -binary | _base64; fi; }
  _hmac() {
    if [ "$3" ]; then openssl dgst "-$1" -mac HMAC -macopt "hexkey:$2" | cut -d = -f 2 | tr -d ' '
    else openssl dgst "-$1" -mac HMAC -macopt "hexkey:$2" -binary | _base64; fi
  }
  _url_encode() {
    for _octet in $(_hex_dump); do
      # shellcheck disable=SC2059 # the format is an escape of one octet
      case $_octet in
        2d | 2e | 3[0-9] | 4[1-9a-f] | 5[0-9a] | 5f | 6[1-9a-f] | 7[0-9a] | 7e) printf "\\$(printf '%03o' "0x$_octet")" ;;
        *) if [ "$1" ]; then printf '%%%s' "$_octet" | tr 'a-f' 'A-F'; else printf '%%%s' "$_octet"; fi ;;
      esac
    done
  }
  _curl() {
    for _header in "$_H1" "$_H2" "$_H3" "$_H4" "$_H5"; do
      [ "$_header" ] && set -- "$@" -H "$_header"
    done
    curl --silent --location --user-agent pulumi-tls-gateway --dump-header "$HTTP_HEADER" "$@"
  }
  # body, URL, needs base64, method, content type
  _post() {
    _body=$1 _url=$2 _encode=$3 _method=${4:-POST} _type=$5
    set -- --request "$_method" --data-binary "$_body"
    [ "$_method" = HEAD ] && set -- --head
    [ "$_type" ] && set -- "$@" -H "Content-Type: $_type"
    if [ "$_encode" ]; then _curl "$@" "$_url" | _base64; else _curl "$@" "$_url"; fi
  }
  # URL, headers only, time limit
  _get() {
    _url=$1 _head=$2
    set --
    [ "$_head" ] && set -- --head
    _curl "$@" "$_url"
  }
  _readaccountconf() { :; }
  _readaccountconf_mutable() { :; }
  _readdomainconf() { :; }
fi
_saveaccountconf() { :; }
_saveaccountconf_mutable() { :; }
_clearaccountconf() { :; }
_clearaccountconf_mutable() { :; }
_savedomainconf() { :; }
_cleardomainconf() { :; }
# shellcheck disable=SC1090 # the user's hook file
. "$_tg_hook" || exit
if ! command -v "$_tg_function" >/dev/null; then
  echo "the hook file has no function $_tg_function" >&2
  exit 127
fi
"$_tg_function" "$_tg_name" "$_tg_value"
