"""A foreign file may hold any kind of tensor; only plain numbers come through."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from edgewright_train.errors import InputError
from edgewright_train.importers.torch_pickle import read_state_dict

UNUSUAL = {
    "sparse": lambda: torch.eye(3).to_sparse(),
    "sparse rows": lambda: torch.eye(3).to_sparse_csr(),
    "quantised": lambda: torch.quantize_per_tensor(torch.rand(3, 3), 0.1, 0, torch.quint8),
    "without data": lambda: torch.empty(3, 3, device="meta"),
    "nested": lambda: torch.nested.nested_tensor([torch.rand(2), torch.rand(3)]),
    "complex": lambda: torch.zeros(3, 3, dtype=torch.complex64),
    "8-bit float": lambda: torch.zeros(3, 3).to(torch.float8_e4m3fn),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", UNUSUAL)
def test_an_unusual_tensor_is_refused_by_name(kind: str, tmp_path: Path) -> None:
    torch.save({"plain": torch.zeros(2), "first.weight": UNUSUAL[kind]()}, tmp_path / "x.pth")
    with pytest.raises(InputError, match=r"x\.pth: first\.weight: not a plain tensor of numbers"):
        read_state_dict(tmp_path / "x.pth")


@pytest.mark.parametrize(
    "tensor", [torch.zeros(()), torch.zeros(0, 3), torch.arange(3), torch.rand(2, 3).half(), torch.rand(4, 6)[:, ::2]]
)
def test_plain_tensors_come_through_as_they_are(tensor: Tensor, tmp_path: Path) -> None:
    torch.save({"module.a": tensor, "b": torch.nn.Parameter(torch.ones(1))}, tmp_path / "x.pth")
    read = read_state_dict(tmp_path / "x.pth")
    assert list(read) == ["a", "b"]
    assert read["a"].dtype == tensor.dtype
    assert torch.equal(read["a"], tensor)


def test_a_file_with_any_of_its_zip_directory_damaged_is_refused_or_read(tmp_path: Path) -> None:
    """Where a fuzzer found exceptions of `zipfile`: at the end of the file, which says where the entries are."""
    torch.save({"a": torch.arange(3)}, tmp_path / "whole.pth")
    whole = (tmp_path / "whole.pth").read_bytes()
    refusals = []
    for place in range(len(whole) - 160, len(whole)):
        damaged = bytearray(whole)
        damaged[place] ^= 0xFF
        (tmp_path / "x.pth").write_bytes(damaged)
        try:
            assert torch.equal(read_state_dict(tmp_path / "x.pth")["a"], torch.arange(3))
        except InputError as error:
            refusals.append(str(error))
    assert len(refusals) > 20
    assert all(refusal.startswith(f"{tmp_path / 'x.pth'}: ") for refusal in refusals)
