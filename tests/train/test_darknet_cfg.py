"""A cfg is read as darknet reads it, and what darknet would guess is refused with its line."""

from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shared_material import SHARED, needs_shared

from edgewright_train.darknet.cfg import Cfg, parse_cfg, read_cfg
from edgewright_train.darknet.cfg_text import Option, Section, parse_sections, read_cfg_text, write_sections
from edgewright_train.darknet.describe import describe
from edgewright_train.darknet.heads import heads_of
from edgewright_train.darknet.layer_options import Convolutional, Yolo
from edgewright_train.darknet.plan import plan_network
from edgewright_train.errors import InputError

CFGS = sorted((SHARED / "weights" / "darknet").glob("*.cfg"))
NET = "[net]\nwidth=64\nheight=32\nchannels=3\n"  # lines 1 to 4
CONV = "[convolutional]\nfilters=8\nactivation=leaky\n"
HEAD = "[avgpool]\n[softmax]\n"


def parse(text: str) -> Cfg:
    return parse_cfg(text, source="x.cfg")


def refusal(text: str) -> str:
    """The message about a cfg that cannot be built."""
    with pytest.raises(InputError) as caught:
        heads_of(plan_network(parse(text)))
    return str(caught.value)


def contents(sections: Iterable[Section]) -> list[tuple[str, list[tuple[str, str]]]]:
    return [(section.name, [(option.key, option.value) for option in section.options]) for section in sections]


