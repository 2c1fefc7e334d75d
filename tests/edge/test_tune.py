"""edgewright-tune: a recommendation that follows from what was measured, and measurements that are fair."""

import json
import math
import os
import random
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_pack import preprocess, rewrite_manifest, write_ncnn_pack

from edgewright_edge.tune import instructions
from edgewright_edge.tune.__main__ import main
from edgewright_edge.tune.advice import Advice, advise
from edgewright_edge.tune.build_count import Counter
from edgewright_edge.tune.instructions import count_instructions
from edgewright_edge.tune.pareto import Loss, Measured, dominates, standings
from edgewright_edge.tune.ratios import paired_ratio
from edgewright_edge.tune.turns import TURNS, EdgebenchTurns, PythonTurns, measure_in_turns
from edgewright_export.manifest import FLOAT_PRECISIONS, PRECISIONS, Precision, Target
from edgewright_export.pack import Pack, open_pack
from edgewright_train.errors import CheckError, InputError

CORES = len(os.sched_getaffinity(0))
QUANTISATION = {
    "method": "mse", "calibration_sha256": "1" * 64, "plan_sha256": "2" * 64, "num_layers": 1, "float_layers": (),
    "float_cosine": 0.999,
}  # fmt: skip


def measured(
    precision: Precision,
    rounds: Sequence[float],
    *,
    target: Target = "tflite",
    threads: int = 1,
    kb: int = 500,
    loss: float | None = 0.0,
) -> Measured:
    known = None if loss is None else Loss(loss, "coco")
    cost = sorted(rounds)[len(rounds) // 2]
    return Measured(f"{target}-{precision}", target, precision, threads, tuple(rounds), cost, kb * 1000, known)


def steady(milliseconds: float) -> list[float]:
    """Rounds that differ by 1 %."""
    return [milliseconds * (1 + 0.01 * (number % 2)) for number in range(20)]


def noisy(milliseconds: float) -> list[float]:
    """Rounds that differ by a factor of two either way."""
    return [milliseconds * 2.0 ** (number % 3 - 1) for number in range(21)]


def advice(*every: Measured, budget: float | None = 0.005) -> Advice:
    return advise(standings(every, budget), budget, "AP50")


# Packs that differ in anything, at some thread counts; rounds are powers of two, whose products and ratios are exact.
_PACK = st.tuples(
    st.sampled_from(PRECISIONS),
    st.integers(1, 3).map(lambda kb: 100 * kb),
    st.none() | st.sampled_from((-0.001, 0.0, 0.00001, 0.004, 0.006, 0.2)),
    st.sets(st.sampled_from((1, 2)), min_size=1),
)
_BUDGET = st.none() | st.sampled_from((0.0, 0.005, 0.5))


@st.composite
def _measurements(draw: st.DrawFn) -> list[Measured]:
    packs = draw(st.lists(_PACK, min_size=1, max_size=6, unique_by=lambda pack: pack[0]))
    rounds = st.lists(st.sampled_from((1.0, 2.0, 4.0, 8.0)), min_size=12, max_size=12)
    return [
        measured(precision, draw(rounds), kb=kb, loss=loss, threads=threads)
        for precision, kb, loss, counts in packs
        for threads in sorted(counts)
    ]


@given(_measurements(), _BUDGET)
def test_the_front_is_what_nothing_dominates_and_all_else_is_dominated_by_it(
    every: list[Measured], budget: float | None
) -> None:
    placed = standings(every, budget)
    assert {one.measured for one in placed} == set(every)
    front = {one.measured for one in placed if one.dominated_by is None}
    assert front
    by_pack = {one.measured: one for one in placed}
    for one in placed:
        beaten = [other for other in placed if dominates(other, one)]
        assert bool(beaten) == (one.dominated_by is not None)
        if one.dominated_by is not None:
            assert one.dominated_by in front
            assert dominates(by_pack[one.dominated_by], one)


@given(_measurements(), _BUDGET)
def test_dominance_is_a_strict_order(every: list[Measured], budget: float | None) -> None:
    placed = standings(every, budget)
    for one in placed:
        assert not dominates(one, one)
        for other in placed:
            assert not (dominates(one, other) and dominates(other, one))
            for third in placed:
                assert dominates(one, third) or not (dominates(one, other) and dominates(other, third))


@given(_measurements(), _BUDGET)
def test_the_recommended_pack_is_inside_the_budget_and_not_dominated(
    every: list[Measured], budget: float | None
) -> None:
    placed = standings(every, budget)
    found = advise(placed, budget, "AP50")
    if found.chosen is None:
        assert not any(one.inside for one in placed)
    else:
        (chosen,) = (one for one in placed if one.measured == found.chosen)
        assert chosen.dominated_by is None
        loss = found.chosen.loss
        assert found.chosen.precision in FLOAT_PRECISIONS if loss is None else budget is None or loss.value <= budget
    assert all(sentence.endswith(".") and "\n" not in sentence for sentence in found.sentences)


@given(_measurements(), _BUDGET, st.randoms(use_true_random=False))
def test_the_order_of_the_packs_does_not_matter(
    every: list[Measured], budget: float | None, source: random.Random
) -> None:
    shuffled = list(every)
    source.shuffle(shuffled)
    assert standings(shuffled, budget) == standings(every, budget)
    assert advice(*shuffled, budget=budget) == advice(*every, budget=budget)


@given(_measurements(), st.lists(st.sampled_from((1.0, 2.0, 16.0)), min_size=12, max_size=12))
def test_load_that_hits_all_packs_of_a_round_alike_changes_no_ratio(every: list[Measured], load: list[float]) -> None:
    for one in every:
        for other in every:
            slowed = [[ms * factor for ms, factor in zip(m.rounds, load, strict=True)] for m in (one, other)]
            assert paired_ratio(*slowed) == paired_ratio(one.rounds, other.rounds)


@pytest.mark.parametrize("count", [1, 2, 5, 6, 9, 10, 40, 41, 200, 1000])
def test_the_interval_of_a_ratio_is_the_narrowest_that_holds_the_median_with_95_percent(count: int) -> None:
    ratio = paired_ratio([float(i + 1) for i in range(count)], [1.0] * count)
    left_out = int(ratio.low) - 1
    assert ratio.high == count - left_out
    assert ratio.median == (count + 1) / 2

    def outside(rank: int) -> float:  # chance that the true median lies beyond the value of that rank
        return 2 * sum(math.comb(count, heads) for heads in range(rank + 1)) / 2**count

    assert left_out == 0 or outside(left_out) <= 0.05
    assert outside(left_out + 1) > 0.05


FP16 = measured("fp16", steady(10), kb=500, loss=0.0003)
CASES = {
    "int8 slower than fp16: fp16, and int8 is said to be smaller": (
        [FP16, measured("int8", steady(12.5), kb=300, loss=0.003)],
        "tflite-fp16",
        [
            "Use tflite-fp16 with 1 thread: 10.10 ms, the fastest of the packs inside the accuracy budget ",
            "(it loses 0.0003 AP50 of the 0.005 allowed).",
            "tflite-int8 is 1.25x slower than tflite-fp16 here (ratio 1.25",
            "; its advantage is size: 300 instead of 500 kB.",
        ],
    ),
    "int8 faster and inside the budget: int8": (
        [FP16, measured("int8", steady(5), kb=300, loss=0.003)],
        "tflite-int8",
        ["tflite-int8 is 2.00x faster than tflite-fp16 here (ratio 0.50", ", and smaller: 300 instead of 500 kB."],
    ),
    "int8 faster but outside of the budget: fp16, and why": (
        [FP16, measured("int8", steady(5), kb=300, loss=0.012)],
        "tflite-fp16",
        ["tflite-int8 with 1 thread is 2.00x faster, but it loses 0.0120 AP50, more than the 0.005 allowed."],
    ),
    "int8 faster but its loss unknown: fp16, and what to do": (
        [FP16, measured("int8", steady(5), kb=300, loss=None)],
        "tflite-fp16",
        ["tflite-int8 with 1 thread is 2.00x faster, but what it loses is not known: export it with DATA=."],
    ),
    "a difference within noise: the smaller one": (
        [FP16, measured("int8", noisy(11)[:20], kb=300, loss=0.003)],
        "tflite-int8",
        ["tflite-fp16 with 1 thread cannot be told from it here (ratio 1.", " is smaller: 300 instead of 500 kB."],
    ),
    "a difference that is sure but negligible: the smaller one": (
        [FP16, measured("fp32", steady(9.9), kb=1000, loss=0.0)],
        "tflite-fp16",
        ["differs by nothing that counts", "and tflite-fp16 with 1 thread is smaller: 500 instead of 1000 kB."],
    ),
    "threads that gain nothing: fewer": (
        [FP16, measured("fp16", steady(9.9), kb=500, loss=0.0003, threads=2)],
        "tflite-fp16",
        ["tflite-fp16 with 2 threads differs by nothing that counts", "with 1 thread needs fewer threads."],
    ),
    "the same in every figure: the simpler precision": (
        [FP16, measured("fp32", steady(10), kb=500, loss=0.0003)],
        "tflite-fp32",
        ["Use tflite-fp32"],
    ),
    "nothing known: no recommendation": (
        [measured("int8", steady(5), loss=None), measured("mixed", steady(6), loss=0.2)],
        None,
        ["No recommendation: no pack that was measured is known", "tflite-int8: what it loses is not known",
         "tflite-mixed: it loses 0.2000 AP50, more than the 0.005 allowed."],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_the_recommendation_and_its_reasons_follow_from_the_figures(case: str) -> None:
    every, chosen, phrases = CASES[case]
    found = advice(*every)
    assert (found.chosen.pack if found.chosen else None) == chosen
    text = "\n".join(found.sentences)
    for phrase in phrases:
        assert phrase in text


def test_fewer_threads_are_worth_something_where_more_are_slower() -> None:
    slower = measured("fp16", steady(12), loss=0.0003, threads=2)
    (first, second) = standings([slower, FP16], None)
    assert (first.measured, second.dominated_by) == (FP16, FP16)


def test_the_reference_is_the_fastest_of_most_rounds_not_the_one_that_missed_the_slow_ones() -> None:
    load = [1.0] * 9 + [50.0] * 11
    fast = measured("fp16", [10 * factor for factor in load])
    slow = measured("fp32", [12 * factor for factor in load])
    lucky = Measured(**{**vars(slow), "rounds": (*slow.rounds[:9], 11.0, *slow.rounds[10:]), "cost": 11.0})
    first, second = standings([lucky, fast], None)
    assert (first.measured, first.ratio.median) == (fast, 1.0)
    assert second.ratio.median == pytest.approx(1.2)


def test_losses_on_different_images_are_not_compared() -> None:
    elsewhere = Measured(**{**vars(FP16), "pack": "other", "loss": Loss(0.9, "voc")})
    assert [one.dominated_by for one in standings([FP16, elsewhere], None)] == [None, None]


@pytest.fixture
def build(tmp_path: Path, edgebench: object) -> Path:
    """Three packs that run here, one of them in few bits, and one that does not run."""
    pytest.importorskip("onnxruntime")
    folder = tmp_path / "build" / "small"
    for name, changes in {"ncnn-fp32": {}, "onnx-fp32": {"target": "onnx", "entry": "model.onnx"}}.items():
        write_ncnn_pack(folder / name, **changes)
    rewrite_manifest(write_ncnn_pack(folder / "coreml-fp32"), lambda m: m.update(target="coreml"))
    rewrite_manifest(write_ncnn_pack(folder / "ncnn-int8"), _in_few_bits)
    return folder.parent


def _in_few_bits(manifest: dict[str, object]) -> None:
    accuracy = {
        "dataset": "shapes", "dataset_sha256": "3" * 64, "num_images": 8, "metric": "AP50", "value": 0.5,
        "source_value": 0.503, "score_threshold": 0.001, "iou_threshold": 0.4, "budget": 0.004, "loss_low": 0.0,
        "loss_high": 0.01,
    }  # fmt: skip
    manifest.update(precision="int8", quantisation=QUANTISATION, accuracy=accuracy)


def test_a_models_packs_are_measured_in_turns_and_one_is_recommended(
    build: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.json"
    arguments = [f"--build={build}", "--model=small", f"--threads=1,{CORES + 1}", "--rounds=10", f"--json={out}"]
    assert main(arguments) == 0
    shown = capsys.readouterr().out
    assert "coreml-fp32: coreml does not run on this host." in shown
    assert f"{CORES + 1} threads: left out, this machine has {CORES} core" in shown
    assert "AP50 0.5000" in shown
    assert "+0.0030" in shown

    found = json.loads(out.read_text())
    assert found["budget"] == 0.004  # as the int8 pack records it
    assert {(one["pack"], one["threads"]) for one in found["measured"]} == {
        ("ncnn-fp32", 1), ("ncnn-int8", 1), ("onnx-fp32", 1)
    }  # fmt: skip
    assert all(len(one["rounds"]) == 10 and min(one["rounds"]) > 0 for one in found["measured"])
    assert [pack["name"] for pack in found["packs"] if pack["not_measured"]] == ["coreml-fp32"]
    chosen = found["recommendation"]
    assert f"Use {chosen['pack']} with 1 thread: " in shown
    assert shown.count("front, recommended") == 1
    assert found["sentences"] == shown.split("\n\n")[1].strip().split("\n")


def test_packs_may_be_named_one_by_one_and_namesakes_keep_their_paths(
    build: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one, other = build / "small" / "ncnn-fp32", write_ncnn_pack(tmp_path / "with space" / "ncnn-fp32")
    assert main([f"--packs={one},{other}, {one}", "--threads=1", "--rounds=10", "--json=-"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {entry["pack"] for entry in found["measured"]} == {str(one), str(other)}


class Recorded:
    """Stands in for a loaded pack: writes down who was asked, and gives times that count up."""

    asked: ClassVar[list[tuple[str, int, int, int]]] = []

    def __init__(self, pack: Pack, thread_counts: Sequence[int]) -> None:
        self._name = pack.path.name

    def __enter__(self) -> "Recorded":
        return self

    def __exit__(self, *error: object) -> None: ...

    def take(self, threads: int, warmup: int, runs: int) -> list[float]:
        self.asked.append((self._name, threads, warmup, runs))
        return [float(len(self.asked) + number) for number in range(runs)]


def test_every_pack_has_its_turn_in_every_round_and_none_always_follows_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(TURNS, "ncnn", Recorded)
    Recorded.asked.clear()
    packs = [open_pack(write_ncnn_pack(tmp_path / name)) for name in ("a", "b", "c")]
    seen: list[tuple[int, int]] = []
    costs = measure_in_turns(packs, [1, 2], rounds=12, warmup=7, runs=3, progress=lambda *done: seen.append(done))
    asked = Recorded.asked
    rounds = [asked[start : start + 6] for start in range(0, len(asked), 6)]
    everyone = {(name, threads, 7, 3) for name in "abc" for threads in (1, 2)}
    assert len(rounds) == 13  # the first does not count
    assert all(set(one) == everyone for one in rounds)
    for contestant in everyone:
        before = {one[one.index(contestant) - 1] for one in rounds if one.index(contestant)}
        assert len(before) > 1
    first = costs.costs[0]
    assert first.rounds == tuple(float(asked.index(("a", 1, 7, 3), 6 * number) + 2) for number in range(1, 13))
    assert seen[-1] == (12, 12)


@pytest.fixture
def counter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stand-in for QEMU, which counts 5 million instructions and 7 per inference; the log of its calls."""
    (tmp_path / "bin").mkdir()
    log, qemu = tmp_path / "qemu.log", tmp_path / "bin" / "qemu-aarch64"
    qemu.write_text(
        f'#!/bin/sh\necho "$2 $6" >> "{log}"\n'
        '[ -f "$6/model.param" ] || { echo "edgecount: error: no" >&2; exit 2; }\n'
        'echo $((5000000 + $7 * 7000000)) > "${4#*,out=}"\n'
    )
    qemu.chmod(0o755)
    monkeypatch.setenv("PATH", f"{qemu.parent}:{os.environ['PATH']}")
    monkeypatch.setattr(instructions, "build_count", lambda: Counter(tmp_path / "edgecount", tmp_path / "plugin.so"))
    return log


def test_a_cpu_out_of_reach_gets_instructions_that_are_said_to_be_no_time(
    build: Path, counter: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([f"--build={build}", "--model=small", "--device=cortex-a76"]) == 0
    shown = capsys.readouterr().out
    assert "7.00 M instructions (QEMU cortex-a76; not a time)" in shown
    assert "coreml-fp32, onnx-fp32: only ncnn is built for cortex-a76." in shown
    assert "counted under QEMU: not a time." in shown
    assert " ms" not in shown
    called = sorted(set(counter.read_text().split("\n")) - {""})
    assert called == [f"cortex-a76 {(build / 'small' / name).resolve()}" for name in ("ncnn-fp32", "ncnn-int8")]

    assert main([f"--build={build}", "--model=small", "--device=cortex-a53", "--json=-"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["unit"] == "M instructions (QEMU cortex-a53; not a time)"
    assert {one["cost"] for one in found["measured"]} == {7.0}


def test_an_error_of_the_counted_program_is_one_line(build: Path, counter: Path) -> None:
    pack = open_pack(build / "small" / "ncnn-fp32")
    (pack.path / "model.param").unlink()
    with pytest.raises(InputError, match="ncnn-fp32: edgecount: error: no"):
        count_instructions([pack], "cortex-a72", lambda done, total: None)


@pytest.mark.parametrize("program", ["aarch64-linux-gnu-g++", "qemu-aarch64"])
def test_counting_says_what_to_install(
    program: str, build: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bin").mkdir()
    for present in {"aarch64-linux-gnu-g++", "qemu-aarch64"} - {program}:
        (tmp_path / "bin" / present).symlink_to("/bin/true")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert main([f"--build={build}", "--model=small", "--device=cortex-a76"]) == 2
    error = capsys.readouterr().err
    assert f"{program} is not installed; run: sudo apt-get install -y g++-aarch64-linux-gnu qemu-user" in error
    assert error.count("\n") == 1


@pytest.mark.slow
def test_the_count_of_a_pack_under_qemu_is_repeatable(build: Path) -> None:
    if not all(shutil.which(program) for program in ("aarch64-linux-gnu-g++", "qemu-aarch64")):
        pytest.skip("needs apt-get install g++-aarch64-linux-gnu qemu-user")
    packs = [open_pack(build / "small" / "ncnn-fp32")]
    first, again = (count_instructions(packs, "cortex-a76", lambda done, total: None).costs[0].cost for _ in range(2))
    # 64x32 pixels, of which one in 256 and one in 1024 is multiplied by 39 and 24 weights: some thousand instructions.
    assert 0.001 < first < 1
    assert again == pytest.approx(first, rel=1e-3)


def _change_checkpoint(manifest: dict[str, dict[str, object]]) -> None:
    manifest["provenance"]["checkpoint_sha256"] = "4" * 64


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--packs={build}/small/ncnn-fp32"], "one pack, nothing to compare it with; make export"),
        (["--packs={build}/small/ncnn-fp32,{build}/small/../small/ncnn-fp32"], "one pack, nothing to compare"),
        (["--model=large"], "MODEL=large: no packs in"),
        (["--packs={build}/small/coreml-fp32/golden"], "neither a pack nor a folder of packs"),
        (["--packs=,"], "PACKS=,: give packs or folders of packs"),
        (["--packs={build}/small,{build}/other"], "is not that of"),
        (["--packs={build}/small,{build}/wide"], "takes 64x64 pixels, "),
        (["--packs={build}/small/coreml-fp32,{build}/coreml"], "no pack of this model can be measured"),
        (["--packs={build}/small/coreml-fp32,{build}/coreml", "--device=cortex-a53"], "only ncnn is built for"),
        (["--model=small", "--threads=0"], "THREADS=0: give numbers from 1"),
        (["--model=small", "--threads=1,two"], "THREADS=two: give numbers from 1"),
        (["--model=small", f"--threads={CORES + 1}"], f"THREADS={CORES + 1}: this machine has {CORES} core"),
        (["--model=small", "--budget=2"], "BUDGET=2: must be a number from 0 to 1, or any"),
        (["--model=small", "--budget=much"], "BUDGET=much: must be a number"),
        (
            ["--model=small", "--device=toaster"],
            "DEVICE=toaster: unknown; choose from: host, cortex-a53, cortex-a72, cortex-a76",
        ),
    ],
)
def test_what_cannot_be_compared_is_one_line_and_exit_code_2(
    arguments: list[str], message: str, build: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rewrite_manifest(write_ncnn_pack(build / "other" / "ncnn-fp32"), _change_checkpoint)
    rewrite_manifest(write_ncnn_pack(build / "coreml"), lambda m: m.update(target="coreml"))
    wide = preprocess(64, 64).model_dump(mode="json")
    outputs = json.loads((build / "small" / "ncnn-fp32" / "manifest.json").read_text())["outputs"]
    for output in outputs:
        output["shape"][1] *= 2
    rewrite_manifest(
        write_ncnn_pack(build / "wide" / "ncnn-fp32"),
        lambda m: (m["input"].update(preprocess=wide), m.update(outputs=outputs)),
    )
    assert main([f"--build={build}", *(argument.format(build=build) for argument in arguments)]) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.err.count("\n") == 1
    assert captured.out == ""


def test_a_damaged_pack_is_exit_code_1_before_anything_is_measured(
    build: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (build / "small" / "onnx-fp32" / "model.onnx").write_bytes(b"")
    assert main([f"--build={build}", "--model=small"]) == 1
    assert "model.onnx has 0 bytes" in capsys.readouterr().err


def test_a_loaded_pack_gives_as_many_times_as_were_asked_for(build: Path) -> None:
    for name, kind in (("ncnn-fp32", EdgebenchTurns), ("onnx-fp32", PythonTurns)):
        with kind(open_pack(build / "small" / name), [1]) as turns:
            assert [len(turns.take(1, 2, runs)) for runs in (1, 4)] == [1, 4]


def test_an_error_of_edgebench_keeps_its_words_and_its_kind(build: Path) -> None:
    pack = open_pack(build / "small" / "ncnn-fp32")
    with EdgebenchTurns(pack, [1]) as turns, pytest.raises(InputError, match='"7 0 1": give one of --threads'):
        turns.take(7, 0, 1)
    (pack.path / "model.bin").write_bytes(b"")
    with pytest.raises(CheckError, match=r"model\.bin"), EdgebenchTurns(pack, [1]):
        pass


def test_the_turns_of_edgebench_refuse_what_they_cannot_take(pack: Path, edgebench: object) -> None:
    done = edgebench("turns", pack, "--threads", CORES + 1)  # type: ignore[operator]
    assert (done.returncode, done.stdout) == (2, "")
    assert f"this machine has {CORES} core" in done.stderr
