# shellcheck shell=sh
# shellcheck disable=SC2154 # variables of plan() and of the other parts
## Handshakes with the running server: the first certificate of what it sends is compared with that of the set by its
## SHA-256. `openssl s_client` is asked, as the one client that is on nearly every server.

fingerprint() { openssl x509 -noout -fingerprint -sha256 2>/dev/null; }

handshake() { # address:port name
  # the empty word is no name of an option: it must vanish
  if [ -n "$2" ]; then
    $limit openssl s_client -connect "$1" -servername "$2" 2>/dev/null
  else
    $limit openssl s_client -connect "$1" 2>/dev/null
  fi
}

try_probe() { # address:port name file
  probe=$((probe + 1))
  [ -z "$failed" ] || return 0
  case $chosen in all | *" $probe "*) ;; *) return 0 ;; esac
  case $passed in *" $probe "*) return 0 ;; esac
  case $3 in
    /*) shown=$3 ;;
    *) shown="$directory/sets/$hash/$3" ;;
  esac
  wanted=$(fingerprint <"$shown")
  served=$(handshake "$1" "$2" </dev/null | fingerprint)
  if [ -z "$wanted" ]; then
    failed="$shown holds no certificate that openssl can read"
  elif [ -z "$served" ]; then
    failed="no TLS handshake with $1 for $(name_of "$2")"
  elif [ "$wanted" != "$served" ]; then
    failed="$1 serves another certificate for $(name_of "$2") than $shown"
  else
    passed="$passed$probe "
  fi
}

name_of() { if [ -n "$1" ]; then printf '%s' "$1"; else printf 'a client that names none'; fi; }

# fifty of many: those whose certificate is new before the others
choose() { # address:port name file
  probe=$((probe + 1))
  [ "$choices" -lt 50 ] || return 0
  case $chosen in *" $probe "*) return 0 ;; esac
  if [ -n "$only_new" ] && [ -n "$old" ] && cmp -s "$directory/sets/$hash/$3" "$directory/sets/$old/$3"; then
    return 0
  fi
  chosen="$chosen$probe "
  choices=$((choices + 1))
}

choose_probes() {
  chosen=all
  [ "$probes" -gt 50 ] || return 0
  chosen=' '
  choices=0
  for only_new in 1 ''; do
    probe=0
    each_probe choose
  done
}

can_verify() { [ "$probes" -gt 0 ] && command -v openssl >/dev/null 2>&1; }

# answers 0 when every handshake shows its certificate, within so many seconds: a reload may be done before it has an effect
verify() { # seconds
  limit=
  timeout 5 true 2>/dev/null && limit='timeout 5'
  passed=' '
  now=$(date +%s)
  end=$((now + $1))
  while :; do
    failed=
    probe=0
    each_probe try_probe
    [ -n "$failed" ] || return 0
    now=$(date +%s)
    [ "$now" -lt "$end" ] || return 1
    sleep 0.2 2>/dev/null || sleep 1
  done
}

say_verified() {
  each_unprobed say
  [ "$probes" -gt 0 ] || return 0
  if ! command -v openssl >/dev/null 2>&1; then
    say "not verified: no openssl on this machine"
  elif [ "$probes" -gt 50 ]; then
    say "verified: 50 of $probes handshakes, new certificates first, show the certificates of this set"
  elif [ "$probes" -eq 1 ]; then
    say "verified: 1 handshake shows the certificate of this set"
  else
    say "verified: $probes handshakes show the certificates of this set"
  fi
}
