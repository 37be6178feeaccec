"""Releasing an exact network: prove it, check the graph that will run, write it with its card.

trained module ──ivc.nets.torch.freeze──► Network ──export──► network.npz + card.json
                                              └──export_onnx──► an ONNX file for other runtimes
"""

from __future__ import annotations

from os import PathLike
from pathlib import Path

from ivc.errors import ModelError
from ivc.nets.graph import to_onnx
from ivc.nets.network import Network
from ivc.nets.runtime import ExactSession, check_exact
from ivc.nets.store import Card, Model, save


def check_release(network: Network) -> None:
    """Raise ModelError unless the network's graph returns exactly the reference's integers.

    Tried with one and two threads on several kinds of noise and on the ends of the input ranges;
    the proof covers all other inputs.
    """
    for threads in (1, 2):
        check_exact(network, ExactSession(network, threads=threads).run)


def export(network: Network, folder: str | PathLike[str], card: Card) -> Model:
    """Write an exact network as a model folder.

    Args:
        network: the network; see ``ivc.nets.torch.freeze`` for a trained module's.
        folder: where to; for a model that ships, ``src/ivc/models/<name>/<version>``.
        card: where the model comes from; its hash is filled in.

    Returns:
        The model, as loaded back from the folder.

    Raises:
        ModelError: when there is no overflow proof, the graph is not exact, or the folder cannot be
            written.
    """
    check_release(network)
    return save(folder, card, network)


def export_onnx(network: Network, path: str | PathLike[str]) -> None:
    """Write an exact network's graph as an ONNX file, for other runtimes and for viewers.

    Any runtime returns the same integers whose float32 convolution is a plain sum of products: no
    Winograd, FFT, TF32 or half precision.

    Raises:
        ModelError: when there is no overflow proof, the graph is not exact, or the file cannot be
            written.
    """
    check_release(network)
    try:
        Path(path).write_bytes(to_onnx(network))
    except OSError as error:
        raise ModelError(f"the graph cannot be written: {error}") from error
