"""Plain memory for compiled kernels: words at addresses, and buffers that grow.

Two things cannot be done with NumPy arrays inside numba kernels. An array that is passed along
has its reference count changed atomically, which costs more than coding a bit does; and an array
cannot be replaced by a larger one that the caller then sees, though nobody can say beforehand how
many bytes a picture takes. So the state of a coder is a few 64-bit words at an address, and an
encoder's bytes lie in memory of numba's own allocator whose address is one of these words.

``Memory`` is what Python holds: it owns the words and releases the buffer.
"""

from __future__ import annotations

import ctypes
import weakref
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

WORDS = 8
POSITION, BUFFER, CAPACITY = 2, 3, 4
"""Words of a state that describe its bytes: how many are done, where they are, how many fit."""


Integer = int | np.integer[Any]
"""A number in a kernel: Python's to a type checker, 64 bits wide once compiled."""


def _load(element: types.Integer) -> Any:
    """An intrinsic ``load(address, index)``: element ``index`` of an array, as uint64."""

    def load(typing_context: Any, address: Any, index: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            pointer_type = context.get_value_type(element).as_pointer()
            pointer = builder.gep(builder.inttoptr(arguments[0], pointer_type), [arguments[1]])
            return context.cast(builder, builder.load(pointer), element, types.uint64)

        return types.uint64(types.int64, types.int64), generate

    return intrinsic(load)


def _store(element: types.Integer) -> Any:
    """An intrinsic ``store(address, index, value)``; the value's high bits are cut off."""

    def store(typing_context: Any, address: Any, index: Any, value: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            pointer_type = context.get_value_type(element).as_pointer()
            pointer = builder.gep(builder.inttoptr(arguments[0], pointer_type), [arguments[1]])
            builder.store(context.cast(builder, arguments[2], types.uint64, element), pointer)
            return context.get_dummy_value()

        return types.void(types.int64, types.int64, types.uint64), generate

    return intrinsic(store)


load_u8, load_u16, load_u32, load_u64 = (
    _load(element) for element in (types.uint8, types.uint16, types.uint32, types.uint64)
)
store_u8, store_u16, store_u32, store_u64 = (
    _store(element) for element in (types.uint8, types.uint16, types.uint32, types.uint64)
)


def _bit_length(typing_context: Any, value: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        zeros = builder.ctlz(arguments[0], cgutils.false_bit)
        return builder.sub(context.get_constant(types.int64, 64), zeros)

    return types.int64(types.int64), generate


# bits of a number >= 0 without its leading zeros
bit_length: Any = intrinsic(_bit_length)


def _array_address(typing_context: Any, array: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        view = context.make_array(signature.args[0])(context, builder, arguments[0])
        return builder.ptrtoint(view.data, cgutils.intp_t)

    return types.int64(array), generate


def _allocate(typing_context: Any, size: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pointer = context.nrt.allocate(builder, arguments[0])  # raises MemoryError
        return builder.ptrtoint(pointer, cgutils.intp_t)

    return types.int64(types.uintp), generate


def _free(typing_context: Any, address: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        context.nrt.free(builder, builder.inttoptr(arguments[0], cgutils.voidptr_t))
        return context.get_dummy_value()

    return types.void(types.int64), generate


# the address of an array's first element is valid while the array lives
array_address: Any = intrinsic(_array_address)
allocate: Any = intrinsic(_allocate)
free: Any = intrinsic(_free)


@njit(cache=True, nogil=True)
def grow(state: Integer) -> None:
    """Double the capacity of a state's buffer (from nothing: 1 KiB) and keep the content."""
    old = np.int64(load_u64(state, BUFFER))
    filled = np.int64(load_u64(state, POSITION))
    capacity = max(np.int64(1024), 2 * np.int64(load_u64(state, CAPACITY)))
    new = allocate(capacity)
    for i in range(filled):
        store_u8(new, i, load_u8(old, i))
    if old:
        free(old)
    store_u64(state, BUFFER, new)
    store_u64(state, CAPACITY, capacity)


@njit(cache=True, nogil=True)
def _release(words: npt.NDArray[np.uint64]) -> None:
    if words[BUFFER]:
        free(np.int64(words[BUFFER]))
        words[BUFFER] = 0


class Memory:
    """The words of a coder's state and the bytes they point to.

    Args:
        words: first values; the rest is zero.
        data: bytes to read, for a decoder; kept alive and never written to.
    """

    def __init__(self, words: list[int], data: npt.NDArray[np.uint8] | None = None) -> None:
        self.words = np.zeros(WORDS, np.uint64)
        self.words[: len(words)] = np.array(words, np.uint64)
        self.data = data
        if data is not None:
            self.words[BUFFER] = data.ctypes.data
            self.words[CAPACITY] = len(data)

    @property
    def address(self) -> int:
        """Where the words are."""
        return int(self.words.ctypes.data)

    def release_when_collected(self) -> None:
        """Have the buffer that kernels allocate freed together with this object."""
        weakref.finalize(self, _release, self.words).atexit = False

    def written(self) -> bytearray:
        """A copy of the bytes that kernels have written."""
        length = int(self.words[POSITION])
        if not length:
            return bytearray()
        return bytearray((ctypes.c_ubyte * length).from_address(int(self.words[BUFFER])))
