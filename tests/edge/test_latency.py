"""The method of measuring, as Python has it: the same rules as edgebench's, whose own tests are edge/tests."""

import itertools
import math
import os
import threading
import time
from pathlib import Path

import pytest
from report_matter import thread_result

from edgewright_edge.latency.cores import Core, fastest_cores, find_cores
from edgewright_edge.latency.machine_state import read_machine_state
from edgewright_edge.latency.thread_times import ThreadWatch, read_thread_times
from edgewright_edge.latency.verdict import find_problems, throttle_text
from edgewright_edge.latency.warm_up import WarmUp, relative_slope
from edgewright_edge.measurement import MachineState, Replicate, ThreadShare, summarize

QUIET = MachineState(governor="performance", core_mhz=(2400.0,), temperature_c=50.0, throttled=0x50000, stolen_ms=10.0)


def _replicate(cores: tuple[int, ...] = (3,), **changes: object) -> Replicate:
    shares = tuple(ThreadShare(cpu=0.97, waited=0.001, cores=(core,)) for core in cores)
    quiet = thread_result(1, [9.0] * 600).replicates[0]
    return quiet.model_copy(update={"threads": shares, "states": (QUIET, QUIET), **changes})


def _problems(threads: int, cores: tuple[int, ...], *replicates: Replicate) -> list[str]:
    return find_problems(threads, cores, replicates, 0.1)


def test_a_quiet_measurement_has_no_problems() -> None:
    assert _problems(1, (3,), *[_replicate()] * 3) == []
    assert _problems(4, (4, 5, 6, 7), *[_replicate((4, 5, 6, 7))] * 3) == []


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"num_runs": 49}, "49 runs in 6 s were measured; at least 50 and 5 s are needed"),
        ({"warm": False}, "after 30 runs of warm-up times still drifted"),
        ({"other_clock_ms": 9000.0}, "two clocks differ by 50.0 % (limit 1.0 %)"),
        ({"threads": ()}, "the operating system does not tell what the threads did"),
        (
            {"threads": (ThreadShare(cpu=0.6, waited=0.4, cores=(3,)),)},
            "a thread waited 40.0 % of the time for a core that others used (limit 2.0 %)",
        ),
        ({"threads": (ThreadShare(cpu=0.1, waited=0.0, cores=(3,)),)}, "asked for 1 thread, 0 were busy"),
        ({"threads": (ThreadShare(cpu=1.0, waited=0.0, cores=(2, 3)),)}, "a thread left the cores it was put on"),
        (
            {"states": (QUIET, QUIET.model_copy(update={"throttled": 4}))},
            "the machine slowed itself down: throttled",
        ),
        (
            {"states": (QUIET, QUIET.model_copy(update={"core_mhz": (1500.0,)}))},
            "core 3 went from 2400 MHz to 1500 MHz; set its governor to performance",
        ),
        (
            {"states": (QUIET, QUIET.model_copy(update={"stolen_ms": 610.0}))},
            "the host of this virtual machine took 10.0 % of the time (limit 2.0 %)",
        ),
    ],
)
def test_one_replicate_that_cannot_be_believed_is_enough(changes: dict[str, object], problem: str) -> None:
    assert _problems(1, (3,), _replicate(), _replicate(), _replicate(**changes)) == [problem]


def test_replicates_have_to_agree() -> None:
    slower = _replicate(inference_p50_ms=9.6)
    assert _problems(1, (3,), _replicate(), _replicate(), slower) == [
        "the replicates' medians of inference are 6.7 % apart (limit 5.0 %)"
    ]
    assert _problems(1, (3,), _replicate(), _replicate()) == ["2 replicates; 3 are needed"]


def test_threads_that_shared_a_core_and_clocks_that_went_backwards_are_refused() -> None:
    shared = _replicate((0, 1), threads=(ThreadShare(cpu=0.9, waited=0.0, cores=(0,)),) * 2)
    assert _problems(2, (0, 1), *[shared] * 3) == ["2 threads shared 1 core"]
    assert find_problems(1, (3,), [_replicate()] * 3, -0.001) == ["the clock went backwards"]
    assert throttle_text(0x50005) == "under-voltage, throttled"


