"""Several networks and tables that belong together: the model of a codec in one file.

    card.json      what the model is; see ``ivc.nets.store.Card``
    bundle.zip     NAME.npz   exact networks          (``ivc.nets.files``)
                   NAME.onnx  float networks, which only paint pixels
                   NAME.npy   tables

Members are read when they are first asked for, so that a decoder which needs one network does not
pay for all. Exact networks and tables of a stranger are as safe to load as one's own: sizes are
checked before memory is taken and nothing is unpickled. Float networks are run by ONNX Runtime as
they are: use models of people whom you trust.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import io
import zipfile
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ivc.errors import ModelError
from ivc.nets import files, store
from ivc.nets.network import Network
from ivc.nets.runtime import ExactSession, open_session
from ivc.nets.store import HASH_BYTES, MAX_FILE, Card

FILE, CARD = "bundle.zip", "card.json"
_DATE = (1980, 1, 1, 0, 0, 0)
_MAX_MEMBERS = 4096
_MAX_NETWORK = 1 << 25
"""Largest size of all arrays of one exact network."""


class Bundle:
    """A loaded bundle.

    Args:
        card: where the model comes from.
        data: bytes of the bundle's file.
        source: what to call it in messages.

    Raises:
        ModelError: when the file is no bundle.
    """

    def __init__(self, card: Card, data: bytes, source: str) -> None:
        self.card, self._data, self._source = card, data, source
        self._sizes = self._guarded(self._list)
        if sum(self._sizes.values()) > files.MAX_BYTES or len(self._sizes) > _MAX_MEMBERS:
            raise ModelError(f"{source} would take more than {files.MAX_BYTES} bytes of memory")
        self._sessions: dict[tuple[str, int], Any] = {}
        self._networks: dict[str, Network] = {}
        self._arrays: dict[str, npt.NDArray[Any]] = {}

    def __contains__(self, member: str) -> bool:
        return member in self._sizes

    @property
    def weights_hash(self) -> bytes:
        """The first 8 bytes of the file's SHA-256, as in a stream's header."""
        return bytes.fromhex(self.card.sha256)[:HASH_BYTES]

    def names(self, suffix: str) -> list[str]:
        """Names of the members of a kind, ``.npz``, ``.onnx`` or ``.npy``, without it."""
        return sorted(m.removesuffix(suffix) for m in self._sizes if m.endswith(suffix))

    def network(self, name: str) -> Network:
        """An exact network.

        Raises:
            ModelError: when there is none of that name, or it is damaged.
        """
        if name not in self._networks:
            self._networks[name] = files.parse(
                self.read(f"{name}.npz"), f"{self._source}: {name}", _MAX_NETWORK
            )
        return self._networks[name]

    def exact(self, name: str, threads: int = 1) -> ExactSession:
        """The session of an exact network, kept for the next call."""
        key = (name, threads)
        if key not in self._sessions:
            self._sessions[key] = ExactSession(self.network(name), threads=threads)
        session: ExactSession = self._sessions[key]
        return session

    def floats(self, name: str, threads: int = 1) -> Any:
        """The session of a float network for ``ivc.nets.floats.run_float``; kept likewise."""
        key = (f"{name}.onnx", threads)
        if key not in self._sessions:
            self._sessions[key] = open_session(self.read(f"{name}.onnx"), threads=threads)
        return self._sessions[key]

    def array(self, name: str) -> npt.NDArray[Any]:
        """A table, read-only.

        Raises:
            ModelError: when there is none of that name, or it is damaged.
        """
        if name not in self._arrays:
            data = self.read(f"{name}.npy")
            self._arrays[name] = self._guarded(lambda: files.read_array(data))
        return self._arrays[name]

    def _list(self) -> dict[str, int]:
        with zipfile.ZipFile(io.BytesIO(self._data)) as archive:
            return {info.filename: info.file_size for info in archive.infolist()}

    def read(self, member: str) -> bytes:
        """The bytes of a member, by its name with suffix.

        Raises:
            ModelError: when there is none of that name, or it is damaged.
        """
        if member not in self._sizes:
            raise ModelError(f"{self._source} has no {member}; it is the model of another codec")

        def unpack() -> bytes:
            with zipfile.ZipFile(io.BytesIO(self._data)) as archive:
                return archive.read(member)

        return self._guarded(unpack)

    def _guarded(self, read: Any) -> Any:
        try:
            return read()
        except Exception as error:  # zipfile, its decompressors and NumPy share no narrower base
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise ModelError(f"{self._source} is damaged: {reason:.200}") from error


def save(
    folder: str | PathLike[str],
    card: Card,
    networks: Mapping[str, Network],
    floats: Mapping[str, bytes],
    arrays: Mapping[str, npt.NDArray[Any]],
) -> Bundle:
    """Write a bundle's folder; the card's hash is filled in.

    The same content gives the same bytes, wherever zlib is the same.

    Args:
        folder: created if need be.
        card: where the model comes from.
        networks: exact networks by name.
        floats: ONNX files of float networks by name.
        arrays: tables by name.

    Returns:
        What ``load_folder`` returns for it.

    Raises:
        ModelError: when a network has no proof, or the folder cannot be written.
    """
    members = {f"{name}.npz": files.dump(network) for name, network in networks.items()}
    members |= {f"{name}.onnx": data for name, data in floats.items()}
    for name, array in arrays.items():
        member = io.BytesIO()
        np.lib.format.write_array(member, np.ascontiguousarray(array), allow_pickle=False)
        members[f"{name}.npy"] = member.getvalue()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in sorted(members):
            info = zipfile.ZipInfo(name, _DATE)
            # exact networks are compressed already
            info.compress_type = (
                zipfile.ZIP_STORED if name.endswith(".npz") else zipfile.ZIP_DEFLATED
            )
            archive.writestr(info, members[name], compresslevel=9)
    data = buffer.getvalue()
    card = dataclasses.replace(card, sha256=hashlib.sha256(data).hexdigest())
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / FILE).write_bytes(data)
        (folder / CARD).write_text(card.to_json(), encoding="utf-8")
    except OSError as error:
        raise ModelError(f"the model cannot be written: {error}") from error
    return load_folder(folder)


def load(name: str, version: int) -> Bundle:
    """A bundle that ships with ivc; read once a process.

    Raises:
        ModelError: when this build has no such model, or its files are damaged.
    """
    return load_folder(store.shipped_folder(store.MODELS, name, version))


def load_folder(folder: str | PathLike[str]) -> Bundle:
    """A bundle by the path of its folder; read again only when its files change.

    Raises:
        ModelError: when files are missing, damaged or do not belong together.
    """
    folder = Path(folder)
    try:
        states = tuple(
            (info.st_mtime_ns, info.st_size, info.st_ino)
            for info in ((folder / name).stat() for name in (CARD, FILE))
        )
    except OSError as error:
        raise ModelError(f"there is no model in {folder}: {error}") from error
    return _load_folder(folder, states)


@functools.lru_cache(maxsize=8)
def _load_folder(folder: Path, states: tuple[tuple[int, int, int], ...]) -> Bundle:
    card = store.read_card(folder)
    path = folder / FILE
    data = store.read_file(path, MAX_FILE)
    if hashlib.sha256(data).hexdigest() != card.sha256:
        raise ModelError(f"{path} is damaged: its SHA-256 is not the card's")
    return Bundle(card, data, str(path))
