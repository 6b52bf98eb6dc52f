"""float32 as it is written: what takes small differences has no digits to give away."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch


@contextmanager
def full_precision(device: torch.device) -> Iterator[None]:
    """float32 throughout: no autocast, and no TF32 in matrix products and convolutions.

    A forward difference loses two digits, more than half precision or TF32 have to give. The backward pass
    runs after this context has ended: a training on CUDA should switch TF32 off for good.
    """
    with torch.autocast(device.type, enabled=False):
        if device.type != "cuda":
            yield
            return
        with tf32_put_back():
            forbid_tf32()
            yield


def forbid_tf32() -> None:
    """Let CUDA compute with all digits of float32 in this whole process."""
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False


@contextmanager
def tf32_put_back() -> Iterator[None]:
    """A training may switch TF32 off for the whole process; afterwards it is as allowed as it was before."""
    matmul, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    # Later versions of torch have others beside them; where those were used, these cannot be read.
    newer = [matmul, _read(cudnn, "conv"), _read(cudnn, "rnn")]
    switches = [(matmul, "allow_tf32"), (cudnn, "allow_tf32"), *((each, "fp32_precision") for each in newer)]
    before = [_read(*switch) for switch in switches]
    try:
        yield
    finally:
        for switch, value in zip(switches, before, strict=True):
            if value is not None and _read(*switch) != value:
                setattr(*switch, value)


def _read(backend: Any, switch: str) -> Any:
    """A switch of torch's; None if this version does not have it, or others are used in its place."""
    try:
        return getattr(backend, switch)
    except (AttributeError, RuntimeError):
        return None
