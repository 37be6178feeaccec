"""Mixed precision for some modules only.

Exact networks compute with integers that bfloat16 does not hold; so autocast is not switched on for
a whole forward pass but around single modules, whose results come back as float32.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn


@contextmanager
def mixed_precision(modules: Iterable[nn.Module], device: str) -> Iterator[None]:
    """Within this context the modules, each returning one tensor, run in bfloat16.

    Args:
        modules: without exact layers.
        device: type of the device; an empty one changes nothing.
    """
    changed = list(modules) if device else []
    for module in changed:
        # an instance's attribute goes before the class's method
        module.forward = _in_bfloat16(module.forward, device)
    try:
        yield
    finally:
        for module in changed:
            del module.forward


def _in_bfloat16(forward: Callable[..., Tensor], device: str) -> Callable[..., Tensor]:
    def run(*arguments: Any) -> Tensor:
        with torch.autocast(device, dtype=torch.bfloat16):
            result = forward(*arguments)
        return result.float()

    return run
