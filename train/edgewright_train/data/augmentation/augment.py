"""One training sample: a window on one image, or on four, with changed colours and spoilt pixels.

Everything random comes from the generator that is passed in, in a fixed order.
"""

import dataclasses
from collections.abc import Callable

from numpy.random import Generator

from ..picture import Picture
from .colour import change_colours
from .degrade import degrade
from .geometry import SizeWh, draw_window
from .mosaic import draw_mosaic, draw_partners
from .settings import Augmentation

Read = Callable[[int], Picture]


def augment(read: Read, index: int, count: int, settings: Augmentation, size_wh: SizeWh, rng: Generator) -> Picture:
    """Of `size_wh`, from picture `index` of `count`; `read` gives a picture by its index."""
    if settings.mosaic and rng.uniform() < settings.mosaic:
        pictures = [read(each) for each in (index, *draw_partners(count, rng))]
        sample = draw_mosaic(pictures, settings, size_wh, rng)
    else:
        sample = draw_window(read(index), settings, size_wh, rng)
    sample = dataclasses.replace(sample, image=change_colours(sample.image, settings, rng))
    return degrade(sample, settings, rng)
