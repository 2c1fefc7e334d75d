"""Label maps over a picture: a colour per class, and the pixels that are not the source's marked."""

import base64
import colorsys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from edgewright_export.class_parity import compare_segmentation, wrong_pixels
from edgewright_export.outputs import Outputs
from edgewright_export.pack import Pack
from edgewright_train.tasks.segment.decode import LabelMap, SegmentDecode, segment
from edgewright_train.vision.placement import Placement

from .png import Rgba, palette_png
from .scenes import Scene
from .seen import Seen

_LONGEST_SIDE = 480  # pixels of an embedded map: twice what it is shown at
_OPACITY = 0.62
_GOLDEN_ANGLE = 137.50776405 / 360
_LIGHTNESS = (0.6, 0.42, 0.78)  # classes with nearly the same hue are 8 or 13 apart: never equally light
_MARKS: tuple[Rgba, ...] = ((0, 0, 0, 0), (255, 255, 255, 255), (255, 20, 60, 255))  # nothing, halo, wrong
_STRIPE_PERIOD, _STRIPE_WIDTH = 14, 4  # pixels of an embedded map
_MOST_IN_LEGEND = 12
_MOST_IN_DESCRIPTION = 6
_BACKGROUND = "background"


@dataclass(frozen=True)
class LabelPicture:
    """PNG images in base64, each of the whole picture and of nothing that was padded around it.

    Attributes:
        png: the classes, to be laid over the picture.
        marks_png: the wrong pixels, enlarged so that a single one is seen; empty when there is none.
        shares: class index -> fraction of the pixels, the largest first.
    """

    png: str
    marks_png: str
    shares: Mapping[int, float]


@dataclass(frozen=True)
class LegendEntry:
    """`colour` is empty for a class that is left clear.  `share`: of the pixels, as the source sees it; empty: none."""

    label: str
    colour: str
    share: str


def see_label_map(pack: Pack, scene: Scene, outputs: Outputs) -> Seen[LabelPicture]:
    """`outputs` against the source's, as the pack's proof compares them."""
    manifest = pack.manifest
    decode, tolerance = manifest.decode, manifest.golden.tolerance
    assert isinstance(decode, SegmentDecode)
    height, width = scene.image_bgr.shape[:2]
    placed = manifest.input.preprocess.placement((width, height))
    labels = _of_picture(segment(outputs, decode).labels, placed)
    wrong = wrong_pixels(scene.maps, outputs, decode, tolerance)
    _, _, problem = compare_segmentation(scene.maps, outputs, decode, tolerance)
    shares = _shares(labels)
    seen_wrong = _of_picture(wrong.astype(np.uint16), placed).labels > 0
    marks = _marks_png(seen_wrong) if seen_wrong.any() else ""
    picture = LabelPicture(_map_png(labels, manifest.labels), marks, shares)
    difference = _difference(int(wrong.sum()))
    largest = list(shares.items())[:_MOST_IN_DESCRIPTION]
    description = ", ".join(f"{manifest.labels[index]} {_percent(share)}" for index, share in largest)
    description += f", and {len(shares) - len(largest)} more classes" if len(shares) > len(largest) else ""
    return Seen(
        drawing=picture,
        found="1 class" if len(shares) == 1 else f"{len(shares)} classes",
        difference=difference,
        is_wrong=bool(problem),
        description=f"{description}; {difference}" if difference else description,
    )


def _of_picture(network_map: NDArray[np.uint16], placed: Placement) -> LabelMap:
    """What the network sees of the picture itself, in its own pixels: none is lost."""
    rows, columns = network_map.shape
    (network_width, network_height), size = placed.network_wh, (placed.width, placed.height)
    size_wh = (-(-columns * size[0] // network_width), -(-rows * size[1] // network_height))
    return LabelMap(network_map).to_source(replace(placed, source_wh=size_wh))


def legend(source: LabelPicture, others: Iterable[LabelPicture], labels: Sequence[str]) -> tuple[LegendEntry, ...]:
    """Of the classes that any of the pictures shows: by what the source sees of them, at most 12."""
    seen = list(dict.fromkeys([*source.shares, *(index for other in others for index in other.shares)]))
    return tuple(
        LegendEntry(
            labels[index], _css_colour(index, labels), _percent(source.shares[index]) if index in source.shares else ""
        )
        for index in seen[:_MOST_IN_LEGEND]
    )


def map_colour(index: int) -> tuple[int, int, int]:
    """Red, green, blue.  Classes near each other in the list, or in hue, differ in hue, or in lightness."""
    lightness = _LIGHTNESS[index % len(_LIGHTNESS)]
    red, green, blue = colorsys.hls_to_rgb(index * _GOLDEN_ANGLE % 1.0, lightness, 0.85)
    return round(255 * red), round(255 * green), round(255 * blue)


def _css_colour(index: int, labels: Sequence[str]) -> str:
    return "" if labels[index] == _BACKGROUND else "#" + bytes(map_colour(index)).hex()


def _difference(num_wrong: int) -> str:
    if num_wrong == 0:
        return ""
    return "1 pixel differs" if num_wrong == 1 else f"{num_wrong:,} pixels differ"


def _shares(labels: LabelMap) -> dict[int, float]:
    indices, counts = np.unique(labels.labels, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    return {int(indices[at]): float(counts[at] / labels.labels.size) for at in order}


def _percent(share: float) -> str:
    return "under 0.1 %" if share < 0.001 else f"{share:.1%}".replace("%", " %")


def _map_png(labels: LabelMap, names: Sequence[str]) -> str:
    """Colours repeat after 256 classes."""
    small = _within_reach(labels).labels % 256
    alpha = [0 if name == _BACKGROUND else round(255 * _OPACITY) for name in names[:256]]
    return _base64(palette_png(small.astype(np.uint8), [(*map_colour(index), a) for index, a in enumerate(alpha)]))


def _within_reach(labels: LabelMap) -> LabelMap:
    height, width = labels.labels.shape
    factor = _LONGEST_SIDE / max(height, width)
    return labels if factor >= 1 else labels.scaled((max(1, round(width * factor)), max(1, round(height * factor))))


def _marks_png(wrong: NDArray[np.bool_]) -> str:
    """Every wrong pixel is at least a dot with a halo, in a picture as large as those of photographs; where many lie
    together they are striped, so that what is wrong can be seen.
    """
    height, width = wrong.shape
    factor = _LONGEST_SIDE / max(height, width)
    size_wh = (max(1, round(width * factor)), max(1, round(height * factor)))
    interpolation = cv2.INTER_AREA if factor < 1 else cv2.INTER_NEAREST
    spots = (cv2.resize(wrong.astype(np.float32), size_wh, interpolation=interpolation) > 0).astype(np.uint8)
    core, halo = cv2.dilate(spots, _square(5)), cv2.dilate(spots, _square(9))
    across = np.add.outer(np.arange(size_wh[1]), np.arange(size_wh[0])) % _STRIPE_PERIOD
    inside = cv2.erode(spots, _square(11)) > 0
    return _base64(palette_png(np.where(inside & (across >= _STRIPE_WIDTH), 0, core + halo).astype(np.uint8), _MARKS))


def _square(side: int) -> NDArray[np.uint8]:
    return np.ones((side, side), np.uint8)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
