"""Symbols to bytes and back: one range coder for adaptive binary contexts and shipped tables.

    contexts.py       what is learnt of a kind of decision
    coders.py         Encoder, Decoder, Estimator, Probe: the objects that Python code holds
    primitives.py     code_bit, code_bypass: the decisions that everything is made of
    binarisation.py   code_exp_golomb, code_unary, code_tree …: numbers made of decisions

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
from ivc.entropy.primitives import (
    code_bit,
    code_bypass,
    code_chunk,
    exhausted,
    is_decoder,
    report_fault,
    take_cost,
)

__all__ = [
    "COST_BITS",
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
    "code_tree",
    "code_unary",
    "exhausted",
    "is_decoder",
    "new_contexts",
    "probability_of_zero",
    "report_fault",
    "take_cost",
]
