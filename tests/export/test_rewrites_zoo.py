"""The networks of the zoo compute the same after all rewrites, and get those that were meant for them."""

from pathlib import Path

import pytest
import torch
from rewriting import settle_norms

from edgewright_export.capture import capture, load_graph, runnable, save_graph
from edgewright_train.models import architecture

FASTER = {"merge-linear-convolutions", "hoist-pointwise-convolutions", "interleave-shuffles"}


@pytest.mark.parametrize(
    ("name", "task", "applied"),
    [
        ("yolo-fastestv2", "detect", FASTER),
        ("shufflenetv2-0.5", "classify", set()),
        ("espnetv2-0.5", "segment", set()),
        ("dicenet-0.5", "classify", {"merge-linear-convolutions"}),
        ("tiny-darknet", "classify", set()),
        ("lightnet", "detect", {"hoist-pointwise-convolutions"}),
    ],
)
def test_a_network_computes_the_same(name: str, task: str, applied: set[str], tmp_path: Path) -> None:
    torch.manual_seed(0)
    arch = architecture(name, task)
    network = settle_norms(arch.deploy(arch.build(3))).eval()
    image = torch.randn(1, 3, 96, 96)
    exported = capture(network, 96, 96)
    with torch.no_grad():
        expected, computed = network(image), runnable(exported)(image)
    if isinstance(expected, torch.Tensor):
        expected, computed = (expected,), (computed,)
    for a, b in zip(computed, expected, strict=True):
        torch.testing.assert_close(a, b, atol=1e-5 * max(1.0, float(b.abs().max())), rtol=0)
    save_graph(exported, tmp_path / "graph.pt2")
    _, rewrites = load_graph(tmp_path / "graph.pt2")
    assert FASTER & set(rewrites) == applied
    assert "fold-batch-norms" in rewrites
