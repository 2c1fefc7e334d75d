"""Packs on devices: a real sshd on loopback and an adb of ours; what is measured there, and that nothing is left there.

Needs the packages openssh-server and openssh-client; the runs as ARM also qemu-user and what make edge-rpi builds.
"""

import json
import os
import shutil
import sqlite3
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import cv2
import numpy as np
import pytest
from fake_adb import SERIAL
from loopback_sshd import SSHD, Sshd, running_sshd
from processes import has_ended, holds_soon
from small_pack import LABELS, rewrite_manifest, write_ncnn_pack

from edgewright_edge.__main__ import main as bench
from edgewright_edge.devices import binary
from edgewright_edge.devices.eval_cli import main as evaluate
from edgewright_edge.devices.verify_cli import main as verify
from edgewright_edge.measurement import Device
from edgewright_export.eval_cli import main as evaluate_here

Output = pytest.CaptureFixture[str]
QUICK = ("--seconds=0", "--threads=1", "--allow-refused")
ADB = f"adb:{SERIAL}"


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    if SSHD is None or shutil.which("ssh") is None:
        pytest.skip("sshd or ssh is not installed; apt-get install openssh-server openssh-client")
    with running_sshd(tmp_path_factory.mktemp("sshd") / "s") as server:
        yield server


@pytest.fixture
def parent(tmp_path: Path) -> Path:
    """Where devices make their folders: what is in it after a test has been left behind."""
    folder = tmp_path / "it's the device's"
    folder.mkdir()
    return folder


