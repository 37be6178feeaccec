"""Byte buffers that grow inside compiled kernels.

A NumPy array cannot be replaced from within a kernel that was handed it, and nobody can say
beforehand how long a coded picture gets. So the encoder's bytes live in memory that numba's own
allocator hands out, and a small array, the *storage*, says where: ``[address, capacity]``.
The memory is released when the state array it serves is collected.
"""

from __future__ import annotations

import ctypes
import weakref
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import carray, njit, types
from numba.core import cgutils
from numba.extending import intrinsic

ADDRESS, CAPACITY = 0, 1


@intrinsic  # type: ignore[misc]
def _allocate(typing_context: Any, size: Any) -> Any:
    """Address of ``size`` fresh bytes; raises MemoryError when there are none."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        size = context.cast(builder, arguments[0], signature.args[0], types.uintp)
        pointer = context.nrt.allocate(builder, size)
        return builder.ptrtoint(pointer, cgutils.intp_t)

    return types.uint64(size), generate


@intrinsic  # type: ignore[misc]
def _free(typing_context: Any, address: Any) -> Any:
    """Release what ``_allocate`` returned."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        context.nrt.free(builder, builder.inttoptr(arguments[0], cgutils.voidptr_t))
        return context.get_dummy_value()

    return types.void(address), generate


@intrinsic  # type: ignore[misc]
def _pointer(typing_context: Any, address: Any) -> Any:
    """An address as a pointer that ``numba.carray`` takes."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.inttoptr(arguments[0], cgutils.voidptr_t)

    return types.voidptr(address), generate


@njit(cache=True, nogil=True)
def buffer_of(storage: npt.NDArray[np.uint64]) -> Any:
    """The whole buffer as a uint8 array (capacity,), valid until the next ``grow``."""
    return carray(_pointer(storage[ADDRESS]), (np.int64(storage[CAPACITY]),), np.uint8)


@njit(cache=True, nogil=True)
def grow(storage: npt.NDArray[np.uint64]) -> None:
    """Double the capacity (from nothing: 1 KiB) and keep the content."""
    capacity = max(np.int64(1024), 2 * np.int64(storage[CAPACITY]))
    address = _allocate(np.uint64(capacity))
    if storage[ADDRESS] != np.uint64(0):
        grown = carray(_pointer(address), (capacity,), np.uint8)
        old = buffer_of(storage)
        grown[: len(old)] = old
        _free(storage[ADDRESS])
    storage[ADDRESS] = address
    storage[CAPACITY] = np.uint64(capacity)


@njit(cache=True, nogil=True)
def _release(storage: npt.NDArray[np.uint64]) -> None:
    if storage[ADDRESS] != np.uint64(0):
        _free(storage[ADDRESS])
        storage[ADDRESS] = np.uint64(0)
        storage[CAPACITY] = np.uint64(0)


def new_storage(owner: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """An empty buffer that is released when ``owner`` is collected."""
    storage = np.zeros(2, np.uint64)
    weakref.finalize(owner, _release, storage)
    return storage


def read(storage: npt.NDArray[np.uint64], length: int) -> bytearray:
    """A copy of the first ``length`` bytes."""
    if not length:
        return bytearray()
    return bytearray((ctypes.c_ubyte * length).from_address(int(storage[ADDRESS])))