# Each line is a cfg, and the message: its line, its section and option, and what was expected.
BAD = {
    "empty": ("", "x.cfg: holds no section; a cfg starts with [net]"),
    "comments only": ("# nothing\n", "x.cfg: holds no section; a cfg starts with [net]"),
    "option before any section": (
        "\nwidth=64\n" + NET,
        "x.cfg:2: 'width=64' stands before any section; a cfg starts with [net]",
    ),
    "garbage": ("\x01\x02\x7f", "x.cfg:1: '\\x01\\x02\\x7f' stands before any section; a cfg starts with [net]"),
    "NUL": (NET + "\n[conv]\0\n", "x.cfg:6: holds a NUL byte; give a text file"),
    "no net": (CONV, "x.cfg:1: [convolutional]: the first section must be [net]"),
    "net twice": (NET + NET, "x.cfg:5: [net]: only the first section can be [net]"),
    "no layer": (NET, "x.cfg:1: [net]: no layer follows; a network needs at least one"),
    "unknown section": (
        NET + "[convolution]\n",
        "x.cfg:5: [convolution]: unknown section; choose from: avgpool, batchnorm, ",
    ),
    "comment after a section": (
        NET + "[yolo]#1\n",
        "x.cfg:5: '[yolo]#1': must be [section] and nothing else on the line",
    ),
    "no name": (NET + "[]\n", "x.cfg:5: '[]': must be [section] and nothing else on the line"),
    "not supported section": (
        NET + "[reorg]\nstride=2\n",
        "x.cfg:5: [reorg]: not supported; no network with this section",
    ),
    "no equals sign": (NET + "[convolutional]\nfilters\n", "x.cfg:6: [convolutional] 'filters': must be key=value"),
    "no value": (NET + "[convolutional]\nfilters=\n", "x.cfg:6: [convolutional] 'filters=': must be key=value"),
    "missing size": ("[net]\nheight=32\nchannels=3\n" + CONV, "x.cfg:1: [net]: width= is missing; it is required"),
    "missing layers": (NET + CONV + "[route]\n", "x.cfg:8: [route]: layers= is missing; it is required"),
    "missing from": (NET + CONV + "[shortcut]\n", "x.cfg:8: [shortcut]: from= is missing; it is required"),
    "missing anchors": (NET + CONV + "[yolo]\n", "x.cfg:8: [yolo]: anchors= is missing; it is required"),
    "word for a number": (NET + "[conv]\nfilters=many\n", "x.cfg:6: [conv] filters=many: must be a whole number"),
    "fraction for a number": (NET + "[conv]\nfilters=64.7\n", "x.cfg:6: [conv] filters=64.7: must be a whole number"),
    "word in a list": (
        NET + CONV + "[route]\nlayers=-1,x\n",
        "x.cfg:9: [route] layers=-1,x: every item must be a whole number",
    ),
    "infinity": ("[net]\nhue=1e999\n" + NET[6:] + CONV, "x.cfg:2: [net] hue=1e999: must be a finite number"),
    "million filters": (
        NET + "[conv]\nfilters=1000000\n",
        "x.cfg:6: [conv] filters=1000000: must be less than or equal to 65536",
    ),
    "no filters": (NET + "[conv]\nfilters=0\n", "x.cfg:6: [conv] filters=0: must be greater than or equal to 1"),
    "long number": (NET + "[conv]\nfilters=" + "9" * 5000, "must be a whole number"),
    "huge image": (NET.replace("64", "9000") + CONV, "x.cfg:2: [net] width=9000: must be less than or equal to 8192"),
    "unknown activation": (
        NET + "[conv]\nactivation=leeky\n",
        "x.cfg:6: [conv] activation=leeky: unknown activation; choose from: elu, ",
    ),
    "comment after an activation": (
        NET + "[conv]\nactivation=leaky#x\n",
        "x.cfg:6: [conv] activation=leaky#x: unknown activation",
    ),
    "unknown policy": ("[net]\npolicy=x\n" + NET[6:] + CONV, "x.cfg:2: [net] policy=x: must be 'constant', 'step', "),
    "shared weights": (NET + CONV + "share_index=0\n", "x.cfg:8: [convolutional] share_index=0: not supported"),
    "antialiasing": (
        NET + CONV + "antialiasing=1\n",
        "x.cfg:8: [convolutional] antialiasing=1: not supported; only 0 is",
    ),
    "weighted shortcut": (
        NET + CONV + CONV + "[shortcut]\nfrom=-2\nweights_type=per_feature\n",
        "x.cfg:13: [shortcut] weights_type=per_feature: not supported; only none is",
    ),
    "route to a later layer": (
        NET + CONV + "[route]\nlayers=5\n" + HEAD,
        "x.cfg:9: [route] layers=5: 5 is layer 5, but this is layer 1; it can only read the layers 0 to 0",
    ),
    "route to itself": (
        NET + CONV + "[route]\nlayers=1\n" + HEAD,
        "x.cfg:9: [route] layers=1: 1 is layer 1, but this is layer 1",
    ),
    "route before the first": (
        NET + CONV + "[route]\nlayers=-2\n" + HEAD,
        "x.cfg:9: [route] layers=-2: -2 is layer -1, but",
    ),
    "route in front": (
        NET + "[route]\nlayers=-1\n" + HEAD,
        "x.cfg:6: [route] layers=-1: this is layer 0, it has no layer before",
    ),
    "route of two sizes": (
        NET + CONV + "[maxpool]\nstride=2\n[route]\nlayers=0,1\n" + HEAD,
        "x.cfg:11: [route] layers=0,1: layer 1 gives 8x16x32 and layer 0 8x32x64; height and width must agree",
    ),
    "route of uneven groups": (
        NET + CONV + "[route]\nlayers=0\ngroups=3\n" + HEAD,
        "x.cfg:10: [route] groups=3: the 8 channels of layer 0",
    ),
    "route of a missing group": (
        NET + CONV + "[route]\nlayers=0\ngroups=2\ngroup_id=2\n" + HEAD,
        "x.cfg:11: [route] group_id=2: must be less than groups, 2",
    ),
    "shortcut of two sizes": (
        NET + CONV + "[maxpool]\nstride=2\n[shortcut]\nfrom=0\n" + HEAD,
        "x.cfg:11: [shortcut] from=0: layer 0 gives 8x32x64 and layer 1 8x16x32; they must be equal",
    ),
    "sam of two sizes": (
        NET + CONV + "[maxpool]\nstride=2\n[sam]\nfrom=0\n" + HEAD,
        "x.cfg:11: [sam] from=0: layer 0 gives",
    ),
    "scales of a map": (
        NET + CONV + CONV + "[scale_channels]\nfrom=0\n" + HEAD,
        "x.cfg:12: [scale_channels] from=0: layer 0 gives 8x32x64; layer 1 must give 8x1x1, not 8x32x64",
    ),
    "uneven groups": (
        NET + CONV + "groups=3\n" + HEAD,
        "x.cfg:8: [convolutional] groups=3: 8 filters cannot be divided so",
    ),
    "kernel larger than the map": (
        NET + CONV + "size=40\n" + HEAD,
        "x.cfg:8: [convolutional] size=40: a 40x40 kernel with padding 0",
    ),
    "dilation without padding": (
        NET + CONV + "size=3\ndilation=2\n" + HEAD,
        "x.cfg:9: [convolutional] dilation=2: dilation needs",
    ),
    "pool larger than the map": (
        NET + "[maxpool]\nsize=40\npadding=0\n" + HEAD,
        "x.cfg:6: [maxpool] size=40: a 40x40 window",
    ),
    "pool with much padding": (
        NET + "[maxpool]\nsize=2\npadding=2\n" + HEAD,
        "x.cfg:7: [maxpool] padding=2: must be less than the size, 2",
    ),
    "uneven local_avgpool": (
        NET + "[local_avgpool]\nsize=4\n" + HEAD,
        "x.cfg:6: [local_avgpool] size=4: an uneven padding is only",
    ),
    "upsample by nothing": (NET + "[upsample]\nstride=0\n" + HEAD, "x.cfg:6: [upsample] stride=0: must not be 0"),
    "uneven downsample": (
        NET + "[upsample]\nstride=-3\n" + HEAD,
        "x.cfg:6: [upsample] stride=-3: 3x32x64 cannot be divided by 3",
    ),
    "sizes beyond the limit": (
        NET + "[upsample]\nstride=64\n" * 9 + HEAD,
        "x.cfg:7: [upsample]: layer 1 is too large: 103079215104",
    ),
    "parameters beyond the limit": (
        NET + "[conv]\nfilters=65536\nstride=32\nactivation=relu\n" * 2 + HEAD,
        "x.cfg:9: [conv]: layer 1 is too large: 4295294976 parameters so far; at most 268435456",
    ),
    "work beyond the limit": (
        "[net]\nwidth=2048\nheight=2048\nchannels=16\n"
        + "[conv]\nfilters=16\nsize=63\npad=1\nactivation=relu\n" * 8
        + HEAD,
        "multiply-accumulates so far; at most 549755813888",
    ),
    "softmax tree": (NET + "[avgpool]\n[softmax]\ntree=x\n", "x.cfg:7: [softmax] tree=x: not supported"),
    "softmax of a map": (NET + "[softmax]\n", "x.cfg:5: [softmax]: its input is 3x32x64; classes need a map of 1x1"),
    "softmax in groups": (
        NET + "[avgpool]\n[softmax]\ngroups=3\n",
        "x.cfg:7: [softmax] groups=3: a softmax in groups is only",
    ),
    "no head": (
        NET + CONV,
        "x.cfg: has no [yolo] and no [softmax], and ends in a map of 8x32x64: what it is for is unknown",
    ),
    "two softmax": (
        NET + HEAD + "[route]\nlayers=0\n" + HEAD,
        "x.cfg:10: [softmax]: a network with [softmax] and [softmax]",
    ),
    "layer behind a head": (
        NET + HEAD + CONV,
        "x.cfg:7: [convolutional]: reads layer 1, a [softmax]; no layer can read",
    ),
    "route to a head": (
        NET + HEAD + "[route]\nlayers=1\n",
        "x.cfg:8: [route] layers=1: 1 is layer 1, a [softmax]; no layer can",
    ),
}


