# shellcheck shell=sh
# shellcheck disable=SC2154 # the install script sets directory, ask.sh acme_said
## Follows a reload and the functions of ask.sh: asks the running server for each account of the set in use, for ten seconds.
[ -f "$directory/current/acme-responder.txt" ] || exit 0
if @isReplaced@; then exit 0; fi
acme_end=$(($(date +%s) + 10))
while read -r acme_host acme_thumbprint; do
  until acme_answers "$acme_host" "$acme_thumbprint"; do
    if [ "$(date +%s)" -ge "$acme_end" ]; then
      echo "a challenge of http-01 for $acme_host on port @port@ is not answered as it should be: found '$acme_said'; another part of the server's configuration may have the port" >&2
      exit 1
    fi
    sleep 0.2 2>/dev/null || sleep 1
  done
done <"$directory/current/acme-responder.txt"
