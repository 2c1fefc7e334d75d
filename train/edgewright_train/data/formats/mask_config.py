"""A dataset.toml of images and masks."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator

from ...errors import InputError
from ...schema import Record
from .cityscapes import CITYSCAPES_IDS
from .class_names import ClassNames
from .mask_values import ERROR, IGNORE, MAX_CLASSES, MAX_VALUE, MaskValues

_Suffix = Annotated[str, Field(max_length=200, pattern=r"^[^/\\]*$")]


class MaskFiles(Record):
    """Of one split: two folders, or a list of pairs.

    Attributes:
        images, masks: folders.
        list: a file that names the images to take, a line each, within `images`.
        pairs: in place of all three, a file with the image and the mask on each line, below the folder `root`.
    """

    images: str | None = None
    masks: str | None = None
    list: str | None = None
    pairs: str | None = None
    root: str = "."

    @model_validator(mode="after")
    def _two_folders_or_pairs(self) -> "MaskFiles":
        folders = (self.images, self.masks)
        if self.pairs is None and None in folders:
            raise ValueError("give the folders images and masks, or pairs, a file with an image and a mask per line")
        if self.pairs is not None and any(each is not None for each in (*folders, self.list)):
            raise ValueError("pairs says which images and masks there are; leave images, masks and list out")
        return self


class MasksConfig(Record):
    """`mask_suffix` replaces `image_suffix` (by default the ending) in an image's name to give that of its mask.

    See also `with_known_ids`.
    """

    format: Literal["masks"]
    classes: Annotated[ClassNames, Field(max_length=MAX_CLASSES)]
    ids: dict[str, str] | None = None
    unlisted: str = ERROR
    image_suffix: _Suffix = ""
    mask_suffix: _Suffix = ".png"
    only_with_masks: bool = False
    train: MaskFiles | None = None
    val: MaskFiles | None = None
    test: MaskFiles | None = None

    @field_validator("classes")
    @classmethod
    def _not_reserved(cls, classes: tuple[str, ...]) -> tuple[str, ...]:
        for word in (IGNORE, ERROR):
            if word in classes:
                raise ValueError(f"{word!r} has a meaning of its own here; call the class something else")
        return classes

    @field_validator("ids")
    @classmethod
    def _ids_are_values_of_classes(cls, ids: dict[str, str] | None, info: ValidationInfo) -> dict[str, str] | None:
        for value, name in (ids or {}).items():
            if not value.isdecimal() or str(int(value)) != value or int(value) > MAX_VALUE:
                raise ValueError(f"{value!r} must be a whole number from 0 to {MAX_VALUE}")
            if "classes" in info.data and name not in (*info.data["classes"], IGNORE):
                raise ValueError(f"{value} = {name!r}: must be one of the classes or {IGNORE!r}")
        return ids

    @field_validator("unlisted")
    @classmethod
    def _unlisted_is_known(cls, unlisted: str, info: ValidationInfo) -> str:
        if "classes" in info.data and unlisted not in (*info.data["classes"], IGNORE, ERROR):
            raise ValueError(f"must be {IGNORE!r}, {ERROR!r} or one of the classes")
        return unlisted

    def values(self) -> MaskValues:
        ids = None if self.ids is None else {int(value): name for value, name in self.ids.items()}
        return MaskValues(self.classes, ids, self.unlisted)


def with_known_ids(values: Mapping[str, Any], path: Path) -> Mapping[str, Any]:
    """`ids = "cityscapes"` in a dataset.toml written out: its numbers, and its classes if none are given."""
    ids = values.get("ids")
    if not isinstance(ids, str):
        return values
    if ids != "cityscapes":
        raise InputError(f'{path}: ids: must be a table of numbers and classes, or "cityscapes", got {ids!r}')
    known = {str(number): name for number, name in CITYSCAPES_IDS.items()}
    return {"classes": [*CITYSCAPES_IDS.values()], "unlisted": IGNORE, **values, "ids": known}
