"""``ivc.entropy`` beside *constriction*: bytes for the same symbols, and speed on one core.

    python benchmarks/entropy.py [--runs 5] [--symbols 1000000] [--json OUT]

* ``static table``: one table for all symbols, the same integer frequencies for both.
* ``chosen table``: each symbol has one of 64 tables, the same frequencies for both.
  constriction has no such choice, so it is handed a row of probabilities with each symbol.
* ``Gaussian``: each symbol has a scale; ivc takes the nearest of 64 shipped tables, constriction
  computes its Gaussian model from the exact scale.
* ``decisions``: binary decisions in 64 adaptive contexts, beside the entropy of their source.

Speeds are medians over the runs, in millions a second of CPU time, after one run to warm up.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import time
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

import constriction
import numba
import numpy as np
from numba import njit

from ivc.entropy import (
    CdfTables,
    Decoder,
    Encoder,
    Estimator,
    code_bit,
    code_symbols,
    gaussian_tables,
    new_contexts,
)

SCALES = np.exp(np.linspace(np.log(0.11), np.log(16.0), 64))
REACH = 127


@njit(cache=True, nogil=True)
def code_decisions(coder, contexts, indices, bits):
    for j in range(len(bits)):
        bits[j] = code_bit(coder, contexts, indices[j], bits[j])


def median_seconds(runs: int, action: Callable[[], Any]) -> tuple[float, Any]:
    """Median CPU time of ``runs`` calls after one more, and what the last call returned."""
    action()
    seconds = []
    for _ in range(runs):
        start = time.process_time()
        result = action()
        seconds.append(time.process_time() - start)
    return statistics.median(seconds), result


def measure(
    runs: int, count: int, encode: Callable[[], Any], decode: Callable[[Any], Any], size: Any
) -> tuple[dict[str, float], Any]:
    encode_seconds, data = median_seconds(runs, encode)
    decode_seconds, decoded = median_seconds(runs, lambda: decode(data))
    row = {
        "bytes": size(data),
        "encode_millions_per_second": round(count / encode_seconds / 1e6, 1),
        "decode_millions_per_second": round(count / decode_seconds / 1e6, 1),
    }
    return row, decoded


def with_ivc(runs: int, symbols: np.ndarray, indices: np.ndarray, tables: CdfTables) -> dict:
    def encode() -> bytes:
        encoder = Encoder()
        code_symbols(encoder.coder, tables.state, indices, symbols)
        return encoder.finish()

    def decode(data: bytes) -> np.ndarray:
        decoder = Decoder(data)
        decoded = np.zeros_like(symbols)
        code_symbols(decoder.coder, tables.state, indices, decoded)
        decoder.finish()
        return decoded

    row, decoded = measure(runs, len(symbols), encode, decode, len)
    assert (decoded == symbols).all()
    estimator = Estimator()
    code_symbols(estimator.coder, tables.state, indices, symbols)
    row["estimated_bytes"] = round(estimator.bits / 8)
    return row


def with_constriction(runs: int, symbols: np.ndarray, model: Any, *parameters: Any) -> dict:
    def encode() -> np.ndarray:
        encoder = constriction.stream.queue.RangeEncoder()
        encoder.encode(symbols, model, *parameters)
        return encoder.get_compressed()

    def decode(words: np.ndarray) -> np.ndarray:
        decoder = constriction.stream.queue.RangeDecoder(words)
        return decoder.decode(model, *(parameters or (len(symbols),)))

    row, decoded = measure(runs, len(symbols), encode, decode, lambda words: words.nbytes)
    assert (decoded == symbols).all()
    return row


def draw(generator: np.random.Generator, scales: np.ndarray) -> np.ndarray:
    symbols = np.rint(generator.normal(size=len(scales)) * scales)
    return np.clip(symbols, -REACH, REACH).astype(np.int32)


def compare_static(runs: int, count: int, generator: np.random.Generator) -> dict:
    wide = gaussian_tables([4.0], tail=1e-9)
    tables = CdfTables([wide.frequencies[0]])
    symbols = draw(generator, np.full(count, 4.0)) - np.int32(wide.offsets[0])
    symbols = np.clip(symbols, 0, len(tables.frequencies[0]) - 1)
    probabilities = tables.frequencies[0] / 65536
    model = constriction.stream.model.Categorical(probabilities, perfect=False)
    return {
        "ivc": with_ivc(runs, symbols, np.zeros(count, np.int32), tables),
        "constriction": with_constriction(runs, symbols, model),
    }


def compare_chosen(runs: int, count: int, generator: np.random.Generator) -> dict:
    # a row of probabilities a symbol takes memory, so fewer symbols and narrower tables
    count = min(count, 200_000)
    wide = gaussian_tables(np.minimum(SCALES, 4.0).tolist(), tail=1e-3)
    entries = max(len(row) for row in wide.frequencies)
    frequencies = []
    for row in wide.frequencies:
        padded = np.ones(entries, np.int64)
        padded[: len(row)] = row
        padded[np.argmax(padded)] -= padded.sum() - 65536
        frequencies.append(padded)
    tables = CdfTables(frequencies)
    indices = generator.integers(0, len(tables), count).astype(np.int32)
    symbols = draw(generator, np.minimum(SCALES, 4.0)[indices]) - wide.offsets[indices]
    symbols = np.clip(symbols, 0, entries - 1).astype(np.int32)
    probabilities = (np.array(frequencies) / 65536)[indices]
    model = constriction.stream.model.Categorical(perfect=False)
    return {
        "ivc": with_ivc(runs, symbols, indices, tables),
        "constriction": with_constriction(runs, symbols, model, probabilities),
    }


def compare_gaussian(runs: int, count: int, generator: np.random.Generator) -> dict:
    tables = gaussian_tables(SCALES.tolist())
    indices = generator.integers(0, len(SCALES), count).astype(np.int32)
    scales = SCALES[indices]
    symbols = draw(generator, scales)
    model = constriction.stream.model.QuantizedGaussian(-REACH, REACH)
    return {
        "ivc": with_ivc(runs, symbols, indices, tables),
        "constriction": with_constriction(runs, symbols, model, np.zeros(count), scales),
    }


def time_decisions(runs: int, count: int, generator: np.random.Generator) -> dict:
    chances = generator.random(64)
    indices = generator.integers(0, 64, count).astype(np.int32)
    bits = (generator.random(count) < chances[indices]).astype(np.uint8)

    def encode() -> bytes:
        encoder = Encoder()
        code_decisions(encoder.coder, new_contexts(64), indices, bits)
        return encoder.finish()

    def decode(data: bytes) -> np.ndarray:
        decoder = Decoder(data)
        decoded = np.zeros_like(bits)
        code_decisions(decoder.coder, new_contexts(64), indices, decoded)
        decoder.finish()
        return decoded

    row, decoded = measure(runs, count, encode, decode, len)
    assert (decoded == bits).all()
    estimator = Estimator()
    code_decisions(estimator.coder, new_contexts(64), indices, bits)
    row["estimated_bytes"] = round(estimator.bits / 8)
    p = chances[indices]
    row["entropy_bytes"] = round(float(-np.log2(np.where(bits, p, 1 - p)).sum()) / 8)
    return {"ivc": row}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--symbols", type=int, default=1_000_000)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    generator = np.random.default_rng(2026)
    tasks = {
        "static table": compare_static,
        "chosen table": compare_chosen,
        "Gaussian": compare_gaussian,
        "decisions": time_decisions,
    }
    results = {}
    for name, task in tasks.items():
        rows = task(arguments.runs, arguments.symbols, generator)
        if "constriction" in rows:
            rows["size_ratio"] = round(rows["ivc"]["bytes"] / rows["constriction"]["bytes"], 6)
        results[name] = rows
        print(name, json.dumps(rows, indent=2))
    if arguments.json:
        report = {
            "runs": arguments.runs,
            "symbols": arguments.symbols,
            "versions": {
                "python": platform.python_version(),
                "numba": numba.__version__,
                "numpy": np.__version__,
                "constriction": metadata.version("constriction"),
            },
            "machine": platform.machine(),
            "results": results,
        }
        arguments.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