@pytest.mark.parametrize("case", sorted(BAD))
def test_a_cfg_that_cannot_be_built_says_where_and_what_was_expected(case: str) -> None:
    text, message = BAD[case]
    assert message in refusal(text)
    assert "\n" not in refusal(text)


def yolo(**options: str) -> str:
    """Lines 9 on, behind a convolution with 2 * (5 + 3) filters at line 5."""
    given = {"anchors": "1,2,3,4,5,6", "mask": "0,1", "num": "3", "classes": "3", **options}
    conv = "[convolutional]\nfilters=16\nstride=8\nactivation=linear\n"
    return NET + conv + "[yolo]\n" + "".join(f"{key}={value}\n" for key, value in given.items())


BAD_YOLO = {
    "odd anchors": (
        {"anchors": "1,2,3"},
        "x.cfg:10: [yolo] anchors=1,2,3: must be pairs of width,height, got 3 numbers",
    ),
    "anchors and num": ({"num": "4"}, "x.cfg:10: [yolo] anchors=1,2,3,4,5,6: 3 pairs, but num=4"),
    "anchor of no size": ({"anchors": "1,2,3,0"}, "x.cfg:10: [yolo] anchors=1,2,3,0: must be sizes in pixels above 0"),
    "mask": ({"mask": "0,3"}, "x.cfg:11: [yolo] mask=0,3: 3 is not one of the 3 anchors, 0 to 2"),
    "classes": (
        {"classes": "4"},
        "2 anchors and 4 classes need 18 input channels (anchors * (5 + classes)), layer 0 gives 16",
    ),
    "counters": ({"counters_per_class": "1,2"}, "x.cfg:14: [yolo] counters_per_class=1,2: 2 numbers for 3 classes"),
    "loss": ({"iou_loss": "eiou"}, "x.cfg:14: [yolo] iou_loss=eiou: must be 'mse', 'iou', 'giou', 'diou' or 'ciou'"),
}


