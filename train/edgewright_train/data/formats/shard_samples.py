"""The samples of shards: members of a tar file that share a name, as the library webdataset groups them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ...errors import InputError
from ..problems import Problems
from .find_images import IMAGE_SUFFIXES
from .shard_index import Member, shard_members


@dataclass(frozen=True, slots=True)
class ShardSample:
    """`members`: by ending, without the first dot and in small letters."""

    shard: Path
    key: str
    members: Mapping[str, Member] = field(default_factory=dict)

    @property
    def where(self) -> str:
        """For messages."""
        return f"{self.shard}: {self.key}"

    @property
    def image_ending(self) -> str:
        """Raises `InputError` unless there is exactly one image."""
        found = [ending for ending in self.members if f".{ending}" in IMAGE_SUFFIXES]
        if len(found) != 1:
            raise InputError(f"{self.where}: {len(found)} images; a sample has one, such as {self.key}.jpg")
        return found[0]

    def without_texts(self) -> "ShardSample":
        """For when they were read: they would take most of the memory."""
        members = {ending: replace(member, text=None) for ending, member in self.members.items()}
        return replace(self, members=members)

    def text(self, ending: str) -> str:
        """Raises `InputError` when there is no such member."""
        member = self.members.get(ending)
        if member is None or member.text is None:
            raise InputError(f"{self.where}: no {self.key}.{ending} of at most a megabyte")
        return member.text


def expand_shards(patterns: Sequence[str], base: Path) -> list[Path]:
    """Files named by patterns such as `train-{000000..000146}.tar` or `train-*.tar`, below `base`; in order."""
    from webdataset.shardlists import expand_urls  # noqa: PLC0415 (slow to import)

    shards: list[Path] = []
    for pattern in patterns:
        for name in expand_urls(pattern):
            found = sorted(base.glob(name)) if "*" in name or "?" in name else [base / name]
            if not found:
                raise InputError(f"{base / name}: no such files")
            shards += found
    return shards


def read_samples(shards: Sequence[Path], problems: Problems) -> list[ShardSample]:
    """Of all shards, in order.  A name that comes again is reported and left out."""
    samples: dict[str, ShardSample] = {}
    for shard in shards:
        for sample in _grouped(shard, problems):
            if sample.key in samples:
                problems.add(f"{sample.where}: the name is used twice, also in {samples[sample.key].shard}")
            else:
                samples[sample.key] = sample
    return list(samples.values())


def _grouped(shard: Path, problems: Problems) -> Iterator[ShardSample]:
    from webdataset.tariterators import base_plus_ext  # noqa: PLC0415 (slow to import)

    key, members = "", dict[str, Member]()
    for member in shard_members(shard, problems):
        base, ending = base_plus_ext(member.name)
        if not base or base.startswith("__"):  # what the library passes over
            continue
        if base != key and members:
            yield ShardSample(shard, key, members)
            members = {}
        key = base
        if ending.lower() in members:
            problems.add(f"{shard}: {member.name}: is there twice")
        members.setdefault(ending.lower(), member)
    if members:
        yield ShardSample(shard, key, members)
