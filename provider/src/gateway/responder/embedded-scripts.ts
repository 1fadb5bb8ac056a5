// Made by `npm run build` from the .sh and .awk files of this folder: change those.

/** `ask.sh` */
export const askSh = "acme_get() { # host url\n  if command -v curl >/dev/null 2>&1; then curl -q -s -m 5 --noproxy '*' -H \"Host: $1\" \"$2\"\n  else\n    acme_limit=\n    timeout 5 true 2>/dev/null && acme_limit='timeout 5'\n    (unset http_proxy; $acme_limit wget -q -O - --header \"Host: $1\" \"$2\" 2>/dev/null)\n  fi </dev/null\n}\nacme_answers() { # host thumbprint\n  command -v curl >/dev/null 2>&1 || command -v wget >/dev/null 2>&1 || return 0\n  acme_token=\"tls-gateway-$$-$(date +%s)\"\n  acme_said=$(acme_get \"$1\" '@url@'\"$acme_token\" | head -c 300 | tr -cd '[:print:]')\n  [ \"$acme_said\" = \"$acme_token.$2\" ]\n}\n";

/** `prove.sh` */
export const proveSh = "[ -f \"$directory/current/acme-responder.txt\" ] || exit 0\nif @isReplaced@; then exit 0; fi\nacme_end=$(($(date +%s) + 10))\nwhile read -r acme_host acme_thumbprint; do\n  until acme_answers \"$acme_host\" \"$acme_thumbprint\"; do\n    if [ \"$(date +%s)\" -ge \"$acme_end\" ]; then\n      echo \"a challenge of http-01 for $acme_host on port @port@ is not answered as it should be: found '$acme_said'; another part of the server's configuration may have the port\" >&2\n      exit 1\n    fi\n    sleep 0.2 2>/dev/null || sleep 1\n  done\ndone <\"$directory/current/acme-responder.txt\"\n";
