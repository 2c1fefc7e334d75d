"""NCNN through pnnx: the captured graph is traced, converted, and its blobs get the pack's names."""

import subprocess
import tempfile
import warnings
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from edgewright_train.errors import CheckError

from .capture import without_channel_shuffles
from .conversion import Artefact, ConversionSpec
from .ncnn_bin import read_bin, write_bin, zero_fillings
from .ncnn_direct import convolve_image_directly, rewrites_of
from .ncnn_layers import refuse_foreign_layers
from .ncnn_param import drop_defaults, parse_param, rename_blobs, write_param
from .ncnn_widen import widen_strided_depthwise

if TYPE_CHECKING:
    from torch import fx
    from torch.export import ExportedProgram

ENTRY = "model.param"


def convert(exported: "ExportedProgram", spec: ConversionSpec, folder: Path) -> Artefact:
    """Write `model.param` and `model.bin`.  fp16 stores the weights in half precision."""
    graph_module = without_channel_shuffles(exported)
    widened = widen_strided_depthwise(graph_module) if spec.precision == "fp16" else ()
    artefact = convert_graph(graph_module, spec, folder)
    return replace(artefact, rewrites=(*widened, *artefact.rewrites))


def convert_graph(graph_module: "fx.GraphModule", spec: ConversionSpec, folder: Path) -> Artefact:
    """As `convert`, of a graph without channel shuffles that is NCNN's own already."""
    with tempfile.TemporaryDirectory(prefix="edgewright-pnnx-") as scratch:
        _run_pnnx(_trace(graph_module, spec, Path(scratch)), spec, Path(scratch))
        layers = parse_param((Path(scratch) / "out.param").read_text())
        refuse_foreign_layers(layers)
        names = {"in0": spec.input_name, **{f"out{i}": name for i, name in enumerate(spec.output_names)}}
        renamed = convolve_image_directly(rename_blobs([drop_defaults(layer) for layer in layers], names))
        (folder / ENTRY).write_text(write_param(renamed))
        weights = read_bin(layers, (Path(scratch) / "out.bin").read_bytes())
        (folder / "model.bin").write_bytes(write_bin(zero_fillings(weights)))
    return Artefact(entry=ENTRY, rewrites=rewrites_of(renamed))


def _trace(graph_module: "fx.GraphModule", spec: ConversionSpec, scratch: Path) -> Path:
    import torch  # noqa: PLC0415

    image = torch.zeros(1, 3, spec.preprocess.height, spec.preprocess.width)
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # tracing a captured graph has no Python branches to lose
        traced = torch.jit.trace(graph_module, (image,), check_trace=False)  # type: ignore[no-untyped-call]
    traced.save(scratch / "graph.pt")
    return scratch / "graph.pt"


def _run_pnnx(traced: Path, spec: ConversionSpec, scratch: Path) -> None:
    import pnnx  # noqa: PLC0415

    command = [
        pnnx.EXEC_PATH, str(traced), f"inputshape=[1,3,{spec.preprocess.height},{spec.preprocess.width}]",
        f"fp16={int(spec.precision == 'fp16')}", "ncnnparam=out.param", "ncnnbin=out.bin",
    ]  # fmt: skip
    done = subprocess.run(command, cwd=scratch, capture_output=True, text=True, check=False, timeout=600)
    print(done.stdout, done.stderr)
    if done.returncode != 0 or not (scratch / "out.param").is_file():
        reason = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:] or ["no message"]
        raise CheckError(f"pnnx failed with exit code {done.returncode}: {reason[0]}")
