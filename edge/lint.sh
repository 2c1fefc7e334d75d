#!/usr/bin/env bash
# clang-format on every C++ file, clang-tidy on the core and edgebench.  Needs a configured build (make edge).
set -euo pipefail
cd "$(dirname "$0")/.."
bin=.venv/bin
build=build/_edge

[ -f "$build/compile_commands.json" ] || { echo "edge/lint.sh: error: no $build; run: make edge" >&2; exit 2; }
find edge -name '*.cpp' -o -name '*.h' | sort | xargs "$bin/clang-format" --dry-run --Werror
find edge/src edge/bench -name '*.cpp' | sort | xargs -P "$(nproc)" -n 1 "$bin/clang-tidy" -p "$build" --quiet 2>/dev/null