def test_warm_up_ends_when_times_no_longer_change() -> None:
    constant, falling, rising = WarmUp(), WarmUp(), WarmUp()
    while not constant.flat:
        constant.add(10.0)
    assert constant.num_runs == 25
    for run in itertools.count():
        falling.add(10 + 10 * math.exp(-run / 40))
        if falling.flat:
            break
    assert 60 < falling.num_runs < 300
    for run in range(400):
        rising.add(10 * (1 + 0.002 * run))
        assert not rising.flat
    assert relative_slope([10, 11, 12]) == pytest.approx(2 / 11)


def test_summarize_gives_the_interval_of_the_bootstrap() -> None:
    latency = summarize([1.0, 2.0, 3.0, 4.0, 100.0])
    assert (latency.p50, latency.mad, latency.p50_low, latency.p50_high) == (3, 1, 1, 100)
    many = summarize([float(i) for i in range(10000)])
    assert many.p50 - many.p50_low == pytest.approx(98, rel=0.05)  # the rank's deviation is sqrt(n) / 2
    assert many.p50_high - many.p50 == pytest.approx(98, rel=0.05)


def test_the_fastest_cores_are_physical_ones_and_the_largest() -> None:
    phone = [Core(i, 250, 1.8e6, 0) for i in range(4)] + [Core(i, 700, 2.4e6, 0) for i in (4, 5, 6)]
    phone.append(Core(7, 1024, 2.9e6, 0))
    assert fastest_cores(phone, 1) == (7,)
    assert fastest_cores(phone, 4) == (7, 4, 5, 6)
    assert fastest_cores([Core(0, 1024, 0, 0), Core(1, 1024, 0, 1), Core(2, 400, 0, 0)], 2) == (0, 2)


def test_what_sysfs_does_not_tell_is_not_made_up(tmp_path: Path) -> None:
    assert {core.index for core in find_cores(tmp_path)} == os.sched_getaffinity(0)
    assert all((core.capacity, core.max_khz, core.sibling) == (0, 0, 0) for core in find_cores(tmp_path))
    nothing = MachineState(governor="", core_mhz=(None,), temperature_c=None, throttled=None, stolen_ms=None)
    assert read_machine_state([0], tmp_path) == nothing


def test_a_raspberry_pis_state_is_what_its_kernel_says(tmp_path: Path) -> None:
    for name, text in {
        "sys/devices/system/cpu/cpu2/cpufreq/scaling_governor": "ondemand",
        "sys/devices/system/cpu/cpu2/cpufreq/scaling_cur_freq": "1500000",
        "sys/class/thermal/thermal_zone0/temp": "61234",
        "sys/class/thermal/thermal_zone1/temp": "40000",
        "sys/devices/platform/soc/soc:firmware/get_throttled": "50005",
        "proc/stat": "cpu 9 9 9 9 9 9 9 9 0 0\ncpu2 1 1 1 1 1 1 1 30 0 0\nintr 5",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"{text}\n")
    assert read_machine_state([2], tmp_path) == MachineState(
        governor="ondemand", core_mhz=(1500.0,), temperature_c=61.234, throttled=0x50005,
        stolen_ms=30 * 1000 / os.sysconf("SC_CLK_TCK"),
    )  # fmt: skip


def test_thread_times_are_read_whatever_a_thread_calls_itself(tmp_path: Path) -> None:
    assert read_thread_times(tmp_path / "none") == {}
    (tmp_path / "12").mkdir()
    fields = ["R", *["0"] * 10, "7", "5", *["0"] * 23, "3", "0", "0"]
    (tmp_path / "12" / "stat").write_text(f"12 (a) b) {' '.join(fields)}\n")
    assert read_thread_times(tmp_path)[12].cpu_ms == pytest.approx(120)
    assert read_thread_times(tmp_path)[12].core == 3
    (tmp_path / "12" / "schedstat").write_text("123456789 5000000 17\n")
    assert read_thread_times(tmp_path)[12].cpu_ms == pytest.approx(123.456789)
    assert read_thread_times(tmp_path)[12].waited_ms == pytest.approx(5)


def test_a_thread_that_computes_is_seen() -> None:
    watch, began, done = ThreadWatch(), time.perf_counter(), threading.Event()

    def compute() -> None:
        while not done.is_set():
            sum(range(1000))

    worker = threading.Thread(target=compute)
    worker.start()
    while time.perf_counter() - began < 0.3:
        time.sleep(0.01)
    watch.look()
    shares = watch.shares((time.perf_counter() - began) * 1000)
    done.set()
    worker.join()
    assert shares[0].cpu + shares[0].waited > 0.5
    assert shares[0].cores
