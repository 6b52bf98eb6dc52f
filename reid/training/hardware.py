"""What a training computes on: device, precision, threads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from torch import Tensor

from reid.network_descriptor import choose_device, computes_in_bfloat16


def accelerator_for(device: str, *, full_precision: bool = False) -> Accelerator:
    """Device, precision and processes.

    Half precision is used where the hardware is made for it (1.6 times as fast for the small encoder on such
    a CPU), unless full precision is asked for.
    """
    chosen = choose_device(device)
    if chosen.type == "cuda" and chosen.index is not None:
        # Of several cards the library takes the current one.
        torch.cuda.set_device(chosen)
    precision = "bf16" if computes_in_bfloat16(chosen) and not full_precision else "no"
    # The library keeps the first choice for the whole process; the next run may want another one.
    AcceleratorState._reset_state(reset_partial_state=True)
    return Accelerator(cpu=chosen.type == "cpu", mixed_precision=precision)


class OneDevice:
    """One device in full precision: all that a loop asks of an accelerator, for trainings in any program.

    The accelerators of a process share their state, so that a new one would change the program's own, or that
    of a training in another thread.
    """

    num_processes = 1
    process_index = 0
    is_main_process = True

    def __init__(self, device: str) -> None:
        self.device = choose_device(device)

    def autocast(self) -> AbstractContextManager[None]:
        """Full precision, also where the caller computes in half."""
        return torch.autocast(self.device.type, enabled=False)

    def reduce(self, tensor: Tensor, reduction: str) -> Tensor:
        """Of one process the sum and the mean are its own values."""
        return tensor


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
