"""One quantised pack: planned inside its budget, written, and proven against its plan and against the float source."""

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from edgewright_export.accuracy import accuracy_of
from edgewright_export.assemble import INPUT_NAME, Proven, assemble
from edgewright_export.conversion import Artefact
from edgewright_export.convert_job import Cost, convert_isolated
from edgewright_export.exporter import Result
from edgewright_export.isolation import IsolatedRunner
from edgewright_export.manifest import Accuracy, Manifest, Precision, Quantisation, Target, Tolerance
from edgewright_export.pack import Pack
from edgewright_export.verify import verify_cases
from edgewright_train.errors import CheckError, EdgewrightError
from edgewright_train.models.architecture import Task

from .accuracy import Loss, paired_loss
from .choose import Choice, choose, float_layers_of
from .material import Material
from .plan import plan_text

# Of an artefact against its plan computed in PyTorch.
PLAN_TOLERANCES: dict[Task, Tolerance] = {
    "detect": Tolerance(max_error=None, min_cosine=0.9995, max_score_diff=0.02, min_iou=0.9),
    "classify": Tolerance(max_error=None, min_cosine=0.9995, max_score_diff=0.02),
    "segment": Tolerance(max_error=None, min_cosine=0.9995, max_score_diff=0.02, min_agreement=0.999),
}
# Of an artefact against the float source: the budget decides what it may lose, this catches what is not the network.
_FLOAT_TOLERANCE = Tolerance(max_error=None, min_cosine=0.9, max_score_diff=1.0, min_iou=0.0, min_agreement=0.0)


@dataclass(frozen=True)
class Request:
    """What the user asked for.

    Attributes:
        method: of ranges, or "auto".
        budget: largest loss of the task metric, 0..1, or without labels of the outputs; None accepts any.
    """

    method: str
    budget: float | None


@dataclass(frozen=True)
class QuantisedResult:
    """`result` as for float packs; what else there is to say of a quantised one."""

    result: Result
    choice: Choice | None
    loss: Loss | None


def export_quantised(
    material: Material,
    graph: Path,
    target: Target,
    precision: Precision,
    request: Request,
    out: Path,
    *,
    logs: Path,
    stage: Callable[[Target, Precision, str], None],
) -> QuantisedResult:
    """Write `out`/<model>/<target>-<precision>/.  `graph`: the captured graph's file."""
    started = time.monotonic()
    say = partial(stage, target, precision)
    job = _Job(material, graph, target, precision, request, out, logs, say)
    error: EdgewrightError | None = None
    try:
        job.run()
    except CheckError as problem:
        error = _with_attempts(problem, job.choice)
    except EdgewrightError as problem:
        error = problem
    stage(target, precision, "failed" if error else "proven")
    result = Result(target, precision, time.monotonic() - started, job.proven, job.cost, error)
    return QuantisedResult(result, job.choice, job.loss)


def _with_attempts(problem: CheckError, choice: Choice | None) -> CheckError:
    """A search that ends in an artefact which cannot be proven: with what else was tried, and what that would lose."""
    if choice is None or len(choice.attempts) < 2:
        return problem
    tried = "; ".join(map(str, choice.attempts))
    return CheckError(f"{problem}; BUDGET= of what an earlier attempt loses takes that one instead ({tried})")


@dataclass
class _Job:
    """One pack; what `run` got to know is kept, whether it came to its end or not."""

    material: Material
    graph: Path
    target: Target
    precision: Precision
    request: Request
    out: Path
    logs: Path
    say: Callable[[str], None]
    choice: Choice | None = None
    cost: Cost | None = None
    loss: Loss | None = None
    proven: Proven | None = None

    def run(self) -> None:
        material, request = self.material, self.request
        choice = choose(
            material, self.target, self.precision, method=request.method, budget=request.budget, say=self.say
        )
        self.choice = choice
        with tempfile.TemporaryDirectory(prefix="edgewright-quantise-") as scratch:
            files = Path(scratch) / "files"
            files.mkdir()
            artefact = self._convert(choice, files, Path(scratch))
            self.say("proving")
            source = replace(
                material.source,
                golden=material.cases(choice.plan, material.source.golden),
                checks=material.cases(choice.plan, material.source.checks),
            )
            self.proven = assemble(
                source,
                artefact,
                files,
                self.out / source.checkpoint.header.name / f"{self.target}-{self.precision}",
                target=self.target,
                precision=self.precision,
                tolerance=PLAN_TOLERANCES[source.checkpoint.header.task],
                quantisation=self._quantisation(choice, float_cosine=0),
                complete=lambda pack: self._complete(pack, choice),
            )

    def _convert(self, choice: Choice, files: Path, scratch: Path) -> Artefact:
        self.say("converting")
        plan = scratch / "plan.json"
        plan.write_text(plan_text(choice.plan))
        done: list[Artefact] = []

        def keep(_: Precision, artefact: Artefact, cost: Cost) -> None:
            done.append(artefact)
            self.cost = cost

        self.logs.mkdir(parents=True, exist_ok=True)
        convert_isolated(
            self.graph,
            self.target,
            {self.precision: files},
            input_name=INPUT_NAME,
            output_names=self.material.source.checkpoint.header.architecture.output_names,
            preprocess=self.material.source.preprocess,
            scratch=scratch,
            log=self.logs / f"{self.target}.log",
            on_done=keep,
            converter_module=f"{__package__}.quantise.{self.target}",
            plans={self.precision: plan},
        )
        return done[0]

    def _complete(self, pack: Pack, choice: Choice) -> Manifest:
        """Held against the float source, on the golden images, the proof images and the labelled data."""
        source = self.material.source
        cases = {**source.golden, **source.checks}
        verdict = verify_cases(pack, cases.items(), tolerance=_FLOAT_TOLERANCE)
        return pack.manifest.model_copy(
            update={
                "quantisation": self._quantisation(choice, float_cosine=verdict.min_cosine),
                "accuracy": self._accuracy(pack) if self.material.labelled else None,
            }
        )

    def _quantisation(self, choice: Choice, *, float_cosine: float) -> Quantisation:
        return Quantisation(
            method=choice.method,
            calibration_sha256=self.material.calibration.digest if choice.method else None,
            plan_sha256=choice.plan.digest,
            num_layers=len(choice.plan.layers),
            float_layers=float_layers_of(self.material, choice.plan),
            float_cosine=float_cosine,
        )

    def _accuracy(self, pack: Pack) -> Accuracy:
        """Raises `CheckError` when the artefact loses more than the budget."""
        self.say("measuring")
        labelled, budget = self.material.labelled, self.request.budget
        assert labelled is not None
        with IsolatedRunner(pack.path, pack.manifest) as run:
            scores = self.material.scores(run)
        self.loss = paired_loss(labelled.scores, scores)
        if budget is not None and self.loss.value > budget:
            where = f"{scores.metric} on {labelled.dataset.name}"
            raise CheckError(f"{pack.name}: loses {self.loss} of {where}; BUDGET={budget}")
        measured = accuracy_of(pack, labelled.dataset, scores.metric, scores.value(), labelled.scores.value())
        return measured.model_copy(update={"budget": budget, "loss_low": self.loss.low, "loss_high": self.loss.high})
