"""What the shell of a device is asked to do.

Scripts are constants; what differs is passed as arguments, quoted.  They have one line and no single quotes, so that
the user's own shell there may be any: it only starts `sh`.  POSIX, and `mktemp -d`, `setsid`, `tar` (ssh only).
"""

import re
import shlex

# $1: where to make the folder.  Lives as long as its standard input, which ends when the connection does, or when we
# end: then the folder is removed, whatever became of us.
HOLD = (
    'umask 077; p="$1"; test -n "$p" || p="${TMPDIR:-/tmp}"; d=$(mktemp -d "$p/edgewright.XXXXXX") || exit 1; '
    'clean() { cd /; rm -rf "$d" || { sleep 1; rm -rf "$d"; }; }; trap clean EXIT; trap "exit 1" HUP INT TERM; '
    'echo "edgewright-folder $(uname -m) $d"; while read -r x; do :; done; '
    'trap - EXIT; clean; r=$?; echo >&2; echo "edgewright-exit $r" >&2'
)

# $1: the folder, then a command.  It is in a process group of its own, which is killed when standard input ends.
RUN = (
    'cd "$1" || exit 1; shift; exec 3<&0; setsid "$@" </dev/null 3<&- & c=$!; '
    "{ while read -r x; do :; done <&3; kill -TERM -$c; sleep 5; kill -KILL -$c; } >/dev/null 2>&1 & w=$!; "
    "exec 3<&-; wait $c; r=$?; kill $w 2>/dev/null; "
    'echo >&2; echo "edgewright-exit $r" >&2'
)

_EXIT = 'r=$?; echo >&2; echo "edgewright-exit $r" >&2'
EMPTY = f'cd "$1" && shift && rm -rf "$@" && mkdir "$@"; {_EXIT}'  # $1: the folder, then folders in it
UNPACK = f'cd "$1" && tar -xomf -; {_EXIT}'  # $1: the folder; standard input: a tar file
PACK_UP = f'cd "$1" && tar -cf - "$2"; {_EXIT}'  # $1: the folder, $2: a folder in it
ALLOW = f'cd "$1" && chmod 700 "$2"; {_EXIT}'  # $1: the folder, $2: a program in it

GREETING = re.compile(rb"^edgewright-folder (\S+) (/[^\r\n]*)\r?\n", re.MULTILINE)
_TRAILER = re.compile(r"\r?\n?edgewright-exit (\d+)\s*")


def command_line(script: str, *arguments: str) -> str:
    """For the shell of a user on a device."""
    return " ".join(_quoted(word) for word in ("sh", "-c", script, "sh", *arguments))


def _quoted(word: str) -> str:
    """As every shell reads it: a backslash in single quotes is one to POSIX and csh, and an escape to fish."""
    if not word:
        return "''"
    return r"\\".join(shlex.quote(part) if part else "" for part in word.split("\\"))


def split_trailer(stderr: str) -> tuple[str, int | None]:
    """What a program wrote, and its exit code; None: its shell did not come to its end."""
    found = _TRAILER.search(stderr)
    if found is None:
        return stderr, None
    return stderr[: found.start()] + stderr[found.end() :], int(found[1])
