"""NCNN's weights are read, whatever they are stored as, and written back to the byte; files that lie are refused."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from shared_material import SHARED, needs_shared

from edgewright_export.capture import capture
from edgewright_export.conversion import ConversionSpec
from edgewright_export.manifest import FLOAT_PRECISIONS
from edgewright_export.ncnn_bin import (
    TAG_CODEBOOK,
    TAG_FLOAT16,
    TAG_FLOAT32,
    TAG_INT8,
    plain,
    read_bin,
    tagged,
    write_bin,
    zero_fillings,
)
from edgewright_export.ncnn_param import Layer, parse_param, write_param
from edgewright_export.to_ncnn import convert
from edgewright_train.errors import CheckError
from edgewright_train.inference import preprocess_of
from edgewright_train.new_network import untrained


def layer(kind: str, **params: int) -> Layer:
    """`k6=12`: key 6 is 12."""
    return Layer(kind, "a", ("x",), ("y",), {int(key[1:]): str(value) for key, value in params.items()})


def one(layer: Layer, data: bytes) -> list[list[float]]:
    """The values of each of its tensors."""
    (tensors,) = read_bin([layer], data)
    return [tensor.values.tolist() for tensor in tensors]


def floats(*values: float) -> bytes:
    return np.array(values, "<f4").tobytes()


CONVOLUTION = {"k0": 2, "k1": 1, "k6": 6}
# what is stored, and as what it must be read
TENSORS = {
    "float32": (b"\0\0\0\0" + floats(1, 2, 3, 4, 5, 6), [1, 2, 3, 4, 5, 6]),
    "tagged float32": (bytes.fromhex("56c00200") + floats(1, 2, 3, 4, 5, 6), [1, 2, 3, 4, 5, 6]),
    "float16": (bytes.fromhex("476b3001") + np.array([1, -2, 0.5, 0, 7, 8], "<f2").tobytes(), [1, -2, 0.5, 0, 7, 8]),
    "int8": (bytes.fromhex("384b0d00") + bytes([1, 255, 127, 129, 0, 5, 9, 9]), [1, -1, 127, -127, 0, 5]),
    "codebook": (b"\1\0\0\0" + floats(*range(256)) + bytes([0, 255, 3, 3, 4, 5, 0, 0]), [0, 255, 3, 3, 4, 5]),
}


@pytest.mark.parametrize("name", TENSORS)
def test_a_tag_says_how_a_tensor_is_stored(name: str) -> None:
    data, values = TENSORS[name]
    assert one(layer("Convolution", **CONVOLUTION), data) == [values]
    assert write_bin(read_bin([layer("Convolution", **CONVOLUTION)], data)) == data


# layer, and how many plain values it has (behind a tagged weight of 6 if it is a convolution or inner product)
LAYOUTS = {
    "bias": (layer("Convolution", **CONVOLUTION, k5=1), [2]),
    "int8": (layer("Convolution", **CONVOLUTION, k5=1, k8=2), [2, 2, 1]),
    "int8 to codes": (layer("Convolution", **CONVOLUTION, k8=102), [2, 1, 1]),
    "int8 depthwise": (layer("ConvolutionDepthWise", k0=6, k1=1, k6=6, k7=3, k8=1), [3, 1]),
    "int8 depthwise, one scale": (layer("ConvolutionDepthWise", k0=6, k1=1, k6=6, k7=3, k8=102), [1, 1, 1]),
    "int8 inner product": (layer("InnerProduct", k0=3, k1=1, k2=6, k8=2), [3, 3, 1]),
    "weights from a blob": (layer("Convolution", k0=2, k19=1), []),
    "norm": (layer("BatchNorm", k0=3), [3, 3, 3, 3]),
    "bias alone": (layer("Bias", k0=3), [3]),
    "scale": (layer("Scale", k0=3, k1=1), [3, 3]),
    "scale by a blob": (layer("Scale", k0=-233), []),
    "slopes": (layer("PReLU", k0=3), [3]),
    "constant": (layer("MemoryData", k0=2, k1=3, k2=4), [24]),
    "flat constant": (layer("MemoryData", k0=5), [5]),
    "deep constant": (layer("MemoryData", k0=1, k1=2, k11=2, k2=2), [8]),
    "padding": (layer("Padding", k0=1), []),
    "padding per channel": (layer("Padding", k6=4), [4]),
    "quantize": (layer("Quantize"), [1]),
    "dequantize": (layer("Dequantize", k0=3, k1=3), [3, 3]),
    "requantize": (layer("Requantize", k0=3, k2=2), [3, 1, 2]),
    "nothing": (layer("ReLU", k0=0), []),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_the_line_says_which_tensors_there_are(name: str) -> None:
    found, counts = LAYOUTS[name]
    has_weight = found.kind in ("Convolution", "ConvolutionDepthWise", "InnerProduct") and 19 not in found.params
    data = (b"\0\0\0\0" + floats(*range(6)) if has_weight else b"") + floats(*range(sum(counts)))
    (tensors,) = read_bin([found], data)
    assert [len(tensor.values) for tensor in tensors] == [6] * has_weight + counts
    assert write_bin([tensors]) == data


def test_a_tagged_constant_has_a_tag() -> None:
    assert one(layer("MemoryData", k0=2, k21=0), b"\0\0\0\0" + floats(1, 2)) == [[1, 2]]


@pytest.mark.parametrize("name", TENSORS)
def test_data_cut_anywhere_is_refused_by_layer(name: str) -> None:
    data, _ = TENSORS[name]
    for size in range(len(data)):
        with pytest.raises(CheckError, match=r"layer 'a' \(Convolution\): weight: .* bytes are needed"):
            read_bin([layer("Convolution", **CONVOLUTION)], data[:size])


def test_data_behind_the_last_layer_is_refused() -> None:
    with pytest.raises(CheckError, match="3 bytes are left over"):
        read_bin([layer("PReLU", k0=1)], floats(1) + b"\0\0\0")


HOSTILE = {
    "8589934588 bytes are needed, 8 are left": (layer("PReLU", k0=2**31 - 1), floats(1, 2)),
    "slope of -1 values": (layer("PReLU", k0=-1), b""),
    "slope of 0 values": (layer("PReLU"), b""),
    "data of 0 values": (layer("MemoryData", k0=0, k1=5), b""),
    "are needed": (layer("MemoryData", k0=2**31 - 1, k1=2**31 - 1, k11=2**31 - 1, k2=2**31 - 1), floats(1)),
    "8=7; NCNN knows": (layer("ConvolutionDepthWise", k0=1, k6=1, k8=7), b"\0\0\0\0" + floats(1, 1)),
    "'a' is a Gemm: which weights": (layer("Gemm", k0=1), floats(1)),
    "'a' is a LSTM: which weights": (layer("LSTM"), b""),
    "0=1e3 is not a 32-bit integer": (Layer("PReLU", "a", (), (), {0: "1e3"}), floats(1)),
    "is not a 32-bit integer": (Layer("PReLU", "a", (), (), {0: "9" * 5000}), floats(1)),
}


@pytest.mark.parametrize("message", HOSTILE)
def test_lines_that_lie_are_refused_by_layer(message: str) -> None:
    found, data = HOSTILE[message]
    with pytest.raises(CheckError, match=message) as error:
        read_bin([found], data)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 200


@given(st.binary(max_size=80), st.integers(-3, 40), st.sampled_from([0, 1, 2, 101, 102]))
@settings(max_examples=200, deadline=None)
def test_any_bytes_are_read_whole_or_refused(data: bytes, count: int, code: int) -> None:
    found = [layer("InnerProduct", k0=1, k1=1, k2=count), layer("Convolution", k0=2, k6=count, k8=code)]
    try:
        weights = read_bin(found, data)
    except CheckError:
        return
    assert write_bin(weights) == data


@given(st.data())
@settings(max_examples=50, deadline=None)
def test_what_is_written_is_read(data: st.DataObject) -> None:
    count = data.draw(st.integers(1, 9))
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    tag, kind = data.draw(
        st.sampled_from([(TAG_FLOAT32, "<f4"), (TAG_FLOAT16, "<f2"), (TAG_INT8, "<i1"), (TAG_CODEBOOK, "<u1")])
    )
    values = rng.integers(0, 100, count).astype(kind)
    codebook = rng.normal(size=100).astype(np.float32) if tag == TAG_CODEBOOK else None
    bias = rng.normal(size=2).astype(np.float32)
    written = write_bin([(tagged("weight", tag, values, codebook), plain("bias", bias))])
    ((weight, found_bias),) = read_bin([layer("Convolution", k0=2, k6=count, k5=1)], written)
    assert len(written) % 4 == 0
    np.testing.assert_array_equal(weight.values, values)
    np.testing.assert_array_equal(found_bias.values, bias)
    if codebook is not None:
        assert weight.codebook is not None
        np.testing.assert_array_equal(weight.codebook, np.pad(codebook, (0, 156)))


def rewritten(param: Path, column_width: int = 0) -> bool:
    text, data = param.read_text(), param.with_suffix(".bin").read_bytes()
    layers = parse_param(text)
    weights = read_bin(layers, data)
    assert any(weights)
    return write_param(layers, column_width=column_width) == text and write_bin(weights) == data


@pytest.mark.parametrize("precision", FLOAT_PRECISIONS)
def test_rewriting_a_pack_changes_nothing(packs: Path, precision: str) -> None:
    assert rewritten(packs / f"ncnn-{precision}" / "model.param")


@pytest.mark.parametrize(
    "model", ["espnetv2-0.5", "shufflenetv2-0.5", "tiny-darknet", pytest.param("dicenet-0.2", marks=pytest.mark.slow)]
)
@pytest.mark.parametrize("precision", FLOAT_PRECISIONS)
def test_rewriting_a_network_of_the_zoo_changes_nothing(model: str, precision: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    checkpoint = untrained(model, "classify", num_classes=7, size_wh=(64, 64))
    header = checkpoint.header
    spec = ConversionSpec(
        precision=precision, input_name="image", output_names=header.architecture.output_names,
        preprocess=preprocess_of(header), scratch=tmp_path,
    )  # fmt: skip
    convert(capture(header.architecture.deploy(checkpoint.network), 64, 64), spec, tmp_path)
    assert rewritten(tmp_path / "model.param")
    layers = parse_param((tmp_path / "model.param").read_text())
    weights = read_bin(layers, (tmp_path / "model.bin").read_bytes())
    tags = {tensor.tag for tensors in weights for tensor in tensors if tensor.role == "weight"}
    assert tags == {TAG_FLOAT16 if precision == "fp16" else TAG_FLOAT32}
    assert write_bin(zero_fillings(weights)) == write_bin(weights)  # not what happened to be in pnnx's memory


@needs_shared
def test_rewriting_the_published_model_changes_nothing() -> None:
    """NCNN's own tools wrote it, in columns."""
    assert rewritten(SHARED / "weights" / "yolo-fastestv2" / "yolo-fastestv2-opt.param", column_width=24)
