"""What a recipe says about augmentation: how far samples may differ from their images."""

from typing import Annotated

from pydantic import Field, model_validator

from ...errors import InputError
from ...schema import Record

Fraction = Annotated[float, Field(ge=0, le=1)]
Share = Annotated[float, Field(ge=0.01, le=1)]
Factor = Annotated[float, Field(gt=0, le=10)]

WHOLE = (1.0, 1.0)  # a crop that shows all of the image
ONE_SCALE = (1.0, 1.0)


class Augmentation(Record):
    """The defaults change nothing.

    Attributes:
        flip: share of samples mirrored left to right.
        flip_vertical: share of samples turned upside down by mirroring.
        zoom: smallest and largest magnification; above 1 crops, below 1 pads.
        crop: smallest and largest share of the image's area that a sample shows, from inside the image; (1, 1): all.
        aspect: largest factor by which one side is stretched against the other.
        rotate: largest turn about the image's centre, degrees of the image (before it is stretched to the input).
        shear: largest slant of both axes, degrees.
        translate: largest further move, as a share of the input's sides.
        mosaic: share of samples made of four images, one in each quarter, moved and magnified one by one.
        mosaic_off_epochs: number of last epochs without mosaic.
        hue, saturation, brightness: largest relative change in HSV space (hue: of the half circle).
        contrast: largest relative change of the distance from black.
        blur: largest standard deviation of a Gaussian blur, pixels of the input.
        noise: largest standard deviation of Gaussian noise, as a share of white.
        erase: share of samples in which a rectangle of up to a fifth of the area is grey.
        min_visible: a box stays when at least this share of it is to be seen.
        multi_scale: smallest and largest factor on the input's sides, drawn anew for each step's batch.
    """

    flip: Fraction = 0.0
    flip_vertical: Fraction = 0.0
    zoom: tuple[Factor, Factor] = (1.0, 1.0)
    crop: tuple[Share, Share] = WHOLE
    aspect: Annotated[float, Field(ge=1, le=4)] = 1.0
    rotate: Annotated[float, Field(ge=0, le=180)] = 0.0
    shear: Annotated[float, Field(ge=0, le=45)] = 0.0
    translate: Fraction = 0.0
    mosaic: Fraction = 0.0
    mosaic_off_epochs: Annotated[int, Field(ge=0)] = 0
    hue: Fraction = 0.0
    saturation: Fraction = 0.0
    brightness: Fraction = 0.0
    contrast: Fraction = 0.0
    blur: Annotated[float, Field(ge=0, le=10)] = 0.0
    noise: Fraction = 0.0
    erase: Fraction = 0.0
    min_visible: Fraction = 0.3
    multi_scale: tuple[Annotated[float, Field(ge=0.25, le=1)], Annotated[float, Field(ge=1, le=4)]] = ONE_SCALE

    @model_validator(mode="after")
    def _ranges_are_ordered(self) -> "Augmentation":
        if self.zoom[0] > self.zoom[1]:
            raise ValueError(f"zoom: the smallest magnification {self.zoom[0]} is above the largest {self.zoom[1]}")
        if self.crop[0] > self.crop[1]:
            raise ValueError(f"crop: the smallest share {self.crop[0]} is above the largest {self.crop[1]}")
        if self.crop != WHOLE and self.zoom != (1.0, 1.0):
            raise ValueError("crop and zoom are two ways to choose a window; give one")
        return self

    def at(self, epoch: int, num_epochs: int) -> "Augmentation":
        """What holds in `epoch` (from 0) of `num_epochs`."""
        if self.mosaic_off_epochs and epoch >= num_epochs - self.mosaic_off_epochs:
            return self.model_copy(update={"mosaic": 0.0})
        return self


def check_augmentation(settings: Augmentation, loss_kind: str, *, source: str) -> None:
    """Raises `InputError` naming `source` where a network that learns by `loss_kind` cannot learn from such samples."""
    if settings.mosaic and loss_kind == "classify":
        raise InputError(f"{source}: augmentation.mosaic: a classifier learns from one image at a time; must be 0")
    if settings.multi_scale != ONE_SCALE and loss_kind == "ssd":
        raise InputError(f"{source}: augmentation.multi_scale: the priors of SSD are for one size; must be [1.0, 1.0]")
