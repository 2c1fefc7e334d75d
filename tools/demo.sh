#!/usr/bin/env bash
# From nothing to proven, benchmarked packs on generated images.  Every step is a command of its own; see `make help`.
set -euo pipefail
cd "$(dirname "$0")/.."

began=$SECONDS
step() { printf '\n\033[1m[%d/4] %s\033[0m\n  $ %s\n' "$1" "$2" "$3" >&2; }
run() { local number=$1 what=$2; shift 2; step "$number" "$what" "$*"; ".venv/bin/$1" "${@:2}"; }

run 1 "train a detector on generated images" \
  edgewright-train --model=yolo-fastestv2 --name=demo --replace
run 2 "export it to every target and prove each pack" \
  edgewright-export --weights=runs/demo/best.safetensors --target=all --precision=fp32,fp16 --data=generated
run 3 "measure each pack on one core of this machine" \
  edgewright-bench --model=yolo-fastestv2 --threads=1 --allow-refused
run 4 "write the report" \
  edgewright-report
printf '\nDone in %d min %02d s. Open build/report.html.\n' $(((SECONDS - began) / 60)) $(((SECONDS - began) % 60)) >&2
printf 'Next: train on your own images with make train DATA=your/dataset.toml (docs/data.md).\n' >&2