@pytest.mark.parametrize("case", sorted(BAD_YOLO))
def test_a_yolo_head_that_does_not_fit_says_where_and_what_was_expected(case: str) -> None:
    options, message = BAD_YOLO[case]
    assert message in refusal(yolo(**options))


def test_a_yolo_head_whose_cells_do_not_tile_the_image_is_refused() -> None:
    text = yolo().replace("width=64", "width=60")
    assert "x.cfg:9: [yolo]: the grid has 8 cells over a width of 60 pixels; choose a width that it divides" in refusal(
        text
    )


def test_heads_of_two_kinds_are_refused() -> None:
    text = yolo() + "[route]\nlayers=0\n" + HEAD
    assert "a network with [yolo] and [softmax] is not supported; give one cfg per task" in refusal(text)


def test_more_sections_than_the_limit_are_refused() -> None:
    assert "x.cfg:4100: more than 4096 sections" in refusal(NET + "[dropout]\n" * 4096)


def test_a_larger_file_than_the_limit_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.cfg").write_bytes(b"#" * ((1 << 20) + 1))
    with pytest.raises(InputError, match="1048577 bytes; a cfg may have at most 1048576"):
        read_cfg(tmp_path / "x.cfg")


def test_a_file_that_is_no_text_is_refused_with_the_line(tmp_path: Path) -> None:
    (tmp_path / "x.cfg").write_bytes(b"[net]\nwidth=64\n\xff\xfe\n")
    with pytest.raises(InputError, match=r"x\.cfg:3: byte 0xff is not UTF-8 text; give a text file"):
        read_cfg(tmp_path / "x.cfg")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"x\.cfg: No such file"):
        read_cfg(tmp_path / "x.cfg")


def test_blanks_mean_nothing_and_lines_may_end_as_on_windows() -> None:
    spread = "\r\n [ net ] \r\n wid th =\t64\r\n height = 3 2\r\nchannels=3 \r\n" + CONV
    assert contents(parse(spread).sections) == contents(parse(NET + CONV).sections)


def test_comments_are_lines_that_start_with_a_hash_or_semicolon() -> None:
    text = "# a\n;b=1\n" + NET + "  # c\n" + CONV
    assert contents(parse(text).sections) == contents(parse(NET + CONV).sections)


def test_a_value_may_hold_an_equals_sign() -> None:
    assert parse_sections("[net]\na=b=c\n", source="x")[0].options == (Option("a", "b=c", 2),)


def test_of_a_key_given_twice_the_first_counts_and_the_other_is_reported() -> None:
    cfg = parse(NET + CONV + "filters=9\n")
    options = cfg.layers[0].options
    assert isinstance(options, Convolutional)
    assert options.filters == 8
    assert cfg.warnings == ("x.cfg:8: [convolutional] filters=9: given twice, ignored; 8 on line 6 counts",)


def test_an_unknown_option_is_reported() -> None:
    assert parse(NET + CONV + "fliters=9\n").warnings == (
        "x.cfg:8: [convolutional] fliters=9: unknown option, ignored",
    )


def test_what_follows_a_hash_in_a_number_or_a_list_is_reported() -> None:
    cfg = parse(yolo(classes="3#80", mask="0,1#,2"))
    options = cfg.layers[1].options
    assert isinstance(options, Yolo)
    assert (options.classes, options.mask) == (3, (0, 1))
    assert sorted(cfg.warnings) == [
        "x.cfg:11: [yolo] mask=0,1#,2: what follows # is ignored",
        "x.cfg:13: [yolo] classes=3#80: what follows # is ignored",
    ]


