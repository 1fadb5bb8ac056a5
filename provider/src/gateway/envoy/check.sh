# shellcheck shell=sh
# shellcheck disable=SC2154 # the install script sets set
## Envoy's checker looks at what stands in the bootstrap alone, so listeners and clusters are put into one for it. The texts
## are ours, with each key on a line of its own.
one() { sed -e '1d;$d' -e 's/^ "resources"/"'"$1"'"/' -e '/^   "@type"/d' "$set/check/$2"; }
if command -v envoy >/dev/null; then umask 077; { echo '{"static_resources":{'; one listeners lds.json; echo ,; one clusters cds.json; echo '}}'; } >"$set/check/static.json" && envoy --mode validate -c "$set/check/static.json"; else echo 'envoy is not on PATH: its configuration was not checked' >&2; fi
