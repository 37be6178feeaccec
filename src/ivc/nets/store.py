"""Models: a network, the card that says where it comes from, and the check that it is whole.

A model is a folder with two files,

    card.json                         what the model is; see ``Card``
    network.npz  or  network.onnx     an exact network, or a float network that only paints pixels

Those that ship with ivc are in ``ivc/models/<name>/<version>/``; any other folder can be loaded by
its path. A released folder never changes: a better model gets the next version, and old files go on
decoding with the old one.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any

from ivc.errors import ModelError
from ivc.nets import files
from ivc.nets.network import Network
from ivc.nets.runtime import ExactSession, open_session

MODELS = Path(__file__).parent.parent / "models"
"""Where the models that ship with ivc are."""
HASH_BYTES = 8
"""Length of the hash of the weights in a stream's header."""
MAX_FILE = 1 << 30
"""Largest network file that is read, bytes."""
_MAX_CARD = 1 << 20
_EXACT, _FLOAT, _CARD = "network.npz", "network.onnx", "card.json"


@dataclass(frozen=True, kw_only=True)
class Card:
    """Where a model comes from and what it does.

    Attributes:
        name: name of the model; slashes make folders.
        version: from 1, one more with every release.
        summary: what it is for, in one line.
        data: data that it was trained on, with its source.
        licence: SPDX expression for the weights.
        steps: optimiser steps of the training.
        hours: wall-clock hours of the training.
        hardware: what it was trained on.
        recipe: path of the recipe in the repository that trains it again.
        results: rate-distortion table: one mapping of column to value a row.
        sha256: of the network file, in hexadecimal; filled in by ``ivc.nets.export``.
    """

    name: str
    version: int
    summary: str
    data: str
    licence: str
    steps: int
    hours: float
    hardware: str
    recipe: str
    results: Sequence[dict[str, Any]] = field(default_factory=tuple)
    sha256: str = ""

    def to_json(self) -> str:
        """The text of ``card.json``."""
        return json.dumps(dataclasses.asdict(self), indent=2, ensure_ascii=False) + "\n"

    @staticmethod
    def from_json(text: str, source: str = "card.json") -> Card:
        """The card of a text.

        Raises:
            ModelError: when it is no card.
        """
        types: dict[str, Any] = {
            "name": str,
            "version": int,
            "steps": int,
            "hours": (int, float),
            "results": list,
        }
        try:
            values = json.loads(text)
            card = Card(**values)
        except (ValueError, TypeError, RecursionError) as error:
            raise ModelError(f"{source} is no model card: {error}") from error
        for key, value in values.items():
            if not isinstance(value, types.get(key, str)):
                raise ModelError(f"{source} is no model card: {key} is {value!r:.80}")
        return card


@dataclass(frozen=True, eq=False)
class Model:
    """A loaded model.

    Attributes:
        card: where it comes from.
        network: the exact network; None for a float network.
        data: bytes of the network file.
    """

    card: Card
    network: Network | None
    data: bytes

    @property
    def weights_hash(self) -> bytes:
        """The first 8 bytes of the file's SHA-256, as in a stream's header."""
        return bytes.fromhex(self.card.sha256)[:HASH_BYTES]

    def exact(self, *, threads: int = 1, provider: str = "cpu") -> ExactSession:
        """The session of an exact network; one for each way to run it, kept for the next call.

        Raises:
            ModelError: when the model is a float network.
        """
        if self.network is None:
            raise ModelError(f"model {self.card.name} is a float network: it may only paint pixels")
        return _exact_session(self, threads, provider)

    def floats(self, *, threads: int = 1, provider: str = "cpu") -> Any:
        """The session of a float network for ``ivc.nets.floats.run_float``; kept likewise.

        Raises:
            ModelError: when the model is an exact network.
        """
        if self.network is not None:
            raise ModelError(f"model {self.card.name} is an exact network, not a float network")
        return _float_session(self, threads, provider)


# An unbounded cache would keep every model that a long-lived process has ever seen.
@functools.lru_cache(maxsize=64)
def _exact_session(model: Model, threads: int, provider: str) -> ExactSession:
    assert model.network is not None
    return ExactSession(model.network, threads=threads, provider=provider)


