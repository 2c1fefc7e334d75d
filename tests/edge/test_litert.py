"""edgebench with TFLite packs, which it runs by a libLiteRt.so that it opens; the one of the Python package here."""

import json
import os
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
import pytest
from small_checkpoint import write_small_checkpoint
from small_pack import KINDS, decode, preprocess, rewrite_manifest, write_ncnn_pack

from edgewright_export.golden import make_case, write_case
from edgewright_export.pack import Pack, list_files, open_pack
from edgewright_export.runners import open_runner
from edgewright_train.tasks.detect.decode import detect
from edgewright_train.vision.placement import stretched

CORES = len(os.sched_getaffinity(0))
SHORT = ("--runs", "50", "--seconds", "0", "--allow-refused")
VARIABLE = "EDGEWRIGHT_LITERT_LIBRARY"


@pytest.fixture(scope="module")
def library() -> Path:
    package = find_spec("ai_edge_litert")
    places = package.submodule_search_locations if package else None
    found = Path(places[0]) / "libLiteRt.so" if places else None
    if found is None or not found.is_file():
        pytest.skip("the Python package ai-edge-litert with its libLiteRt.so is not installed")
    return found


@pytest.fixture
def litert(edgebench, library: Path, monkeypatch: pytest.MonkeyPatch):
    """edgebench that is told of the library."""
    monkeypatch.setenv(VARIABLE, str(library))
    return edgebench


def tflite_pack(folder: Path, kind: str = "yolo-fastestv2") -> Path:
    return write_ncnn_pack(folder, kind=kind, target="tflite", entry="model.tflite")


@pytest.fixture(scope="module")
def int8_pack(tmp_path_factory: pytest.TempPathFactory) -> Pack:
    """Of a whole network, int8 from input to outputs."""
    from edgewright_calibration.__main__ import main  # noqa: PLC0415

    out = tmp_path_factory.mktemp("int8")
    weights = write_small_checkpoint(out / "best.safetensors")
    options = ["--target=tflite", "--precision=int8", "--io=int8", "--method=min_max", "--budget=any"]
    assert main([f"--weights={weights}", f"--out={out}", "--calibration=8", *options]) == 0
    return open_pack(out / "yolo-fastestv2" / "tflite-int8")


def picture(path: Path, seed: int = 5) -> Path:
    cv2.imwrite(str(path), np.random.default_rng(seed).integers(0, 256, (50, 90, 3), np.uint8))
    return path


@pytest.mark.parametrize("kind", KINDS)
def test_verify_accepts_a_pack_that_computes_what_its_source_did(litert, kind: str, tmp_path: Path) -> None:
    done = litert("verify", tflite_pack(tmp_path / "pack", kind), "--json")
    assert done.returncode == 0, done.stderr
    verdict = json.loads(done.stdout)
    assert sum(case["num_parts"] for case in verdict["cases"]) > 0
    assert max(case["max_error"] for case in verdict["cases"]) < 1e-6


def test_verify_refuses_weights_that_compute_something_else(litert, tmp_path: Path) -> None:
    pack = tflite_pack(tmp_path / "pack")
    bias = np.random.default_rng(0).normal(size=(13, 3)).astype(np.float32)  # as `random_weights` draws the weights
    data = (pack / "model.tflite").read_bytes()
    row = bias[4].tobytes()
    assert data.count(row) == 1
    (pack / "model.tflite").write_bytes(data.replace(row, (-bias[4]).tobytes()))
    damaged = litert("verify", pack)
    assert damaged.returncode == 1
    assert "model.tflite: its SHA-256 is not the one in the manifest" in damaged.stderr
    rewrite_manifest(pack, lambda m: m.update(files=[file.model_dump() for file in list_files(pack)]))
    done = litert("verify", pack)
    assert done.returncode == 1
    assert "NOT verified" in done.stdout


