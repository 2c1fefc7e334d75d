#!/usr/bin/env bash
# ARM instructions per inference of a network's NCNN packs.  PACKS= has them, or WEIGHTS= is exported to a folder that
# is removed again: a count does not depend on where a pack is, nor, in int8, on which images its ranges are from.
set -euo pipefail
cd "$(dirname "$0")/.."

.venv/bin/edgewright-bench-arm --cpu="${CPU:-}" # builds first: a missing tool is known before the export
packs=${PACKS:-}
if [[ -z $packs ]]; then
  scratch=$(mktemp -d)
  trap 'rm -rf "$scratch"' EXIT
  .venv/bin/edgewright-export --weights="${WEIGHTS:-}" --target=ncnn --precision=fp32,fp16,int8 --size="${SIZE:-}" \
    --calibration-data="${CALIBRATION_DATA:-}" --calibration="${CALIBRATION:-8}" --method="${METHOD:-min_max}" --budget="${BUDGET:-any}" --out="$scratch" >&2
  packs=$(echo "$scratch"/*)
fi
.venv/bin/edgewright-bench-arm --packs="$packs" --cpu="${CPU:-}" ${STAGES:+--stages} --json="${JSON:-}"
