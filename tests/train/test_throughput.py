"""`make bench-train`: both trainers really train, and all of the time is accounted for."""

import json
from pathlib import Path

import pytest

from edgewright_train.training.throughput.__main__ import main

OPTIONS = ("--rounds=1", "--steps=2", "--batch=4", "--size=64x64")


def test_both_trainers_are_measured_in_turns(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "data.toml").write_text('format = "shapes"\nwidth = 64\nheight = 64\ntrain = 16\nval = 4\ntest = 4\n')
    out = tmp_path / "out.json"
    assert main([*OPTIONS, f"--data={tmp_path / 'data.toml'}", f"--json={out}"]) == 0
    found = json.loads(out.read_text())
    assert found["ratio"] == pytest.approx(found["ours"] / found["plain"])
    assert found["images"] == 16
    for kind in ("ours", "plain"):
        shares = found["shares"][kind]
        assert 0.9 < sum(shares.values()) <= 1.01
        assert min(shares[part] for part in ("forward", "loss", "backward", "update")) > 0
    assert found["peak_bytes"] > 100e6
    text = capfd.readouterr().out
    for word in ("ours / plain", "loading alone", "checkpoint", "peak memory", "forward", "backward"):
        assert word in text


def test_what_cannot_be_measured_is_one_line(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main([*OPTIONS, f"--data={tmp_path / 'nothing.toml'}"]) == 2
    assert main(["--rounds=0"]) == 2
    error = capfd.readouterr().err
    assert "nothing.toml" in error
    assert "--rounds=0: must be 1 or more" in error
    assert len(error.splitlines()) == 2
