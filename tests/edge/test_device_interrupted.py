"""A command that is interrupted while a device works: its programs end, its folders go, and one line says so."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from processes import has_ended, holds_soon

_COMMANDS = {
    "verify": "edgewright_edge.devices.verify_cli",
    "bench": "edgewright_edge.__main__",
    "sustained": "edgewright_edge.__main__",
}
# With edgebench as it was built, whatever has been edited since.
_START = """
import importlib, pathlib, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # what runs the tests may ignore it
from edgewright_edge.devices import binary
binary.build_host = lambda: pathlib.Path(sys.argv[2])
sys.exit(importlib.import_module(sys.argv[1]).main(sys.argv[3:]))
"""


def _lab(tmp_path: Path, names: list[str]) -> Path:
    """Devices on which `edgebench info` runs, and whose next program starts another and never ends."""
    tables = []
    for name in names:
        pid = f'"{tmp_path}/{name}.$1"'
        mark = f"mark() {{ echo $2 > {pid}.part; mv {pid}.part {pid}; }}"
        script = f'case "$2" in info) exec "$@";; esac; {mark}; sleep 600 & mark child $!; mark parent $$; wait'
        runner = json.dumps(["sh", "-c", script, "sh"])
        tables.append(f'[devices.{name}]\ndevice = "host"\nfolder = "{tmp_path}/lent"\nrunner = {runner}\n')
    (tmp_path / "lent").mkdir()
    (tmp_path / "lab.toml").write_text("".join(tables))
    return tmp_path / "lab.toml"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize(
    ("command", "names"), [("verify", ["one"]), ("verify", ["one", "two"]), ("bench", ["one"]), ("sustained", ["one"])]
)
def test_nothing_is_left_of_an_interrupted_run(
    command: str, names: list[str], number: signal.Signals, edgebench, pack: Path, tmp_path: Path
) -> None:
    lab = _lab(tmp_path, names)
    places = [f"--results={tmp_path / 'r.sqlite'}", f"--build={tmp_path / 'build'}"] if command != "verify" else []
    places += ["--sustained=30m"] if command == "sustained" else []
    (tmp_path / "scratch").mkdir()
    options = [f"--pack={pack}", f"--devices={lab}", *places]
    process = subprocess.Popen(
        [sys.executable, "-c", _START, _COMMANDS[command], edgebench.binary, *options],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env={"TMPDIR": str(tmp_path / "scratch")},
    )  # fmt: skip
    pids = [tmp_path / f"{name}.{which}" for name in names for which in ("child", "parent")]
    assert holds_soon(lambda: process.poll() is not None or all(pid.is_file() for pid in pids))
    process.send_signal(number)
    error = process.communicate(timeout=60)[1]
    assert process.returncode == 128 + number, error
    assert error.splitlines()[-1].endswith({signal.SIGTERM: ": terminated", signal.SIGINT: ": interrupted"}[number])
    assert "Traceback" not in error
    assert all(has_ended(int(pid.read_text())) for pid in pids)
    assert list((tmp_path / "lent").iterdir()) == []
    assert list((tmp_path / "scratch").iterdir()) == []
