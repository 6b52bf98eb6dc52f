"""What CUDA may round is as it was after a computation that must not round."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from reid.objective.precision import full_precision

CUDA = torch.device("cuda")


@pytest.fixture(autouse=True)
def _switches_of_before() -> Iterator[None]:
    yield
    torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = False, True


@pytest.mark.parametrize("allowed", [(True, True), (True, False), (False, True)])
def test_nothing_is_rounded_within_and_all_is_as_before_it(allowed: tuple[bool, bool]) -> None:
    torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = allowed

    def compute() -> None:
        with full_precision(CUDA):
            assert not torch.backends.cuda.matmul.allow_tf32
            assert not torch.backends.cudnn.allow_tf32
            raise RuntimeError("out of memory")

    with pytest.raises(RuntimeError, match="out of memory"):
        compute()
    assert (torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32) == allowed


@pytest.mark.skipif(
    not hasattr(torch.backends.cuda.matmul, "fp32_precision"), reason="this torch has the older names only"
)
def test_who_allowed_it_by_its_newer_name_has_it_back() -> None:
    # Now the older name can no longer be read.
    torch.backends.cuda.matmul.fp32_precision = "tf32"
    with full_precision(CUDA):
        assert torch.backends.cuda.matmul.fp32_precision != "tf32"
    assert torch.backends.cuda.matmul.fp32_precision == "tf32"
