# Every target is one command that also works typed by hand (edgewright-* --help).  Variables reach the commands through
# the environment, one argument each, so paths with spaces and quotes work; an empty variable counts as not given.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
SHELL := /bin/bash
BIN := .venv/bin
# Two workers on two cores: threads that each would start beyond that only get in each other's way.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile

VARIABLES := MODEL TARGET DATA RECIPE NAME EPOCHS BATCH SIZE WEIGHTS RESUME OUT SEED COUNT CLASSES PRECISION PACK DETECTIONS SPLIT \
             SCORE IOU JSON DEVICE DEVICES THREADS TASK CFG BN_EPS UPTO ALL ONLY WEIGHTS_DIR CALIBRATION CALIBRATION_DATA METHOD BUDGET \
             FLOAT IO PACKS IMAGES IMAGE MLPERF SUSTAINED CPU ARCH LIBC TESTS STAGES \
             RESIZE PADDING FORMAT STEP SKIP_BAD SHARD_MEGABYTES TEACHER SET NPROC NNODES MASTER RESTARTS RUNS
# Only what stands on the command line counts: NAME, OUT or MODEL may mean anything in somebody's environment.
$(foreach name,$(VARIABLES),$(if $(filter environment,$(origin $(name))),$(eval $(name) :=)))
MODEL := $(or $(MODEL),yolo-fastestv2)
TARGET := $(or $(TARGET),ncnn)
# A cfg, a recipe or the name of a run says which network it is; the default of MODEL must not contradict it.
MODEL_IS_MEANT := $(or $(filter command,$(origin MODEL)),$(if $(CFG)$(RECIPE)$(if $(filter 1,$(RESUME)),$(NAME)),,default))
export $(VARIABLES)
# What is built for ARM or run as ARM needs compilers or QEMU; musl brings its own compiler.
ARM_SETUP = $(if $(filter musl,$(LIBC)),,setup-arm)
QEMU_SETUP = $(if $(filter qemu:% cortex-%,$(DEVICE)),setup-arm)

.PHONY: help setup setup-arm setup-fuzz demo test test-slow lint format data data-check convert-data show-batch anchors train bench-train \
        import darknet summary compare export calibrate sensitivity verify eval bench bench-arm tune matrix report edge edge-rpi deb edge-test \
        edge-asan edge-tsan edge-lint fuzz clean

