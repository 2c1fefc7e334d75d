#!/usr/bin/env bash
# Everything edgewright needs: system packages, .venv, the package itself and edgebench.  A finished setup is recognised by a
# stamp over its inputs, so a second run does nothing.  PYTHON chooses the interpreter, TORCH_INDEX where torch comes from.
set -euo pipefail
cd "$(dirname "$0")/.."

python=${PYTHON:-python3}
stamp=.venv/edgewright-setup
log=build/setup.log

fail() { echo "make setup: error: $*" >&2; exit 2; }
step() { echo "setup: $*" >&2; }
logged() { "$@" >>"$log" 2>&1 || { tail -n 15 "$log" >&2; fail "'$*' failed (log: $log)"; }; }

command -v "$python" >/dev/null || fail "$python not found; install Python 3.10 or newer, or give PYTHON="
known=tools/constraints-$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])').txt
[ -f "$known" ] || known=
inputs=$({ "$python" --version; cat pyproject.toml $known tools/apt-packages.txt tools/install_packages.sh tools/setup.sh; } | sha256sum | cut -d' ' -f1)
[ "$(cat "$stamp" 2>/dev/null)" = "$inputs" ] && exit 0
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))' || fail "$("$python" --version) is too old; 3.10 is needed"
mkdir -p build && : >"$log"

tools/install_packages.sh "make setup" tools/apt-packages.txt "$log"

step "creating .venv with $("$python" --version)"
logged "$python" -m venv .venv
logged .venv/bin/python -m pip install --upgrade pip
# torch first and alone: left to choose, the resolver brings several gigabytes of CUDA.
torch=$(sed -n 's/^ *"\(torch==[^"]*\)".*/\1/p' pyproject.toml)
step "installing $torch"
logged .venv/bin/python -m pip install ${TORCH_INDEX:+--index-url "$TORCH_INDEX"} "$torch"
step "installing edgewright with every target and the development tools (about 2.2 GB)"
logged .venv/bin/python -m pip install ${known:+--constraint "$known"} -e '.[dev]'
step "building edgebench and the C++ tests (3 minutes on two cores)"
logged .venv/bin/python -m edgewright_edge.building.host
echo "$inputs" >"$stamp"
step "done; try: make demo"