def test_golden_vectors_hold_in_int8(litert, int8_pack: Pack) -> None:
    done = litert("verify", int8_pack.path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_code_is_that_of_the_python_runner(litert, int8_pack: Pack, tmp_path: Path) -> None:
    manifest = int8_pack.manifest
    assert manifest.input.steps is not None
    assert all(output.steps is not None for output in manifest.outputs)
    run = open_runner(int8_pack.path, manifest)
    names = manifest.golden.cases
    folder = tmp_path / "pack"
    (folder / "golden").mkdir(parents=True)
    for path in int8_pack.path.iterdir():
        if path.is_file():
            (folder / path.name).write_bytes(path.read_bytes())
    for seed, name in enumerate(names):
        noise = np.random.default_rng(seed).integers(0, 256, (70, 50, 3), np.uint8)
        write_case(folder / name, make_case(noise, run, manifest.input.preprocess, manifest.decode))
    rewrite_manifest(folder, lambda m: m.update(files=[file.model_dump() for file in list_files(folder)]))
    done = litert("verify", folder, "--json")
    assert done.returncode == 0, done.stderr
    assert [case["max_error"] for case in json.loads(done.stdout)["cases"]] == [0.0] * len(names)


def test_run_gives_the_detections_of_the_python_runner(litert, tmp_path: Path) -> None:
    pack, image = tflite_pack(tmp_path / "pack"), picture(tmp_path / "a.png")
    options = ("--score", "0.2", "--iou", "0.6", "--json", "-")
    found = json.loads(litert("run", pack, image, *options).stdout)["images"][0]
    maps = open_runner(pack, open_pack(pack).manifest)(preprocess().network_image(cv2.imread(str(image))))
    expected = detect(maps, decode(), score_threshold=0.2, iou_threshold=0.6).to_source(stretched((64, 32), (90, 50)))
    assert len(expected) > 3
    assert found["class_indices"] == expected.class_indices.tolist()
    np.testing.assert_allclose(found["boxes_xyxy"], expected.boxes_xyxy, atol=1e-3)
    np.testing.assert_allclose(found["scores"], expected.scores, atol=1e-4)


def test_the_result_does_not_depend_on_the_number_of_threads(litert, int8_pack: Pack, tmp_path: Path) -> None:
    image = picture(tmp_path / "a.png")
    told = [litert("run", int8_pack.path, image, "--score", 0, "--threads", n).stdout for n in (1, CORES)]
    assert told[0] == told[1]
    assert len(told[0].splitlines()) > 3


def test_bench_tells_which_library_it_measured_and_uses_the_threads_asked_for(
    litert, int8_pack: Pack, tmp_path: Path
) -> None:
    counts = sorted({1, CORES})
    options = ("--threads", ",".join(map(str, counts)), "--json", tmp_path / "out.json")
    done = litert("bench", int8_pack.path, *SHORT, *options)
    assert done.returncode == 0, done.stderr
    written = json.loads((tmp_path / "out.json").read_text())
    assert written["runtime"].startswith("litert ")
    assert len(written["runtime"]) == len("litert ") + 12
    for result in written["results"]:
        assert result["stages_ms"]["inference"]["count"] == 150
        # Threads that work; those that the library only starts and never wakes are not among them.
        assert {len([t for t in each["threads"] if t["cpu"] > 0.01]) for each in result["replicates"]} == {
            result["threads"]
        }


def test_info_names_the_library_or_says_how_to_give_one(edgebench, library: Path, monkeypatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    told = edgebench("info", "--json", "--runtime-library", library)
    assert json.loads(told.stdout)["litert"]["library"] == str(library)
    assert len(json.loads(told.stdout)["litert"]["sha256"]) == 64
    assert str(library) in edgebench("info", "--runtime-library", library).stdout
    line = next(line for line in edgebench("info").stdout.splitlines() if line.startswith("litert"))
    assert str(line).partition("none: ")[2].startswith("LiteRT: libLiteRt.so: ")
    assert "--runtime-library" in line
    assert json.loads(edgebench("info", "--json").stdout)["litert"] is None


WRONG_LIBRARIES = {
    "/nowhere/libLiteRt.so": "LiteRT: /nowhere/libLiteRt.so: cannot open shared object file",
    "libm.so.6": "LiteRT: libm.so.6 has no LiteRtCreateEnvironment: it is not libLiteRt.so of LiteRT 2.1.6 or newer",
}


@pytest.mark.parametrize("name", WRONG_LIBRARIES)
@pytest.mark.parametrize("command", ["info", "verify", "run", "bench", "ab", "turns"])
def test_a_library_that_is_none_is_one_line(edgebench, command: str, name: str, tmp_path: Path) -> None:
    pack, image = tflite_pack(tmp_path / "pack"), picture(tmp_path / "a.png")
    words = {"info": (), "run": (pack, image), "ab": (pack, pack), "turns": (pack, "--threads", 1)}
    done = edgebench(command, *words.get(command, (pack,)), "--runtime-library", name)
    assert (done.returncode, done.stdout) == (2, "")
    assert WRONG_LIBRARIES[name] in done.stderr
    assert "see docs/devices.md" in done.stderr
    assert done.stderr.count("\n") == 1


def _rename(manifest: dict, name: str) -> None:
    manifest["decode"]["scales"][0]["output"] = name


HOSTILE = {
    "input: LiteRT takes a tensor": (2, lambda m: m["input"].update(kind="image")),
    "the .tflite has no single input other": (2, lambda m: m["input"].update(name="other")),
    "the .tflite has no output fine": (2, lambda m: (m["outputs"][0].update(name="fine"), _rename(m, "fine"))),
    "input image has another shape or type": (1, lambda m: m["input"].update(layout="nchw")),
    "output stride16 has another shape or type": (
        1,
        lambda m: m["outputs"][0].update(steps={"scale": 1, "zero_point": 0}),
    ),
}


@pytest.mark.parametrize("message", HOSTILE)
def test_a_manifest_that_does_not_fit_the_file_is_refused_by_name(litert, message: str, tmp_path: Path) -> None:
    pack = tflite_pack(tmp_path / "pack")
    code, change = HOSTILE[message]
    rewrite_manifest(pack, change)
    done = litert("verify", pack)
    assert (done.returncode, done.stdout) == (code, "")
    assert message in done.stderr.splitlines()[-1]


@pytest.mark.parametrize("content", [b"", b"no flatbuffer at all", bytes(4096)])
def test_a_file_that_is_no_network_is_refused(litert, content: bytes, tmp_path: Path) -> None:
    pack = tflite_pack(tmp_path / "pack")
    (pack / "model.tflite").write_bytes(content)
    rewrite_manifest(pack, lambda m: m.update(files=[file.model_dump() for file in list_files(pack)]))
    done = litert("verify", pack)
    assert (done.returncode, done.stdout) == (2, "")
    assert "LiteRT refuses the .tflite" in done.stderr.splitlines()[-1]


def test_ab_compares_the_runtimes(litert, tmp_path: Path) -> None:
    packs = (tflite_pack(tmp_path / "tflite"), write_ncnn_pack(tmp_path / "ncnn"))
    done = litert("ab", *packs, "--runs", 50, "--json", tmp_path / "out.json")
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "out.json").read_text())["runtime"].startswith("litert ")


def test_profile_is_for_ncnn(litert, tmp_path: Path) -> None:
    done = litert("profile", tflite_pack(tmp_path / "pack"))
    assert done.returncode == 2
    assert "target: must be ncnn here, not tflite" in done.stderr