help: ## Show the targets and their variables
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  \033[1mmake %-12s\033[0m %s\n", $$1, $$2} \
	  /^#: / {printf "  %-17s   %s\n", "", substr($$0, 4)}' $(MAKEFILE_LIST)

setup: ## Create .venv and install everything (a second run does nothing)
#: PYTHON=python3.12 TORCH_INDEX=url-of-a-CPU-build
	@tools/setup.sh

setup-arm: setup ## Install the cross compilers and QEMU; every target that needs them does so itself
	@tools/install_packages.sh "make setup-arm" tools/apt-packages-arm.txt build/setup-arm.log

demo: setup ## From nothing: train on generated images, export, prove, benchmark, report
	@tools/demo.sh

data: setup ## Write the generated data set to disk, in darknet layout
#: OUT=data/shapes [SEED=0 COUNT=2000]
	@$(BIN)/edgewright-data --out="$${OUT:-data/shapes}" --seed="$$SEED" --count="$$COUNT" --json="$$JSON"

data-check: setup ## Read a data set once: counts, sizes, what is wrong, and a contact sheet
#: DATA= [SPLIT=train|val|test TASK=detect|classify|segment OUT=build/data-check JSON=]
	@$(BIN)/edgewright-data-check --data="$$DATA" --split="$$SPLIT" --task="$$TASK" --out="$$OUT" --json="$$JSON"

convert-data: setup ## Write a data set in another format
#: DATA= FORMAT=darknet|coco|voc|webdataset OUT=folder [SPLIT= TASK= SHARD_MEGABYTES=1000 SKIP_BAD=1 JSON=]
	@$(BIN)/edgewright-convert-data --data="$$DATA" --format="$$FORMAT" --out="$$OUT" --split="$$SPLIT" --task="$$TASK" \
	  --shard-megabytes="$$SHARD_MEGABYTES" --skip-bad="$$SKIP_BAD" --json="$$JSON"

show-batch: setup ## Draw what the network sees at a step of a training, and what it is to learn
#: DATA= RECIPE=x.toml | MODEL=yolo-fastestv2 | CFG=x.cfg  [TASK= BATCH= SIZE=WxH SEED= STEP=0 SKIP_BAD=1 OUT=build/batch.png]
	@$(BIN)/edgewright-show-batch --data="$$DATA" --recipe="$$RECIPE" --model="$(if $(MODEL_IS_MEANT),$$MODEL)" --cfg="$$CFG" \
	  --task="$$TASK" --batch="$$BATCH" --size="$$SIZE" --seed="$$SEED" --step="$$STEP" --skip-bad="$$SKIP_BAD" --out="$$OUT" \
	  --json="$$JSON"

anchors: setup ## Fit anchors to a data set, and say how well they cover its boxes
#: DATA= MODEL=yolo-fastestv2 | CFG=x.cfg  [SIZE=WxH COUNT=6 SPLIT=train SEED=0 SKIP_BAD=1 JSON=]
	@$(BIN)/edgewright-anchors --data="$$DATA" --model="$(if $(CFG),,$$MODEL)" --cfg="$$CFG" --size="$$SIZE" --count="$$COUNT" \
	  --split="$$SPLIT" --seed="$$SEED" --skip-bad="$$SKIP_BAD" --json="$$JSON"

train: setup ## Train a network; ends in runs/<NAME>/best.safetensors
#: MODEL=yolo-fastestv2 [TASK=detect|classify|segment] | CFG=x.cfg  DATA= [RECIPE= NAME= EPOCHS= BATCH= SIZE=WxH WEIGHTS= RESUME=1 SKIP_BAD=1]
#: [TEACHER=x.safetensors SET="optimizer.learning_rate=0.01 augmentation.mosaic=0.5"]  several processes: NPROC=2 [NNODES=2 MASTER=host:29400] [RESTARTS=3]
	@$(BIN)/edgewright-train --model="$(if $(MODEL_IS_MEANT),$$MODEL)" --task="$$TASK" --cfg="$$CFG" --data="$$DATA" \
	  --recipe="$$RECIPE" --name="$$NAME" --epochs="$$EPOCHS" --batch="$$BATCH" --size="$$SIZE" --weights="$$WEIGHTS" \
	  --resume="$$RESUME" --skip-bad="$$SKIP_BAD" --teacher="$$TEACHER" --set="$$SET" \
	  --nproc="$$NPROC" --nnodes="$$NNODES" --master="$$MASTER" --restarts="$$RESTARTS" --json="$$JSON"

bench-train: setup ## Training of YOLO-FastestV2 against a plain implementation of its recipe, in turns: images/s and where time goes
#: [DATA= BATCH=16 SIZE=352x352 THREADS=1 JSON=out.json]
	@$(BIN)/edgewright-bench-train --data="$$DATA" --batch="$$BATCH" --size="$$SIZE" --threads="$$THREADS" --json="$$JSON"

import: setup ## Bring published weights in: PyTorch's or darknet's
#: MODEL=yolo-fastestv2 [TASK=detect|classify|segment] WEIGHTS=foreign.pth OUT=runs/coco/best.safetensors [CLASSES=names.txt SIZE=]
#: CFG=x.cfg WEIGHTS=x.weights OUT=x.safetensors [CLASSES=names.txt SIZE= BN_EPS=1e-5 UPTO=layers]
#: either with [RESIZE=letterbox PADDING=114], where its training letterboxed
	@$(BIN)/edgewright-import --model="$(if $(CFG),,$$MODEL)" --task="$$TASK" --cfg="$$CFG" --weights="$$WEIGHTS" --out="$$OUT" \
	  --classes="$$CLASSES" --size="$$SIZE" --resize="$$RESIZE" --padding="$$PADDING" --bn-eps="$$BN_EPS" --upto="$$UPTO" --json="$$JSON"

darknet: setup ## Write a checkpoint that came from a cfg back as .cfg and .weights
#: WEIGHTS=x.safetensors OUT=folder
	@$(BIN)/edgewright-darknet --weights="$$WEIGHTS" --out="$$OUT" --json="$$JSON"

summary: setup ## Print a network's layers, parameters, multiply-accumulates and PyTorch latency
#: MODEL=espnetv2-1.0 TASK=segment | WEIGHTS=x.safetensors | CFG=x.cfg  [SIZE=WxH JSON=out.json]
	@$(BIN)/edgewright-summary --model="$(if $(CFG)$(WEIGHTS),,$$MODEL)" --task="$$TASK" --weights="$$WEIGHTS" --cfg="$$CFG" \
	  --size="$$SIZE" --json="$$JSON"

compare: setup ## Print trainings side by side and draw their curves into build/compare.html
#: RUNS="first second" [OUT=build/compare.html JSON=out.json]; names in runs/, or paths
	@$(BIN)/edgewright-compare --names="$$RUNS" --out="$$OUT" --json="$$JSON"

export: setup ## Convert a checkpoint and prove every artefact; ends in build/<model>/<target>-<precision>/
#: [WEIGHTS=x.safetensors] TARGET=ncnn,tflite,coreml,onnx|all [PRECISION=fp32,fp16 SIZE=WxH DATA= OUT=build]
#: PRECISION=int8|mixed|w8|palette8|palette6|palette4 [CALIBRATION_DATA= CALIBRATION=64 SEED=0 METHOD=auto BUDGET=0.005|any FLOAT=layers IO=int8]
	@$(BIN)/edgewright-export --weights="$$WEIGHTS" --target="$$TARGET" --precision="$$PRECISION" --size="$$SIZE" \
	  --data="$$DATA" --split="$$SPLIT" --calibration-data="$$CALIBRATION_DATA" --calibration="$$CALIBRATION" --seed="$$SEED" \
	  --method="$$METHOD" --budget="$$BUDGET" --float="$$FLOAT" --io="$$IO" --out="$$OUT" --json="$$JSON"

calibrate: setup ## Find what every tensor spans on a few images; writes build/<model>/calibration.json
#: [WEIGHTS=x.safetensors DATA= SPLIT=train CALIBRATION=64 SEED=0 SIZE=WxH OUT=build JSON=]
	@$(BIN)/edgewright-calibrate --weights="$$WEIGHTS" --data="$$DATA" --split="$$SPLIT" --calibration="$$CALIBRATION" \
	  --seed="$$SEED" --size="$$SIZE" --out="$$OUT" --json="$$JSON"

sensitivity: setup ## Find the layers that few bits hurt; writes build/<model>/sensitivity-<target>-<precision>.json
#: [WEIGHTS=x.safetensors] TARGET=ncnn [DATA= SPLIT=val IMAGES=32 PRECISION=int8 SIZE=WxH OUT=build JSON=]
#: [CALIBRATION_DATA= CALIBRATION=64 SEED=0 METHOD=auto]
	@$(BIN)/edgewright-sensitivity --weights="$$WEIGHTS" --target="$$TARGET" --precision="$$PRECISION" --data="$$DATA" \
	  --split="$$SPLIT" --images="$$IMAGES" --calibration-data="$$CALIBRATION_DATA" --calibration="$$CALIBRATION" --seed="$$SEED" \
	  --method="$$METHOD" --size="$$SIZE" --out="$$OUT" --json="$$JSON"

verify: setup $(QEMU_SETUP) ## Check every byte of a pack and repeat its golden vectors
#: PACK=build/yolo-fastestv2/ncnn-fp16 [THREADS=1 JSON=out.json]
#: PACK=ncnn pack DEVICE=host|ssh://user@host:port|adb:SERIAL|qemu:cortex-a76 | DEVICES=lab.toml
ifneq ($(DEVICE)$(DEVICES),)
	@$(BIN)/edgewright-device-verify --pack="$$PACK" --device="$$DEVICE" --devices="$$DEVICES" --threads="$$THREADS" --json="$$JSON"
else
	@$(BIN)/edgewright-verify --pack="$$PACK" --threads="$$THREADS" --json="$$JSON"
endif

eval: setup $(QEMU_SETUP) ## Print AP, top-1 and top-5, or mIoU of a pack or a checkpoint
#: PACK=dir | WEIGHTS=x.safetensors | DETECTIONS=found.json  DATA= [SPLIT=val SCORE=0.001 IOU=0.4 JSON=out.json]
#: PACK=ncnn pack DEVICE=host|ssh://user@host:port|adb:SERIAL|qemu:cortex-a76 DATA= [THREADS=1 and the same]
ifneq ($(DEVICE)$(DEVICES),)
	@$(BIN)/edgewright-device-eval --pack="$$PACK" --device="$$DEVICE" --devices="$$DEVICES" --data="$$DATA" \
	  --split="$$SPLIT" --score="$$SCORE" --iou="$$IOU" --threads="$$THREADS" --json="$$JSON"
else
	@$(BIN)/edgewright-eval --pack="$$PACK" --weights="$$WEIGHTS" --detections="$$DETECTIONS" --data="$$DATA" \
	  --split="$$SPLIT" --score="$$SCORE" --iou="$$IOU" --json="$$JSON"
endif

bench: setup ## Measure 1-core and 4-core latency of a model's packs
#: PACK=dir | MODEL=yolo-fastestv2  [THREADS=1,4 IMAGE=photo.jpg MLPERF=1 SUSTAINED=30m JSON=out.json]
#: [DEVICE=host|ssh://user@host:port|adb:SERIAL | DEVICES=lab.toml]
	@$(BIN)/edgewright-bench --pack="$$PACK" $(if $(PACK),,--model="$$MODEL") --device="$$DEVICE" --devices="$$DEVICES" \
	  --threads="$$THREADS" --image="$$IMAGE" $(if $(MLPERF),--mlperf) --sustained="$$SUSTAINED" --json="$$JSON"

bench-arm: setup setup-arm ## Count the ARM instructions of one inference of the NCNN packs, under QEMU
#: [WEIGHTS=x.safetensors | PACKS=folder] [CPU=cortex-a53|cortex-a72|cortex-a76 STAGES=1 SIZE=WxH CALIBRATION_DATA= JSON=out.json]
	@tools/bench_arm.sh

tune: setup $(QEMU_SETUP) ## Measure a model's packs in turns and recommend one, with the reasons
#: PACKS=folders,with,commas | MODEL=yolo-fastestv2  [DEVICE=host|cortex-a76 THREADS=1,2,4 BUDGET=0.005|any JSON=out.json]
	@$(BIN)/edgewright-tune --packs="$$PACKS" --model="$$MODEL" --device="$$DEVICE" --threads="$$THREADS" \
	  --budget="$$BUDGET" --json="$$JSON"

matrix: setup ## Export every network to every target, prove and measure each; writes docs/matrix.md
#: [ALL=1 ONLY=text TARGET=ncnn,tflite,coreml,onnx WEIGHTS_DIR=published/ OUT=docs/matrix.md JSON=]
	@$(BIN)/edgewright-matrix --all="$$ALL" --only="$$ONLY" --target="$(if $(filter command,$(origin TARGET)),$$TARGET)" --weights-dir="$$WEIGHTS_DIR" --out="$$OUT" --json="$$JSON"

report: setup ## Write build/report.html: curves, packs, accuracy against latency, detections
#: [OUT=build/report.html WEIGHTS= DATA= SPLIT=val]
	@$(BIN)/edgewright-report --out="$$OUT" --weights="$$WEIGHTS" --data="$$DATA" --split="$$SPLIT" --json="$$JSON"

edge: setup ## Build edgebench, the C++ runner, for this machine
	@$(BIN)/python -m edgewright_edge.building.host

edge-rpi: setup $(ARM_SETUP) ## Build edgebench for the Raspberry Pi: one static program
#: ARCH=aarch64|armv7 [PACK=dir LIBC=musl TESTS=1]
	@$(BIN)/python -m edgewright_edge.building.cross --arch="$$ARCH" --pack="$$PACK" --libc="$$LIBC" $(if $(TESTS),--tests)

deb: setup $(ARM_SETUP) ## The same as a Debian package
#: ARCH=arm64|armhf [LIBC=musl PACK=dir]
	@$(BIN)/python -m edgewright_edge.building.cross --arch="$$ARCH" --pack="$$PACK" --libc="$$LIBC" --deb

test: setup lint edge edge-test ## Every check that needs no network, GPU or device
	$(PYTEST) -m "not slow"

test-slow: setup edge ## The checks that take minutes
	$(PYTEST) -m slow

edge-test: edge ## Unit tests of the C++ core
	@ctest --test-dir build/_edge --output-on-failure

edge-asan: setup ## The same under AddressSanitizer and UndefinedBehaviorSanitizer
	@$(BIN)/python -m edgewright_edge.building.host --sanitize

edge-tsan: setup ## Two models at once under ThreadSanitizer
	@$(BIN)/python -m edgewright_edge.building.host --threads

setup-fuzz: setup ## Install clang with libFuzzer; `make fuzz` does so itself
	@tools/install_packages.sh "make setup-fuzz" tools/apt-packages-fuzz.txt build/setup-fuzz.log

fuzz: edge setup-fuzz ## Fuzz the C++ core with libFuzzer, ASan and UBSan
#: [SECONDS=60 for each target, ONLY=manifest|image|decode|ncnn|safetensors]
# bash has a SECONDS of its own.
fuzz: export FUZZ_SECONDS = $(if $(filter command,$(origin SECONDS)),$(SECONDS))
fuzz:
	@$(BIN)/python -m edgewright_edge.fuzz --seconds="$$FUZZ_SECONDS" --only="$$ONLY"

edge-lint: edge ## clang-tidy, which takes minutes
	@edge/lint.sh --tidy

lint: setup ## ruff, mypy and clang-format
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@edge/lint.sh

format: setup ## Format Python and C++
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

clean: ## Remove what was built, not what was trained
	rm -rf build
