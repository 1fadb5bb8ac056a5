# shellcheck shell=sh
# shellcheck disable=SC2154 # variables of plan() and of the other parts
## What both scripts begin with: messages, the shell and its tools, the folder, the lock. POSIX shell (IEEE 1003.1-2017
## section 2) beyond three things that every system has: `readlink`, `mv -T` or what stands in for it, and signals by name.

say() { printf 'pulumi-tls-gateway %s: %s\n' "$gateway" "$1"; }
warn() { printf 'pulumi-tls-gateway %s: %s\n' "$gateway" "$1" >&2; }
cannot_start() { warn "nothing was changed: $1"; exit 3; }

prepare_shell() {
  # a server that a command starts gets the mask of whoever runs this
  umask_before=$(umask)
  umask 077
  # a printf of its own would show keys in the list of running programs
  [ "$(command -v printf)" = printf ] || cannot_start "printf is not built into this shell; run the script by dash, bash or busybox sh"
  for tool in awk cat chmod chown cmp cp cut date find grep head id ln ls mkdir mv readlink rm rmdir sed sleep sort tail touch; do
    command -v "$tool" >/dev/null 2>&1 || cannot_start "the command $tool is missing on this machine; install it"
  done
  # the script itself may be what stands on the standard input
  exec </dev/null
  # shellcheck disable=SC2034 # the other parts read both
  my_id=$(id -u)
  # shellcheck disable=SC2034
  safe_folders=
  # shellcheck disable=SC2034
  judged_folders=
  locked=
  # shellcheck disable=SC2034 # main.sh reads it
  phase=start
  trap unlock 0
  # the other end of the connection may go away; the work is finished all the same
  trap : PIPE
  trap interrupted INT TERM HUP
}

# a command of the gateway, as a person would run it; its words are kept for later
run() {
  case ${tls_gateway_served:-}$1 in
    1command_stop | 1command_reload) ask_root "$1"; return ;;
  esac
  (
    set +u
    cd /
    umask "$umask_before"
    "$1"
  ) >"$directory/.output" 2>&1
}

# root answers with the exit status, and shows what the command wrote; see service.sh
ask_root() {
  rm -f "$directory/.output"
  echo "$1" >&3
  read -r answer <&4 && [ "$answer" = 0 ]
}

show_output() {
  [ -s "$directory/.output" ] && tail -n 40 "$directory/.output" | sed 's/^/  | /' >&2
  return 0
}

enter_directory() {
  check_folder
  (umask 022 && mkdir -p "$directory/sets") || cannot_start "the folder $directory can't be made; run the script as root, or as the folder's owner"
  [ -L "$directory/current" ] || [ ! -e "$directory/current" ] || cannot_start "$directory/current is not a link; move it away"
  lock
  rm -rf "$directory/.probe"
  mkdir "$directory/.probe" || cannot_start "nothing can be written in $directory (see above: no right, a full disk or one that is read-only)"
  # on a full disk the empty folder could still be made
  printf '%s' "$hash" >"$directory/.probe/file" || cannot_start "nothing can be written in $directory: is the disk full?"
  find_group
  find_rename
  rm -rf "$directory/.probe"
}

# Who may read the keys beside their owner: the group, or that of the account's login.
find_group() {
  [ -n "$user$group" ] || return 0
  [ -n "$group" ] || group=$(id -g "$user" 2>/dev/null) ||
    cannot_start "there is no user $user on this machine; make that user first, or name a group"
  chown ":$group" "$directory/.probe/file" ||
    cannot_start "files can't be given to the group $group; run the script as root, and make that group first"
}

# A link that points to a folder is replaced by rename(2), which no POSIX utility does: mv would move into the folder.
# GNU and busybox have mv -T, BSD mv -h. Where neither works ln -sfn leaves a moment without the link.
find_rename() {
  for rename in 'mv -fT' 'mv -fh' perl ln; do
    # shellcheck disable=SC2015 # a failure of either
    ln -sfn file "$directory/.probe/new" && ln -sfn . "$directory/.probe/old" || cannot_start "no links can be made in $directory"
    rename_link "$directory/.probe/new" "$directory/.probe/old" 2>/dev/null
    [ "$(readlink "$directory/.probe/old")" = file ] && return 0
  done
  cannot_start "links can't be replaced in $directory"
}

rename_link() {
  case $rename in
    mv*) $rename "$1" "$2" ;;
    perl) perl -e 'rename($ARGV[0], $ARGV[1]) or exit 1' "$1" "$2" ;;
    *) ln -sfn "$(readlink "$1")" "$2" && rm -f "$1" ;;
  esac
}

# The lock is a link whose target names its holder: made with its content in one step, as a folder with a file in it
# could not be. A number that was given to another program since is told by the time of its start.
lock() {
  me="$$.$(started $$)"
  tries=0
  until ln -s "$me" "$directory/.lock" 2>/dev/null; do
    tries=$((tries + 1))
    holder=$(readlink "$directory/.lock") || holder=
    if [ -z "$holder" ] && [ "$tries" -gt 5 ]; then
      ln -s "$me" "$directory/.lock" ||
        cannot_start "$directory/.lock can't be made (see above: no right, a full disk or one that is read-only)"
      break
    fi
    [ -z "$holder" ] || take_over
    [ "$tries" -lt 20 ] || cannot_start "$directory/.lock is taken again and again; try later"
  done
  locked=1
}

# only one of several that find the same dead holder may remove its lock
take_over() {
  is_alive "$holder" && held_by "$holder"
  if ln -s "$me" "$directory/.lock.$holder" 2>/dev/null; then
    [ "$(readlink "$directory/.lock")" = "$holder" ] && rm -f "$directory/.lock"
    rm -f "$directory/.lock.$holder"
    return 0
  fi
  taker=$(readlink "$directory/.lock.$holder") || return 0
  is_alive "$taker" && held_by "$taker"
  rm -f "$directory/.lock.$holder"
}

held_by() {
  cannot_start "another run, with the number $(printf '%s' "$1" | cut -d. -f1), is at work in $directory; try again when it has ended"
}

started() { sed 's/^.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20; }

is_alive() {
  number=$(printf '%s' "$1" | cut -d. -f1)
  kill -0 "$number" 2>/dev/null || [ -d "/proc/$number" ] || return 1
  [ "$(started "$number")" = "$(printf '%s' "$1" | cut -d. -f2)" ]
}

unlock() {
  [ -n "$locked" ] || return 0
  rm -rf "$directory/.output" "$directory/.probe"
  [ "$(readlink "$directory/.lock")" = "$me" ] && rm -f "$directory/.lock"
  locked=
}
