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

    def chance(self, one: int) -> int:
        """A decision whose probability of 1 is ``one`` / 131072."""
        zero = (self.range >> 17) * (131072 - one)
        bit = int(self.code >= zero)
        if bit:
            self._enter(zero, self.range - zero)
        else:
            self._enter(0, zero)
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


class TokenDecoder:
    """Reads what ``ivc.entropy.ans.AnsEncoder`` has written (section "Tokens in tables").

    Args:
        data: the coded bytes.
        contexts: how many contexts there are.

    Raises:
        ValueError: when the data hold no tables.
    """

    def __init__(self, data: bytes, contexts: int) -> None:
        size = shift = position = 0
        while True:
            if position == len(data) or shift > 28:
                raise ValueError("no size of tables")
            byte = data[position]
            size += (byte % 128) << shift
            position, shift = position + 1, shift + 7
            if byte < 128:
                break
        begin = position + size
        if size > 2**20 or begin + 4 > len(data):
            raise ValueError("no tables or no state")
        self.tables: list[list[int]] = []
        self.rows: list[int] = []
        self._read_tables(RangeDecoder(data[position:begin]), contexts)
        words = begin + 4 + (len(data) - begin) % 4
        self.state = int.from_bytes(data[begin:words], "little")
        self.data, self.position = data, words
        self._renew()

    def _read_tables(self, decoder: RangeDecoder, contexts: int) -> None:
        adaptive = [Context() for _ in range(31)]
        before = None
        for c in range(contexts):
            if c == 0 or decoder.bit(adaptive[30]):
                shares = _shares(decoder, adaptive, before)
                self.tables.append(_slots(shares))
                before = [0, 0, *(share.bit_length() for share in shares)]
            self.rows.append(len(self.tables) - 1)
        if not decoder.finished():
            raise ValueError("the tables do not end where their data do")

    def _renew(self) -> None:
        if self.state < 2**31:
            word = self.data[self.position : self.position + 4].ljust(4, b"\0")
            self.position += 4
            self.state = self.state << 32 | int.from_bytes(word, "little")

    def number(self, context: int) -> int:
        """The next number, which was coded in a context."""
        slot, token, first = self.state % 4096, 0, 0
        table = self.tables[self.rows[context]]
        while first + table[token] <= slot:
            first += table[token]
            token += 1
        self.state = table[token] * (self.state >> 12) + slot - first
        self._renew()
        if token < 32:
            return token
        bits = (token + 16) // 8
        raw = self.state % 2 ** (bits - 4)
        self.state >>= bits - 4
        self._renew()
        return (4 + token // 2 % 4) * 2 ** (bits - 3) + 2 * raw + token % 2

    def finished(self) -> bool:
        """Whether the data end after what was read."""
        return self.position == len(self.data) and self.state == 2**31


def _shares(
    decoder: RangeDecoder, contexts: Sequence[Context], before: Sequence[int] | None
) -> list[int]:
    """Shares of the tokens in a table; ``before``: 0, 0 and the bits of those in the last one."""
    shares: list[int] = []
    bits = [0, 0]
    for t in range(136):
        guess = (bits[-1] + bits[-2] + 1) >> 1
        if before is not None:
            change = (bits[-1] - before[t + 1] + bits[-2] - before[t]) >> 1
            guess = min(max(before[t + 2] + change, 0), 13)
        first = 6 * min((guess + 1) >> 1, 4)
        u = decoder.unary(contexts[first : first + 6], 26)
        n = min(max(guess + (u + 1) // 2 if u % 2 else guess - u // 2, 0), 13)
        share = n
        if n > 1:
            known = min(n - 1, 3 + max(n - 9, 0))
            share = (2**known + decoder.bits(known)) << (n - 1 - known)
        shares.append(share)
        bits.append(n)
    return shares


def _slots(shares: Sequence[int]) -> list[int]:
    """How many of 4096 slots each token has."""
    if not any(shares):
        shares = [1, *shares[1:]]
    total = sum(shares)
    slots = [max(4096 * share // total, 1) if share else 0 for share in shares]
    left = 4096 - sum(slots)
    while left:
        most = slots.index(max(slots))
        change = max(left, -(slots[most] >> 1))
        slots[most] += change
        left -= change
    return slots
