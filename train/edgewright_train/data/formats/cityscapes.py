"""The 19 classes that Cityscapes is evaluated on, by the numbers of its `labelIds` masks.

Source: cityscapesScripts, helpers/labels.py; the order is that of its train ids.
"""

from ...labels import CITYSCAPES_LABELS

_IDS = (7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33)
CITYSCAPES_IDS = dict(zip(_IDS, CITYSCAPES_LABELS, strict=True))
