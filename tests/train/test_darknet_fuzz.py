"""No text and no bytes do more than an error of one line: not a crash, not a hang, not much memory."""

import tracemalloc

import numpy as np
import pytest
from darknet_fuzzing import built, read, small_plan
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from edgewright_train.darknet.cfg import ALIASES, LAYERS, NOT_SUPPORTED, parse_cfg
from edgewright_train.darknet.plan import plan_network
from edgewright_train.darknet.weights import num_floats
from edgewright_train.errors import InputError

SLOW_IS_FINE = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])

KEYS = sorted(set().union(*(record.keys() for record in LAYERS.values())))
NUMBERS = st.one_of(
    st.integers(-6, 12).map(str),
    st.integers().map(str),
    st.floats().map(str),
    st.sampled_from(["", "1e9", "0x1", "--1"]),
)
LISTS = st.lists(st.integers(-6, 12).map(str), min_size=1, max_size=6).map(",".join)
ACTIVATIONS = st.sampled_from(["leaky", "mish", "linear", "logistic", "hard_mish", "normalize_channels", "lea ky", "x"])
ANY_OPTION = st.tuples(st.sampled_from(KEYS), st.one_of(NUMBERS, LISTS, ACTIVATIONS, st.text(max_size=6)))

SMALL = st.integers(1, 4).map(str)
REFERENCE = st.integers(-4, 8).map(str)
PLAUSIBLE = {
    "convolutional": {
        "filters": st.sampled_from(["4", "8", "14"]), "size": SMALL, "stride": SMALL, "pad": st.sampled_from("01"),
        "groups": st.sampled_from("12"), "dilation": SMALL, "batch_normalize": st.sampled_from("01"),
        "activation": ACTIVATIONS,
    },
    "maxpool": {"size": SMALL, "stride": SMALL, "padding": st.integers(0, 3).map(str)},
    "local_avgpool": {"size": SMALL, "stride": SMALL},
    "route": {"layers": st.lists(REFERENCE, min_size=1, max_size=3).map(",".join), "groups": st.sampled_from("12")},
    "shortcut": {"from": REFERENCE, "activation": ACTIVATIONS},
    "sam": {"from": REFERENCE},
    "scale_channels": {"from": REFERENCE, "scale_wh": st.sampled_from("01")},
    "upsample": {"stride": st.integers(-2, 3).map(str), "scale": NUMBERS},
    "connected": {"output": SMALL, "activation": ACTIVATIONS},
    "yolo": {"anchors": st.just("1,2,3,4"), "num": st.just("2"), "classes": st.sampled_from("12")},
}  # fmt: skip


@st.composite
def sections(draw: st.DrawFn) -> str:
    name = draw(st.sampled_from(sorted({*LAYERS, *ALIASES, *NOT_SUPPORTED, "net", "x"})))
    options = draw(st.lists(ANY_OPTION, max_size=4))
    return f"[{name}]\n" + "".join(f"{key}={value}\n" for key, value in options)


@st.composite
def plausible_sections(draw: st.DrawFn) -> str:
    name = draw(st.sampled_from([*sorted(LAYERS), *["convolutional"] * 8]))
    options = {key: draw(values) for key, values in PLAUSIBLE.get(name, {}).items() if draw(st.booleans())}
    required = {"route": "layers=-1", "shortcut": "from=-1", "sam": "from=-1", "scale_channels": "from=-2"}
    text = "".join(f"{key}={value}\n" for key, value in options.items())
    return f"[{name}]\n{text}{required.get(name, '')}\n"


@st.composite
def networks(draw: st.DrawFn) -> str:
    width, height = draw(st.tuples(st.integers(1, 40), st.integers(1, 40)))
    layers = draw(st.lists(plausible_sections(), max_size=8))
    ending = draw(st.sampled_from(["[avgpool]\n[softmax]\n", "[softmax]\nspatial=1\n", "[avgpool]\n", ""]))
    return f"[net]\nwidth={width}\nheight={height}\nchannels=4\n{''.join(layers)}{ending}"


@SLOW_IS_FINE
@given(st.text(max_size=200))
def test_any_text_is_a_network_or_an_error(text: str) -> None:
    assert not built(text)


@SLOW_IS_FINE
@given(st.lists(sections(), max_size=6).map("".join))
def test_any_options_make_a_network_or_an_error(layers: str) -> None:
    built("[net]\nwidth=32\nheight=32\nchannels=4\n" + layers)


@settings(SLOW_IS_FINE, max_examples=250)
@given(networks())
def test_plausible_networks_are_built_as_planned_or_refused(text: str) -> None:
    event("built" if built(text) else "refused")


@SLOW_IS_FINE
@given(st.binary(max_size=300))
def test_any_bytes_are_weights_or_an_error(data: bytes) -> None:
    assert not read(data, small_plan())


@SLOW_IS_FINE
@given(st.data())
def test_bytes_of_the_right_length_are_weights_or_an_error(data: st.DataObject) -> None:
    plan = small_plan()
    floats = np.full(num_floats(plan), 0.5, "<f4")
    changed = data.draw(st.dictionaries(st.integers(0, len(floats) - 1), st.floats(width=32), max_size=3))
    for index, value in changed.items():
        floats[index] = value
    version = data.draw(st.sampled_from([(0, 2, 5), (0, 1, 0), (0, 1001, 0), (5, 5, 5)]))
    seen = bytes(8 if version[0] * 10 + version[1] >= 2 and version[1] < 1000 else 4)
    accepted = read(np.array(version, "<i4").tobytes() + seen + floats.tobytes(), plan)
    assert accepted or changed


# A file of 1 MiB, the largest there can be, made of what costs most per byte.
HEAVY = {
    "unknown options": "[convolutional]\nfilters=1\nactivation=relu\n" + "".join(f"{i:x}=1\n" for i in range(120_000)),
    "one option again": "[convolutional]\nfilters=1\nactivation=relu\n" + "pad=1\n" * 150_000,
    "a long route": "[dropout]\n[route]\nlayers=" + ",".join(["0"] * 60_000) + "\n",
    "many long routes": "[dropout]\n" + ("[route]\nlayers=" + ",".join(["0"] * 240) + "\n") * 2000,
    "a long number": "[convolutional]\nfilters=" + "9" * 1_000_000 + "\n",
    "a long decimal": "[upsample]\nscale=" + "1" * 1_000_000 + "\n",
    "a long name": "[" + "x" * 1_000_000 + "]\n",
    "a long line": "x" * 1_000_000,
    "as many layers as may be": "[convolutional]\nfilters=1\nactivation=relu\n" * 4000,
    "growing": "[upsample]\nstride=2\n" * 4000,
    "doubling": "[dropout]\n" + "[route]\nlayers=-1,-1\n" * 4000,
}


@pytest.mark.parametrize("case", sorted(HEAVY))
def test_the_heaviest_files_cost_little_memory(case: str) -> None:
    text = "[net]\nwidth=1\nheight=1\nchannels=1\n" + HEAVY[case] + "[avgpool]\n[softmax]\n"
    assert len(text) <= 1 << 20
    tracemalloc.start()
    try:
        message = refusal(text)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(message) < 600
    assert peak < 200 << 20


def refusal(text: str) -> str:
    """Empty when it is planned."""
    try:
        plan_network(parse_cfg(text, source="x.cfg"))
    except InputError as error:
        return str(error)
    return ""
