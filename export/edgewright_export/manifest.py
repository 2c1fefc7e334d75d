"""manifest.json: the contract between Python and every device, strictly validated on both sides (docs/pack.md)."""

from pathlib import PurePosixPath
from typing import Annotated, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator, model_validator

from edgewright_train.models.architecture import Task
from edgewright_train.schema import Record
from edgewright_train.tasks.classify.decode import ClassifyDecode
from edgewright_train.tasks.decode import Decode
from edgewright_train.tasks.detect.ssd import SsdDecode
from edgewright_train.tasks.evaluation import Metric
from edgewright_train.tasks.segment.decode import SegmentDecode
from edgewright_train.vision.preprocess import Preprocess

FORMAT_VERSION = 1

Target = Literal["onnx", "ncnn", "tflite", "coreml"]
Precision = Literal["fp32", "fp16", "int8", "mixed", "w8", "palette8", "palette6", "palette4"]
TARGETS: tuple[Target, ...] = get_args(Target)
PRECISIONS: tuple[Precision, ...] = get_args(Precision)
FLOAT_PRECISIONS: tuple[Precision, ...] = ("fp32", "fp16")  # the others are made from a quantisation plan
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Name = Annotated[str, Field(min_length=1, max_length=200)]
Fraction = Annotated[float, Field(ge=0, le=1)]
SignedFraction = Annotated[float, Field(ge=-1, le=1)]


class FileEntry(Record):
    """One file of the pack: path relative to it, with forward slashes, never leaving it."""

    path: Name
    size_bytes: int = Field(ge=0, le=4 << 30)
    sha256: Sha256

    @field_validator("path")
    @classmethod
    def _stays_inside(cls, path: str) -> str:
        parts = PurePosixPath(path).parts
        bad = PurePosixPath(path).is_absolute() or "\\" in path or ":" in path or "\0" in path
        if bad or any(p in ("..", ".") for p in path.split("/")) or "/".join(parts) != path:
            raise ValueError("must be a plain relative path inside the pack")
        return path


class Steps(Record):
    """How int8 codes stand for reals: real = scale * (code - zero_point)."""

    scale: float = Field(gt=0)
    zero_point: int = Field(ge=-128, le=127)

    def to_codes(self, values: NDArray[np.float32]) -> NDArray[np.int8]:
        """The nearest code, ties to even."""
        return (np.rint(values / np.float64(self.scale)) + self.zero_point).clip(-128, 127).astype(np.int8)

    def to_reals(self, codes: NDArray[np.int8]) -> NDArray[np.float32]:
        return ((codes.astype(np.float64) - self.zero_point) * self.scale).astype(np.float32)


class ModelInput(Record):
    """The one input.

    Attributes:
        kind: "tensor" takes normalised float32; "image" takes the uint8 pixels (CoreML), normalised in the program.
        layout: of a tensor; images are always height x width x channels.
        steps: of a tensor of int8 codes; null: it is float32.
    """

    name: Name
    kind: Literal["tensor", "image"]
    layout: Literal["nchw", "nhwc"]
    preprocess: Preprocess
    steps: Steps | None = None


class ModelOutput(Record):
    """One output.  `shape` is (channels, height, width) whatever the layout, batch left out; `steps`: as an input's."""

    name: Name
    layout: Literal["nchw", "nhwc"]
    shape: tuple[Annotated[int, Field(ge=1, le=65536)], ...] = Field(min_length=3, max_length=3)
    steps: Steps | None = None


class Tolerance(Record):
    """How far a run may be from the golden vectors.  Absent limits do not apply.

    Attributes:
        max_error: largest absolute difference of any output, as a fraction of the reference's largest absolute value
            where that exceeds 1.
        min_cosine: smallest cosine similarity of any output map with its reference.
        max_score_diff: largest difference of a probability: see `min_iou`; the class a run gives an image or a pixel
            must, in the reference, have a probability within it of the best one.
        min_iou: every reference detection needs a partner of its class among the run's candidates (rows above the
            score threshold, before NMS) that overlaps it by at least `min_iou` and whose score differs by at most
            `max_score_diff`, and the other way round; detections within `max_score_diff` of the score threshold need
            none.
        min_agreement: smallest fraction of an image's pixels whose class is right.
    """

    max_error: float | None = Field(ge=0)
    min_cosine: float | None = Field(ge=0, le=1)
    max_score_diff: Fraction
    min_iou: Fraction | None = None
    min_agreement: Fraction | None = None


class Golden(Record):
    """Reference runs of the PyTorch source: safetensors files (docs/pack.md lists their tensors)."""

    cases: tuple[Name, ...] = Field(min_length=1, max_length=64)
    tolerance: Tolerance


class Accuracy(Record):
    """The task metric of this pack and of its source, measured by running both on the same images.

    The thresholds are those of a detector's evaluation; other tasks have none.

    Attributes:
        budget: how much of the source's value a quantised pack was allowed to lose.
        loss_low, loss_high: 95 % interval of the loss, source_value - value, by a paired bootstrap over the images.
    """

    dataset: Name
    dataset_sha256: Sha256
    num_images: int = Field(ge=1)
    metric: Metric
    value: Fraction
    source_value: Fraction
    score_threshold: Fraction | None
    iou_threshold: Fraction | None
    budget: Fraction | None = None
    loss_low: SignedFraction | None = None
    loss_high: SignedFraction | None = None


