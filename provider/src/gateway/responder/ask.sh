# shellcheck shell=sh
## `acme_answers <host> <thumbprint>` asks the machine for a challenge that nobody has, and answers 0 for the right answer,
## or where no program is there that could ask; else `acme_said` has what came.
acme_get() { # host url
  if command -v curl >/dev/null 2>&1; then curl -q -s -m 5 --noproxy '*' -H "Host: $1" "$2"
  ## Debian's busybox ends by a fault at wget -T
  else
    acme_limit=
    timeout 5 true 2>/dev/null && acme_limit='timeout 5'
    (unset http_proxy; $acme_limit wget -q -O - --header "Host: $1" "$2" 2>/dev/null)
  fi </dev/null
}
acme_answers() { # host thumbprint
  command -v curl >/dev/null 2>&1 || command -v wget >/dev/null 2>&1 || return 0
  acme_token="tls-gateway-$$-$(date +%s)"
  acme_said=$(acme_get "$1" '@url@'"$acme_token" | head -c 300 | tr -cd '[:print:]')
  [ "$acme_said" = "$acme_token.$2" ]
}
