"""What must hold for any cfg and any weights file, however hostile: an `InputError` or a network, nothing else."""

import torch

from edgewright_train.darknet.cfg import Cfg, parse_cfg
from edgewright_train.darknet.cfg_text import write_sections
from edgewright_train.darknet.network import build_network
from edgewright_train.darknet.plan import Plan, plan_network
from edgewright_train.darknet.weights import num_floats, pack_weights, parse_weights
from edgewright_train.errors import InputError

# One of each kind of tensor.
SMALL_NETWORK = """
[net]
width=4
height=2
channels=2
[convolutional]
filters=2
batch_normalize=1
activation=leaky
[convolutional]
filters=2
groups=2
activation=leaky
[batchnorm]
[connected]
output=3
batch_normalize=1
activation=linear
[softmax]
"""


def built(text: str) -> bool:
    """Whether the cfg was accepted.  Then its modules give the planned shapes, and its canonical text means the same.

    On the meta device, which computes shapes and holds no values.
    """
    try:
        cfg = parse_cfg(text, source="x.cfg")
        plan = plan_network(cfg)
        with torch.device("meta"):
            network = build_network(cfg).eval()
            outputs = network(torch.empty(1, plan.image.channels, plan.image.height, plan.image.width))
    except InputError as error:
        return _refused(error, "x.cfg:")
    for index, output in zip(network.heads.outputs, outputs, strict=True):
        shape = plan.layers[index].shape
        assert output.shape == (1, shape.channels, shape.height, shape.width)
    assert _options(parse_cfg(write_sections(cfg.sections), source="again")) == _options(cfg)
    return True


def small_plan() -> Plan:
    return plan_network(parse_cfg(SMALL_NETWORK, source="small.cfg"))


def read(data: bytes, plan: Plan) -> bool:
    """Whether the weights were accepted.  Then they are finite, as many as the cfg says, and come back bit by bit."""
    try:
        weights = parse_weights(data, plan, source="x.weights")
    except InputError as error:
        return _refused(error, "x.weights: ")
    assert all(torch.isfinite(tensor).all() for tensor in weights.tensors.values())
    assert sum(tensor.numel() for tensor in weights.tensors.values()) == num_floats(plan)
    assert pack_weights(weights, plan) == data
    return True


def _refused(error: InputError, source: str) -> bool:
    message = str(error)
    assert message.startswith(source)
    assert "\n" not in message
    assert len(message) < 600
    return False


def _options(cfg: Cfg) -> list[object]:
    return [cfg.net, *(layer.options for layer in cfg.layers)]
