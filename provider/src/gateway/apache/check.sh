# shellcheck shell=sh
# shellcheck disable=SC2154 # the install script sets set
## `-t` loads no keys, and a graceful restart with a pair that does not match ends the server. So Apache is started on the
## set for a moment, with one socket of its own in place of all others, and stopped.
apache2 -t -d "$set/check" -f "$set/check/apache-check.conf" &&
(umask 077 && sed '/^Listen /d' "$set/check/apache.conf" >"$set/check/apache-trial.conf") &&
apache2 -d "$set/check" -f "$set/check/apache-check.conf" -D tls_gateway_trial -k start && (
  ## `await <operator>` waits for a test of the pid file; shellcheck can't parse a test with "$@", so it is put in.
  ## Apache makes the file when it serves, and takes it away when it has ended
  await() {
    tries=0
    until [ "$tries" -ge 100 ] || @test@; do
      tries=$((tries + 1))
      sleep 0.1 2>/dev/null || sleep 1
    done
  }
  await -s
  apache2 -d "$set/check" -f "$set/check/apache-check.conf" -D tls_gateway_trial -k stop && await ! -e
)