def test_defaults_that_are_easily_overlooked_are_reported() -> None:
    assert parse(NET + "[conv]\nfilters=3\n").warnings == (
        "x.cfg:5: [conv] activation: missing; darknet takes activation=logistic",
    )


def test_a_byte_order_mark_is_reported() -> None:
    assert parse("\ufeff" + NET + CONV).warnings == ("x.cfg:1: starts with a byte-order mark, which is ignored",)


def test_a_detector_without_a_mask_uses_all_its_anchors() -> None:
    text = yolo(num="2", anchors="1,2,3,4").replace("mask=0,1\n", "")
    (head,) = heads_of(plan_network(parse(text))).yolo
    assert head.anchors_px == ((1, 2), (3, 4))
    assert head.strides_wh == (8, 8)


def test_width_and_height_can_be_replaced() -> None:
    plan = plan_network(parse(NET + CONV + HEAD), width=128, height=96)
    assert (plan.layers[0].shape.width, plan.layers[0].shape.height) == (128, 96)


def test_a_per_pixel_softmax_follows_the_size_of_its_map() -> None:
    text = NET + CONV + "[softmax]\ngroups=2048\nstride=2048\n"
    for width in (64, 128):
        plan = plan_network(parse(text), width=width)
        assert heads_of(plan).task == "segment"
        assert heads_of(plan).num_classes == 8
        assert plan.layers[0].shape.width == width


def test_layers_count_from_the_section_after_net_and_every_section_counts() -> None:
    text = NET + CONV + "[dropout]\n" + "[maxpool]\nstride=2\n" + "[route]\nlayers=-2\n" + "[shortcut]\nfrom=0\n" + HEAD
    plan = plan_network(parse(text))
    assert plan.layers[3].sources == (1,)
    assert plan.layers[4].sources == (3, 0)


def test_cost_is_passed_over() -> None:
    heads = heads_of(plan_network(parse(NET + CONV + HEAD + "[cost]\ntype=sse\n")))
    assert (heads.task, heads.outputs) == ("classify", (1,))


def test_a_table_has_a_line_per_layer_and_the_totals() -> None:
    lines = describe(plan_network(parse(NET + CONV + HEAD))).splitlines()
    assert lines[1].split() == [
        "0",
        "5",
        "convolutional",
        "8",
        "1x1/1",
        "pad",
        "0",
        "leaky",
        "image",
        "8x32x64",
        "32",
        "0.05",
    ]
    assert lines[-1] == "3x32x64 image, 32 parameters, 0.000 GMAC"


@needs_shared
@pytest.mark.parametrize("path", CFGS, ids=lambda path: path.stem)
def test_published_cfgs_are_read_without_a_warning_and_kept_byte_by_byte(path: Path) -> None:
    cfg = read_cfg(path)
    assert cfg.warnings == ()
    assert cfg.text.encode() == path.read_bytes()


@needs_shared
@pytest.mark.parametrize("path", CFGS, ids=lambda path: path.stem)
def test_canonical_text_says_the_same(path: Path) -> None:
    cfg = read_cfg(path)
    again = parse_cfg(write_sections(cfg.sections), source="again")
    assert contents(again.sections) == contents(cfg.sections)
    assert again.net == cfg.net
    assert [layer.options for layer in again.layers] == [layer.options for layer in cfg.layers]


WORDS = st.text(st.characters(codec="utf-8", exclude_characters=" \t\r\n\0[]#;="), min_size=1, max_size=8)
OPTIONS = st.builds(Option, WORDS, st.text(WORDS.map(lambda word: word[0]), min_size=1), st.just(0))


@given(
    st.lists(st.builds(Section, WORDS, st.just(0), st.lists(OPTIONS, max_size=4).map(tuple)), min_size=1, max_size=5)
)
def test_sections_written_and_read_are_the_same(sections: list[Section]) -> None:
    assert contents(parse_sections(write_sections(sections), source="x")) == contents(sections)


@needs_shared
def test_text_is_read_as_it_is_in_the_file() -> None:
    for path in CFGS:
        assert read_cfg_text(path).encode() == path.read_bytes()
