"""What a report is made of, small: packs, a training log, measurements; and the report's HTML as a test reads it."""

from collections.abc import Callable, Mapping, Sequence
from html.parser import HTMLParser
from pathlib import Path
from types import MappingProxyType
from typing import Any

from small_pack import LABELS, rewrite_manifest, write_ncnn_pack

from edgewright_edge.device import probe_device
from edgewright_edge.measurement import BenchResult, ImageSize, PackIdentity, Replicate, Stages, ThreadResult, summarize
from edgewright_edge.request import method
from edgewright_edge.results import store_result
from edgewright_export.manifest import Accuracy
from edgewright_export.pack import MANIFEST, digest_file, list_files, open_pack
from edgewright_train.tasks.detect.evaluate import Evaluation as DetectionEvaluation
from edgewright_train.tasks.detect.metric import Metrics as DetectionMetrics
from edgewright_train.tasks.evaluation import Evaluation
from edgewright_train.training.run_log import RunLog

HOSTILE = '<script>alert("1")</script> & <b>'
_VOID = {"meta", "br", "img", "link", "input", "hr"}


def accuracy(value: float = 0.61) -> Accuracy:
    return Accuracy(
        dataset="shapes", dataset_sha256="1" * 64, num_images=20, metric="AP50",
        value=value, source_value=0.62, score_threshold=0.001, iou_threshold=0.4,
    )  # fmt: skip


def write_packs(build: Path, **changes: Any) -> list[Path]:
    """The same network for two targets.  `changes` replace fields of both manifests."""
    folder = build / "small"
    return [
        write_ncnn_pack(folder / "ncnn-fp32", **changes),
        write_ncnn_pack(folder / "onnx-fp32", target="onnx", entry="model.onnx", **changes),
    ]


def detector_result(progress: float) -> Evaluation:
    """`progress`: 0 to 1."""
    ap = 0.3 * progress
    metrics = DetectionMetrics(ap=ap, ap50=2 * ap, ap75=None, ap_small=None, ap_medium=None, ap_large=None, classes=())
    return DetectionEvaluation(metrics, num_images=10, seconds=1.0)


def write_run(
    folder: Path,
    *,
    steps: int,
    evaluations: int = 2,
    terms: Mapping[str, float] = MappingProxyType({"box": 3.0, "objectness": 2.0, "classification": 1.0}),
    result: Callable[[float], Evaluation] = detector_result,
) -> Path:
    """A training's log.sqlite, written as a training writes it; `terms` of the loss are those of the first step."""
    folder.mkdir(parents=True)
    log = RunLog(
        folder / "log.sqlite", first_iteration=0, model="small", dataset=HOSTILE, recipe=f'name = "{HOSTILE}"',
        torch="2", num_threads=1,
    )  # fmt: skip
    for step in range(1, steps + 1):
        now = {name: value / step for name, value in terms.items()}
        total = sum(now.values())
        log.loss(
            step, 1, images=step * 16, average=total, loss=total, terms=now, learning_rate=0.01 / step,
            batch_size=16, images_per_second=100.0,
        )  # fmt: skip
    for number in range(1, evaluations + 1):
        iteration = steps * number // evaluations
        log.evaluation(iteration, number, result(number / evaluations), best=number == evaluations)
    log.close()
    return folder / "log.sqlite"


def thread_result(threads: int, samples_ms: Sequence[float], problems: Sequence[str] = ()) -> ThreadResult:
    """Of equal stages, as long as nobody looks at them one by one."""
    times = summarize(samples_ms)
    replicate = Replicate(
        cold_load_ms=None, load_ms=12.0, first_ms=20.0, warm_up_runs=30, warm=True, wall_ms=6000.0,
        other_clock_ms=6000.0, peak_rss_mib=20.0, threads=(), states=(), num_runs=len(samples_ms),
        inference_p50_ms=times.p50, image_to_result_p50_ms=times.p50,
    )  # fmt: skip
    return ThreadResult(
        threads=threads, cores=(0,), valid=not problems, problems=tuple(problems), replicates=(replicate,) * 3,
        stages_ms=Stages(
            image_decode=None, preprocess=times, inference=times, postprocess=times, image_to_result=times
        ),
    )  # fmt: skip


def store_latency(
    database: Path, pack: Path, p50_ms: float, problems: Sequence[str] = (), *, device: str = "host"
) -> None:
    """As `edgewright-bench` stores it, for 1 and 2 threads; with `problems`, refused."""
    opened = open_pack(pack)
    manifest = opened.manifest
    result = BenchResult(
        pack=PackIdentity(
            path=str(pack), model=manifest.model, target=manifest.target, precision=manifest.precision,
            manifest_sha256=digest_file(pack / MANIFEST),
        ),
        runtime="a runtime 1.2.3", device=probe_device(), image=ImageSize(width=80, height=48), method=method(),
        results=tuple(thread_result(threads, [p50_ms] * 50, problems) for threads in (1, 2)),
    )  # fmt: skip
    store_result(database, "20260101T000000Z", opened, result, device)


class Page(HTMLParser):
    """A document as a list of tags and its text; raises `AssertionError` where a tag is not closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert not self._open, f"never closed: {self._open}"
        self.text = " ".join(self.text.split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in _VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open, f"</{tag}> closes nothing"
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] != "style":
            self.text += data

    def attributes(self, name: str) -> list[str]:
        return [value for _, attributes in self.tags if (value := attributes.get(name)) is not None]

    def count(self, tag: str, css_class: str) -> int:
        return sum(each == tag and css_class in (attrs.get("class") or "").split() for each, attrs in self.tags)


def hostile_labels() -> tuple[str, ...]:
    return tuple(f"{HOSTILE}{label}" for label in LABELS)


def rewrite_weights(pack: Path) -> None:
    """Another network under an honest manifest: every digest is right, the results are not."""
    weights = (pack / "model.bin").read_bytes()
    (pack / "model.bin").write_bytes(weights[:4] + weights[4:36][::-1] + weights[36:])
    files = [entry.model_dump() for entry in list_files(pack)]
    rewrite_manifest(pack, lambda manifest: manifest.update(files=files))
