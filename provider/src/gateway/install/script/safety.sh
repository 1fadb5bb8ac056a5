# shellcheck shell=sh
# shellcheck disable=SC2012,SC2154 # of ls the first words alone are read; variables of plan() and of the other parts
## Folders in which root may work: nobody else can change them or the way to them, so nothing in them can be swapped while the
## script looks at it. Whoever runs the script without being root has no rights to lose.

# Follows an absolute path, through its links. `walked` becomes the path without links. A folder on the way that somebody else
# can change ends the walk: `unsafe` is a clause about it, and `stranger` the number of the user that it belongs to.
walk() { # path
  walked=
  unsafe=
  stranger=
  ahead=$1
  links=0
  while [ -n "$ahead" ]; do
    step=${ahead%%/*}
    case $ahead in */*) ahead=${ahead#*/} ;; *) ahead= ;; esac
    case $step in
      '' | .) continue ;;
      ..) walked=${walked%/*}; continue ;;
    esac
    judge_folder "${walked:-/}" "$walked/$step" || return 1
    if [ -L "$walked/$step" ]; then
      links=$((links + 1))
      [ "$links" -le 40 ] || { unsafe="$1 has too many links on its way"; return 1; }
      link=$(readlink "$walked/$step")
      ahead="$link/$ahead"
      case $link in /*) walked= ;; esac
    else
      walked="$walked/$step"
    fi
  done
}

# A folder that does not exist is made by root. In one such as /tmp only what is root's already stays root's. A safe folder stays
# safe, since nobody else can change it: one check is enough.
judge_folder() { # folder entry-or-nothing
  case $judged_folders in *"$tab$1$tab"*) return 0 ;; esac
  [ -d "$1" ] || return 0
  case $(ls -ldn "$1" | awk '{ w = substr($1, 9, 1) == "w" || (substr($1, 6, 1) == "w" && ($4 != 0 || $1 ~ /[+]/)); print ($3 != 0 ? "user" : !w ? "safe" : substr($1, 10, 1) ~ /[tT]/ ? "sticky" : "open"); exit }') in
    safe)
      judged_folders="$judged_folders$tab$1$tab"
      return 0
      ;;
    sticky)
      if [ -n "$2" ] && is_there "$2"; then
        stranger=$(ls -ldn "$2" | awk '$3 != 0 { print $3 } { exit }')
        [ -n "$stranger" ] || return 0
        unsafe="$2 belongs to the user $stranger"
        return 1
      fi
      ;;
    user)
      stranger=$(ls -ldn "$1" | awk '{ print $3; exit }')
      unsafe="$1 belongs to the user $stranger"
      return 1
      ;;
  esac
  unsafe="$1 can be changed by others than root"
  return 1
}

# answers 0 when the script may put something into the folder
is_safe_folder() { # path
  [ "$my_id" = 0 ] || return 0
  case $safe_folders in *"$tab$1$tab"*) return 0 ;; esac
  walk "$1" && judge_folder "${walked:-/}" '' || return 1
  safe_folders="$safe_folders$tab$1$tab"
}

# the same for the folder of a place
is_safe_place() { # path
  is_safe_folder "${1%/*}/" && return 0
  unsafe="$1 is not touched: $(explain_unsafe)"
  return 1
}

explain_unsafe() {
  printf '%s' "$unsafe, and as root this script works only where nobody else can: give that folder to root, and take the right to write from others"
}

is_there() { [ -e "$1" ] || [ -L "$1" ]; }

# whether a file belongs to whoever runs the script
is_mine() { [ -n "$(find "$1" -prune -user "$my_id" 2>/dev/null)" ]; }

# Below the folder all must be root's: one that belonged to somebody else may hold what he put there.
check_folder() {
  if [ "$my_id" != 0 ]; then
    [ ! -d "$directory" ] || [ -w "$directory" ] ||
      cannot_start "the user $my_id can't change $directory, which an earlier release or another run left to somebody else: give it to that user with all that is in it, by chown -hR $my_id $directory"
    return 0
  fi
  is_safe_folder "$directory" || cannot_start "$(explain_unsafe)"
  [ -d "$directory" ] || return 0
  foreign=$(find "$directory" ! -type f ! -user 0 | head -n 1)
  [ -n "$foreign" ] || foreign=$(find "$directory" -type d \( -perm -020 -o -perm -002 \) ! -group 0 | head -n 1)
  [ -n "$foreign" ] || foreign=$(find "$directory" -type d -perm -002 | head -n 1)
  [ -z "$foreign" ] || cannot_start "$foreign belongs to somebody other than root, or others can change it: remove it, and run the script again"
}