@functools.lru_cache(maxsize=64)
def _float_session(model: Model, threads: int, provider: str) -> Any:
    return open_session(model.data, threads=threads, provider=provider)


def load(name: str, version: int) -> Model:
    """A model that ships with ivc; read once a process.

    Raises:
        ModelError: when this build has no such model, or its files are damaged.
    """
    return _load_shipped(MODELS, name, version)


@functools.lru_cache(maxsize=64)
def _load_shipped(root: Path, name: str, version: int) -> Model:
    return load_folder(shipped_folder(root, name, version))


def shipped_folder(root: Path, name: str, version: int) -> Path:
    """The folder of a model that ships with ivc.

    Raises:
        ModelError: when this build has no such model.
    """
    folder = root / name / str(version)
    if not (folder / _CARD).is_file():
        raise ModelError(
            f"this build of ivc has no model {name!r} of version {version}; "
            "a newer ivc may, or the installation is incomplete"
        )
    return folder


def read_card(folder: Path) -> Card:
    """The card of a model's folder.

    Raises:
        ModelError: when it cannot be read or is none.
    """
    path = folder / _CARD
    return Card.from_json(read_file(path, _MAX_CARD).decode(errors="replace"), str(path))


def load_folder(folder: str | PathLike[str]) -> Model:
    """A model of the user's own, by the path of its folder.

    Raises:
        ModelError: when files are missing, damaged or do not belong together.
    """
    folder = Path(folder)
    card = read_card(folder)
    path = folder / _EXACT
    if not path.is_file():
        path = folder / _FLOAT
    data = read_file(path, MAX_FILE)
    if hashlib.sha256(data).hexdigest() != card.sha256:
        raise ModelError(f"{path} is damaged: its SHA-256 is not the card's; install ivc again")
    network = files.parse(data, str(path)) if path.name == _EXACT else None
    return Model(card, network, data)


def save(folder: str | PathLike[str], card: Card, network: Network | bytes) -> Model:
    """Write a model's folder.

    Args:
        folder: created if need be; must not hold a network of the other kind.
        card: where the model comes from; its hash is filled in.
        network: an exact network, or the ONNX file of a float network.

    Returns:
        What ``load_folder`` returns for it.

    Raises:
        ModelError: when the network has no proof, or the folder cannot be written.
    """
    exact = isinstance(network, Network)
    data = files.dump(network) if isinstance(network, Network) else network
    card = dataclasses.replace(card, sha256=hashlib.sha256(data).hexdigest())
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / (_FLOAT if exact else _EXACT)).unlink(missing_ok=True)
        (folder / (_EXACT if exact else _FLOAT)).write_bytes(data)
        (folder / _CARD).write_text(card.to_json(), encoding="utf-8")
    except OSError as error:
        raise ModelError(f"the model cannot be written: {error}") from error
    return load_folder(folder)


def weights_hash(models: Sequence[Model]) -> bytes:
    """The 8 bytes that a stream's header gives for a codec's models, in the codec's order."""
    if len(models) == 1:
        return models[0].weights_hash
    joined = b"".join(bytes.fromhex(model.card.sha256) for model in models)
    return hashlib.sha256(joined).digest()[:HASH_BYTES]


def check_weights(models: Sequence[Model], expected: bytes | None) -> None:
    """Raise ModelError unless the models are those that a stream was written with.

    Args:
        models: the models of the decoder, in the codec's order.
        expected: ``StreamHeader.weights_hash``.
    """
    found = weights_hash(models)
    if expected != found:
        names = ", ".join(f"{model.card.name} {model.card.version}" for model in models)
        wanted = expected.hex() if expected is not None else "none"
        raise ModelError(
            f"the file was written with weights {wanted}, this decoder has {found.hex()} "
            f"({names}); give the models it was written with"
        )


def read_file(path: Path, limit: int) -> bytes:
    """The bytes of a model's file.

    Raises:
        ModelError: when it cannot be read or has more than ``limit`` bytes.
    """
    try:
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except OSError as error:
        raise ModelError(f"the model's file {path} cannot be read: {error.strerror}") from error
    if len(data) > limit:
        raise ModelError(f"the model's file {path} is larger than {limit} bytes")
    return data
