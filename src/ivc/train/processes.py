"""One process or several: what ``torchrun`` started, and how its processes agree."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel

from ivc.errors import UsageError

_PATIENCE = timedelta(hours=6)
"""How long processes wait for the first, which alone evaluates and exports."""


@dataclass(frozen=True)
class Processes:
    """The processes that train together.

    Attributes:
        rank: number of this one.
        count: how many there are.
        device: that this one computes on.
    """

    rank: int
    count: int
    device: torch.device

    @property
    def first(self) -> bool:
        """Whether this process is the one that writes files and speaks."""
        return self.rank == 0

    def share(self, batch: int) -> range:
        """Numbers of this process's pictures in a batch.

        Raises:
            UsageError: when the batch cannot be split evenly.
        """
        if batch % self.count:
            raise UsageError(f"a batch of {batch} cannot be split among {self.count} processes")
        each = batch // self.count
        return range(self.rank * each, (self.rank + 1) * each)

    def largest(self, *values: float) -> list[float]:
        """The largest of each value over all processes: what they all go by."""
        if self.count == 1:
            return list(values)
        tensor = torch.tensor(values, dtype=torch.float64, device=self.device)
        distributed.all_reduce(tensor, distributed.ReduceOp.MAX)
        found: list[float] = tensor.tolist()
        return found

    def mean(self, values: Tensor) -> Tensor:
        """Mean of a tensor over all processes."""
        if self.count == 1:
            return values
        total = values.clone()
        distributed.all_reduce(total)
        return total / self.count

    def parallel(self, module: nn.Module) -> nn.Module:
        """The module with gradients that are averaged over all processes."""
        if self.count == 1:
            return module
        # Which parameters have a gradient changes when rounding is switched on.
        return DistributedDataParallel(
            module, find_unused_parameters=True, broadcast_buffers=False
        )  # fmt: skip


@contextmanager
def join(device: str, threads: int = 0) -> Iterator[Processes]:
    """The processes that this one was started with.

    Args:
        device: ``cpu``, ``cuda`` or ``auto``.
        threads: of the CPU, for each process; 0 leaves PyTorch's choice.

    Raises:
        UsageError: when there is no such device.
    """
    if device not in ("auto", "cpu", "cuda"):
        raise UsageError(f"device {device!r} is none of auto, cpu, cuda")
    cuda = device == "cuda" or (device == "auto" and torch.cuda.is_available())
    if cuda and not torch.cuda.is_available():
        raise UsageError("device is cuda, but PyTorch finds no GPU; set it to cpu or auto")
    if threads:
        torch.set_num_threads(threads)
    rank, count = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
    place = torch.device("cpu")
    if cuda:
        place = torch.device("cuda", int(os.environ.get("LOCAL_RANK", 0)))
        torch.cuda.set_device(place)
    if count == 1:
        yield Processes(0, 1, place)
        return
    distributed.init_process_group("nccl" if cuda else "gloo", timeout=_PATIENCE)
    try:
        yield Processes(rank, count, place)
    finally:
        distributed.destroy_process_group()


def hardware(processes: Processes) -> str:
    """What is computed on, in words."""
    if processes.device.type == "cuda":
        return f"{processes.count} x {torch.cuda.get_device_name(processes.device)}"
    threads = processes.count * torch.get_num_threads()
    return f"CPU, {threads} thread{'s' if threads > 1 else ''}"
