"""A weights file holds exactly the floats of its cfg, and comes back bit by bit."""

import struct
from pathlib import Path

import numpy as np
import pytest
import torch
from darknet_random import random_weights
from numpy.typing import NDArray
from shared_material import SHARED, needs_shared

from edgewright_train.darknet.cfg import parse_cfg, read_cfg
from edgewright_train.darknet.network import DarknetNetwork
from edgewright_train.darknet.plan import Plan, plan_network
from edgewright_train.darknet.weights import (
    Weights,
    num_floats,
    pack_weights,
    parse_weights,
    read_weights,
    write_weights,
)
from edgewright_train.darknet.weights_header import WeightsHeader
from edgewright_train.errors import InputError
from edgewright_train.importers.darknet import import_darknet

MATERIAL = SHARED / "weights" / "darknet"
NET = "[net]\nwidth=4\nheight=3\nchannels=2\n"  # lines 1 to 4
CONV = "[convolutional]\nfilters=3\nactivation=leaky\n"
NORMED = CONV + "batch_normalize=1\n"
HEADER = WeightsHeader(0, 2, 5, 77).pack()


def plan(layers: str, end: str = "[avgpool]\n[softmax]\n") -> Plan:
    return plan_network(parse_cfg(NET + layers + end, source="x.cfg"))


def counted(count: int) -> NDArray[np.float32]:
    return np.arange(1, count + 1, dtype="<f4")


def refusal(data: bytes, wanted: Plan, *, upto: int | None = None) -> str:
    with pytest.raises(InputError) as caught:
        parse_weights(data, wanted, source="x.weights", upto=upto)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("version", "layout"),
    [
        ((0, 1, 0), "<iiiI"),
        ((0, 2, 0), "<iiiQ"),
        ((0, 2, 5), "<iiiQ"),
        ((1, 0, 0), "<iiiQ"),
        ((0, 1001, 0), "<iiiI"),
        ((1001, 0, 0), "<iiiI"),
    ],
)
def test_the_version_decides_how_long_the_header_is(version: tuple[int, int, int], layout: str) -> None:
    data = struct.pack(layout, *version, 123456)
    header = WeightsHeader.unpack(data, source="x")
    assert header == WeightsHeader(*version, 123456)
    assert header.num_bytes == len(data)
    assert header.pack() == data


def test_more_images_than_32_bits_count_are_kept() -> None:
    header = WeightsHeader(0, 2, 5, 1 << 40)
    assert WeightsHeader.unpack(header.pack(), source="x") == header


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "x.weights: 0 bytes; a weights file starts with a header of 16 or 20"),
        (struct.pack("<iiiI", 0, 2, 5, 0), "x.weights: 16 bytes; a header of this version has 20"),
        (struct.pack("<iiiQ", -1, 2, 5, 0), "x.weights: header: version -1.2.5; not a darknet weights file"),
        (b"PK\x03\x04" + bytes(20), "x.weights: header: version 67324752.0.0; not a darknet weights file"),
    ],
)
def test_a_wrong_header_is_named(data: bytes, message: str) -> None:
    assert message in refusal(data, plan(CONV))


def test_normed_convolutions_hold_bias_scales_mean_variance_and_weights_in_this_order() -> None:
    tensors = parse_weights(HEADER + counted(3 * 4 + 6).tobytes(), plan(NORMED), source="x").tensors
    names = ["norm.bias", "norm.weight", "norm.running_mean", "norm.running_var", "conv.weight"]
    assert list(tensors) == [f"layers.0.{name}" for name in names]
    assert torch.cat([tensor.flatten() for tensor in tensors.values()]).tolist() == counted(18).tolist()
    assert tensors["layers.0.conv.weight"].shape == (3, 2, 1, 1)


def test_plain_convolutions_hold_bias_and_weights() -> None:
    tensors = parse_weights(HEADER + counted(3 + 6).tobytes(), plan(CONV), source="x").tensors
    assert tensors["layers.0.conv.bias"].tolist() == [1, 2, 3]
    assert tensors["layers.0.conv.weight"].flatten().tolist() == [4, 5, 6, 7, 8, 9]


CONNECTED = "[connected]\noutput=2\nactivation=linear\n"


def test_connected_layers_hold_their_norm_behind_the_weights() -> None:
    wanted = plan(CONNECTED + "batch_normalize=1\n")
    tensors = parse_weights(HEADER + counted(2 + 48 + 6).tobytes(), wanted, source="x").tensors
    assert tensors["layers.0.norm.bias"].tolist() == [1, 2]
    assert tensors["layers.0.conv.weight"].shape == (2, 2, 3, 4)
    assert tensors["layers.0.conv.weight"].flatten().tolist() == counted(50)[2:].tolist()
    assert tensors["layers.0.norm.running_var"].tolist() == [55, 56]


