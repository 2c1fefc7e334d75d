#!/usr/bin/env bash
# Install those Debian packages of a list that are missing: as root; otherwise the command is the error.
#   tools/install_packages.sh "make setup" tools/apt-packages.txt build/setup.log
set -euo pipefail
cd "$(dirname "$0")/.."

who=$1 list=$2 log=$3
fail() { echo "$who: error: $*" >&2; exit 2; }
step() { echo "${who#make }: $*" >&2; }
logged() { "$@" >>"$log" 2>&1 || { tail -n 15 "$log" >&2; fail "'$*' failed (log: $log)"; }; }

if ! command -v dpkg-query >/dev/null; then
  step "not a Debian system: please install the equivalents of: $(tr '\n' ' ' <"$list")"
  exit 0
fi
missing=()
while read -r package; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done <"$list"
[ ${#missing[@]} -gt 0 ] || exit 0
[ "$(id -u)" = 0 ] || fail "system packages are missing; run: sudo apt-get install -y ${missing[*]}"
step "installing ${missing[*]}"
mkdir -p "$(dirname "$log")"
logged apt-get update
logged env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}"
