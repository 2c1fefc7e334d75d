"""A dataset.toml of images and masks."""

from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from ..schema import Record
from .class_names import ClassNames
from .mask_values import ERROR, IGNORE, MAX_CLASSES, MAX_VALUE, MaskValues

_Suffix = Annotated[str, Field(max_length=200, pattern=r"^[^/\\]*$")]


class MaskFiles(Record):
    """Of one split.  `list`: a file that names the images to take, a line each, within `images`."""

    images: str
    masks: str
    list: str | None = None


class MasksConfig(Record):
    """`mask_suffix` replaces `image_suffix` (by default the ending) in an image's name to give that of its mask."""

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
