"""What an export in few bits shows besides the table of packs: how each plan was chosen and what it costs."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from edgewright_export.export_report import results_as_json

from .quantised_export import QuantisedResult


def quantised_as_text(results: Sequence[QuantisedResult]) -> list[str]:
    """A line per pack that was proven."""
    return [line for result in results if (line := _line(result))]


def quantised_as_json(results: Sequence[QuantisedResult]) -> list[dict[str, Any]]:
    """As a float pack's record, with the key `quantisation`."""
    records = results_as_json([each.result for each in results])
    return [{**record, "quantisation": _record(each)} for record, each in zip(records, results, strict=True)]


def _line(each: QuantisedResult) -> str:
    proven = each.result.proven
    if proven is None or each.choice is None:
        return ""
    made = proven.pack.manifest.quantisation
    assert made is not None
    method = f" by {made.method}" if made.method else ""
    moved = each.choice.attempts[-1].float_layers
    named = f", of which the search moved {', '.join(moved)}" if moved else ""
    kept = f", {len(made.float_layers)} in float{named}" if made.float_layers else ""
    parts = [f"{made.num_layers} layers{method}{kept}", f"noise {each.choice.noise:.4f}"]
    if each.loss is not None and proven.pack.manifest.accuracy is not None:
        parts.append(f"loses {each.loss} of {proven.pack.manifest.accuracy.metric}")
    return f"{each.result.target}-{each.result.precision}: {'; '.join(parts)}"


def _record(each: QuantisedResult) -> dict[str, Any] | None:
    if each.choice is None:
        return None
    return {
        "method": each.choice.method,
        "plan_sha256": each.choice.plan.digest,
        "num_layers": len(each.choice.plan.layers),
        "noise": each.choice.noise,
        "attempts": [asdict(attempt) for attempt in each.choice.attempts],
        "loss": asdict(each.loss) if each.loss else None,
    }
