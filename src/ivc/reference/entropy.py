"""A second decoder of the entropy layer, written from docs/entropy.md: slow, short, independent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

MASK = 2**64 - 1


@dataclass
class Context:
    """An adaptive binary context (section "Contexts")."""

    fast: int = 32768
    slow: int = 32767
    count: int = 0
    fast_shift: int = 4
    slow_shift: int = 7

    def learn(self, bit: int) -> None:
        """Let the context adapt to a decision."""
        first = 65536 // (self.count + 2)

        def moved(x: int, shift: int) -> int:
            y = 65535 - x if bit else x
            y += ((65536 - y) * max(first, 65536 >> shift)) >> 16
            return 65535 - y if bit else y

        self.fast = moved(self.fast, self.fast_shift)
        self.slow = moved(self.slow, self.slow_shift)
        self.count = min(self.count + 1, 255)


class RangeDecoder:
    """Reads what ``ivc.entropy.Encoder`` has written.

    Args:
        data: the coded bytes.
    """

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.range = MASK
        self.position = 0
        self.code = self._take(8)
        self.valid = True

    def _take(self, count: int) -> int:
        piece = self.data[self.position : self.position + count].ljust(count, b"\0")
        self.position += count
        return int.from_bytes(piece, "big")

    def _enter(self, start: int, width: int) -> None:
        self.code = (self.code - start) & MASK
        self.range = width
        if self.range < 2**32:
            self.range <<= 32
            self.code = (self.code << 32) & MASK | self._take(4)

    def bit(self, context: Context) -> int:
        """A decision in a context, which adapts."""
        zero = (self.range >> 17) * (context.fast + context.slow + 1)
        bit = int(self.code >= zero)
        if bit:
            self._enter(zero, self.range - zero)
        else:
            self._enter(0, zero)
        context.learn(bit)
        return bit

    def chunk(self, count: int) -> int:
        """Up to 16 equally likely bits in one step."""
        unit = self.range >> count
        number = min(self.code // unit, (1 << count) - 1)
        self._enter(number * unit, unit)
        return number

    def bits(self, count: int) -> int:
        """Up to 62 equally likely bits."""
        number = 0
        while count:
            step = min(count, 16)
            number = number << step | self.chunk(step)
            count -= step
        return number

    def exp_golomb(self, k: int) -> int:
        """A number in an Exp-Golomb code of order k."""
        n = 0
        while n < 32 and self.chunk(1):
            n += 1
        return self.bits(n + k) + (((1 << n) - 1) << k)

    def signed_exp_golomb(self, k: int) -> int:
        """A signed number in an Exp-Golomb code of order k."""
        m = self.exp_golomb(k)
        return (m + 1) // 2 if m % 2 else -(m // 2)

    def unary(self, contexts: Sequence[Context], limit: int) -> int:
        """A number up to ``limit`` in a unary code."""
        n = 0
        while n < limit and self.bit(contexts[min(n, len(contexts) - 1)]):
            n += 1
        return n

    def tree(self, contexts: Sequence[Context], bits: int) -> int:
        """A number of some bits, each in the context of the bits above it."""
        node = 1
        for _ in range(bits):
            node = 2 * node + self.bit(contexts[node - 1])
        return node - (1 << bits)

    def adaptive_exp_golomb(self, contexts: Sequence[Context], k: int) -> int:
        """A number in an Exp-Golomb code of order k whose prefix and high bit adapt."""
        half = len(contexts) // 2
        n = self.unary(contexts[:half], 32)
        if n + k == 0:
            return 0
        high = self.bit(contexts[half + min(n, half - 1)])
        return (high << (n + k - 1)) + self.bits(n + k - 1) + (((1 << n) - 1) << k)

    def symbol(self, frequencies: Sequence[int], offset: int = 0, escape: bool = False) -> int:
        """A symbol by a table of frequencies."""
        unit = self.range >> 16
        target = min(self.code // unit, 65535)
        entry, start = 0, 0
        while start + frequencies[entry] <= target:
            start += frequencies[entry]
            entry += 1
        last = entry == len(frequencies) - 1
        width = self.range - unit * start if last else unit * frequencies[entry]
        self._enter(unit * start, width)
        if not (escape and last):
            return offset + entry
        above = self.chunk(1)
        distance = self.exp_golomb(0)
        symbol = offset + entry + distance if above else offset - 1 - distance
        self.valid &= -(2**31) <= symbol < 2**31
        return symbol

    def finished(self) -> bool:
        """Whether the data can end after what was read."""
        used = self.position - 8
        return self.valid and used <= len(self.data) <= used + 4
