"""A model's section: the summary at a glance, the table of packs and the charts of accuracy against cost."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from edgewright_export.manifest import Accuracy
from edgewright_train.models.architecture import Task

from ..measurement import Stage
from .charts import Chart, Sample, scatter_chart
from .gallery import Picture
from .packs import CheckedPack, PackGroup
from .quantisation import QuantisedPart, quantised_part

_LEAST_SPAN = 0.02  # of a chart's accuracy axis: what lies closer together is the same for a user
_PARTS: dict[Task, str] = {"detect": "detections", "classify": "images", "segment": "pixels"}


@dataclass(frozen=True)
class Card:
    """One figure of the summary.  `tone` colours it."""

    label: str
    value: str
    detail: str
    tone: Literal["good", "bad", "plain"] = "plain"


@dataclass(frozen=True)
class Time:
    """A cell of the table; `share` of the slowest pack in this column, 0 to 1."""

    p50: str
    p90: str
    share: float
    is_best: bool
    is_refused: bool
    description: str


@dataclass(frozen=True)
class Row:
    """A pack in the table."""

    checked: CheckedPack
    proof: str
    size: str
    size_share: float
    size_is_best: bool
    accuracy: str
    accuracy_change: str
    times: tuple[Time | None, ...]


@dataclass(frozen=True)
class Section:
    """Everything the template shows of one group.

    Attributes:
        accuracy: of the first pack that has one; the metric is the same in all.
        columns: the heads of the time columns, with a second line each.
    """

    group: PackGroup
    accuracy: Accuracy | None
    cards: tuple[Card, ...]
    columns: tuple[tuple[str, str], ...]
    rows: tuple[Row, ...]
    charts: tuple[Chart, ...]
    quantised: QuantisedPart | None
    pictures: tuple[Picture, ...]
    checkpoint_found: bool
    dataset: str


def section(group: PackGroup, pictures: list[Picture], *, checkpoint_found: bool, dataset: str) -> Section:
    """Everything the template shows of one group."""
    columns = _columns(group)
    return Section(
        group=group,
        accuracy=next((a for checked in group.packs if (a := checked.pack.manifest.accuracy)), None),
        cards=tuple(_cards(group)),
        columns=tuple((_title(threads, stage), "p50 / p90 ms") for threads, stage in columns),
        rows=tuple(_row(checked, group, columns) for checked in group.packs),
        charts=tuple(_charts(group)),
        quantised=quantised_part(group),
        pictures=tuple(pictures),
        checkpoint_found=checkpoint_found,
        dataset=dataset,
    )


def cores(threads: int) -> str:
    return f"{threads} core" if threads == 1 else f"{threads} cores"


def kilobytes(size_bytes: int) -> str:
    return f"{size_bytes / 1000:,.0f} kB"


def _columns(group: PackGroup) -> list[tuple[int, Stage]]:
    """The network alone at every thread count, then image to result at the first."""
    inference: list[tuple[int, Stage]] = [(threads, "inference") for threads in group.thread_counts]
    return [*inference, *((threads, "image_to_result") for threads in group.thread_counts[:1])]


def _title(threads: int, stage: Stage) -> str:
    return cores(threads) if stage == "inference" else f"image to result, {cores(threads)}"


def _cards(group: PackGroup) -> Iterator[Card]:
    yield _proof_card(group)
    for threads in group.thread_counts:
        fastest = group.fastest((threads, "inference"))
        if fastest is not None:
            p50_ms = fastest.measured[threads, "inference"].p50_ms
            yield Card(f"Fastest on {cores(threads)}", f"{p50_ms:.2f} ms", fastest.name)
    if group.smallest is not None:
        yield Card("Smallest", kilobytes(group.smallest.pack.size_bytes), group.smallest.name)
    scored = [checked for checked in group.packs if checked.pack.manifest.accuracy]
    if scored:
        furthest = max(scored, key=lambda checked: abs(_change(checked)))
        accuracy = furthest.pack.manifest.accuracy
        assert accuracy is not None
        detail = f"of the source; packs within {abs(_change(furthest)):.4f}"
        yield Card(accuracy.metric, f"{accuracy.source_value:.4f}", detail)


def _proof_card(group: PackGroup) -> Card:
    total, proven = len(group.packs), len(group.proven)
    others = [checked for checked in group.packs if checked.status != "proven"]
    if not others:
        equals = "what it was made from" if group.has_quantised else "its source"
        return Card("Proven", f"{proven} of {total}", f"every pack equals {equals}", "good")
    detail = ", ".join(f"{checked.name} {checked.status}" for checked in others)
    failed = any(checked.status == "failed" for checked in others)
    return Card("Proven", f"{proven} of {total}", detail, "bad" if failed else "plain")


def _row(checked: CheckedPack, group: PackGroup, columns: list[tuple[int, Stage]]) -> Row:
    accuracy = checked.pack.manifest.accuracy
    largest = max(other.pack.size_bytes for other in group.packs)
    return Row(
        checked=checked,
        proof=_proof(checked),
        size=kilobytes(checked.pack.size_bytes),
        size_share=checked.pack.size_bytes / largest,
        size_is_best=checked is group.smallest,
        accuracy=f"{accuracy.value:.4f}" if accuracy else "",
        accuracy_change=_signed(_change(checked)) if accuracy else "",
        times=tuple(_time(checked, group, column) for column in columns),
    )


def _proof(checked: CheckedPack) -> str:
    """What was measured just now, and the limit."""
    tolerance, verdict = checked.pack.manifest.golden.tolerance, checked.verdict
    if verdict is None:
        return checked.problem
    parts = []
    if tolerance.max_error is not None:
        parts.append(f"max error {verdict.max_error:.1e} ≤ {tolerance.max_error:.0e}")
    if tolerance.min_cosine is not None:
        parts.append(f"cosine {verdict.min_cosine:.6f} ≥ {tolerance.min_cosine:g}")
    if verdict.num_parts:
        parts.append(f"{verdict.num_agreeing:,} of {verdict.num_parts:,} {_PARTS[checked.pack.manifest.task]} agree")
    return ", ".join(parts)


def _time(checked: CheckedPack, group: PackGroup, column: tuple[int, Stage]) -> Time | None:
    found = checked.measured.get(column)
    if found is None:
        return None
    slowest_ms = max(other.measured[column].p50_ms for other in group.packs if column in other.measured)
    reasons = f"refused: {'; '.join(found.problems)}" if found.problems else ""
    return Time(
        p50=f"{found.p50_ms:.2f}",
        p90=f"{found.p90_ms:.2f}",
        share=found.p50_ms / slowest_ms,
        is_best=checked is group.fastest(column),
        is_refused=not found.valid,
        description=f"{found.count} runs, {found.runtime}, {found.device}{', ' if reasons else ''}{reasons}",
    )


def _charts(group: PackGroup) -> Iterator[Chart]:
    """Accuracy against latency per thread count, then against size; only of packs that have both figures."""
    for threads in group.thread_counts:
        timed = [checked for checked in group.packs if checked.has_valid((threads, "inference"))]
        times = {checked.name: checked.measured[threads, "inference"].p50_ms for checked in timed}
        yield from _scatter(group, f"by latency on {cores(threads)}", "median latency in ms", "ms", times)
    sizes = {checked.name: checked.pack.size_bytes / 1000 for checked in group.packs}
    yield from _scatter(group, "by size", "size in kB", "kB", sizes)


def _scatter(group: PackGroup, title: str, x_label: str, x_unit: str, costs: Mapping[str, float]) -> Iterator[Chart]:
    samples, metric, source = [], "", 0.0
    for checked in group.packs:
        manifest = checked.pack.manifest
        if manifest.accuracy is not None and checked.name in costs:
            metric, source = manifest.accuracy.metric, manifest.accuracy.source_value
            hollow = manifest.precision != "fp32"
            samples.append(Sample(checked.name, costs[checked.name], manifest.accuracy.value, manifest.target, hollow))
    if samples:
        level = (source, f"source {source:.4f}")
        title = f"{metric} {title}"
        yield scatter_chart(title, x_label, samples, y_label=metric, x_unit=x_unit, level=level, least_span=_LEAST_SPAN)


def _change(checked: CheckedPack) -> float:
    accuracy = checked.pack.manifest.accuracy
    return accuracy.value - accuracy.source_value if accuracy else 0.0


def _signed(change: float) -> str:
    text = f"{abs(change):.4f}"
    return ("±" if not float(text) else "+" if change > 0 else "−") + text
