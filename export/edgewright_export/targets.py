"""The targets: who converts to each, what must be installed, and what is remembered of it in a pack."""

from dataclasses import dataclass
from importlib.metadata import version

from edgewright_train.errors import InputError

from .manifest import PRECISIONS, TARGETS, Precision, Target
from .runners import RUNNERS, require


@dataclass(frozen=True)
class TargetTools:
    """`packages`: import name -> distribution, of everything that touches the model on its way to this target."""

    converter: str  # module of this package that holds `convert`
    packages: dict[str, str]


TOOLS: dict[Target, TargetTools] = {
    "onnx": TargetTools(
        "to_onnx",
        {"onnx": "onnx", "onnxscript": "onnxscript", "onnxsim": "onnxsim", "onnxruntime": "onnxruntime"},
    ),
    "ncnn": TargetTools("to_ncnn", {"pnnx": "pnnx", "ncnn": "ncnn"}),
    "tflite": TargetTools("to_tflite", {"ai_edge_litert": "ai-edge-litert"}),
    "coreml": TargetTools("to_coreml", {"coremltools": "coremltools"}),
}


def parse_targets(text: str) -> list[Target]:
    """`"ncnn,tflite"` or `"all"`; slowest conversion first, so that two jobs at a time end together."""
    order: tuple[Target, ...] = ("tflite", "coreml", "onnx", "ncnn")
    chosen = _parse("TARGET", text, TARGETS)
    return [target for target in order if target in chosen]


def parse_precisions(text: str) -> list[Precision]:
    """`"fp32,int8"` or `"all"`."""
    chosen = _parse("PRECISION", text, PRECISIONS)
    return [precision for precision in PRECISIONS if precision in chosen]


def converter_module_of(target: Target) -> str:
    """The full name of the module with the target's `convert` (a `Converter`)."""
    return f"{__package__}.{TOOLS[target].converter}"


def require_tools(target: Target) -> None:
    """Raises `InputError` naming the extra, before any work is done."""
    for package in TOOLS[target].packages:
        require(package, RUNNERS[target][2])


def tool_versions(target: Target) -> dict[str, str]:
    distributions = ["edgewright", "torch", *TOOLS[target].packages.values()]
    return {name: version(name) for name in sorted(distributions)}


def _parse(field: str, text: str, known: tuple[str, ...]) -> set[str]:
    chosen = {part.strip() for part in text.split(",") if part.strip()}
    if chosen == {"all"}:
        return set(known)
    if unknown := sorted(chosen - set(known)):
        raise InputError(f"{field}={text}: unknown {unknown[0]!r}; choose from: {', '.join(known)}, all")
    if not chosen:
        raise InputError(f"{field}= is empty; choose from: {', '.join(known)}, all")
    return chosen
