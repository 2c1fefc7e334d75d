"""The fuzz targets of edge/fuzz: built, and run for seconds on their seeds and what grows from them."""

import struct
from pathlib import Path

import fuzz_seeds
import pytest

from edgewright_edge import fuzz
from edgewright_edge.fuzz import TARGETS

_SOURCES = Path(__file__).resolve().parents[2] / "edge" / "fuzz"


def test_every_target_has_a_source_and_seeds_that_fit() -> None:
    assert {path.stem.removeprefix("fuzz_") for path in _SOURCES.glob("fuzz_*.cpp")} == set(TARGETS)
    seeds = fuzz_seeds.seeds()
    assert set(seeds) == set(TARGETS)
    for target, files in seeds.items():
        assert files, target
        assert max(map(len, files.values())) <= TARGETS[target], f"longer than the longest input of {target}"


def test_seeds_of_networks_are_a_param_and_a_bin() -> None:
    for name, seed in fuzz_seeds.seeds()["ncnn"].items():
        param, _, weights = seed.partition(b"\0")
        assert param.startswith(b"7767517\n"), name
        assert len(weights) >= struct.calcsize("<I"), name


def test_without_clang_one_line_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(fuzz, "_COMPILERS", ("no-such-clang++",))
    assert fuzz.main(["--seconds=1"]) == 2
    error = capsys.readouterr().err
    assert "apt-get install -y clang-19 libclang-rt-19-dev" in error
    assert error.count("\n") == 1


@pytest.mark.parametrize("seconds", ["0", "-5"])
def test_a_run_takes_at_least_a_second(seconds: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert fuzz.main([f"--seconds={seconds}"]) == 2
    assert "seconds:" in capsys.readouterr().err


@pytest.fixture(scope="module")
def programs() -> Path:
    if fuzz.find_clang() is None:
        pytest.skip("needs clang++ with libFuzzer")
    return fuzz.build_targets()


@pytest.fixture
def own_logs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(fuzz, "_FUZZ", tmp_path)


@pytest.mark.slow
@pytest.mark.usefixtures("own_logs")
@pytest.mark.parametrize("target", sorted(TARGETS))
def test_seconds_of_fuzzing_find_nothing(target: str, programs: Path, tmp_path: Path) -> None:
    fuzz_seeds.write(tmp_path)
    found = fuzz.fuzz(programs / f"fuzz_{target}", tmp_path / target, seconds=5)
    assert found.reproducer is None
    assert found.num_executions > len(list((tmp_path / target).iterdir())) / 2


@pytest.mark.usefixtures("own_logs")
def test_an_input_that_breaks_a_promise_is_kept(tmp_path: Path) -> None:
    """A program that aborts on one of its seeds, in place of a target."""
    program = tmp_path / "fuzz_decode"
    program.write_text(
        "#!/bin/sh\n"
        'for option; do case "$option" in -artifact_prefix=*) prefix="${option#*=}";; esac; done\n'
        'echo "#2 INITED cov: 7 ft: 8 corp: 1/1b"\n'
        'echo "stat::number_of_executed_units: 12"\n'
        'echo "Test unit written to ${prefix}crash-1"\n'
        "exit 77\n"
    )
    program.chmod(0o755)
    found = fuzz.fuzz(program, tmp_path, seconds=1)
    assert (found.num_executions, found.num_edges) == (12, 7)
    assert found.reproducer == tmp_path / "crashes" / "decode" / "crash-1"
