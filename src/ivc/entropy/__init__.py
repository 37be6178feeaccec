"""Symbols to bytes and back: one range coder for adaptive binary contexts and shipped tables.

    contexts.py       what is learnt of a kind of decision
    coders.py         Encoder, Decoder, Estimator, Probe: the objects that Python code holds
    primitives.py     code_bit, code_bypass: the decisions that everything is made of
    binarisation.py   code_exp_golomb, code_unary, code_tree …: numbers made of decisions
    tables.py         CdfTables: integer distributions that a codec ships; families.py makes some
    symbols.py        code_symbol, encode_symbols, decode_symbols: symbols coded by tables
    ans.py            code_token: numbers in tables made from counts, for fast codecs
    fields.py         headers of payloads: a dataclass of integers to bytes and back
    memory.py         words at addresses and growing buffers, for the kernels only

The format of the bytes is specified in docs/entropy.md.
"""

from ivc.entropy.binarisation import (
    code_adaptive_exp_golomb,
    code_bits,
    code_exp_golomb,
    code_signed_exp_golomb,
    code_tree,
    code_unary,
)
from ivc.entropy.coders import (
    Decoder,
    DecoderState,
    Encoder,
    EncoderState,
    Estimator,
    EstimatorState,
    Probe,
    ProbeState,
)
from ivc.entropy.contexts import COST_BITS, adapt, bit_cost, new_contexts, probability_of_zero
from ivc.entropy.families import gaussian_tables, laplace_tables, logistic_tables
from ivc.entropy.primitives import (
    code_bit,
    code_bypass,
    code_chunk,
    exhausted,
    is_decoder,
    report_fault,
    take_cost,
)
from ivc.entropy.symbols import code_symbol, code_symbols, decode_symbols, encode_symbols
from ivc.entropy.tables import CdfTables, quantise_pmf
from ivc.kernels import discard_stale

discard_stale()

__all__ = [
    "COST_BITS",
    "CdfTables",
    "Decoder",
    "DecoderState",
    "Encoder",
    "EncoderState",
    "Estimator",
    "EstimatorState",
    "Probe",
    "ProbeState",
    "adapt",
    "bit_cost",
    "code_adaptive_exp_golomb",
    "code_bit",
    "code_bits",
    "code_bypass",
    "code_chunk",
    "code_exp_golomb",
    "code_signed_exp_golomb",
    "code_symbol",
    "code_symbols",
    "code_tree",
    "code_unary",
    "decode_symbols",
    "encode_symbols",
    "exhausted",
    "gaussian_tables",
    "is_decoder",
    "laplace_tables",
    "logistic_tables",
    "new_contexts",
    "probability_of_zero",
    "quantise_pmf",
    "report_fault",
    "take_cost",
]
