"""EdgeNets' state dicts come in whole, or are refused with the difference named."""

import resource
from collections.abc import Callable

import pytest
import torch
from edgenets_material import KINDS_WITH_KEYS, NETWORKS, synthetic_tensors, upstream_shapes
from hypothesis import given, settings
from hypothesis import strategies as st
from shared_material import needs_shared
from torch import Tensor

from edgewright_train.errors import InputError
from edgewright_train.importers import edgenets

NUM_CLASSES = {"classify": 1000, "segment": 21, "detect": 20}
DEAD_ACTIVATIONS = [f"level{k}_0.eesp.module_act.weight" for k in (2, 3, 4, 5)]


def upstream(family: str, task: str) -> dict[str, Tensor]:
    return {name: torch.zeros(shape) for name, shape in upstream_shapes(family, task).items()}


@needs_shared
@pytest.mark.parametrize(("family", "task"), KINDS_WITH_KEYS)
def test_the_published_names_fill_the_whole_network(family: str, task: str) -> None:
    tensors, num_classes = edgenets.convert(family, "1.0", task)(upstream(family, task), "x.pth")
    assert num_classes == NUM_CLASSES[task]
    assert set(tensors) == set(NETWORKS[family, task]("1.0", num_classes).state_dict())


@needs_shared
@pytest.mark.parametrize(
    ("family", "task", "dead"),
    [
        ("espnetv2", "classify", [*DEAD_ACTIVATIONS, "level5_0.inp_reinf.*"]),
        ("espnetv2", "segment", [f"base_net.{name}" for name in DEAD_ACTIVATIONS[:3]]),
        ("espnetv2", "detect", [f"base_net.basenet.{name}" for name in DEAD_ACTIVATIONS]),
        ("dicenet", "classify", []),
        ("dicenet", "segment", []),
        ("shufflenetv2", "classify", []),
    ],
)
def test_only_parameters_that_upstream_never_uses_are_dropped(family: str, task: str, dead: list[str]) -> None:
    """Every other tensor of the file is needed: without it the import says what is missing."""
    importer = edgenets.convert(family, "1.0", task)
    tensors = upstream(family, task)
    dropped = [name for name in tensors if any(name == d or name.startswith(d.removesuffix("*")) for d in dead)]
    without = {name: tensor for name, tensor in tensors.items() if name not in dropped}
    importer(without, "x.pth")
    counted = sum(p.numel() for name, p in tensors.items() if name not in dropped)
    converted, num_classes = importer(tensors, "x.pth")
    assert num_classes is not None
    assert sum(tensor.numel() for tensor in converted.values()) == counted
    assert len(dropped) == len(dead) + (12 if any(d.endswith("*") for d in dead) else 0)


def drop(name: str) -> Callable[[dict[str, Tensor]], object]:
    return lambda tensors: tensors.pop(name)


def put(name: str, tensor: Tensor) -> Callable[[dict[str, Tensor]], object]:
    return lambda tensors: tensors.update({name: tensor})


@needs_shared
@pytest.mark.parametrize(
    ("task", "change", "message"),
    [
        ("detect", drop("loc_layers.3.bias"), r"missing tensor heads\.3\.bias"),
        ("detect", put("cls_layers.2.weight", torch.zeros(126, 7, 1, 1)), r"missing tensor heads\.2\.weight"),
        ("detect", put("cls_layers.0.bias", torch.zeros(6)), r"heads\.0\.weight has shape \(150, 128, 1, 1\)"),
        ("segment", put("base_net.level2_0.eesp.module_act.bias", torch.zeros(1)), "unknown tensor"),
        ("segment", put("base_net.level5.0.module_act.weight", torch.zeros(1)), "unknown tensor"),
        ("segment", put("bu_dec_l4.merge_layer.3.bias", torch.zeros(0)), r"merge\.3\.bias has shape \(0,\)"),
        ("segment", put("bu_br_l2.0.weight", torch.full((64,), torch.nan)), r"norms\.0\.0\.weight holds NaN"),
        ("classify", put("classifier.weight", torch.zeros(5)), r"head\.1\.weight has shape \(5,\)"),
        ("classify", put("backbone.stem.0.weight", torch.zeros(32, 3, 3, 3)), "two tensors for backbone.stem.0.weight"),
    ],
)
def test_a_difference_from_the_network_is_named(
    task: str, change: Callable[[dict[str, Tensor]], object], message: str
) -> None:
    tensors = upstream("espnetv2", task)
    change(tensors)
    with pytest.raises(InputError, match=rf"^x\.pth: .*{message}"):
        edgenets.convert("espnetv2", "1.0", task)(tensors, "x.pth")