@pytest.mark.parametrize(("version", "transposed"), [((0, 2, 5), False), ((0, 1001, 0), True)])
def test_old_connected_layers_are_stored_column_by_column(version: tuple[int, int, int], transposed: bool) -> None:
    wanted, matrix = plan(CONNECTED), counted(48)
    data = WeightsHeader(*version).pack() + np.zeros(2, "<f4").tobytes() + matrix.tobytes()
    weights = parse_weights(data, wanted, source="x")
    found = weights.tensors["layers.0.conv.weight"].flatten(1).numpy()
    expected = matrix.reshape(24, 2).T if transposed else matrix.reshape(2, 24)
    np.testing.assert_array_equal(found, expected)
    assert pack_weights(weights, wanted) == data


def test_standalone_batchnorm_holds_bias_scale_mean_variance() -> None:
    tensors = parse_weights(HEADER + counted(8).tobytes(), plan("[batchnorm]\n"), source="x").tensors
    assert [tensor.tolist() for tensor in tensors.values()] == [[1, 2], [3, 4], [5, 6], [7, 8]]


def test_layers_that_are_not_loaded_take_no_floats() -> None:
    wanted = plan(CONV + "dontload=1\n" + CONV)
    weights = parse_weights(HEADER + counted(3 + 9).tobytes(), wanted, source="x")
    assert {name.rsplit(".", 2)[0] for name in weights.tensors} == {"layers.1"}
    assert pack_weights(weights, wanted) == HEADER + counted(12).tobytes()


def test_scales_that_are_not_loaded_take_no_floats() -> None:
    wanted = plan(NORMED + "dontloadscales=1\n")
    tensors = parse_weights(HEADER + counted(3 + 6).tobytes(), wanted, source="x").tensors
    assert set(tensors) == {"layers.0.norm.bias", "layers.0.conv.weight"}


@pytest.mark.parametrize(("held", "where"), [(12, "before"), (13, "in")])
def test_a_short_file_says_by_how_many_floats_and_where_it_ends(held: int, where: str) -> None:
    message = refusal(HEADER + counted(held).tobytes(), plan(CONV + NORMED))
    assert message == (
        f"x.weights: {4 * held} bytes after the header are {held} floats; x.cfg needs 30 up to layer 1: "
        f"{30 - held} too few, it ends {where} layer 1 [convolutional] (x.cfg:8), norm.weight"
    )


def test_a_short_file_that_holds_whole_layers_says_how_to_read_them() -> None:
    message = refusal(HEADER + counted(9).tobytes(), plan(CONV + NORMED))
    assert message.endswith("it ends behind layer 0 [convolutional] (x.cfg:5); if that is meant, UPTO=1 reads it")


def test_a_long_file_says_by_how_many_floats() -> None:
    message = refusal(HEADER + counted(11).tobytes(), plan(CONV))
    assert message == "x.weights: 44 bytes after the header are 11 floats; x.cfg needs 9 up to layer 0: 2 too many"


def test_a_file_with_the_longer_header_under_an_old_version_is_one_float_off() -> None:
    data = struct.pack("<iiiQ", 0, 1, 0, 5) + counted(9).tobytes()
    assert "10 floats; x.cfg needs 9 up to layer 0: 1 too many" in refusal(data, plan(CONV))


def test_a_file_cut_within_a_float_is_refused() -> None:
    assert "are 8 floats and 3 bytes; x.cfg needs 9" in refusal(HEADER + counted(9).tobytes()[:-1], plan(CONV))


def test_the_first_layers_are_read_and_written_alone() -> None:
    wanted = plan(CONV + NORMED)
    data = HEADER + counted(9).tobytes()
    weights = parse_weights(data, wanted, source="x", upto=1)
    assert set(weights.tensors) == {"layers.0.conv.bias", "layers.0.conv.weight"}
    assert pack_weights(weights, wanted, upto=1) == data


@pytest.mark.parametrize("upto", [0, -1, 5])
def test_more_or_fewer_layers_than_there_are_cannot_be_read(upto: int) -> None:
    message = refusal(HEADER, plan(CONV + NORMED), upto=upto)
    assert message == f"UPTO={upto}: x.cfg has 4 layers; choose 1 to 4"


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_reported_by_layer(value: float) -> None:
    floats = counted(9 + 21)
    floats[[9 + 13, 9 + 15]] = value
    assert refusal(HEADER + floats.tobytes(), plan(CONV + NORMED)) == (
        f"x.weights: layer 1 [convolutional] (x.cfg:8), conv.weight: value 1 is {value} (2 of 9 are not finite)"
    )


