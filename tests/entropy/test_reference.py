"""The plain decoder, written from the specification, reads what the fast encoder writes."""

import doctest
from pathlib import Path

import numpy as np
from numba import njit
from test_ans import write
from test_primitives import code_mixture

from ivc.entropy import Decoder, Encoder, encode_symbols, laplace_tables, new_contexts
from ivc.entropy.ans import LARGEST, AnsDecoder, code_token
from ivc.entropy.chances import CERTAIN, code_chance
from ivc.errors import BitstreamError
from ivc.reference.entropy import Context, RangeDecoder, TokenDecoder

DOCUMENT = Path(__file__).parents[2] / "docs" / "entropy.md"


def reference_mixture(decoder, contexts, kinds):
    for kind in kinds:
        if kind == 0:
            yield decoder.bit(contexts[0])
        elif kind == 1:
            yield decoder.chunk(1)
        elif kind == 2:
            yield decoder.bits(48)
        elif kind == 3:
            yield decoder.exp_golomb(3)
        elif kind == 4:
            yield decoder.signed_exp_golomb(0)
        elif kind == 5:
            yield decoder.unary(contexts[1:4], 20)
        elif kind == 6:
            yield decoder.tree(contexts[8:39], 5)
        else:
            yield decoder.adaptive_exp_golomb(contexts[40:52], 1)


def test_golden_words():
    decoder = RangeDecoder(bytes.fromhex("968d"))
    context = Context()
    assert [decoder.bit(context) for _ in range(10)] == [1, 0, 1, 1, 0, 0, 0, 1, 1, 1]
    assert decoder.finished()
    decoder = RangeDecoder(bytes.fromhex("12345678"))
    assert [decoder.chunk(16), decoder.chunk(16)] == [0x1234, 0x5678]
    assert decoder.finished()


def test_numbers_and_decisions():
    generator = np.random.default_rng(11)
    kinds = generator.integers(0, 8, 4000)
    values = generator.integers(0, 1 << 31, 4000) >> generator.integers(0, 31, 4000)
    encoder = Encoder()
    code_mixture(encoder.coder, new_contexts(60), kinds, values)
    decoder = RangeDecoder(encoder.finish())
    contexts = [Context() for _ in range(60)]
    assert list(reference_mixture(decoder, contexts, kinds)) == values.tolist()
    assert decoder.finished()


def test_symbols():
    generator = np.random.default_rng(12)
    tables = laplace_tables([0.1, 2.0, 12.0])
    indices = generator.integers(0, 3, 3000)
    symbols = np.rint(generator.laplace(size=3000) * 30).astype(np.int32)
    encoder = Encoder()
    encode_symbols(encoder, symbols, indices, tables)
    decoder = RangeDecoder(encoder.finish())
    decoded = [
        decoder.symbol(tables.frequencies[t].tolist(), int(tables.offsets[t]), escape=True)
        for t in indices
    ]
    assert decoded == symbols.tolist()
    assert decoder.finished()


@njit(cache=True, nogil=True)
def code_chances(coder, chances, bits):
    for i in range(len(bits)):
        bits[i] = code_chance(coder, chances[i], bits[i])


def test_chances():
    generator = np.random.default_rng(14)
    chances = np.concatenate([generator.integers(1, CERTAIN, 2000), [1, CERTAIN - 1] * 50])
    bits = (generator.integers(0, CERTAIN, len(chances)) < chances).astype(np.int64)
    encoder = Encoder()
    code_chances(encoder.coder, chances, bits)
    decoder = RangeDecoder(encoder.finish())
    assert [decoder.chance(int(chance)) for chance in chances] == bits.tolist()
    assert decoder.finished()


@njit(cache=True, nogil=True)
def read_tokens(coder, contexts, values):
    for i in range(len(values)):
        values[i] = code_token(coder, contexts[i], 0)


def test_tokens():
    generator = np.random.default_rng(15)
    for count, scale in ((0, 1), (1, 9), (3000, 3), (2000, 400), (500, LARGEST)):
        contexts = np.sort(generator.integers(0, 7, count))
        values = np.minimum(generator.exponential(scale * (1 + contexts)), LARGEST).astype(np.int64)
        decoder = TokenDecoder(write(contexts, values, 7), 7)
        assert [decoder.number(int(context)) for context in contexts] == values.tolist()
        assert decoder.finished()


def test_one_number_forever_takes_all_slots():
    decoder = TokenDecoder(write([0] * 1000, [7] * 1000, 2), 2)
    assert decoder.tables[0][7] == 4096
    assert {decoder.number(0) for _ in range(1000)} == {7}
    assert decoder.finished()


def test_both_make_the_same_of_damaged_tokens():
    generator = np.random.default_rng(16)
    contexts = generator.integers(0, 3, 400)
    values = generator.integers(0, 1 << 12, 400) >> generator.integers(0, 12, 400)
    data = write(contexts, values, 3)
    read = 0
    for _ in range(60):
        damaged = bytearray(data[: generator.integers(len(data) // 2, len(data) + 1)])
        damaged[generator.integers(len(damaged))] ^= 1 << generator.integers(8)
        try:
            plain = TokenDecoder(bytes(damaged), 3)
        except ValueError:
            plain = None
        try:
            fast = AnsDecoder(bytes(damaged), 3)
        except BitstreamError:
            fast = None
        assert (plain is None) == (fast is None)
        if plain is None or fast is None:
            continue
        found = np.zeros(400, np.int64)
        read_tokens(fast.coder, contexts, found)
        assert [plain.number(int(context)) for context in contexts] == found.tolist()
        read += 1
    assert read > 20


def test_both_make_the_same_of_any_bytes():
    generator = np.random.default_rng(13)
    for size in (0, 1, 9, 200):
        data = generator.bytes(size)
        kinds = generator.integers(0, 8, 300)
        values = np.zeros(300, np.int64)
        code_mixture(Decoder(data).coder, new_contexts(60), kinds, values)
        contexts = [Context() for _ in range(60)]
        expected = list(reference_mixture(RangeDecoder(data), contexts, kinds))
        assert values.tolist() == expected


def test_examples_of_the_document():
    failed, tried = doctest.testfile(str(DOCUMENT), module_relative=False)
    assert tried > 20
    assert failed == 0
