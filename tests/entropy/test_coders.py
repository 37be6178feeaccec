"""The range coder: exact bytes, ends of streams, carries, hostile bytes, two processes."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit
from numba.core.errors import TypingError

from ivc.entropy import Decoder, Encoder, code_bit, code_chunk, exhausted, new_contexts
from ivc.errors import BitstreamError


@njit(cache=True, nogil=True)
def code_chunks(coder, counts, values):
    for j in range(len(counts)):
        values[j] = code_chunk(coder, values[j], counts[j])


@njit(cache=True, nogil=True)
def code_flags(coder, contexts, values):
    for j in range(len(values)):
        values[j] = code_bit(coder, contexts, j % len(contexts), values[j])


@njit(cache=True, nogil=True)
def count_until_exhausted(coder, limit):
    for j in range(limit):
        code_chunk(coder, 0, 16)
        if exhausted(coder):
            return j
    return limit


def chunks_to_bytes(counts, values):
    encoder = Encoder()
    code_chunks(encoder.coder, np.array(counts, np.int64), np.array(values, np.int64))
    return encoder.finish()


def bytes_to_chunks(data, counts):
    decoder = Decoder(data)
    values = np.zeros(len(counts), np.int64)
    code_chunks(decoder.coder, np.array(counts, np.int64), values)
    return decoder, values.tolist()


def flags_to_bytes(flags, contexts=1):
    encoder = Encoder()
    code_flags(encoder.coder, new_contexts(contexts), np.array(flags, np.int64))
    return encoder.finish()


def exact_chunks(counts, values):
    """The encoder of docs/entropy.md with one number of unlimited size, so without carries."""
    low, width, words, carries = 0, 2**64 - 1, 0, 0
    for count, value in zip(counts, values, strict=True):
        unit = width >> count
        before = low >> 64
        low, width = low + unit * value, unit
        carries += low >> 64 != before
        if width < 2**32:
            low, width, words = low << 32, width << 32, words + 1
    size = next(k for k in range(5) if -(-low >> (64 - 8 * k)) << (64 - 8 * k) < low + width)
    unit = 64 - 8 * size
    number = -(-low >> unit)
    return number.to_bytes(4 * words + size, "big") if words or size else b"", carries


def test_exact_bytes():
    assert chunks_to_bytes([], []) == b""
    assert chunks_to_bytes([0], [0]) == b""
    assert chunks_to_bytes([1], [0]) == b""
    assert chunks_to_bytes([1], [1]).hex() == "80"
    assert chunks_to_bytes([8], [0x5A]).hex() == "5a"
    assert chunks_to_bytes([16, 16], [0x1234, 0x5678]).hex() == "12345678"
    assert chunks_to_bytes([16] * 3, [0xFFFF] * 3).hex() == "fffffffffffe"
    assert flags_to_bytes([0]) == b""
    assert flags_to_bytes([1]).hex() == "80"
    assert flags_to_bytes([1, 0, 1, 1, 0, 0, 0, 1, 1, 1]).hex() == "968d"
    assert flags_to_bytes([0] * 1000) == b""
    assert flags_to_bytes([0] * 999 + [1]).hex() == "05f6"


def test_finish_may_be_called_again():
    encoder = Encoder()
    code_chunks(encoder.coder, np.array([16] * 9), np.arange(9))
    assert encoder.finish() == encoder.finish()


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 16), st.integers(0, 65535)), max_size=60))
def test_bytes_are_those_of_exact_arithmetic(pairs):
    counts = [count for count, _ in pairs]
    values = [value & ((1 << count) - 1) for count, value in pairs]
    data = chunks_to_bytes(counts, values)
    assert data == exact_chunks(counts, values)[0]
    assert len(data) <= sum(counts) / 8 + 1
    decoder, decoded = bytes_to_chunks(data, counts)
    assert decoded == values
    decoder.finish()


def test_carries_run_through_all_bytes_written():
    size = 400
    counts = [16] * (size // 2)
    # whatever these bytes decode to is coded by a number just below 0x80000…
    _, values = bytes_to_chunks(b"\x7f" + b"\xff" * (size - 1), counts)
    tail = [16] * 6
    data = chunks_to_bytes(counts + tail, values + [0xFFFF] * 6)
    expected, carries = exact_chunks(counts + tail, values + [0xFFFF] * 6)
    assert data == expected
    assert carries >= 1
    assert bytes_to_chunks(data, counts + tail)[1] == values + [0xFFFF] * 6


def test_many_chunks_with_carries():
    generator = np.random.default_rng(1)
    counts = generator.integers(0, 17, 20_000).tolist()
    values = [int(generator.integers(0, 1 << count)) for count in counts]
    expected, carries = exact_chunks(counts, values)
    assert carries > 100
    assert chunks_to_bytes(counts, values) == expected


def test_long_runs_cost_little_and_surprises_are_bounded():
    assert flags_to_bytes([0] * 100_000) == bytes(16)
    assert len(flags_to_bytes([1] * 100_000)) == 20
    alternating = flags_to_bytes(([0] * 2000 + [1]) * 50)
    assert len(alternating) < 50 * 6


def test_data_cut_or_extended_are_reported():
    counts = [16] * 64
    data = chunks_to_bytes(counts, list(range(40_000, 40_064)))
    for cut in (5, 17, len(data)):
        decoder, _ = bytes_to_chunks(data[:-cut], counts)
        with pytest.raises(BitstreamError, match="cut short"):
            decoder.finish()
    decoder, _ = bytes_to_chunks(data + bytes(5), counts)
    with pytest.raises(BitstreamError, match="damaged"):
        decoder.finish()


def test_exhausted_tells_soon_after_the_end():
    for size in (0, 1, 7, 8, 9, 100):
        decoder = Decoder(bytes(size))
        steps = count_until_exhausted(decoder.coder, 10_000)
        assert 2 * steps <= size + 12 and 2 * steps >= size - 2
        with pytest.raises(BitstreamError):
            decoder.finish()


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=64))
def test_any_bytes_decode(data):
    _, values = bytes_to_chunks(data, [16] * 20 + [0, 1, 5])
    assert all(0 <= value < 65536 for value in values)
    flags = np.full(500, 7, np.int64)
    code_flags(Decoder(memoryview(data)).coder, new_contexts(3), flags)
    assert set(flags.tolist()) <= {0, 1}
    with pytest.raises(BitstreamError):
        bytes_to_chunks(data, [16] * 40)[0].finish()


def test_decoding_in_another_process(tmp_path):
    flags = (np.random.default_rng(5).random(5000) < 0.2).astype(np.int64)
    path = tmp_path / "coded"
    path.write_bytes(flags_to_bytes(flags, contexts=7))
    script = (
        "import sys, numpy as np\n"
        "from numba import njit\n"
        "from ivc.entropy import Decoder, code_bit, new_contexts\n"
        "@njit\n"
        "def read(coder, contexts, values):\n"
        "    for j in range(len(values)):\n"
        "        values[j] = code_bit(coder, contexts, j % 7, 0)\n"
        "decoder = Decoder(open(sys.argv[1], 'rb').read())\n"
        "values = np.zeros(5000, np.uint8)\n"
        "read(decoder.coder, new_contexts(7), values)\n"
        "decoder.finish()\n"
        "sys.stdout.write(values.tobytes().hex())\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", script, path], capture_output=True, text=True, check=True
    )
    assert bytes.fromhex(result.stdout) == flags.astype(np.uint8).tobytes()


def peak_after(count, counts, values):
    resource = pytest.importorskip("resource")  # not on Windows
    for _ in range(count):
        encoder = Encoder()
        code_chunks(encoder.coder, counts, values)
        coder = encoder.coder
        del encoder
        code_chunks(coder, counts[:1], values[:1])  # the state outlives the object it came from
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def test_buffers_are_released():
    counts, values = np.full(1_000_000, 16), np.full(1_000_000, 77)
    before = peak_after(3, counts, values)
    assert peak_after(60, counts, values) - before < 50_000  # KiB; each has 2 MB


def test_threads_have_coders_of_their_own():
    counts = np.full(100_000, 16)
    rows = np.random.default_rng(3).integers(0, 65536, (4, len(counts)))
    with ThreadPoolExecutor(4) as pool:
        coded = list(pool.map(lambda row: chunks_to_bytes(counts, row), rows))
    assert coded == [chunks_to_bytes(counts, row) for row in rows]


def test_contexts_of_another_type_do_not_compile():
    with pytest.raises(TypingError, match="contiguous uint16"):
        code_flags(Encoder().coder, np.zeros((2, 4), np.int32), np.zeros(3, np.int64))


def test_primitives_say_where_they_belong():
    with pytest.raises(TypeError, match="numba"):
        code_bit(Encoder().coder, new_contexts(1), 0, 1)