def test_a_negative_variance_is_reported_by_layer() -> None:
    floats = counted(18)
    floats[10] = -1
    assert "layer 0 [convolutional] (x.cfg:5), norm.running_var: a variance is negative, -1.0" in refusal(
        HEADER + floats.tobytes(), plan(NORMED)
    )


def test_a_variance_that_rounding_took_below_zero_is_kept() -> None:
    floats = counted(18)
    floats[10] = -7e-44  # as in the published MobileNetV2-YOLO-Fastest-voc
    tensors = parse_weights(HEADER + floats.tobytes(), plan(NORMED), source="x").tensors
    assert tensors["layers.0.norm.running_var"][1] < 0


def test_a_file_far_too_large_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "x.weights").open("wb") as file:
        file.truncate(1 << 33)
    with pytest.raises(InputError, match="8589934592 bytes; a weights file may have at most 1073741844"):
        read_weights(tmp_path / "x.weights", plan(CONV))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"x\.weights: No such file"):
        read_weights(tmp_path / "x.weights", plan(CONV))


def test_a_network_that_was_trained_further_can_be_written(tmp_path: Path) -> None:
    wanted = plan(CONV + NORMED)
    network = DarknetNetwork(wanted)
    write_weights(tmp_path / "x.weights", Weights(WeightsHeader(), dict(network.state_dict())), wanted)
    read = read_weights(tmp_path / "x.weights", wanted)
    assert all(torch.equal(tensor, network.state_dict()[name]) for name, tensor in read.tensors.items())


PUBLISHED = ["yolo-fastest-1.1", "MobileNetV2-YOLO-Fastest-voc", "tiny"]


@needs_shared
@pytest.mark.parametrize("name", PUBLISHED)
def test_published_weights_come_back_bit_by_bit(name: str, tmp_path: Path) -> None:
    found = import_darknet(MATERIAL / f"{name}.cfg", MATERIAL / f"{name}.weights")
    assert found.warnings == ()
    assert found.cfg_text.encode() == (MATERIAL / f"{name}.cfg").read_bytes()
    weights = Weights(found.weights_header, found.network.state_dict())
    write_weights(tmp_path / "back.weights", weights, found.network.plan)
    assert (tmp_path / "back.weights").read_bytes() == (MATERIAL / f"{name}.weights").read_bytes()


@needs_shared
def test_published_headers_are_read() -> None:
    headers = {name: (MATERIAL / f"{name}.weights").read_bytes()[:20] for name in PUBLISHED}
    assert WeightsHeader.unpack(headers["tiny"], source="x") == WeightsHeader(0, 1, 0, 204_800_000)
    assert WeightsHeader.unpack(headers["yolo-fastest-1.1"], source="x") == WeightsHeader(0, 2, 5, 14_231_680)


@needs_shared
@pytest.mark.parametrize("upto", [1, 15, 60])
def test_a_published_file_cut_behind_a_layer_gives_these_layers(upto: int, tmp_path: Path) -> None:
    whole = plan_network(read_cfg(MATERIAL / "yolo-fastest-1.1.cfg"))
    data = (MATERIAL / "yolo-fastest-1.1.weights").read_bytes()
    cut = tmp_path / f"x.conv.{upto}"
    cut.write_bytes(data[: 20 + 4 * num_floats(whole, upto=upto)])
    found = import_darknet(MATERIAL / "yolo-fastest-1.1.cfg", cut, upto=upto)
    full = parse_weights(data, whole, source="x").tensors
    assert all(torch.equal(tensor, full[name]) for name, tensor in found.tensors.items())
    assert {int(name.split(".")[1]) for name in found.tensors} <= set(range(upto))
    assert f"layer {max(slot.layer.index for slot in whole.slots())} keeps random values" in found.warnings[-1]


def test_a_file_whose_length_is_wrong_costs_no_memory(tmp_path: Path) -> None:
    """The cfg asks for 200 million parameters; nothing of that size is allocated to find that they are not there."""
    text = "[net]\nwidth=4\nheight=4\nchannels=1000\n[conv]\nfilters=50000\nactivation=linear\nsize=2\n[avgpool]\n"
    (tmp_path / "x.cfg").write_text(text)
    (tmp_path / "x.weights").write_bytes(HEADER)
    with pytest.raises(InputError, match="200050000 too few"):
        import_darknet(tmp_path / "x.cfg", tmp_path / "x.weights")


def test_random_weights_of_the_recipe_are_a_whole_file() -> None:
    wanted = plan(CONV + NORMED)
    weights = parse_weights(random_weights(wanted, head_gain=1, bn_gain=1), wanted, source="x")
    assert set(weights.tensors) == {slot.name for slot in wanted.slots()}
