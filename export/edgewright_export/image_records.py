"""Which images something was measured on, as files name them."""

from edgewright_train.schema import Record

from .manifest import Name, Sha256


class ImageRecord(Record):
    """`sha256`: of the decoded pixels, behind the text `<width>x<height> BGR `."""

    name: str
    sha256: Sha256


class DatasetRecord(Record):
    """Where the images come from.

    Attributes:
        sha256: the fingerprint of the whole data set, as `make eval` prints it.
        split: null where the data have none.
    """

    name: Name
    sha256: Sha256
    split: str | None
