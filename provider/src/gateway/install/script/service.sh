# shellcheck shell=sh
# shellcheck disable=SC2154,SC2086 # variables of plan() and of the other parts; commands of several words
## The outermost part of a script for a server whose folder belongs to its own account. In there the account can swap any file
## for a link at any moment, so root does nothing in it: the script within, which `script_within` prints, runs with the rights of
## the account. Root runs the commands that stop and start the server. The script within asks for them by name through a pipe.

interrupted() { :; }

# As an account that may do with its process what it likes: it gets no terminal, no variable of root's, and half an hour.
as_account() { # command…
  trap - INT TERM HUP
  env -i PATH="$PATH" $limit $session $switch "$@"
}

# prints the account's name and login group, of its number
find_account() {
  { getent passwd "$1" 2>/dev/null || cat /etc/passwd; } | awk -F : -v id="$1" '$3 == id { print $1, $4; exit }'
}

find_switch() { # number name login-group
  limit=
  timeout -k 10 5 true 2>/dev/null && limit='timeout -k 10 1800'
  session=
  command -v setsid >/dev/null 2>&1 && session=setsid
  for switch in "setpriv --reuid=$1 --regid=$3 --init-groups --no-new-privs" "runuser -u $2 --" "su -s /bin/sh $2 -c"; do
    case $switch in su*) within='exec sh' ;; *) within='sh' ;; esac
    [ "$(echo 'id -u' | as_account "$within" 2>/dev/null)" = "$1" ] && return 0
  done
  cannot_start "$service_folder belongs to $2, and nothing here runs a command with the rights of that account; install setpriv, runuser or su"
}

# Runs a command that the script within asks for. It comes from a process of the account: only these two words count, and only
# as often as an installation with its way back needs them.
serve() {
  asked=0
  ended=3
  while read -r request; do
    asked=$((asked + 1))
    case $request in
      "ended "*)
        ended=${request#ended }
        break
        ;;
      command_stop | command_reload)
        if [ "$asked" -le 8 ] && (
          # a server that is started here must not go on without these signals
          trap - INT TERM HUP
          set +u
          cd /
          umask "$umask_before"
          "$request"
        ) >"$scratch/output" 2>&1 </dev/null 5>&- 6>&-; then
          echo 0 >&5
        else
          tail -n 40 "$scratch/output" 2>/dev/null | sed 's/^/  | /' >&2
          echo 1 >&5
        fi
        ;;
    esac
  done
  rm -rf "$scratch"
  case $ended in 0 | 1 | 2 | 3) exit "$ended" ;; esac
  exit 2
}

run_as_account() { # number
  account=$(find_account "$1")
  [ -n "$account" ] || cannot_start "$unsafe, who has no account on this machine"
  [ -z "$user" ] || [ "$(id -u "$user" 2>/dev/null)" = "$1" ] ||
    cannot_start "$service_folder belongs to ${account% *}, and not to $user: give it to that user, or name the other one"
  find_switch "$1" "${account% *}" "${account#* }"
  # shellcheck disable=SC2015 # a failure of either
  scratch=$(mktemp -d) && mkfifo "$scratch/answers" || cannot_start "no folder for a pipe can be made (see above)"
  # answers go through a pipe with a name, which this process holds open, so that neither side waits for the other to open it
  exec 5<>"$scratch/answers" 6>&1
  # this process waits for the one within, whatever comes
  trap '' INT TERM HUP
  {
    {
      echo tls_gateway_served=1
      script_within
    } | as_account "$within" 3>&1 1>&6 4<"$scratch/answers" 5>&- 6>&-
    echo "ended $?"
  } | serve
  exit
}

main() {
  plan
  prepare_shell
  if [ "$my_id" = 0 ] && ! is_safe_folder "$service_folder"; then
    [ -n "$stranger" ] || cannot_start "$unsafe: take the right to write from them"
    run_as_account "$stranger"
  fi
  trap - 0 INT TERM HUP PIPE
  umask "$umask_before"
  eval "$(script_within)"
}
