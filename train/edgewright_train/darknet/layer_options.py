"""What every section may say, with darknet's defaults; one record per section kind.  spec-darknet-cfg sections 2 to 5.

Options that only steer training are checked and kept, so that a recipe can be read from them.
"""

from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from .activations import ACTIVATIONS
from .values import (
    Channels,
    Decimal,
    Decimals,
    Flag,
    Integer,
    Integers,
    Kernel,
    Positive,
    Refused,
    Side,
    SizesPx,
    Stride,
    Unsupported,
)


def _known_activation(name: str) -> str:
    if name not in ACTIVATIONS:
        raise ValueError(f"unknown activation; choose from: {', '.join(sorted(ACTIVATIONS))}")
    return name


Activation = Annotated[str, AfterValidator(_known_activation)]
Probability = Annotated[Decimal, Field(ge=0, lt=1)]


class Options(BaseModel):
    """Immutable; unknown keys are the caller's to report."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    # Options whose absence is worth a word, because darknet's default is not what the name suggests.
    report_missing: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def keys(cls) -> set[str]:
        """As they are written in a cfg."""
        return {field.alias or name for name, field in cls.model_fields.items()}


class Net(Options):
    """[net]: input size and the training recipe."""

    width: Side
    height: Side
    channels: Annotated[Integer, Field(ge=1, le=1024)]
    inputs: Integer = 0
    batch: Positive = 1
    subdivisions: Positive = 1
    time_steps: Positive = 1
    momentum: Decimal = 0.9
    decay: Decimal = 0.0001
    learning_rate: Decimal = 0.001
    learning_rate_min: Decimal = 0.00001
    burn_in: Integer = 0
    max_batches: Integer = 0
    policy: Literal["constant", "step", "steps", "exp", "poly", "random", "sigmoid", "sgdr"] = "constant"
    power: Decimal = 4.0
    steps: Integers = ()
    scales: Decimals = ()
    seq_scales: Decimals = ()
    step: Integer = 1
    scale: Decimal = 1.0
    gamma: Decimal = 1.0
    sgdr_cycle: Integer = 0
    sgdr_mult: Integer = 2
    max_crop: Integer = 0
    min_crop: Integer = 0
    angle: Decimal = 0.0
    aspect: Decimal = 1.0
    saturation: Decimal = 1.0
    exposure: Decimal = 1.0
    hue: Decimal = 0.0
    flip: Flag = True
    gaussian_noise: Integer = 0
    blur: Integer = 0
    mixup: Integer = 0
    cutmix: Integer = 0
    mosaic: Integer = 0
    mosaic_bound: Integer = 0
    letter_box: Flag = False
    resize_step: Integer = 32
    label_smooth_eps: Decimal = 0.0
    ema_alpha: Decimal = 0.0
    dynamic_minibatch: Integer = 0
    adam: Flag = False
    B1: Decimal = 0.9
    B2: Decimal = 0.999
    eps: Decimal = 0.000001
    loss_scale: Decimal = 1.0


class LayerOptions(Options):
    """What any layer may say.  `dontload` and `dontloadscales` decide what a weights file holds."""

    dont_update: Integer = 0
    stopbackward: Integer = 0
    burnin_update: Integer = 0
    onlyforward: Integer = 0
    train_only_bn: Integer = 0
    dontload: Flag = False
    dontloadscales: Flag = False
    learning_rate: Decimal = 1.0
    clip: Decimal = 0.0
    max_float: Decimal = 0.0  # LightNet's activation range


class Convolutional(LayerOptions):
    report_missing = ("filters", "activation")

    filters: Channels = 1
    size: Kernel = 1
    stride: Stride = 1
    stride_x: Stride | None = None
    stride_y: Stride | None = None
    groups: Channels = 1
    dilation: Kernel = 1
    pad: Flag = False
    padding: Annotated[Integer, Field(ge=0, le=64)] = 0
    activation: Activation = "logistic"
    batch_normalize: Flag = False
    sparse: Integer = 0
    pruning: Decimal = 0.0
    quant: Integer = 0
    antialiasing: Unsupported = False
    share_index: Refused = None
    flipped: Unsupported = False
    binary: Unsupported = False
    xnor: Unsupported = False
    bin_output: Unsupported = False
    sway: Unsupported = False
    rotate: Unsupported = False
    stretch: Unsupported = False
    stretch_sway: Unsupported = False
    cbn: Integer = 0

    @property
    def side_padding(self) -> int:
        """Cells on each side."""
        return self.size // 2 if self.pad else self.padding

    @property
    def used_dilation(self) -> int:
        return 1 if self.size == 1 else self.dilation

    @property
    def stride_hw(self) -> tuple[int, int]:
        return self.stride_y or self.stride, self.stride_x or self.stride


class Connected(LayerOptions):
    report_missing = ("output", "activation")

    output: Channels = 1
    activation: Activation = "logistic"
    batch_normalize: Flag = False


class BatchNorm(LayerOptions):
    pass


class _Pool(LayerOptions):
    stride: Stride = 1
    stride_x: Stride | None = None
    stride_y: Stride | None = None
    size: Kernel | None = None
    padding: Annotated[Integer, Field(ge=0, le=64)] | None = None

    @property
    def used_size(self) -> int:
        return self.stride if self.size is None else self.size

    @property
    def total_padding(self) -> int:
        """Cells on both sides together."""
        return self.used_size - 1 if self.padding is None else self.padding

    @property
    def stride_hw(self) -> tuple[int, int]:
        return self.stride_y or self.stride, self.stride_x or self.stride


class MaxPool(_Pool):
    antialiasing: Unsupported = False
    maxpool_depth: Unsupported = False
    out_channels: Integer = 1


class LocalAvgPool(_Pool):
    pass


class AvgPool(LayerOptions):
    pass


class Upsample(LayerOptions):
    stride: Annotated[Integer, Field(ge=-64, le=64)] = 2
    scale: Decimal = 1.0


class Route(LayerOptions):
    layers: Integers
    groups: Channels = 1
    group_id: Annotated[Integer, Field(ge=0)] = 0


class Shortcut(LayerOptions):
    from_layers: Annotated[Integers, Field(alias="from")]
    activation: Activation = "linear"
    weights_type: str = "none"
    weights_normalization: str = "none"


class ScaleChannels(LayerOptions):
    from_layer: Annotated[Integer, Field(alias="from")]
    scale_wh: Flag = False
    activation: Activation = "linear"


class Sam(LayerOptions):
    from_layer: Annotated[Integer, Field(alias="from")]
    activation: Activation = "linear"


class Dropout(LayerOptions):
    probability: Probability = 0.2
    dropblock: Integer = 0
    dropblock_size_rel: Decimal = 0.0
    dropblock_size_abs: Integer = 0


class Softmax(LayerOptions):
    groups: Positive = 1
    stride: Positive = 1
    temperature: Decimal = 1.0
    spatial: Flag = False
    noloss: Flag = False
    tree: str | None = None
    num: Integer = 0
    counters_per_class: Integers = ()
    colormap: Integers = ()


class Cost(LayerOptions):
    type: str = "sse"
    scale: Decimal = 1.0
    ratio: Decimal = 0.0


class Yolo(LayerOptions):
    report_missing = ("classes",)

    anchors: SizesPx
    mask: Integers | None = None
    num: Annotated[Integer, Field(ge=1, le=1024)] = 1
    classes: Channels = 20
    scale_x_y: Decimal = 1.0
    new_coords: Flag = False
    max: Integer = 200
    jitter: Decimal = 0.2
    resize: Decimal = 1.0
    random: Decimal = 0.0
    ignore_thresh: Decimal = 0.5
    truth_thresh: Decimal = 1.0
    iou_thresh: Decimal = 1.0
    iou_loss: Literal["mse", "iou", "giou", "diou", "ciou"] = "mse"
    iou_thresh_kind: Literal["iou", "giou", "diou", "ciou"] = "iou"
    iou_normalizer: Decimal = 0.75
    obj_normalizer: Decimal = 1.0
    cls_normalizer: Decimal = 1.0
    delta_normalizer: Decimal = 1.0
    objectness_smooth: Integer = 0
    label_smooth_eps: Decimal = 0.0
    focal_loss: Flag = False
    counters_per_class: Integers = ()
    max_delta: Decimal = float("inf")
    nms_kind: Literal["default", "greedynms", "diounms", "cornersnms"] = "default"
    beta_nms: Decimal = 0.6
    show_details: Integer = 1
    map: str | None = None

    @property
    def used_mask(self) -> tuple[int, ...]:
        return tuple(range(self.num)) if self.mask is None else self.mask

    @property
    def anchors_px(self) -> tuple[tuple[float, float], ...]:
        """Those of this head, (w, h) at the network's input."""
        return tuple(self.anchors[index] for index in self.used_mask)
