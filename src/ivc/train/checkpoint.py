"""Checkpoints: everything that a stage needs to go on, in a file that is whole or not there.

A checkpoint is a dictionary of plain values and tensors, written by ``torch.save`` and read with
``weights_only``, so that opening one from a stranger runs no code of theirs:

    model, ema    state dictionaries of the trained module and of the moving average of its weights
    optimiser     state dictionary of Adam
    step, seconds how far the stage is
    state         what the stage adds, such as whether rounding is on
    shape         sizes of the networks
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import torch

from ivc.errors import MediaError, UsageError
from ivc.media.atomic import AtomicPath

NAME = "checkpoint.pt"


def save(path: Path, content: dict[str, Any]) -> None:
    """Write a checkpoint in place of the one before it.

    Raises:
        MediaError: when it cannot be written.
    """
    for left_over in path.parent.glob(f".{path.stem}.*.part{path.suffix}"):
        left_over.unlink(missing_ok=True)
    target = AtomicPath(path)
    try:
        torch.save(content, target.temporary)
    except (OSError, RuntimeError) as error:
        # PyTorch's own writer says "runtime error" when a disk is full
        target.abort()
        reason = next(iter(str(error).splitlines()), "")
        raise MediaError(f"cannot write {path}: {reason[:120]}; is the disk full?") from None
    except BaseException:
        target.abort()
        raise
    target.commit()


def load(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read a checkpoint onto the CPU.

    Raises:
        UsageError: when it cannot be read or is none.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise UsageError(f"checkpoint {path}: {error.strerror}") from None
    except Exception as error:
        # a damaged file raises whatever unzipping and unpickling meet
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise UsageError(f"checkpoint {path} cannot be read: {reason[:120]}") from None
    if not isinstance(content, dict) or "ema" not in content:
        raise UsageError(f"checkpoint {path} holds no averaged weights ('ema')")
    return content


def load_weights(module: torch.nn.Module, weights: dict[str, Any], path: object) -> None:
    """Give a module the weights of a checkpoint.

    Raises:
        UsageError: when they are those of other networks.
    """
    try:
        module.load_state_dict(weights)
    except RuntimeError:
        raise UsageError(
            f"checkpoint {path} is of networks of another shape than the recipe's; give the recipe "
            "the same shape, or train into another folder with --out"
        ) from None
