"""The interpreter as a whole: what it refuses before running, how it rounds, and how it takes images."""

from pathlib import Path
from typing import Any

import coremltools as ct
import numpy as np
import pytest
from coremltools.converters.mil import Builder as mb  # noqa: N813
from mil_cases.programs import convert, edit_model, operations_of, random, save_program

from edgewright_export.mil import Interpreter
from edgewright_train.errors import InputError

X = random(2, 3)


def relu_then_exp(x: Any) -> Any:
    return mb.exp(x=mb.relu(x=x, name="first"), name="second")


@pytest.fixture
def package(tmp_path: Path) -> Path:
    return save_program(tmp_path, relu_then_exp, [(X.shape, X.dtype)])


def test_unknown_operations_are_all_named_before_anything_runs(package: Path) -> None:
    def rename(model: Any) -> None:
        for operation, name in zip(operations_of(model), ("warp", "weave"), strict=True):
            operation.type = name

    edit_model(package, rename)
    with pytest.raises(InputError, match=r"unknown operations: warp 'first'; weave 'second'$"):
        Interpreter(package)


def test_a_declared_shape_that_is_not_the_computed_one_is_refused(package: Path) -> None:
    def shrink(model: Any) -> None:
        operations_of(model)[0].outputs[0].type.tensorType.dimensions[1].constant.size = 2

    edit_model(package, shrink)
    with pytest.raises(InputError, match=r"relu 'first': declared FLOAT32\[2, 2\], computed shape \[2, 3\]"):
        Interpreter(package).run({"x": X})


def test_a_declared_type_that_is_not_the_computed_one_is_refused(package: Path) -> None:
    def change(model: Any) -> None:
        operations_of(model)[0].outputs[0].type.tensorType.dataType = ct.proto.MIL_pb2.INT32

    edit_model(package, change)
    with pytest.raises(InputError, match="relu 'first': declared INT32"):
        Interpreter(package).run({"x": X})


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("x", "y", "relu 'first': unknown input 'y'; known: x"),
        ("x", None, "relu 'first': input 'x' is missing"),
    ],
)
def test_inputs_that_do_not_belong_to_the_operation_are_refused(
    package: Path, old: str, new: str | None, problem: str
) -> None:
    def change(model: Any) -> None:
        inputs = operations_of(model)[0].inputs
        if new is not None:
            inputs[new].CopyFrom(inputs[old])
        del inputs[old]

    edit_model(package, change)
    with pytest.raises(InputError, match=problem):
        Interpreter(package)


@pytest.mark.parametrize(
    ("attribute", "problem"), [("second", "'second' is used before it is defined"), ("first", "'first' is used before")]
)
def test_a_value_used_before_it_is_defined_is_refused(package: Path, attribute: str, problem: str) -> None:
    def change(model: Any) -> None:
        operations_of(model)[0].inputs["x"].arguments[0].name = attribute

    edit_model(package, change)
    with pytest.raises(InputError, match=problem):
        Interpreter(package)


def test_a_name_defined_twice_is_refused(package: Path) -> None:
    def change(model: Any) -> None:
        operations_of(model)[1].outputs[0].name = "first"

    edit_model(package, change)
    with pytest.raises(InputError, match="'first' is defined twice"):
        Interpreter(package)


@pytest.mark.parametrize(
    ("inputs", "problem"),
    [
        ({}, "input 'x' is missing"),
        ({"x": X[:1]}, r"input 'x': float32\[2, 3\] is expected, got float32\[1, 3\]"),
        ({"x": X.astype(np.float64)}, r"input 'x': float32\[2, 3\] is expected, got float64\[2, 3\]"),
    ],
)
def test_an_input_that_does_not_fit_is_refused(package: Path, inputs: dict[str, Any], problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        Interpreter(package).run(inputs)


def test_half_precision_rounds_after_every_operation(tmp_path: Path) -> None:
    x, y = (100 * random(64, seed=1)).astype(np.float16), random(64, seed=2).astype(np.float16)
    package = save_program(
        tmp_path,
        lambda x, y: mb.add(x=mb.mul(x=x, y=y), y=np.float16(0.1)),
        [(x.shape, x.dtype), (y.shape, y.dtype)],
    )
    computed = Interpreter(package).run({"x": x, "y": y}).popitem()[1]
    np.testing.assert_array_equal(computed, x * y + np.float16(0.1))  # numpy rounds after each, too


def test_half_precision_overflows_to_infinity(tmp_path: Path) -> None:
    x = np.float16([60000, -60000, 1])
    package = save_program(tmp_path, lambda x: mb.add(x=x, y=x), [(x.shape, x.dtype)])
    np.testing.assert_array_equal(Interpreter(package).run({"x": x}).popitem()[1], [np.inf, -np.inf, 2])


def test_two_runs_of_one_interpreter_give_equal_bits(package: Path) -> None:
    interpreter = Interpreter(package)
    first, second = (interpreter.run({"x": X})["second"] for _ in range(2))
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("layout", ["RGB", "BGR"])
def test_an_image_reaches_the_program_in_the_order_the_file_asks_for(tmp_path: Path, layout: str) -> None:
    program = mb.program(input_specs=[mb.TensorSpec(shape=(1, 3, 2, 4))], opset_version=ct.target.iOS16)(
        lambda image: mb.identity(x=image)
    )
    model = convert(
        program,
        inputs=[ct.ImageType(name="image", shape=(1, 3, 2, 4), color_layout=getattr(ct.colorlayout, layout))],
        minimum_deployment_target=ct.target.iOS16,
        compute_precision=ct.precision.FLOAT32,
    )
    model.save(str(tmp_path / "image.mlpackage"))
    rgb = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    planes = Interpreter(tmp_path / "image.mlpackage").run({"image": rgb}).popitem()[1][0]
    np.testing.assert_array_equal(planes, (rgb if layout == "RGB" else rgb[..., ::-1]).transpose(2, 0, 1))


def image_package(folder: Path, *, width: int, colour_space: str) -> Path:
    """The identity on (1, 3, 2, 4), whose description says image."""
    package = save_program(folder, lambda x: mb.identity(x=x), [((1, 3, 2, 4), np.float32)])

    def to_image(model: Any) -> None:
        feature = model.description.input[0].type
        feature.imageType.width, feature.imageType.height = width, 2
        feature.imageType.colorSpace = ct.proto.FeatureTypes_pb2.ImageFeatureType.ColorSpace.Value(colour_space)

    edit_model(package, to_image)
    return package


@pytest.mark.parametrize(("width", "colour_space"), [(5, "RGB"), (4, "GRAYSCALE")])
def test_an_image_that_does_not_fit_the_program_is_refused(tmp_path: Path, width: int, colour_space: str) -> None:
    with pytest.raises(InputError, match="only RGB and BGR images of shape"):
        Interpreter(image_package(tmp_path, width=width, colour_space=colour_space))


def test_outputs_that_are_not_the_described_ones_are_refused(package: Path) -> None:
    def rename(model: Any) -> None:
        model.description.output[0].name = "other"

    edit_model(package, rename)
    with pytest.raises(InputError, match="outputs second: they are not those of the model's description"):
        Interpreter(package)


def test_an_image_of_another_size_is_refused(tmp_path: Path) -> None:
    package = image_package(tmp_path, width=4, colour_space="RGB")
    with pytest.raises(InputError, match=r"input 'x': uint8\[2, 4, 3\] is expected, got uint8\[4, 2, 3\]"):
        Interpreter(package).run({"x": np.zeros((4, 2, 3), np.uint8)})
