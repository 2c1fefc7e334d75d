"""What has to stay in float32 in fp16 artefacts, per target."""

from collections.abc import Iterable, Mapping, Sequence

from numpy import uint8
from numpy.typing import NDArray
from torch import fx

from edgewright_export.conversion import FullPrecision
from edgewright_export.manifest import Target
from edgewright_export.targets import converter_module_of
from edgewright_train.vision.preprocess import Preprocess

from .ranges import float_nodes, half_ranges

# Targets whose own converter has to be told which operation a node became; the others know.
_CONVERTER_MODULES: Mapping[Target, str] = {"ncnn": f"{__package__}.ncnn", "coreml": f"{__package__}.coreml"}
_WEIGHTS_ONLY: tuple[Target, ...] = ("tflite",)  # nothing else is in half precision there


def full_precision(
    graph_module: fx.GraphModule,
    preprocess: Preprocess,
    images: Iterable[tuple[str, NDArray[uint8]]],
    targets: Sequence[Target],
) -> dict[Target, FullPrecision]:
    """Of the targets on which something is at risk, as `ranges` has it; `images` as `half_ranges` takes them."""
    ranges = half_ranges(graph_module, preprocess, images)
    found = {}
    for target in targets:
        nodes = float_nodes(graph_module.graph, ranges, weights_only=target in _WEIGHTS_ONLY)
        if nodes:
            module = _CONVERTER_MODULES.get(target) or converter_module_of(target)
            found[target] = FullPrecision(nodes=nodes, converter_module=module)
    return found
