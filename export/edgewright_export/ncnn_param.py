"""NCNN's `.param` text: one line per layer, `type name n_in n_out inputs... outputs... key=value...`.

Format: the first line is the magic number 7767517, the second `<layers> <blobs>`.  Unknown keys are kept as they are.
A value that is an array has the key -23300 - k in the place of k, and its length as its first item.
"""

from dataclasses import dataclass, replace

from edgewright_train.errors import CheckError

MAGIC = "7767517"

# Keys that a convolution derives from another key when they are absent, or whose default is a constant.
_CONVOLUTION_DEFAULTS: tuple[tuple[int, int | str], ...] = (
    (11, 1), (12, 2), (13, 3), (14, 4), (15, 4), (16, 14), (2, "1"), (3, "1"), (4, "0"),
)  # fmt: skip
_CONVOLUTIONS = ("Convolution", "ConvolutionDepthWise")
_ARRAYS = -23300


@dataclass(frozen=True)
class Layer:
    """One line.  `params`: key -> value, both as written."""

    kind: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    params: dict[int, str]

    def line(self, column_width: int = 0) -> str:
        """As NCNN reads it.  Its own tools fill the type and the name with spaces up to 24 characters."""
        names = [self.kind.ljust(column_width), self.name.ljust(column_width)]
        blobs = [*self.inputs, *self.outputs]
        params = [f"{key}={value}" for key, value in self.params.items()]
        return " ".join([*names, str(len(self.inputs)), str(len(self.outputs)), *blobs, *params])

    def integer(self, key: int, default: int) -> int:
        """Raises `CheckError` when the value is no whole number."""
        value = self.params.get(key)
        if value is None:
            return default
        if not value.removeprefix("-").isascii() or not value.removeprefix("-").isdecimal() or len(value) > 11:
            raise CheckError(f"ncnn param: layer {self.name!r}: {key}={value[:40]} is not a 32-bit integer")
        return int(value)

    def with_params(self, changes: dict[int, str]) -> "Layer":
        """Another layer with these keys set; all keys in ascending order, arrays by the key they stand for."""
        params = {**self.params, **changes}
        return replace(self, params={key: params[key] for key in sorted(params, key=_position)})


def parse_param(text: str) -> list[Layer]:
    """Raises `CheckError` naming the line that is not NCNN's."""
    lines = text.splitlines()
    if len(lines) < 3 or lines[0].strip() != MAGIC:
        raise CheckError(f"ncnn param: line 1: expected {MAGIC}")
    layers = [_parse_line(number, line) for number, line in enumerate(lines[2:], 3) if line.strip()]
    if lines[1].split()[0] != str(len(layers)):
        raise CheckError(f"ncnn param: line 2: {lines[1].split()[0]} layers announced, {len(layers)} found")
    return layers


def write_param(layers: list[Layer], *, column_width: int = 0) -> str:
    """The whole file, ending in a newline."""
    blobs = {blob for layer in layers for blob in layer.outputs}
    lines = [layer.line(column_width) for layer in layers]
    return "\n".join([MAGIC, f"{len(layers)} {len(blobs)}", *lines]) + "\n"


def rename_blobs(layers: list[Layer], names: dict[str, str]) -> list[Layer]:
    """Every occurrence of a key of `names` becomes its value; a new name must not exist already."""
    existing = {blob for layer in layers for blob in layer.outputs}
    if taken := existing & set(names.values()):
        raise CheckError(f"ncnn param: blob {min(taken)!r} exists already")
    if missing := names.keys() - existing:
        raise CheckError(f"ncnn param: no blob {min(missing)!r}")
    return [
        replace(
            layer,
            inputs=tuple(names.get(blob, blob) for blob in layer.inputs),
            outputs=tuple(names.get(blob, blob) for blob in layer.outputs),
        )
        for layer in layers
    ]


def drop_defaults(layer: Layer) -> Layer:
    """Leave out the keys that say what NCNN assumes anyway."""
    if layer.kind not in _CONVOLUTIONS:
        return layer
    params = dict(layer.params)
    for key, default in _CONVOLUTION_DEFAULTS:
        implied = params.get(default, "0") if isinstance(default, int) else default
        if params.get(key) == implied:
            del params[key]
    return replace(layer, params=params)


def _parse_line(number: int, line: str) -> Layer:
    fields = line.split()
    try:
        num_in, num_out = int(fields[2]), int(fields[3])
        blobs, params = fields[4 : 4 + num_in + num_out], fields[4 + num_in + num_out :]
        if len(blobs) != num_in + num_out:
            raise ValueError
        values = {int(key): value for key, _, value in (param.partition("=") for param in params)}
        if len(values) != len(params):
            raise ValueError
    except (IndexError, ValueError):
        raise CheckError(f"ncnn param: line {number}: not a layer: {line[:80]!r}") from None
    return Layer(fields[0], fields[1], tuple(blobs[:num_in]), tuple(blobs[num_in:]), values)


def _position(key: int) -> int:
    return _ARRAYS - key if key <= _ARRAYS else key
