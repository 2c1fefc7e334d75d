"""Names inside a TFLite file: the pack's names on the signature, none on the tensors in between.

Tensor names repeat module paths; nothing reads them on a device and they are a good part of a small model.
"""

from pathlib import Path

from ai_edge_litert.tools import flatbuffer_utils


def rename_tensors(path: Path, input_name: str, output_names: tuple[str, ...]) -> None:
    """Rewrite `path` in place.  Signature and graph inputs and outputs get the given names, in order."""
    model = flatbuffer_utils.read_model(str(path))
    for graph in model.subgraphs:
        for tensor in graph.tensors:
            tensor.name = b""
    graph, signature = model.subgraphs[0], model.signatureDefs[0]
    outputs = sorted(signature.outputs, key=lambda entry: entry.name)  # output_0, output_1, ... as converted
    for entry, name in [*zip(signature.inputs, [input_name], strict=True), *zip(outputs, output_names, strict=True)]:
        entry.name = name.encode()
        graph.tensors[entry.tensorIndex].name = name.encode()
    flatbuffer_utils.write_model(model, str(path))
