"""The default plan, and what each option makes of it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from torch import Tensor, fx

from edgewright_calibration.calibration import calibrate
from edgewright_calibration.choose import AUTO, choose_ranges
from edgewright_calibration.images import CalibrationImages
from edgewright_calibration.layers import layers
from edgewright_calibration.material import Material, network_input
from edgewright_calibration.plan import Plan
from edgewright_calibration.ranges import Ranges
from edgewright_export.manifest import Precision, Target
from edgewright_export.proof_images import spread
from edgewright_train.progress import counted

from .bias_correction import bias_corrected
from .equalisation import equalised_by_values, equalised_by_weights, pairs
from .layer_methods import ranges_by_layer

_PRECISION: Precision = "int8"

Say = Callable[[str], None]


@dataclass(frozen=True)
class Options:
    """Which are taken; none is the default."""

    equalised: str = ""  # by "values" or "weights"
    method_per_layer: bool = False
    bias_corrected: bool = False

    def __str__(self) -> str:
        names = [f"equalised by {self.equalised}"] if self.equalised else []
        names += ["method per layer"] if self.method_per_layer else []
        names += ["bias corrected"] if self.bias_corrected else []
        return " + ".join(names) or "default"


SINGLE = (
    Options(),
    Options(method_per_layer=True),
    Options(equalised="weights"),
    Options(equalised="values"),
    Options(bias_corrected=True),
)


@dataclass(frozen=True)
class Variant:
    """A plan of a graph that in float computes what the network does.

    Attributes:
        method: of its ranges.
        noise: of its outputs on calibration images, see `relative_noise`.
    """

    options: Options
    graph_module: fx.GraphModule
    plan: Plan
    method: str
    noise: float


@dataclass(frozen=True)
class Workshop:
    """Makes variants for one network and target; what several of them need is made once.

    Attributes:
        num_correction_images: of `images`, to which biases are fitted; what is alive of all of them is held at once.
    """

    material: Material
    images: CalibrationImages
    target: Target
    num_correction_images: int
    say: Say
    _equalised: dict[str, Material] = field(default_factory=dict)
    _best: dict[str, Ranges] = field(default_factory=dict)

    def variants(self) -> Iterator[Variant]:
        """One by one, the default first; the last have all that alone has less noise than it, with and without
        equalisation."""
        made: list[Variant] = []
        for options in SINGLE:
            made.append(self._variant(options))
            yield made[-1]
        default, helpful = made[0], sorted(made, key=lambda variant: variant.noise)
        better = [variant.options for variant in helpful if variant.noise < default.noise]
        together = Options(
            equalised=next((options.equalised for options in better if options.equalised), ""),
            method_per_layer=any(options.method_per_layer for options in better),
            bias_corrected=any(options.bias_corrected for options in better),
        )
        for options in dict.fromkeys((together, replace(together, equalised=""))):
            if options not in SINGLE:
                yield self._variant(options)

    def _variant(self, options: Options) -> Variant:
        self.say(f"planning: {options}")
        material = self._material(options.equalised)
        if (best := self._best.get(options.equalised)) is None:
            best = choose_ranges(material, self.target, _PRECISION, AUTO, lambda _: None)
            self._best[options.equalised] = best
        ranges = self._by_layer(material, best) if options.method_per_layer else best
        plan, graph_module = material.plan(self.target, _PRECISION, ranges), material.graph_module
        if options.bias_corrected:
            with counted("layers corrected") as progress:
                graph_module = bias_corrected(graph_module, plan, self._correction_images(), progress)
        noise = replace(material, graph_module=graph_module).noise(plan)
        return Variant(options, graph_module, plan, ranges.method, noise)

    def _correction_images(self) -> list[Tensor]:
        chosen = spread(self.images.indices, self.num_correction_images)
        preprocess = self.material.source.preprocess
        return [network_input(preprocess, self.images.dataset.image(index)) for index in chosen]

    def _material(self, equalised: str) -> Material:
        """With the equalised graph and its own calibration."""
        if not equalised:
            return self.material
        if equalised not in self._equalised:
            original = self.material.graph_module
            if equalised == "values":
                graph = equalised_by_values(original, self._rounded(), self.material.images)
            else:
                graph = equalised_by_weights(original)
            self.say(f"{len(pairs(original))} pairs of layers equalised")
            source = self.material.source
            calibration = calibrate(source.checkpoint, source.digest, self.images, graph_module=graph)
            self._equalised[equalised] = replace(self.material, graph_module=graph, calibration=calibration)
        return self._equalised[equalised]

    def _rounded(self) -> set[str]:
        """Names of the nodes whose values the target rounds."""
        plan = self.material.plan(self.target, _PRECISION, self.material.calibration.ranges_of("min_max"))
        return {
            *plan.outputs,
            *(layer.input.name for layer in layers(self.material.graph_module) if layer.name in plan.layers),
        }

    def _by_layer(self, material: Material, best: Ranges) -> Ranges:
        """`best`: by the method that is best for all layers, which is taken where others are as good."""
        every = [best, *(material.calibration.ranges_of(name) for name in material.calibration.ranges)]
        ranges = {each.method: each for each in every}
        plans = {method: material.plan(self.target, _PRECISION, each) for method, each in ranges.items()}
        return ranges_by_layer(material.graph_module, plans, ranges, material.images)
