"""The plain decoder, written from the specification, reads what the fast encoder writes."""

import doctest
from pathlib import Path

import numpy as np
from test_primitives import code_mixture

from ivc.entropy import Decoder, Encoder, encode_symbols, laplace_tables, new_contexts
from ivc.reference.entropy import Context, RangeDecoder

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
