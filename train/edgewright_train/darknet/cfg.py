"""A `.cfg` as typed sections: what is unknown is refused or reported, never guessed."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from ..errors import InputError
from . import layer_options as kinds
from .cfg_text import Place, Section, parse_sections, read_cfg_text, shown
from .layer_options import LayerOptions, Net, Options

_NET_NAMES = ("net", "network")
LAYERS: dict[str, type[LayerOptions]] = {
    "convolutional": kinds.Convolutional,
    "connected": kinds.Connected,
    "batchnorm": kinds.BatchNorm,
    "maxpool": kinds.MaxPool,
    "local_avgpool": kinds.LocalAvgPool,
    "avgpool": kinds.AvgPool,
    "upsample": kinds.Upsample,
    "route": kinds.Route,
    "shortcut": kinds.Shortcut,
    "scale_channels": kinds.ScaleChannels,
    "sam": kinds.Sam,
    "dropout": kinds.Dropout,
    "softmax": kinds.Softmax,
    "cost": kinds.Cost,
    "yolo": kinds.Yolo,
}
ALIASES = {
    "conv": "convolutional",
    "conn": "connected",
    "max": "maxpool",
    "local_avg": "local_avgpool",
    "avg": "avgpool",
    "soft": "softmax",
}
# Sections that darknet or one of its forks knows and we do not build.
NOT_SUPPORTED = frozenset((
    "activation", "contrastive", "conv_lstm", "crnn", "crop", "deconvolutional", "detection", "empty", "Gaussian_yolo",
    "gru", "history", "implicit", "iseg", "local", "logi", "logistic", "lrn", "lstm", "normalization", "region",
    "reorg", "reorg3d", "rnn", "silence",
))  # fmt: skip
# In these options a # is part of the value; in numbers and lists darknet stops there.
_TEXT_OPTIONS = frozenset((
    "activation", "iou_loss", "iou_thresh_kind", "map", "nms_kind", "policy", "tree", "type", "weights_normalization",
    "weights_type",
))  # fmt: skip


@dataclass(frozen=True)
class Layer:
    """Layer `index` of the network, counted from 0 at the section after [net].

    Attributes:
        kind: its section's name, with aliases resolved.
        place: where it stands in the file.
    """

    index: int
    kind: str
    options: LayerOptions
    place: Place


@dataclass(frozen=True)
class Cfg:
    """A cfg that was read.

    Attributes:
        text: the file as it is; written back it gives the same bytes.
        warnings: a line each, for the user: what was ignored, and which default was taken.
    """

    source: str
    text: str
    sections: tuple[Section, ...]
    net: Net
    net_place: Place
    layers: tuple[Layer, ...]
    warnings: tuple[str, ...]


def read_cfg(path: Path) -> Cfg:
    """Raises `InputError` with the line, the section and what was expected."""
    return parse_cfg(read_cfg_text(path), source=str(path))


def parse_cfg(text: str, *, source: str) -> Cfg:
    """As `read_cfg`, from text; `source` names it in messages."""
    sections = parse_sections(text, source=source)
    first, *rest = sections
    if first.name not in _NET_NAMES:
        raise Place(source, first).error("the first section must be [net]")
    if not rest:
        raise Place(source, first).error("no layer follows; a network needs at least one")
    warnings = [] if not text.startswith("\ufeff") else [f"{source}:1: starts with a byte-order mark, which is ignored"]
    net_place = Place(source, first)
    net = _options(Net, net_place, warnings)
    layers = []
    for index, section in enumerate(rest):
        place = Place(source, section)
        kind = _kind(place)
        options = _options(LAYERS[kind], place, warnings)
        assert isinstance(options, LayerOptions)
        layers.append(Layer(index, kind, options, place))
    assert isinstance(net, Net)
    return Cfg(source, text, sections, net, net_place, tuple(layers), tuple(warnings))


def _kind(place: Place) -> str:
    name = place.section.name
    kind = ALIASES.get(name, name)
    if kind in LAYERS:
        return kind
    if name in _NET_NAMES:
        raise place.error("only the first section can be [net]")
    if name in NOT_SUPPORTED:
        raise place.error("not supported; no network with this section can be imported")
    raise place.error(f"unknown section; choose from: {', '.join(sorted(LAYERS))}")


def _options(record: type[Options], place: Place, warnings: list[str]) -> Options:
    warnings += _repetitions(place)
    first, known = place.section.first, record.keys()
    warnings += (place.message("unknown option, ignored", key) for key in first if key not in known)
    values = {}
    for key in known & first.keys():
        value, hash_sign, _ = (first[key].value, "", "") if key in _TEXT_OPTIONS else first[key].value.partition("#")
        values[key] = value
        if hash_sign:
            warnings.append(place.message("what follows # is ignored", key))
    try:
        options = record.model_validate(values)
    except ValidationError as error:
        raise _problem(error, place) from None
    warnings += (
        place.message(f"missing; darknet takes {key}={getattr(options, key)}", key)
        for key in record.report_missing
        if key not in first
    )
    return options


def _problem(error: ValidationError, place: Place) -> InputError:
    finding = error.errors(include_url=False)[0]
    key = str(finding["loc"][0])
    if finding["type"] == "missing":
        return place.error(f"{key}= is missing; it is required")
    what = finding["msg"].removeprefix("Value error, ").replace("Input should be", "must be")
    return place.error(what, key)


def _repetitions(place: Place) -> Iterator[str]:
    first = place.section.first
    for option in place.section.options:
        counts = first[option.key]
        if option is not counts:
            where = f"{place.source}:{option.line}: [{place.section.name}] {shown(option.key)}={shown(option.value)}"
            yield f"{where}: given twice, ignored; {shown(counts.value)} on line {counts.line} counts"