@pytest.fixture(autouse=True)
def programs(edgebench: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """edgebench as it was built, whatever has been edited since."""
    built = binary.ROOT / "build" / "_edge" / "edgebench"
    for module in ("edgewright_edge.edgebench", "edgewright_edge.devices.binary"):
        monkeypatch.setattr(f"{module}.build_host", lambda: built)


@pytest.fixture
def ssh(sshd: Sshd, parent: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A device with a key that lets us in, and `parent` as its folder for temporary files."""
    _use_key(sshd, "key", monkeypatch, parent)
    return sshd.device


def _use_key(sshd: Sshd, key: str, monkeypatch: pytest.MonkeyPatch, parent: Path) -> None:
    config = sshd.config(key)
    config.write_text(f'{config.read_text()}  SetEnv "TMPDIR={parent}"\n')
    monkeypatch.setenv("EDGEWRIGHT_SSH_CONFIG", str(config))


@pytest.fixture
def adb(parent: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A phone whose /data/local/tmp is `parent`."""
    program = tmp_path / "bin" / "adb"
    program.parent.mkdir()
    source = (Path(__file__).parents[1] / "fake_adb.py").read_text()
    program.write_text(f"#!{sys.executable} -S\n{source}")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    (tmp_path / "phone").symlink_to(parent)  # a name without quotes, as that which it stands for
    monkeypatch.setenv("FAKE_ADB_ROOT", str(tmp_path / "phone"))
    return ADB


@pytest.fixture(params=["ssh", "adb"])
def device(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue(request.param))


def _lab(tmp_path: Path, **devices: str) -> Path:
    """`devices`: name -> the lines of its table."""
    path = tmp_path / "lab.toml"
    path.write_text("".join(f"[devices.{name}]\n{lines}\n" for name, lines in devices.items()))
    return path


def _bench(pack: Path, tmp_path: Path, *arguments: str) -> int:
    return bench([f"--pack={pack}", f"--results={tmp_path / 'r.sqlite'}", f"--build={tmp_path / 'build'}", *arguments])


def _rows(tmp_path: Path) -> list[sqlite3.Row]:
    with closing(sqlite3.connect(tmp_path / "r.sqlite")) as connection:
        connection.row_factory = sqlite3.Row
        return connection.execute("SELECT * FROM latencies ORDER BY id").fetchall()


def _error(capsys: Output) -> str:
    """The one line."""
    error = capsys.readouterr().err
    assert error.count("\n") == 1, error
    return error


def test_a_pack_is_measured_on_a_device_and_nothing_stays_there(
    device: str, pack: Path, parent: Path, tmp_path: Path, capsys: Output
) -> None:
    assert _bench(pack, tmp_path, f"--device={device}", f"--json={tmp_path / 'out.json'}", *QUICK) == 0
    shown = capsys.readouterr().out
    assert "device" in shown
    assert f"refused: {device}, ncnn-fp32, 1 core: 50 runs in" in shown
    (measured,) = json.loads((tmp_path / "out.json").read_text())["packs"]
    assert (measured["device_name"], measured["pack"]["path"]) == (device, str(pack))
    rows = _rows(tmp_path)
    assert {row["device"] for row in rows} == {device}
    assert Device.model_validate_json(rows[0]["device_json"]).num_cores == len(os.sched_getaffinity(0))
    assert len(list((tmp_path / "build" / "bench").iterdir())) == 1
    assert list(parent.iterdir()) == []


def test_a_pack_is_measured_with_a_picture_of_the_user(device: str, pack: Path, tmp_path: Path, parent: Path) -> None:
    picture = tmp_path / "my $(photo); it's.PNG"
    picture.write_bytes(cv2.imencode(".png", np.zeros((30, 50, 3), np.uint8))[1].tobytes())
    json_path = tmp_path / "out.json"
    assert _bench(pack, tmp_path, f"--device={device}", f"--image={picture}", f"--json={json_path}", *QUICK) == 0
    (measured,) = json.loads(json_path.read_text())["packs"]
    assert measured["image"] == {"width": 50, "height": 30}
    assert measured["results"][0]["stages_ms"]["image_decode"]["count"] > 0
    assert list(parent.iterdir()) == []


def test_a_pack_is_verified_on_a_device(device: str, pack: Path, parent: Path, capsys: Output) -> None:
    assert verify([f"--pack={pack}", f"--device={device}", "--json=-"]) == 0
    told = json.loads(capsys.readouterr().out)["devices"][device]
    assert told["holds"]
    assert len(told["cases"]) == 2
    assert list(parent.iterdir()) == []


def test_a_pack_that_does_not_hold_there_is_exit_code_1(device: str, pack: Path, parent: Path, capsys: Output) -> None:
    rewrite_manifest(pack, lambda m: m["golden"]["tolerance"].update(max_error=0.0, min_cosine=1.0))
    assert verify([f"--pack={pack}", f"--device={device}"]) == 1
    assert f"{device}: ncnn-fp32 does not equal its source on golden/000.safetensors: " in _error(capsys)
    assert list(parent.iterdir()) == []


def _data(kind: str, folder: Path) -> Path:
    """Labelled noise: seven images, three classes."""
    rng = np.random.default_rng(3)
    for name in ("images", "masks", *(f"sorted/{label}" for label in LABELS)):
        (folder / name).mkdir(parents=True)
    images, boxes = [], []
    for index in range(7):
        image = rng.integers(0, 256, (40 + index, 50, 3), np.uint8)
        place = f"sorted/{LABELS[index % 3]}" if kind == "classify" else "images"
        cv2.imwrite(str(folder / place / f"{index}.png"), image)
        cv2.imwrite(str(folder / "masks" / f"{index}.png"), rng.integers(0, 3, image.shape[:2], np.uint8))
        images.append({"id": index, "file_name": f"{index}.png", "width": 50, "height": 40 + index})
        boxes += [
            {"id": 10 * index + i, "image_id": index, "category_id": i, "bbox": [5, 5, 12 * i + 9, 20], "iscrowd": 0,
             "area": 20 * (12 * i + 9)}
            for i in range(3)
        ]  # fmt: skip
    categories = [{"id": index, "name": label} for index, label in enumerate(LABELS)]
    (folder / "boxes.json").write_text(json.dumps({"images": images, "annotations": boxes, "categories": categories}))
    classes = f"classes = {json.dumps(LABELS)}\n"
    text = {
        "classify": f'format = "folders"\nval = "sorted"\n{classes}',
        "segment": f'format = "masks"\n{classes}[val]\nimages = "images"\nmasks = "masks"\n',
    }.get(kind, 'format = "coco"\n[val]\nimages = "images"\nannotations = "boxes.json"\n')
    (folder / "data.toml").write_text(text)
    return folder / "data.toml"


@pytest.mark.parametrize("kind", ["yolo-fastestv2", "classify", "segment"])
def test_accuracy_measured_on_a_device_is_that_of_this_host(
    device: str, kind: str, tmp_path: Path, parent: Path, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("ncnn")
    monkeypatch.setattr("edgewright_edge.devices.find._BATCH_IMAGES", 3)  # so that there are several batches
    pack = write_ncnn_pack(tmp_path / "pack", kind=kind)
    common = [f"--pack={pack}", f"--data={_data(kind, tmp_path)}", "--json=-"]
    assert evaluate([*common, f"--device={device}"]) == 0, capsys.readouterr().err
    there = json.loads(capsys.readouterr().out)
    assert evaluate_here(common) == 0
    here = json.loads(capsys.readouterr().out)
    assert there.pop("device") == device
    assert {**there, "seconds": 0} == {**here, "seconds": 0}
    assert there["images"] == 7
    assert list(parent.iterdir()) == []


def test_files_go_as_they_are_and_keep_their_names_to_themselves(
    device: str, tmp_path: Path, parent: Path, capsys: Output
) -> None:
    """Two folders have an image of the same name, and no name ever reaches the device."""
    pack = write_ncnn_pack(tmp_path / "pack", kind="classify")
    for index, label in enumerate(LABELS):
        (tmp_path / "sorted" / label).mkdir(parents=True)
        image = np.random.default_rng(index).integers(0, 256, (40, 50, 3), np.uint8)
        cv2.imwrite(str(tmp_path / "sorted" / label / "a '$(b)'.jpeg"), image)
        cv2.imwrite(str(tmp_path / "sorted" / label / "-c.bmp"), image)
    (tmp_path / "data.toml").write_text(f'format = "folders"\nval = "sorted"\nclasses = {json.dumps(LABELS)}\n')
    common = [f"--pack={pack}", f"--data={tmp_path / 'data.toml'}", "--json=-"]
    assert evaluate([*common, f"--device={device}"]) == 0
    there = json.loads(capsys.readouterr().out)
    assert evaluate_here(common) == 0
    assert there["top1"] == json.loads(capsys.readouterr().out)["top1"]
    assert there["images"] == 2 * len(LABELS)
    assert list(parent.iterdir()) == []


def test_a_broken_image_is_named_as_it_is_called_here(
    device: str, tmp_path: Path, parent: Path, capsys: Output
) -> None:
    pack = write_ncnn_pack(tmp_path / "pack", kind="classify")
    for label in LABELS:
        (tmp_path / "sorted" / label).mkdir(parents=True)
        (tmp_path / "sorted" / label / "broken.png").write_bytes(b"no image")
    (tmp_path / "data.toml").write_text(f'format = "folders"\nval = "sorted"\nclasses = {json.dumps(LABELS)}\n')
    assert evaluate([f"--pack={pack}", f"--data={tmp_path / 'data.toml'}", f"--device={device}"]) == 2
    assert f"{tmp_path / 'sorted' / LABELS[0] / 'broken.png'}: not a readable" in _error(capsys)
    assert list(parent.iterdir()) == []


def test_the_host_is_a_device_too(pack: Path, capsys: Output) -> None:
    assert verify([f"--pack={pack}", "--device=host"]) == 0
    assert "host: " in capsys.readouterr().out


# What goes wrong.


def _stop(lines: str) -> str:
    """A runner that lets `edgebench info` through, and does these lines instead of anything else."""
    script = f'case "$2" in info) exec "$@";; esac; {lines}'
    return f"runner = {json.dumps(['sh', '-c', script, 'sh'])}"


def _fails(arguments: Sequence[str], pack: Path, tmp_path: Path, parent: Path, capsys: Output, *, code: int) -> str:
    """The one line.  Nothing was recorded, nothing is left on the device."""
    assert _bench(pack, tmp_path, *arguments, *QUICK) == code
    assert not (tmp_path / "r.sqlite").exists()
    assert holds_soon(lambda: list(parent.iterdir()) == [])
    return _error(capsys)


def test_a_host_that_does_not_answer(ssh: str, pack: Path, tmp_path: Path, parent: Path, capsys: Output) -> None:
    device = "ssh://127.0.0.1:1"
    error = _fails([f"--device={device}"], pack, tmp_path, parent, capsys, code=2)
    assert error == f"edgewright-bench: error: {device}: connect to host 127.0.0.1 port 1: Connection refused\n"


def test_a_key_that_is_not_known_there(
    sshd: Sshd, pack: Path, tmp_path: Path, parent: Path, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    _use_key(sshd, "unknown_key", monkeypatch, parent)
    error = _fails([f"--device={sshd.device}"], pack, tmp_path, parent, capsys, code=2)
    assert "Permission denied (publickey" in error
    assert "docs/devices.md" in error


def test_a_host_that_is_not_known_here(
    ssh: str, pack: Path, tmp_path: Path, parent: Path, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "config"
    text = Path(os.environ["EDGEWRIGHT_SSH_CONFIG"]).read_text()
    config.write_text(text.replace("/known_hosts", "/no_known_hosts"))
    monkeypatch.setenv("EDGEWRIGHT_SSH_CONFIG", str(config))
    error = _fails([f"--device={ssh}"], pack, tmp_path, parent, capsys, code=2)
    assert "Host key verification failed" in error
    assert "connect once by hand" in error


def test_no_ssh_here(
    ssh: str, pack: Path, tmp_path: Path, parent: Path, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/does/not/exist")
    error = _fails([f"--device={ssh}"], pack, tmp_path, parent, capsys, code=2)
    assert "ssh is not installed; run: sudo apt-get install -y openssh-client" in error


@pytest.mark.parametrize("serial", ["OTHER", SERIAL])
@pytest.mark.parametrize("state", ["unauthorized", "offline"])
def test_a_phone_that_is_not_there_or_not_ready(
    serial: str, state: str, adb: str, pack: Path, tmp_path: Path, parent: Path, capsys: Output,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv("FAKE_ADB_STATE", state)
    error = _fails([f"--device=adb:{serial}"], pack, tmp_path, parent, capsys, code=2)
    assert (f"device {state}" if serial == SERIAL else "device 'OTHER' not found; adb devices lists") in error


def test_a_folder_that_does_not_exist(device: str, pack: Path, tmp_path: Path, parent: Path, capsys: Output) -> None:
    lab = _lab(tmp_path, board=f'device = "{device}"\nfolder = "/does/not/exist"')
    error = _fails([f"--devices={lab}"], pack, tmp_path, parent, capsys, code=2)
    assert error.startswith("edgewright-bench: error: board: mktemp: ")
    assert "No such file or directory" in error


def test_a_full_disk_over_ssh(
    sshd: Sshd, pack: Path, tmp_path: Path, parent: Path, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    _use_key(sshd, "tiny_key", monkeypatch, parent)
    error = _fails([f"--device={sshd.device}"], pack, tmp_path, parent, capsys, code=2)
    assert f"{sshd.device}: cannot copy files there: no room in {parent}/edgewright." in error


def test_a_full_phone(
    adb: str, pack: Path, tmp_path: Path, parent: Path, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_ADB_STATE", "full")
    assert "cannot copy files there: no room in " in _fails([f"--device={adb}"], pack, tmp_path, parent, capsys, code=2)


def test_a_disk_that_is_full_when_results_are_written(
    ssh: str, pack: Path, tmp_path: Path, parent: Path, capsys: Output
) -> None:
    stop = _stop("trap '' XFSZ; ulimit -f 0; exec \"$@\"")
    lab = _lab(tmp_path, board=f'device = "{ssh}"\n{stop}')
    error = _fails([f"--devices={lab}"], pack, tmp_path, parent, capsys, code=2)
    assert "board: out/result.json: " in error


def test_a_program_for_another_architecture(
    device: str, pack: Path, tmp_path: Path, parent: Path, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(binary, "_BUILD", tmp_path / "build")
    program = tmp_path / "build" / "_edge-aarch64" / "edgebench"
    program.parent.mkdir(parents=True)
    data = bytearray(Path("/bin/true").resolve().read_bytes())
    data[18:20] = b"\x34\x12"  # an ELF file for a machine that does not exist
    program.write_bytes(data)
    lab = _lab(tmp_path, board=f'device = "{device}"\narchitecture = "aarch64"')
    error = _fails([f"--devices={lab}"], pack, tmp_path, parent, capsys, code=2)
    assert "board: edgebench for aarch64 does not start: wrong architecture; uname -m says " in error


def test_a_program_that_is_not_built(device: str, pack: Path, tmp_path: Path, parent: Path, capsys: Output) -> None:
    lab = _lab(tmp_path, board=f'device = "{device}"\narchitecture = "riscv64"')
    error = _fails([f"--devices={lab}"], pack, tmp_path, parent, capsys, code=2)
    assert "board: no edgebench is built for the architecture riscv64" in error


def test_a_folder_that_allows_no_programs(
    device: str, pack: Path, tmp_path: Path, parent: Path, capsys: Output
) -> None:
    """As on a file system that is mounted noexec: the kernel refuses with the same error."""
    script = 'chmod 600 "$1"; exec "$@"'
    lab = _lab(tmp_path, board=f'device = "{device}"\nrunner = {json.dumps(["sh", "-c", script, "sh"])}')
    error = _fails([f"--devices={lab}"], pack, tmp_path, parent, capsys, code=2)
    assert "ermission denied" in error
    assert "allow programs (noexec)?" in error


def test_a_runner_that_is_not_there(device: str, pack: Path, tmp_path: Path, parent: Path, capsys: Output) -> None:
    lab = _lab(tmp_path, board=f'device = "{device}"\nrunner = ["qemu-of-nobody"]')
    error = _fails([f"--devices={lab}"], pack, tmp_path, parent, capsys, code=2)
    assert "qemu-of-nobody: No such file or directory" in error


def test_a_run_that_is_killed(device: str, pack: Path, tmp_path: Path, parent: Path, capsys: Output) -> None:
    lab = _lab(tmp_path, board=f'device = "{device}"\n{_stop("kill -KILL $$")}')
    error = _fails([f"--devices={lab}"], pack, tmp_path, parent, capsys, code=1)
    assert error == "edgewright-bench: error: board: edgebench was killed there by SIGKILL\n"


def _hanging(tmp_path: Path) -> tuple[str, Path]:
    """A runner that never ends, and the file it writes its process id to."""
    pid = tmp_path / "pid"
    return _stop(f'echo $$ > "{pid}.part"; mv "{pid}.part" "{pid}"; exec sleep 600'), pid


def test_a_run_that_takes_too_long_is_ended_there(
    device: str, pack: Path, tmp_path: Path, parent: Path, capsys: Output
) -> None:
    stop, pid = _hanging(tmp_path)
    lab = _lab(tmp_path, board=f'device = "{device}"\ntimeout_s = 5\n{stop}')
    error = _fails([f"--devices={lab}"], pack, tmp_path, parent, capsys, code=1)
    assert error == "edgewright-bench: error: board: took longer than 5 s, and was stopped\n"
    assert has_ended(int(pid.read_text()))


def test_a_connection_that_dies_while_a_pack_runs(
    ssh: str, sshd: Sshd, pack: Path, tmp_path: Path, parent: Path, capsys: Output
) -> None:
    """The device notices by itself: the run ends and the folder goes, though nobody can tell it to."""
    stop, pid = _hanging(tmp_path)
    lab = _lab(tmp_path, board=f'device = "{ssh}"\n{stop}')

    def cut() -> None:
        assert holds_soon(pid.is_file)
        for session in sshd.sessions():
            sshd.kill_session(session)

    cutter = threading.Thread(target=cut)
    cutter.start()
    error = _fails([f"--devices={lab}"], pack, tmp_path, parent, capsys, code=1)
    cutter.join()
    assert "board: the connection was lost: " in error
    assert has_ended(int(pid.read_text()))


def test_a_phone_that_is_unplugged_while_a_pack_runs(
    adb: str, pack: Path, tmp_path: Path, parent: Path, capsys: Output
) -> None:
    stop, pid = _hanging(tmp_path)
    lab = _lab(tmp_path, board=f'device = "{adb}"\n{stop}')

    def unplug() -> None:
        assert holds_soon(pid.is_file)
        for process in Path("/proc").glob("[0-9]*"):
            _kill_adb(process, tmp_path)

    unplugging = threading.Thread(target=unplug)
    unplugging.start()
    error = _fails([f"--devices={lab}"], pack, tmp_path, parent, capsys, code=1)
    unplugging.join()
    assert "board: the connection was lost: " in error
    assert has_ended(int(pid.read_text()))


def _kill_adb(process: Path, tmp_path: Path) -> None:
    """Where it is one of ours."""
    try:
        words = (process / "cmdline").read_bytes().split(b"\0")
    except OSError:
        return
    if str(tmp_path / "bin" / "adb").encode() in words:
        os.kill(int(process.name), 9)


def test_a_pack_for_another_runtime(ssh: str, pack: Path, tmp_path: Path, parent: Path, capsys: Output) -> None:
    rewrite_manifest(pack, lambda m: m.update(target="onnx"))
    error = _fails([f"--device={ssh}"], pack, tmp_path, parent, capsys, code=2)
    assert f"onnx does not run on {ssh}" in error
    assert verify([f"--pack={pack}", f"--device={ssh}"]) == 2
    assert f"{ssh} runs ncnn packs, this one is for onnx" in _error(capsys)


def test_more_threads_than_the_device_has_cores(
    ssh: str, pack: Path, tmp_path: Path, parent: Path, capsys: Output
) -> None:
    assert _bench(pack, tmp_path, f"--device={ssh}", "--threads=999", "--seconds=0") == 2
    assert f"THREADS=999: give a number from 1 to {len(os.sched_getaffinity(0))}, the cores of {ssh}" in _error(capsys)
    assert list(parent.iterdir()) == []


def test_many_devices_at_once_give_one_table_and_a_failing_one_is_a_line(
    ssh: str, adb: str, pack: Path, tmp_path: Path, parent: Path, capsys: Output
) -> None:
    lab = _lab(
        tmp_path,
        board=f'device = "{ssh}"',
        gone='device = "ssh://127.0.0.1:1"',
        phone=f'device = "{adb}"',
        here='device = "host"',
    )
    assert _bench(pack, tmp_path, f"--devices={lab}", *QUICK) == 1
    told = capsys.readouterr()
    assert told.err == ("edgewright-bench: error: gone: connect to host 127.0.0.1 port 1: Connection refused\n")
    places = [told.out.index(f"│ {name} ") for name in ("board", "phone", "here")]
    assert places == sorted(places)
    assert {row["device"] for row in _rows(tmp_path)} == {"board", "phone", "here"}
    assert len(list((tmp_path / "build" / "bench").iterdir())) == 3
    assert list(parent.iterdir()) == []

    assert verify([f"--pack={pack}", f"--devices={lab}"]) == 1
    told = capsys.readouterr()
    assert [line.split(":")[0] for line in told.out.splitlines()] == ["board", "phone", "here"]
    assert told.err.count("\n") == 1


def test_a_lab_where_no_device_answers_is_wrong_input(pack: Path, tmp_path: Path, capsys: Output) -> None:
    lab = _lab(tmp_path, a='device = "ssh://127.0.0.1:1"', b='device = "ssh://127.0.0.1:2"')
    assert _bench(pack, tmp_path, f"--devices={lab}") == 2
    assert capsys.readouterr().err.count("Connection refused\n") == 2


@pytest.fixture
def arm() -> str:
    """The lines of a lab.toml for a 64-bit ARM CPU, under QEMU."""
    program = binary.ROOT / "build" / "_edge-aarch64" / "edgebench"
    if not program.is_file():
        pytest.skip("edgebench is not built for aarch64; run: make edge-rpi ARCH=aarch64")
    if shutil.which("qemu-aarch64") is None:
        pytest.skip("qemu-aarch64 is not installed; apt-get install qemu-user")
    return 'architecture = "aarch64"\nrunner = ["qemu-aarch64", "-cpu", "cortex-a76"]'


def test_the_arm_program_is_what_runs_on_an_arm_device(
    device: str, arm: str, pack: Path, tmp_path: Path, parent: Path, capsys: Output
) -> None:
    lab = _lab(tmp_path, board=f'device = "{device}"\n{arm}')
    assert _bench(pack, tmp_path, f"--devices={lab}", *QUICK) == 0, capsys.readouterr().err
    assert Device.model_validate_json(_rows(tmp_path)[0]["device_json"]).architecture == "aarch64"
    capsys.readouterr()
    assert verify([f"--pack={pack}", f"--devices={lab}"]) == 0
    common = [f"--pack={pack}", f"--data={_data('yolo-fastestv2', tmp_path)}", "--json=-"]
    capsys.readouterr()
    assert evaluate([*common, f"--devices={lab}"]) == 0
    there = json.loads(capsys.readouterr().out)
    assert evaluate_here(common) == 0
    assert there["AP"] == json.loads(capsys.readouterr().out)["AP"]
    assert list(parent.iterdir()) == []
