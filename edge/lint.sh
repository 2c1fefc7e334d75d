#!/usr/bin/env bash
# clang-format on every C++ file; with --tidy also clang-tidy on the core and edgebench, for which a build must be
# configured (make edge).
set -euo pipefail
cd "$(dirname "$0")/.."
bin=.venv/bin
build=build/_edge

find edge -name '*.cpp' -o -name '*.h' | sort | xargs "$bin/clang-format" --dry-run --Werror
[ "${1:-}" = --tidy ] || exit 0
[ -f "$build/compile_commands.json" ] || { echo "edge/lint.sh: error: no $build; run: make edge" >&2; exit 2; }
find edge/src edge/bench -name '*.cpp' | sort | xargs -P "$(nproc)" -n 1 "$bin/clang-tidy" -p "$build" --quiet 2>/dev/null
