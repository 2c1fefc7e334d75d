"""edgebench as a user or a script meets it: what it prints, what it writes, and how it ends."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from safetensors import numpy as tensors
from small_pack import KINDS, LABELS, decode, preprocess, random_weights, rewrite_manifest, run, write_ncnn_pack

from edgewright_edge.latency.verdict import find_problems
from edgewright_edge.measurement import STAGES, BenchResult, summarize
from edgewright_export.pack import MANIFEST, list_files
from edgewright_train.tasks.classify.decode import classify
from edgewright_train.tasks.detect.decode import detect
from edgewright_train.tasks.segment.decode import segment
from edgewright_train.vision.placement import stretched

CORES = len(os.sched_getaffinity(0))
SHORT = ("--runs", "50", "--seconds", "0", "--allow-refused")


def test_info_tells_cores_runtime_and_half_precision(edgebench) -> None:
    told = json.loads(edgebench("info", "--json").stdout)
    assert told["device"]["num_cores"] == CORES
    assert told["runtime"] == "ncnn 1.0.20261020"
    assert told["jpeg"] == "libjpeg"
    assert isinstance(told["device"]["fp16_arithmetic_available"], bool)
    assert "cores" in edgebench("info").stdout


@pytest.mark.parametrize("kind", KINDS)
def test_verify_accepts_a_pack_that_computes_what_its_source_did(edgebench, kind: str, tmp_path: Path) -> None:
    pack = write_ncnn_pack(tmp_path / "pack", kind=kind)
    done = edgebench("verify", pack, "--json")
    verdict = json.loads(done.stdout)
    assert done.returncode == 0
    assert verdict["holds"]
    assert [case["num_agreeing"] for case in verdict["cases"]] == [case["num_parts"] for case in verdict["cases"]]
    assert sum(case["num_parts"] for case in verdict["cases"]) > 0
    assert max(case["max_error"] for case in verdict["cases"]) < 1e-6
    assert edgebench("verify", pack).stdout.endswith(f"{pack}: verified\n")


@pytest.mark.parametrize("kind", KINDS)
def test_verify_refuses_weights_that_compute_something_else(edgebench, kind: str, tmp_path: Path) -> None:
    pack = write_ncnn_pack(tmp_path / "pack", kind=kind)
    data = bytearray((pack / "model.bin").read_bytes())
    data[4:8] = np.float32(9).tobytes()  # the first weight of the first output, behind a flag
    (pack / "model.bin").write_bytes(data)
    rewrite_manifest(pack, lambda m: m.update(files=[file.model_dump() for file in list_files(pack)]))
    done = edgebench("verify", pack)
    assert done.returncode == 1
    assert "largest error" in done.stdout
    assert "NOT verified" in done.stdout


def test_results_are_checked_on_more_threads_than_cores_too(edgebench, pack: Path) -> None:
    assert edgebench("verify", pack, "--threads", CORES + 1).returncode == 0
    for threads in (0, 65):
        done = edgebench("verify", pack, "--threads", threads)
        assert done.returncode == 2
        assert f"--threads {threads}: give 1 to 64" in done.stderr


WRONG_RESULTS = {
    "yolo": ("scores", lambda scores: scores + np.float32(0.001)),
    "classify": ("probabilities", lambda probabilities: probabilities[::-1]),
    "segment": ("labels", lambda labels: labels + np.uint16(1)),
}


@pytest.mark.parametrize("kind", WRONG_RESULTS)
def test_verify_proves_the_decoding_of_this_device_by_itself(edgebench, kind: str, tmp_path: Path) -> None:
    pack = write_ncnn_pack(tmp_path / "pack", kind=kind)
    name, change = WRONG_RESULTS[kind]
    arrays = tensors.load_file(pack / "golden/000.safetensors")
    arrays[name] = np.ascontiguousarray(change(arrays[name]))
    tensors.save_file(arrays, pack / "golden/000.safetensors")
    rewrite_manifest(pack, lambda m: m.update(files=[file.model_dump() for file in list_files(pack)]))
    done = edgebench("verify", pack)
    assert done.returncode == 1
    assert "decoding the golden outputs does not give the golden result" in done.stdout


MALFORMED = {
    "tensor labels has another type or shape": ("segment", "labels", np.zeros((8, 15), np.uint16)),
    "tensor probabilities has another type or shape": ("classify", "probabilities", np.zeros(4, np.float32)),
    "tensor class_indices has another type or shape": ("ssd", "class_indices", np.zeros(3, np.int64)),
    "tensor logits has another type or shape": ("classify", "logits", np.zeros((3, 1), np.float32)),
}


@pytest.mark.parametrize("message", MALFORMED)
def test_a_malformed_golden_case_is_refused_by_name(edgebench, message: str, tmp_path: Path) -> None:
    kind, name, value = MALFORMED[message]
    pack = write_ncnn_pack(tmp_path / "pack", kind=kind)
    arrays = tensors.load_file(pack / "golden/001.safetensors")
    tensors.save_file({**arrays, name: value}, pack / "golden/001.safetensors")
    rewrite_manifest(pack, lambda m: m.update(files=[file.model_dump() for file in list_files(pack)]))
    done = edgebench("verify", pack)
    assert done.returncode == 2
    assert f"golden/001.safetensors: {message}" in done.stderr


def test_verify_finds_a_flipped_bit_in_every_file(edgebench, pack: Path, tmp_path: Path) -> None:
    files = [path.relative_to(pack) for path in sorted(pack.rglob("*")) if path.is_file()]
    assert len(files) == 6
    for name in files:
        damaged = tmp_path / "damaged"
        shutil.copytree(pack, damaged)
        data = bytearray((damaged / name).read_bytes())
        data[len(data) // 2] ^= 1
        (damaged / name).write_bytes(data)
        done = edgebench("verify", damaged)
        assert done.returncode == 1, name
        assert name.name.removesuffix(".sha256") in done.stderr
        shutil.rmtree(damaged)


def _scale(manifest: dict) -> dict:
    return manifest["decode"]["scales"][0]


HOSTILE = {
    "format_version: 2 is newer than this edgewright reads (1)": lambda m: m.update(format_version=2),
    "surprise: unknown key": lambda m: m.update(surprise=1),
    "files.0.path: must be a plain relative path": lambda m: m["files"][0].update(path="../../etc/passwd"),
    "input.preprocess.width: must be an integer": lambda m: m["input"]["preprocess"].update(width=2**31),
    "outputs.0.shape.0: must be an integer": lambda m: m["outputs"][0].update(shape=[2**31, 1, 1]),
    "decode.scales.0.stride: must be an integer": lambda m: _scale(m).update(stride=0),
    "decode.scales.0.anchors_px.0.0: must be a number": lambda m: _scale(m).update(anchors_px=[["NaN", 1]]),
    "files.0.size_bytes: must be an integer": lambda m: m["files"][0].update(size_bytes=2**63),
    "target: the core runs ncnn and tflite, not coreml": lambda m: m.update(target="coreml"),
    "entry: model.param is not a .tflite": lambda m: m.update(target="tflite"),
    "entry: model.bin is not a .param": lambda m: m.update(entry="model.bin"),
    "the .param has no input blob other": lambda m: m["input"].update(name="other"),
}


@pytest.mark.parametrize("message", HOSTILE)
def test_a_hostile_manifest_is_refused_by_name(edgebench, pack: Path, message: str) -> None:
    rewrite_manifest(pack, HOSTILE[message])
    for command in ("verify", "bench"):
        done = edgebench(command, pack)
        assert done.returncode == 2
        assert message in done.stderr
        assert done.stderr.count("\n") == 1
        assert done.stdout == ""


def test_a_network_of_another_shape_never_reaches_decode(edgebench, pack: Path) -> None:
    def double(manifest: dict) -> None:
        manifest["input"]["preprocess"]["width"] = 128
        for output in manifest["outputs"]:
            output["shape"][2] *= 2

    param = (pack / "model.param").read_text().replace(" 3=16 ", " 3=8 ")
    (pack / "model.param").write_text(param)
    rewrite_manifest(pack, lambda m: m.update(files=[file.model_dump() for file in list_files(pack)]))
    done = edgebench("run", pack, _picture(pack.parent / "a.png"))
    assert done.returncode == 1
    assert "output stride16 has shape [13, 4, 8], the manifest says [13, 2, 4]" in done.stderr


def _picture(path: Path) -> Path:
    cv2.imwrite(str(path), np.random.default_rng(5).integers(0, 256, (50, 90, 3), np.uint8))
    return path


def test_run_gives_the_detections_of_python(edgebench, pack: Path, tmp_path: Path) -> None:
    folder = tmp_path / "images with spaces"
    folder.mkdir()
    for name in ("b.png", "a.png"):
        _picture(folder / name)
    (folder / "notes.txt").write_text("not an image")
    done = edgebench("run", pack, folder, "--score", "0.2", "--iou", "0.6", "--json", tmp_path / "out.json")
    assert done.returncode == 0
    found = json.loads((tmp_path / "out.json").read_text())["images"]
    assert [image["file_name"] for image in found] == ["a.png", "b.png"]
    image = cv2.imread(str(folder / "a.png"))
    maps = run(random_weights())(preprocess().network_image(image))
    expected = detect(maps, decode(), score_threshold=0.2, iou_threshold=0.6).to_source(stretched((64, 32), (90, 50)))
    assert (found[0]["width"], found[0]["height"]) == (90, 50)
    assert len(expected) > 3
    assert found[0]["class_indices"] == expected.class_indices.tolist()
    np.testing.assert_allclose(found[0]["boxes_xyxy"], expected.boxes_xyxy, atol=1e-3)
    np.testing.assert_allclose(found[0]["scores"], expected.scores, atol=1e-5)
    assert found[0]["labels"][0] in ("circle", "square", "triangle")


def test_run_tells_people_what_it_found(edgebench, pack: Path, tmp_path: Path) -> None:
    picture = _picture(tmp_path / "a.png")
    told = edgebench("run", pack, picture).stdout.splitlines()
    found = json.loads(edgebench("run", pack, picture, "--json", "-").stdout)["images"][0]
    assert told[0] == f"{picture}  90x50"
    assert len(told) == 1 + len(found["scores"]) > 3
    assert told[1].split()[0] == f"{found['scores'][0]:.3f}"
    assert told[1].endswith(found["labels"][0])
    assert "nothing found" in edgebench("run", pack, picture, "--score", 1).stdout


def test_run_gives_the_probabilities_of_python(edgebench, tmp_path: Path) -> None:
    pack, picture = write_ncnn_pack(tmp_path / "pack", kind="classify"), _picture(tmp_path / "a.png")
    assert edgebench("run", pack, picture, "--json", tmp_path / "out.json").returncode == 0
    document = json.loads((tmp_path / "out.json").read_text())
    assert (document["task"], document["labels"]) == ("classify", list(LABELS))
    outputs = run(random_weights("classify"), "classify")(preprocess().network_image(cv2.imread(str(picture))))
    expected = classify(outputs, decode("classify"))
    image = document["images"][0]
    np.testing.assert_allclose(image["probabilities"], expected.probabilities, atol=1e-5)
    assert [entry["class_index"] for entry in image["best"]] == expected.top(5)
    assert image["best"][0]["label"] == LABELS[expected.top(1)[0]]
    assert LABELS[expected.top(1)[0]] in edgebench("run", pack, picture).stdout.splitlines()[1]


def test_run_writes_the_label_maps_of_python(edgebench, tmp_path: Path) -> None:
    pack, picture = write_ncnn_pack(tmp_path / "pack", kind="segment"), _picture(tmp_path / "a photo.png")
    out = tmp_path / "made" / "maps"
    done = edgebench("run", pack, picture, "--out", out, "--overlay", "--json", tmp_path / "made" / "out.json")
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    image = cv2.imread(str(picture))
    outputs = run(random_weights("segment"), "segment")(preprocess().network_image(image))
    expected = segment(outputs, decode("segment")).scaled((90, 50)).labels
    found = cv2.imread(str(out / "a photo.png"), cv2.IMREAD_UNCHANGED)
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, expected)
    overlay = cv2.imread(str(out / "a photo.overlay.png"), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(overlay[expected == 0], (image[expected == 0].astype(int) + 1) // 2)  # class 0: black
    assert sorted(path.name for path in out.iterdir()) == ["a photo.overlay.png", "a photo.png"]

    entry = json.loads((tmp_path / "made" / "out.json").read_text())["images"][0]
    assert entry["label_map"] == "maps/a photo.png"  # as seen from the JSON file
    counts = {found["class_index"]: found["num_pixels"] for found in entry["classes"]}
    assert counts == {index: int((expected == index).sum()) for index in np.unique(expected)}
    told = edgebench("run", pack, picture).stdout.splitlines()
    assert [line.split()[-1] for line in told[1:]] == [entry["label"] for entry in entry["classes"]]


def test_run_never_overwrites_an_image_nor_one_label_map_with_another(edgebench, tmp_path: Path) -> None:
    pack, folder = write_ncnn_pack(tmp_path / "pack", kind="segment"), tmp_path / "images"
    folder.mkdir()
    before = _picture(folder / "a.png").read_bytes()
    done = edgebench("run", pack, folder, "--out", folder)
    assert done.returncode == 2
    assert "a.png: would be overwritten" in done.stderr
    cv2.imwrite(str(folder / "a.jpg"), np.zeros((5, 5, 3), np.uint8))
    done = edgebench("run", pack, folder, "--out", tmp_path / "maps")
    assert done.returncode == 2
    assert "maps/a.png: would be written for two images" in done.stderr
    assert (folder / "a.png").read_bytes() == before
    assert not list((tmp_path / "maps").iterdir())


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        ("segment", ("--overlay",), "--overlay needs --out"),
        ("segment", ("--score", 0.5), "only detectors have thresholds, this pack is for the task segment"),
        ("classify", ("--iou", 0.5), "only detectors have thresholds, this pack is for the task classify"),
        ("yolo", ("--out", "maps"), "--out and --overlay are for segmenters"),
        ("segment", ("--out", "/dev/null/maps"), "--out /dev/null/maps: Not a directory"),
        ("classify", ("--json", "/does/not/exist/out.json"), "/does/not/exist/out.json: No such file"),
    ],
)
def test_run_refuses_options_that_do_not_fit_the_pack(
    edgebench, kind: str, options: tuple[object, ...], message: str, tmp_path: Path
) -> None:
    pack, picture = write_ncnn_pack(tmp_path / "pack", kind=kind), _picture(tmp_path / "a.png")
    done = edgebench("run", pack, picture, *options)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


def test_run_refuses_what_is_not_an_image(edgebench, pack: Path, tmp_path: Path) -> None:
    whole = cv2.imencode(".jpg", np.zeros((64, 64, 3), np.uint8))[1].tobytes()
    for name, data in {"a.jpg": whole[: len(whole) // 2], "b.png": b"text", "empty.jpg": b""}.items():
        (tmp_path / name).write_bytes(data)
        done = edgebench("run", pack, tmp_path / name)
        assert (done.returncode, done.stdout) == (2, "")
        assert name in done.stderr
    (tmp_path / "empty").mkdir()
    assert "a folder without images" in edgebench("run", pack, tmp_path / "empty").stderr
    assert "no such file" in edgebench("run", pack, tmp_path / "missing.jpg").stderr


@pytest.mark.parametrize("kind", ["yolo-fastestv2", "classify", "segment"])
def test_bench_reports_statistics_of_the_samples_it_kept(edgebench, kind: str, tmp_path: Path) -> None:
    pack, samples = write_ncnn_pack(tmp_path / "pack", kind=kind), tmp_path / "samples.jsonl"
    done = edgebench("bench", pack, *SHORT, "--threads", "1", "--json", tmp_path / "out.json", "--samples", samples)
    assert done.returncode == 0, done.stderr
    result = BenchResult.model_validate_json((tmp_path / "out.json").read_text())
    assert result.pack.name == "ncnn-fp32"
    assert (result.image.width, result.image.height) == (80, 48)
    (measured,) = result.results
    assert measured.threads == 1
    assert [replicate.num_runs for replicate in measured.replicates] == [50, 50, 50]
    stages = measured.stages_ms
    for latency in (stages.preprocess, stages.inference, stages.postprocess, stages.image_to_result):
        assert latency.count == 150
        assert latency.min > 0
        expected = summarize(latency.samples)
        assert latency.model_copy(update={"mean": expected.mean}) == expected
        assert latency.mean == pytest.approx(expected.mean, rel=1e-12)
    assert stages.image_decode is None
    lines = [json.loads(line) for line in samples.read_text().splitlines()]
    assert [line["inference_ms"] for line in lines] == list(stages.inference.samples)
    assert {(line["threads"], line["replicate"]) for line in lines} == {(1, 0), (1, 1), (1, 2)}


def test_bench_and_python_come_to_the_same_verdict(edgebench, pack: Path, tmp_path: Path) -> None:
    edgebench("bench", pack, *SHORT, "--json", tmp_path / "out.json")
    for measured in BenchResult.model_validate_json((tmp_path / "out.json").read_text()).results:
        least_ms = min(getattr(measured.stages_ms, stage).min for stage in STAGES)
        problems = find_problems(measured.threads, measured.cores, measured.replicates, least_ms)
        assert sorted(problems) == sorted(measured.problems)
        assert any("at least 50 and 5 s are needed" in problem for problem in problems)


def test_a_result_that_cannot_be_believed_is_refused(edgebench, pack: Path, tmp_path: Path) -> None:
    done = edgebench("bench", pack, "--runs", "50", "--seconds", "0", "--threads", "1", "--json", tmp_path / "out.json")
    assert done.returncode == 1
    assert "REFUSED" in done.stdout
    assert json.loads((tmp_path / "out.json").read_text())["results"][0]["valid"] is False


def test_a_machine_with_other_work_on_every_core_is_noticed(edgebench, pack: Path, tmp_path: Path) -> None:
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(2 * CORES)]
    try:
        edgebench("bench", pack, "--runs", "50", "--seconds", "1", "--threads", "1", "--json", tmp_path / "out.json")
    finally:
        for process in busy:
            process.kill()
            process.wait()
    (measured,) = json.loads((tmp_path / "out.json").read_text())["results"]
    assert any("for a core that others used" in problem for problem in measured["problems"])


def test_bench_with_an_image_file_times_its_decoding_too(edgebench, pack: Path, tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "photo.jpg"), np.full((60, 90, 3), 128, np.uint8))
    done = edgebench("bench", pack, *SHORT, "--image", tmp_path / "photo.jpg", "--json", tmp_path / "out.json")
    assert done.returncode == 0, done.stderr
    result = BenchResult.model_validate_json((tmp_path / "out.json").read_text())
    assert (result.image.width, result.image.height) == (90, 60)
    assert result.results[0].stages_ms.image_decode is not None
    assert result.results[0].stages_ms.image_decode.count == 150
    done = edgebench("bench", pack, *SHORT, "--image", tmp_path / "none.jpg")
    assert done.returncode == 2
    assert "none.jpg" in done.stderr


def test_profile_has_every_layer_that_computes(edgebench, pack: Path) -> None:
    done = edgebench("profile", pack, "--runs", "3", "--json", "-")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    param = (pack / "model.param").read_text().splitlines()[2:]
    expected = [line.split()[0] for line in param if line.split()[0] not in ("Input", "MemoryData")]
    assert [layer["type"] for layer in document["layers"]] == expected
    assert document["total_ms"] == pytest.approx(sum(layer["time_ms"] for layer in document["layers"]))
    assert "share" in edgebench("profile", pack, "--runs", "1").stdout


def test_sustain_gives_a_curve(edgebench, pack: Path, tmp_path: Path) -> None:
    done = edgebench("sustain", pack, "--seconds", "1", "--json", tmp_path / "out.json")
    assert done.returncode == 0, done.stderr
    document = json.loads((tmp_path / "out.json").read_text())
    (minute,) = document["minutes"]
    assert minute["runs"] > 0
    assert minute["p50_ms"] > 0
    assert document["last_to_first"] == 1


def test_bench_without_threads_takes_one_and_four_or_what_the_machine_has(
    edgebench, pack: Path, tmp_path: Path
) -> None:
    edgebench("bench", pack, *SHORT, "--json", tmp_path / "out.json")
    measured = json.loads((tmp_path / "out.json").read_text())["results"]
    assert [entry["threads"] for entry in measured] == sorted({1, min(4, CORES)})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--threads", CORES + 1), f"--threads {CORES + 1}: this machine has {CORES}"),
        (("--threads", 0), "--threads 0: this machine has"),
        (("--threads", "two"), "two"),
        (("--runs", 0), "--runs"),
        (("--seconds", -1), "--seconds"),
        ((*SHORT, "--json", "/does/not/exist/out.json"), "/does/not/exist/out.json: No such file"),
    ],
)
def test_bench_refuses_what_it_cannot_do(edgebench, pack: Path, arguments: tuple[object, ...], message: str) -> None:
    done = edgebench("bench", pack, *arguments)
    assert done.returncode == 2
    assert message in done.stderr


def test_ab_pairs_every_round(edgebench, pack: Path, tmp_path: Path) -> None:
    blobs = ("--input", "image", "--outputs", "stride16,stride32")
    done = edgebench("ab", pack, pack / "model.param", *blobs, "--runs", "51", "--json", tmp_path / "out.json")
    assert done.returncode == 0, done.stderr
    result = json.loads((tmp_path / "out.json").read_text())
    ratios = np.array(result["pack_ms"]["samples"]) / np.array(result["other_ms"]["samples"])
    assert len(ratios) == 51
    assert result["paired_ratio"]["median"] == np.sort(ratios)[25]


def test_ab_needs_the_blob_names_of_a_bare_model(edgebench, pack: Path) -> None:
    done = edgebench("ab", pack, pack / "model.param")
    assert done.returncode == 2
    assert "needs --input and --outputs" in done.stderr


def test_no_command_and_no_pack_are_errors_of_the_user(edgebench, tmp_path: Path) -> None:
    assert edgebench().returncode == 2
    assert edgebench("verify").returncode == 2
    assert edgebench("--help").returncode == 0
    assert "not a pack" in edgebench("verify", tmp_path).stderr
    assert edgebench("verify", tmp_path / MANIFEST).returncode == 2


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("verify", "x", "--threads", "two"), "verify: --threads two: give an integer"),
        (("verify", "x", "--threads", "99999999999"), "--threads 99999999999: give an integer"),
        (("bench", "x", "--threads", "1,,4"), "--threads : give an integer"),
        (("bench", "x", "--runs", "0"), "--runs 0: give an integer from 1 to 1000000"),
        (("run", "x", "y", "--score", "nan"), "--score nan: give a number from 0 to 1"),
        (("run", "x", "y", "--score"), "--score: its value is missing"),
        (("run", "x"), "images: missing"),
        (("verify", "x", "y"), "y: one word too many"),
        (("verify", "x", "--wh\nat"), "--wh?at: no such option"),
        (("verify", "x", "--json=1"), "--json: takes no value"),
        (("verify", "--", "--json"), "--json: "),
        (("turns", "x"), "--threads: missing"),
        (("nothing",), "nothing: no such subcommand; there are info, verify, run"),
    ],
)
def test_a_wrong_word_is_one_line_that_says_what_is_allowed(edgebench, words: tuple[str, ...], message: str) -> None:
    done = edgebench(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


def test_every_command_has_a_help_with_its_options_and_their_defaults(edgebench) -> None:
    shown = edgebench("--help").stdout.partition("Subcommands:")[2]
    commands = [line.split()[0] for line in shown.strip().splitlines()]
    assert len(commands) == 9
    for command in commands:
        done = edgebench(command, "--help")
        assert (done.returncode, done.stderr) == (0, "")
        assert f"Usage: edgebench {command} [OPTIONS]" in done.stdout
    assert "--outputs TEXT,... [794,796]" in edgebench("compare-sample", "-h").stdout
    assert "--runs INTEGER [50]" in edgebench("bench", "nowhere", "--help").stdout


def test_values_may_stand_behind_an_equals_sign_and_words_behind_dashes(edgebench, pack: Path) -> None:
    done = edgebench("verify", "--threads=2", "--json", "--", pack)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["holds"]
