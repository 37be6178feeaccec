"""The coder objects that Python code holds: encoder, decoder and estimator.

Each owns the state that kernels work on and shows it as ``coder``, a tuple whose
*type* tells compiled code which of the three it is:

    Encoder().coder     EncoderState     decisions are written
    Decoder(b).coder    DecoderState     decisions are read
    Estimator().coder   EstimatorState   costs are summed, contexts adapt
    Probe().coder       ProbeState       costs are summed, contexts stay as they are

The arithmetic is a range coder with carry propagation (G. N. N. Martin, "Range encoding", 1979)
with a range of 64 bits that is renewed by 32 bits at a time; docs/entropy.md is normative.
"""

from __future__ import annotations

from typing import NamedTuple, Self

import numpy as np

from ivc.entropy.contexts import COST_BITS
from ivc.entropy.memory import CAPACITY, POSITION, Memory
from ivc.errors import BitstreamError

LOW, CODE, COST = 0, 0, 0
RANGE = 1
FAULT = 5
"""Words of a state: low (encoder), code (decoder) or cost (estimator); range; decoder's fault."""


class _Coder(NamedTuple):
    address: int


class _State(_Coder):
    """What kernels see of a coder: where its words are. Keeps them alive."""

    memory: Memory

    @classmethod
    def of(cls, memory: Memory) -> Self:
        state = cls(memory.address)
        state.memory = memory
        return state


class EncoderState(_State):
    """Tells compiled code to write."""


class DecoderState(_State):
    """Tells compiled code to read."""


class EstimatorState(_State):
    """Tells compiled code to sum costs and to adapt contexts."""


class ProbeState(_State):
    """Tells compiled code to sum costs and to leave contexts as they are."""


class Encoder:
    """Turns decisions into bytes.

    Kernels write through ``coder`` as often as they like; ``finish`` returns the bytes.
    """

    def __init__(self) -> None:
        self._memory = Memory([0, 2**64 - 1])
        self._memory.release_when_collected()
        self.coder = EncoderState.of(self._memory)

    def finish(self) -> bytes:
        """The shortest end that decodes: all renewed words and then zero to four bytes.

        The last bytes are those of the number in [low, low + range) that ends in most zero
        bytes; the zeros themselves are not written. May be called more than once.
        """
        low, width = int(self._memory.words[LOW]), int(self._memory.words[RANGE])
        data = self._memory.written()
        for tail in range(5):
            unit = 1 << (64 - 8 * tail)
            value = -(-low // unit) * unit
            if value < low + width:
                break
        if value >> 64:
            index = len(data) - 1
            while data[index] == 0xFF:
                data[index] = 0
                index -= 1
            data[index] += 1
        return bytes(data) + (value & (2**64 - 1)).to_bytes(8, "big")[:tail]


class Decoder:
    """Turns bytes into the decisions they were made from.

    Args:
        data: what ``Encoder.finish`` returned, or anything else: hostile bytes yield wrong
            decisions, never an access outside ``data``. Past its end zeros are read.
    """

    def __init__(self, data: bytes | bytearray | memoryview) -> None:
        array = np.frombuffer(data, np.uint8)
        first = int.from_bytes(bytes(array[:8]).ljust(8, b"\0"), "big")
        self._memory = Memory([first, 2**64 - 1, 8], array)
        self.coder = DecoderState.of(self._memory)

    def finish(self) -> None:
        """Check that the decisions read are all that the data hold.

        An encoder writes 4 bytes each time the range is renewed and up to 4 at the end, so the
        length is known to within 4 bytes once all is decoded.

        Raises:
            BitstreamError: when the data are shorter or longer than that, or a value was met
                that no encoder writes.
        """
        used = int(self._memory.words[POSITION]) - 8
        size = int(self._memory.words[CAPACITY])
        if self._memory.words[FAULT]:
            raise BitstreamError("coded data hold a number that is out of range; they are damaged")
        if size < used:
            raise BitstreamError(
                f"coded data end at {size} bytes but their symbols need {used}; they are cut short "
                "or damaged"
            )
        if size > used + 4:
            raise BitstreamError(
                f"coded data have {size} bytes but their symbols end within {used + 4}; they are "
                "damaged"
            )


class Estimator:
    """Sums what coding would cost; contexts adapt as if it had been coded."""

    def __init__(self) -> None:
        self._memory = Memory([0])
        self.coder = EstimatorState.of(self._memory)

    @property
    def bits(self) -> float:
        """Cost so far in bits."""
        return int(self._memory.words[COST]) / (1 << COST_BITS)


class Probe:
    """Sums what coding would cost and leaves contexts as they are."""

    def __init__(self) -> None:
        self._memory = Memory([0])
        self.coder = ProbeState.of(self._memory)

    @property
    def bits(self) -> float:
        """Cost so far in bits."""
        return int(self._memory.words[COST]) / (1 << COST_BITS)