@needs_shared
@pytest.mark.parametrize(
    ("family", "scale", "task"),
    [("espnetv2", "0.5", "segment"), ("espnetv2", "1.0", "classify"), ("dicenet", "1.0", "segment")],
)
def test_weights_of_another_network_are_said_to_be_what_they_are(family: str, scale: str, task: str) -> None:
    message = rf"holds weights of MODEL=espnetv2-1\.0 TASK=segment, not of MODEL={family}-{scale} TASK={task}"
    with pytest.raises(InputError, match=message):
        edgenets.convert(family, scale, task)(upstream("espnetv2", "segment"), "x.pth")


def test_something_else_altogether_is_refused() -> None:
    with pytest.raises(InputError, match=r"missing tensor backbone.stem.0.weight \(and \d+ more differences\)"):
        edgenets.convert("dicenet", "1.0", "segment")({"fc.weight": torch.zeros(3, 4)}, "x.pth")


@needs_shared
def test_values_stay_with_their_names() -> None:
    """A linear layer becomes a 1x1 convolution, two heads of a map become one."""
    upstream_values = synthetic_tensors("espnetv2", "classify", "1.0", 1000)
    tensors, _ = edgenets.convert("espnetv2", "1.0", "classify")(upstream_values, "x.pth")
    torch.testing.assert_close(tensors["head.1.weight"][:, :, 0, 0], upstream_values["classifier.weight"])
    upstream_values = synthetic_tensors("espnetv2", "detect", "0.5", 20)
    tensors, _ = edgenets.convert("espnetv2", "0.5", "detect")(upstream_values, "x.pth")
    torch.testing.assert_close(tensors["heads.1.bias"][:24], upstream_values["loc_layers.1.bias"])
    torch.testing.assert_close(tensors["heads.1.bias"][24:], upstream_values["cls_layers.1.bias"])


@needs_shared
def test_a_file_that_claims_many_classes_costs_no_memory_for_them(capfd: pytest.CaptureFixture[str]) -> None:
    tensors = upstream("espnetv2", "detect") | {"cls_layers.0.bias": torch.zeros(1).expand(6 * 65536)}
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(InputError, match=r"^x\.pth: tensor heads\.0\.weight has shape"):
        edgenets.convert("espnetv2", "1.0", "detect")(tensors, "x.pth")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 500_000  # KiB; the heads would be 3.6 GB
    assert capfd.readouterr().err == ""


@needs_shared
def test_weights_of_another_precision_become_those_of_the_network() -> None:
    tensors = synthetic_tensors("espnetv2", "segment", "1.0", 21)
    expected, _ = edgenets.convert("espnetv2", "1.0", "segment")(tensors, "x.pth")
    doubled = {name: tensor.double() if tensor.is_floating_point() else tensor for name, tensor in tensors.items()}
    found, _ = edgenets.convert("espnetv2", "1.0", "segment")(doubled, "x.pth")
    for name, tensor in expected.items():
        assert torch.equal(found[name], tensor)
        assert found[name].dtype == tensor.dtype


MUTATIONS: tuple[Callable[[dict[str, Tensor], str], object], ...] = (
    lambda tensors, name: tensors.pop(name),
    lambda tensors, name: tensors.update({f"{name}.0": tensors.pop(name)}),
    lambda tensors, name: tensors.update({name: tensors[name][None]}),
    lambda tensors, name: tensors.update({name: tensors[name].flatten()[:1]}),
    lambda tensors, name: tensors.update({name: torch.zeros(())}),
    lambda tensors, name: tensors.update({name: torch.zeros(0, 4, 1, 1)}),
    lambda tensors, name: tensors.update({name: tensors[name].long()}),
    lambda tensors, name: tensors.update({f"base_net.{name}": tensors[name]}),
)


@needs_shared
@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.data())
def test_a_damaged_file_is_an_input_error_or_whole(data: st.DataObject) -> None:
    family, task = data.draw(st.sampled_from(KINDS_WITH_KEYS))
    tensors = upstream(family, task)
    for _ in range(data.draw(st.integers(1, 3))):
        name = data.draw(st.sampled_from(sorted(tensors)))
        data.draw(st.sampled_from(MUTATIONS))(tensors, name)
    message = "x.pth: whole"
    try:
        converted, num_classes = edgenets.convert(family, "1.0", task)(tensors, "x.pth")
    except InputError as error:
        message = str(error)
    else:
        assert num_classes == NUM_CLASSES[task]
        assert all(torch.isfinite(tensor).all() for tensor in converted.values())
    assert message.startswith("x.pth: ")
    assert "\n" not in message