class Quantisation(Record):
    """How a pack in few bits was made; its golden vectors are those of its plan computed in PyTorch.

    Attributes:
        method: by which the ranges of the activations were chosen; null where only weights are in few bits.
        calibration_sha256: of calibration.json, which has everything needed to repeat it; null with `method`.
        plan_sha256: of the plan: every grid, step and palette.
        num_layers: layers in few bits.
        float_layers: those that were left in float, by name, in the order of the graph.
        float_cosine: the smallest cosine similarity of any output with the float source's, over all images compared.
    """

    method: Name | None
    calibration_sha256: Sha256 | None
    plan_sha256: Sha256
    num_layers: int = Field(ge=0)
    float_layers: tuple[Name, ...] = Field(max_length=65536)
    float_cosine: SignedFraction


class Provenance(Record):
    """Where the pack comes from.

    Attributes:
        checkpoint_sha256: of the safetensors file.
        tools: package name -> version of everything that touched the model.
        rewrites: what was done to the network's graph before and during its conversion, by name, in that order.
        created_utc: ISO 8601; SOURCE_DATE_EPOCH decides it when set.
    """

    checkpoint_sha256: Sha256
    origin: str
    tools: dict[str, str]
    rewrites: tuple[Name, ...] = Field(default=(), max_length=64)
    created_utc: str


class Manifest(Record):
    """Everything a device needs to run the model and to check that it runs right.

    Attributes:
        entry: the file or folder the runtime opens; NCNN's `.bin` stands beside its `.param`.
        num_parameters: learnable parameters of the source network.
    """

    format_version: int = Field(ge=FORMAT_VERSION, le=FORMAT_VERSION)  # an int, as Literal[1] would take `true`
    model: Name
    task: Task
    target: Target
    precision: Precision
    num_parameters: int = Field(ge=1)
    entry: Name
    files: tuple[FileEntry, ...] = Field(min_length=1, max_length=4096)
    input: ModelInput
    outputs: tuple[ModelOutput, ...] = Field(min_length=1, max_length=64)
    decode: Decode
    labels: tuple[str, ...] = Field(min_length=1, max_length=65536)
    golden: Golden
    accuracy: Accuracy | None
    quantisation: Quantisation | None = None
    provenance: Provenance

    @model_validator(mode="after")
    def _parts_fit(self) -> "Manifest":
        paths = [file.path for file in self.files]
        if len(set(paths)) != len(paths):
            raise ValueError("files: a path is listed twice")
        if not any(path == self.entry or path.startswith(self.entry + "/") for path in paths):
            raise ValueError(f"entry: {self.entry!r} is not among the files")
        for case in self.golden.cases:
            if case not in paths:
                raise ValueError(f"golden.cases: {case!r} is not among the files")
        if len({output.name for output in self.outputs}) != len(self.outputs):
            raise ValueError("outputs: a name is listed twice")
        check_outputs(self.decode, self.outputs, self.input.preprocess, len(self.labels))
        if task_of(self.decode) != self.task:
            raise ValueError(f"decode.kind: {self.decode.kind!r} does not belong to the task {self.task!r}")
        if (self.precision in FLOAT_PRECISIONS) != (self.quantisation is None):
            raise ValueError("quantisation: must be null for fp32 and fp16, and given for every other precision")
        if self.target != "tflite" and any((self.input.steps, *(each.steps for each in self.outputs))):
            raise ValueError("input.steps, outputs.steps: only a tflite pack has codes at its ends")
        if self.task == "detect" and self.golden.tolerance.min_iou is None:
            raise ValueError("golden.tolerance.min_iou: a detector needs one")
        if self.task == "segment" and self.golden.tolerance.min_agreement is None:
            raise ValueError("golden.tolerance.min_agreement: a segmenter needs one")
        return self


def task_of(decode: Decode) -> Task:
    """The task whose result `decode` gives."""
    if isinstance(decode, ClassifyDecode):
        return "classify"
    return "segment" if isinstance(decode, SegmentDecode) else "detect"


def check_outputs(decode: Decode, outputs: tuple[ModelOutput, ...], preprocess: Preprocess, num_classes: int) -> None:
    """Raises `ValueError` unless every output that `decode` reads exists and has the shape that it needs."""
    shapes = {output.name: output.shape for output in outputs}
    size_wh = (preprocess.width, preprocess.height)
    expected: list[tuple[str, tuple[int | None, ...]]]  # None: any
    if isinstance(decode, ClassifyDecode):
        expected = [(decode.output, (num_classes, 1, 1))]
    elif isinstance(decode, SegmentDecode):
        expected = [(decode.output, (num_classes, None, None))]
    elif isinstance(decode, SsdDecode):
        if (decode.width, decode.height) != size_wh:
            raise ValueError(f"decode: {decode.width}x{decode.height} is not the size of the input")
        expected = [(scale.output, (scale.num_channels(num_classes), None, None)) for scale in decode.scales]
    else:
        expected = [(scale.output, scale.shape(size_wh, num_classes)) for scale in decode.scales]
    for name, sides in expected:
        if name not in shapes:
            raise ValueError(f"decode: output {name!r} is not among the outputs")
        if any(side not in (None, found) for side, found in zip(sides, shapes[name], strict=True)):
            wanted = " x ".join("any" if side is None else str(side) for side in sides)
            raise ValueError(f"outputs: {name} has shape {shapes[name]}, not {wanted}")
