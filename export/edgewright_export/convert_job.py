"""The conversion of one target in a process of its own: a graph file in, one folder of files per precision out."""

import json
from collections.abc import Callable
from dataclasses import asdict
from multiprocessing.connection import Connection
from pathlib import Path

from edgewright_train.vision.preprocess import Preprocess

from .conversion import Artefact, ConversionSpec
from .isolation import Child, reply
from .manifest import Precision, Target
from .targets import converter

_TIMEOUT_S = 1800


def convert_isolated(
    graph: Path,
    target: Target,
    folders: dict[Precision, Path],
    *,
    input_name: str,
    output_names: tuple[str, ...],
    preprocess: Preprocess,
    scratch: Path,
    log: Path,
    on_done: Callable[[Precision, Artefact], None],
) -> None:
    """Fill each precision's folder in turn and tell `on_done`.  Raises `CheckError` with the log's place on failure."""
    arguments = {
        "graph": str(graph),
        "target": target,
        "folders": {precision: str(folder) for precision, folder in folders.items()},
        "input_name": input_name,
        "output_names": output_names,
        "preprocess": preprocess.model_dump(mode="json"),
        "scratch": str(scratch),
    }
    with Child(f"{__name__}:serve_conversion", arguments, what=f"the {target} converter", log=log) as child:
        for precision in folders:
            on_done(precision, Artefact(**json.loads(child.receive(_TIMEOUT_S))))


def serve_conversion(
    connection: Connection,
    *,
    graph: str,
    target: Target,
    folders: dict[Precision, str],
    input_name: str,
    output_names: list[str],
    preprocess: dict[str, object],
    scratch: str,
) -> None:
    """The child's side: answers once per precision with the artefact."""
    import torch  # noqa: PLC0415

    torch.set_num_threads(1)  # another converter runs on the other core
    convert = converter(target)
    exported = torch.export.load(graph)
    for precision, folder in folders.items():
        spec = ConversionSpec(
            precision=precision,
            input_name=input_name,
            output_names=tuple(output_names),
            preprocess=Preprocess.model_validate_json(json.dumps(preprocess)),
            scratch=Path(scratch),
        )
        reply(connection, json.dumps(asdict(convert(exported, spec, Path(folder)))).encode())
