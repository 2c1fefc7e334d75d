"""The conversion of one target in a process of its own: a graph file in, one folder of files per precision out."""

import json
import resource
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass, replace
from importlib import import_module
from multiprocessing.connection import Connection
from pathlib import Path

from edgewright_train.vision.preprocess import Preprocess

from .conversion import Artefact, ConversionSpec, Converter
from .isolation import Child, reply
from .manifest import Precision, Target
from .targets import converter_module_of

_TIMEOUT_S = 1800


@dataclass(frozen=True)
class Cost:
    """Of one conversion: `peak_mib` is the largest memory the converter's process had until then."""

    seconds: float
    peak_mib: float


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
    on_done: Callable[[Precision, Artefact, Cost], None],
    converter_module: str | None = None,
    plans: Mapping[Precision, Path] | None = None,
    full_precision: Collection[str] = (),
) -> None:
    """Fill each precision's folder in turn and tell `on_done`.  Raises `CheckError` with the log's place on failure.

    `converter_module` holds the `convert` to use, by default the target's own; `plans` and `full_precision`: see
    `ConversionSpec`.
    """
    arguments = {
        "graph": str(graph),
        "folders": {precision: str(folder) for precision, folder in folders.items()},
        "input_name": input_name,
        "output_names": output_names,
        "preprocess": preprocess.model_dump(mode="json"),
        "scratch": str(scratch),
        "converter_module": converter_module or converter_module_of(target),
        "plans": {precision: str(plan) for precision, plan in (plans or {}).items()},
        "full_precision": list(full_precision),
    }
    with Child(f"{__name__}:serve_conversion", arguments, what=f"the {target} converter", log=log) as child:
        for precision in folders:
            answer = json.loads(child.receive(_TIMEOUT_S))
            artefact = {**answer["artefact"], "rewrites": tuple(answer["artefact"]["rewrites"])}
            on_done(precision, Artefact(**artefact), Cost(**answer["cost"]))


def serve_conversion(
    connection: Connection,
    *,
    graph: str,
    folders: dict[Precision, str],
    input_name: str,
    output_names: list[str],
    preprocess: dict[str, object],
    scratch: str,
    converter_module: str,
    plans: dict[Precision, str],
    full_precision: list[str],
) -> None:
    """The child's side: answers once per precision with the artefact."""
    import torch  # noqa: PLC0415

    from .capture import load_graph  # noqa: PLC0415

    torch.set_num_threads(1)  # another converter runs on the other core
    convert: Converter = import_module(converter_module).convert
    exported, rewrites = load_graph(Path(graph))
    for precision, folder in folders.items():
        start = time.perf_counter()
        spec = ConversionSpec(
            precision=precision,
            input_name=input_name,
            output_names=tuple(output_names),
            preprocess=Preprocess.model_validate_json(json.dumps(preprocess)),
            scratch=Path(scratch),
            plan=Path(plans[precision]) if precision in plans else None,
            full_precision=tuple(full_precision) if precision == "fp16" else (),
        )
        artefact = convert(exported, spec, Path(folder))
        artefact = replace(artefact, rewrites=(*rewrites, *artefact.rewrites))
        cost = Cost(time.perf_counter() - start, _peak_mib())
        reply(connection, json.dumps({"artefact": asdict(artefact), "cost": asdict(cost)}).encode())


def _peak_mib() -> float:
    """Of this process or its largest child, whichever is larger."""
    who = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return max(resource.getrusage(each).ru_maxrss for each in who) / 1024  # Linux counts KiB
