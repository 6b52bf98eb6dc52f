"""Trainings of small networks: on one processor each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def one_processor() -> Iterator[None]:
    """Small networks are fastest on one; several would also fight with trainings at the same time."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    # While β is small, gradients of the prior square to denormal numbers, which cost a fifth of the time.
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)
        torch.set_num_threads(threads)
