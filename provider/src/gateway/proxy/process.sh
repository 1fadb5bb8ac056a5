# shellcheck shell=sh
## Finds the process of a server. Every user of the machine may call a process what he likes, and any number may be another
## process by now: the executable counts, the user, and the mounts, since a process of a container is no server of the machine.
tls_gateway_is_server() { # number program account-or-nothing
  case $(readlink "/proc/$1/exe" 2>/dev/null) in */"$2" | */"$2 (deleted)") ;; *) return 1 ;; esac
  [ "$(readlink "/proc/$1/ns/mnt" 2>/dev/null)" = "$(readlink /proc/self/ns/mnt 2>/dev/null)" ] || return 1
  tls_gateway_user=$(awk '/^Uid:/ { print $3 }' "/proc/$1/status" 2>/dev/null)
  [ "$tls_gateway_user" = "$(id -u)" ] || { [ -n "$3" ] && [ "$tls_gateway_user" = "$(id -u "$3" 2>/dev/null)" ]; }
}
## whether one of its words is this, or ends in it after an equals sign
tls_gateway_has_word() { # number word
  tr '\0' '\n' 2>/dev/null <"/proc/$1/cmdline" | sed 's/^--[A-Za-z]*=//' | grep -qxF -e "$2"
}
## prints the number of a server with this word in its command
tls_gateway_find_server() { # program account-or-nothing word
  for tls_gateway_place in /proc/[0-9]*; do
    tls_gateway_is_server "${tls_gateway_place#/proc/}" "$1" "$2" || continue
    tls_gateway_has_word "${tls_gateway_place#/proc/}" "$3" || continue
    echo "${tls_gateway_place#/proc/}"
    return
  done
  return 1
}
