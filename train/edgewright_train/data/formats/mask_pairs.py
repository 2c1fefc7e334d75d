"""Images and masks in two folders, a mask per image, as CamVid, Cityscapes, ADE20K and VOC have them."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import cached_property, partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from ..problems import Problems
from ..splits import SPLITS, Splits
from .find_images import IMAGE_SUFFIXES, find_images
from .image_files import ImageFiles
from .image_size import image_size
from .label_image import label_image_size, read_label_image
from .mask_config import MaskFiles, MasksConfig
from .mask_values import MaskValues
from .pair_list import Pair, listed_pairs
from .text_lines import numbered_lines


class MaskPairs(ImageFiles):
    """See `SegmentationDataset`."""

    def __init__(self, name: str, labels: Sequence[str], pairs: Sequence[Pair], values: MaskValues) -> None:
        super().__init__(name, labels, [image for image, _ in pairs])
        self._mask_paths, self._values = tuple(mask for _, mask in pairs), values

    def label_map(self, index: int) -> NDArray[np.uint8]:
        """Raises `InputError` for a broken file, or one with values that stand for no class."""
        path = self._mask_paths[index]
        return self._values.class_map(read_label_image(path), path)

    @cached_property
    def fingerprint(self) -> str:
        """Reads every file once; where they lie and what they are called does not matter."""
        total = hashlib.sha256(json.dumps(self._labels).encode() + self._values.digest_bytes())
        for pair in zip(self._image_paths, self._mask_paths, strict=True):
            for path in pair:
                total.update(hashlib.sha256(path.read_bytes()).digest())
        return total.hexdigest()


def mask_splits(config: MasksConfig, path: Path) -> Splits[MaskPairs]:
    """As the dataset.toml at `path` has it."""
    files: dict[str, MaskFiles] = {split: each for split in SPLITS if (each := getattr(config, split)) is not None}
    if not files:
        raise InputError(f"{path}: names no images; give at least one of the tables [train], [val], [test]")
    name = path.absolute().parent.name
    return {split: partial(_open, f"{name}-{split}", config, each, path.parent) for split, each in files.items()}


def _open(name: str, config: MasksConfig, files: MaskFiles, base: Path, problems: Problems) -> MaskPairs:
    if files.pairs is not None:
        source = base / files.pairs
        pairs = listed_pairs(source, base / files.root, problems)
        problems.check()
        if not pairs:
            raise InputError(f"{source}: no images; give a line per image: image,mask")
    else:
        pairs = _paired(config, files, base, problems)
    pairs = checked_pairs(pairs, problems)
    problems.check()
    return MaskPairs(name, config.classes, pairs, config.values())


def _paired(config: MasksConfig, files: MaskFiles, base: Path, problems: Problems) -> list[Pair]:
    """Images of a folder or a list, with the masks of the same names."""
    assert files.images is not None
    assert files.masks is not None
    images_folder, masks_folder = base / files.images, base / files.masks
    if files.list is None:
        source = images_folder
        images = [image for image in find_images(source, problems) if image.name.endswith(config.image_suffix)]
    else:
        source = base / files.list
        images = _listed(source, images_folder, config.image_suffix, problems)
    problems.check()
    if not images:
        raise InputError(f"{source}: no images{f' that end in {config.image_suffix}' if config.image_suffix else ''}")
    pairs = [(image, _mask_of(image, images_folder, masks_folder, config)) for image in images]
    if config.only_with_masks:
        pairs = [(image, mask) for image, mask in pairs if mask.is_file()]
        if not pairs:
            raise InputError(f"{masks_folder}: holds a mask of none of the {len(images)} images in {images_folder}")
    return pairs


def _listed(source: Path, folder: Path, suffix: str, problems: Problems) -> list[Path]:
    """Images named by the lines of a file, with or without the end of their names."""
    images = []
    for number, line in numbered_lines(source):
        if not line or line.startswith("#"):
            continue
        ends = ("", suffix) if suffix else ("", *IMAGE_SUFFIXES)
        found = next((path for end in ends if (path := folder / f"{line}{end}").is_file()), None)
        if found is None:
            problems.add(f"{source}:{number}: no such image: {str(folder / line)!r}")
        else:
            images.append(found)
    return images


def _mask_of(image: Path, images: Path, masks: Path, config: MasksConfig) -> Path:
    end = config.image_suffix or image.suffix
    return masks / image.relative_to(images).with_name(image.name.removesuffix(end) + config.mask_suffix)


def checked_pairs(pairs: Sequence[Pair], problems: Problems) -> list[Pair]:
    """Those of which nothing is wrong."""
    image_of: dict[Path, Path] = {}
    right = []
    for image, mask in pairs:
        wrong = _wrong(image, mask, image_of)
        image_of.setdefault(mask, image)
        if wrong:
            problems.add(wrong)
        else:
            right.append((image, mask))
    return right


def _wrong(image: Path, mask: Path, image_of: Mapping[Path, Path]) -> str:
    """What is wrong with a pair, "" for nothing; `image_of`: the images of the masks so far."""
    if mask in image_of:
        other = image_of[mask]
        return f"{image}: listed twice" if other == image else f"{mask}: the mask of two images, {other} and {image}"
    if mask == image:
        return f"{image}: would be its own mask; masks need another folder or mask_suffix"
    if not mask.is_file():
        return f"{image}: no mask, looked for {mask}"
    try:
        (width, height), (mask_width, mask_height) = image_size(image), label_image_size(mask)
    except InputError as error:
        return str(error)
    if (width, height) != (mask_width, mask_height):
        return f"{mask}: the mask is {mask_width}x{mask_height}, its image {width}x{height} ({image})"
    return ""
