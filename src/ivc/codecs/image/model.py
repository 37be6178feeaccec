"""The networks of the ``image`` codec at work, tile by tile, behind functions on plain arrays.

Members of the bundle, ``L`` being a level from 1 to ``SHARED_LEVEL``:

    L.trunk   exact   features and coefficients of the coarser level, step ──► features
    L.pass0 … exact   features, coefficients coded before ──► logits
    L.predict float   the picture decoded so far, step ──► details (may be absent: zeros)
    synthesis float   the whole picture, step ──► what it lacks    (may be absent: nothing)
    contexts  table   first probability of each decision, uint16; see ``contexts``
    steps     table   (LEVELS + 1, 2) int16, what is added to the index of the quantisation step at
                      each level (the last row: coarsest picture), luma and chroma
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from ivc.codecs.image.constants import BUCKETS, FLAGS, LEVELS, SHARED_LEVEL, SURROUNDINGS
from ivc.codecs.image.passes import ALL_BANDS, GROUPS, PASSES
from ivc.codecs.image.syntax import GROUP
from ivc.entropy import new_contexts
from ivc.errors import ModelError
from ivc.nets import reference
from ivc.nets.bundle import Bundle
from ivc.nets.floats import run_float
from ivc.nets.network import Network
from ivc.nets.tiles import Box, tiles, widened

Int32 = npt.NDArray[np.int32]
Float32 = npt.NDArray[np.float32]

_COUNT, _FAST, _SLOW = 60, 4, 7
_CONTEXTS = (GROUPS, SURROUNDINGS, FLAGS, BUCKETS)
NETWORK_TILE = 128
"""Side of what networks are run on at once; results do not depend on it."""
PASS_HALO = 2
_TRUNK_HALO, _SYNTHESIS_HALO, _PREDICTION_HALO = 2, 16, 8


class Session(Protocol):
    """Something that runs an exact network."""

    def run(self, inputs: Mapping[str, npt.NDArray[np.integer]]) -> dict[str, Int32]:
        """As ``ivc.nets.reference.run``."""


class ReferenceSession:
    """The definition of an exact network as a session."""

    def __init__(self, network: Network) -> None:
        self.network = network

    def run(self, inputs: Mapping[str, npt.NDArray[np.integer]]) -> dict[str, Int32]:
        """See ``ivc.nets.reference.run``."""
        return reference.run(self.network, inputs)


class ImageModel:
    """All networks of a bundle.

    Args:
        bundle: the weights.
        threads: threads within an operator.
        arithmetic: ``float32`` (ONNX Runtime), ``float64`` (PyTorch, extra ``train``) or ``int64``
            (the NumPy definition); exact networks return the same integers in each.
    """

    def __init__(self, bundle: Bundle, threads: int = 1, arithmetic: str = "float32") -> None:
        self.bundle, self.threads, self.arithmetic = bundle, threads, arithmetic
        self._exact: dict[str, Session] = {}
        self.steps = bundle.array("steps")
        if self.steps.shape != (LEVELS + 1, 2) or self.steps.dtype != np.int16:
            raise ModelError("the model's table of steps is not that of the image codec")
        self.widths: dict[int, int] = {}
        for level in range(1, SHARED_LEVEL + 1):
            tensors = bundle.network(f"{level}.trunk").tensors
            if "features_out" not in tensors:
                raise ModelError(f"the model's network {level}.trunk is not one of the image codec")
            self.widths[level] = tensors["features_out"].channels

    def _session(self, name: str) -> Session:
        if name not in self._exact:
            self._exact[name] = self._open(name)
        return self._exact[name]

    def _check(self, name: str) -> None:
        """Raise ModelError unless an exact network has the inputs and outputs that it must have."""
        network = self.bundle.network(name)
        level, _, what = name.partition(".")
        own, other = self.widths[int(level)], self.widths[SHARED_LEVEL]
        if what == "trunk":
            inputs = {"features": other, "coefficients": 2 * len(ALL_BANDS), "step": 1}
            output, low, high, factor = ("features_out", own), 0, 255, 2
        else:
            part = PASSES[int(what.removeprefix("pass"))]
            inputs = {"features": own}
            if part.knows:
                inputs["coefficients"] = 2 * len(part.knows)
            output, low, high = ("logits", FLAGS * len(part.codes)), -BUCKETS, BUCKETS - 1
            factor = 1
        found = network.tensors.get(output[0])
        if (
            {key: info.channels for key, info in network.inputs.items()} != inputs
            or list(network.outputs) != [output[0]]
            or found is None
            or found.channels != output[1]
            or not low <= found.low <= found.high <= high
            or network.sizes(dict.fromkeys(inputs, (9, 7)))[output[0]] != (9 * factor, 7 * factor)
        ):
            raise ModelError(f"the model's network {name} is not one of the image codec")

    def _open(self, name: str) -> Session:
        self._check(name)
        if self.arithmetic == "int64":
            return ReferenceSession(self.bundle.network(name))
        if self.arithmetic == "float64":
            from ivc.nets.proof import Arithmetic
            from ivc.nets.torch import TorchSession

            return TorchSession(self.bundle.network(name), arithmetic=Arithmetic.FLOAT64)
        return self.bundle.exact(name, self.threads)

    def contexts(self) -> npt.NDArray[np.uint16]:
        """Fresh contexts for all groups of all levels."""
        table = self.bundle.array("contexts")
        if table.shape != _CONTEXTS or table.dtype != np.uint16 or not table.all():
            raise ModelError("the model's table of contexts is not that of the image codec")
        contexts = new_contexts(GROUPS * GROUP)
        rows = contexts.reshape(GROUPS, GROUP, 4)
        count = SURROUNDINGS * FLAGS * BUCKETS
        zero = table.reshape(GROUPS, count)
        rows[:, :count, 0] = zero
        rows[:, :count, 1] = zero - 1
        rows[:, :count, 2] = _COUNT
        rows[:, :count, 3] = _FAST + 16 * _SLOW
        return contexts

    def trunk(
        self,
        level: int,
        features: npt.NDArray[np.uint8],
        coefficients: Callable[[Box], Int32],
        step: int,
        size: tuple[int, int],
    ) -> npt.NDArray[np.uint8]:
        """Features of a level.

        Args:
            level: 1 is the finest.
            features: (C, h, w) of the coarser level.
            coefficients: gives what networks see of its coefficients in a box, (18, h, w).
            step: ``constants.step_feature``.
            size: (H, W) of this level, at most (2h, 2w).

        Returns:
            (C', H, W).
        """
        session = self._session(f"{min(level, SHARED_LEVEL)}.trunk")
        height, width = features.shape[1:]
        out = np.empty((self.widths[min(level, SHARED_LEVEL)], *size), np.uint8)
        for box in tiles(height, width, NETWORK_TILE // 2):
            outer, inner = widened(box, _TRUNK_HALO, height, width)
            piece = features[:, *outer].astype(np.int32)
            inputs = {
                "features": piece[None],
                "coefficients": coefficients(outer)[None],
                "step": np.full((1, 1, *piece.shape[1:]), step, np.int32),
            }
            result = session.run(inputs)["features_out"][0]
            y, x = 2 * box[0].start, 2 * box[1].start
            part = out[:, y : 2 * box[0].stop, x : 2 * box[1].stop]
            top, left = 2 * inner[0].start, 2 * inner[1].start
            part[:] = result[:, top : top + part.shape[1], left : left + part.shape[2]]
        return out

    def logits(
        self, level: int, index: int, features: npt.NDArray[np.uint8], coefficients: Int32 | None,
        inner: Box,
    ) -> Int32:  # fmt: skip
        """Outputs of a pass for one tile.

        Args:
            level: 1 is the finest.
            index: of the pass.
            features: (C, h, w), the tile of this level's features with its margin.
            coefficients: (n, h, w), the same of the coefficients coded before; None for none.
            inner: where the tile lies within.

        Returns:
            (bands · FLAGS, H, W) for the tile.
        """
        session = self._session(f"{min(level, SHARED_LEVEL)}.pass{index}")
        height, width = features.shape[1:]
        out: Int32 | None = None
        for box in tiles(height, width, NETWORK_TILE):
            outer, inside = widened(box, PASS_HALO, height, width)
            inputs = {"features": features[None, :, *outer].astype(np.int32)}
            if coefficients is not None:
                inputs["coefficients"] = np.ascontiguousarray(coefficients[None, :, *outer])
            result = session.run(inputs)["logits"][0]
            if out is None:
                out = np.empty((result.shape[0], height, width), np.int32)
            out[:, *box] = result[:, *inside]
        assert out is not None
        return np.ascontiguousarray(out[:, *inner])

    def predicts(self, level: int) -> bool:
        """Whether the model predicts details of a level."""
        return f"{min(level, SHARED_LEVEL)}.predict.onnx" in self.bundle

    def predict(
        self, level: int, coarse: Float32, step: float, box: Box, *, threads: int = 1
    ) -> Float32:
        """Predicted details of one tile of a level.

        Args:
            level: 1 is the finest.
            coarse: (3, H, W), the decoded coarse picture of this level.
            step: logarithm of the quantisation step to base 2.
            box: the tile.
            threads: of the network.

        Returns:
            (9, h, w): vertical, horizontal and diagonal details of each plane.
        """
        name = f"{min(level, SHARED_LEVEL)}.predict"
        session = self.bundle.floats(name, threads)
        outer, inner = widened(box, _PREDICTION_HALO, *coarse.shape[1:])
        scale = np.float32(32 * 2.0**level)
        inputs = {
            "coarse": coarse[None, :, *outer] / scale,
            "step": np.full((1, 1, 1, 1), step - level, np.float32),
        }
        details = self._floats(session, inputs, "details", (9, *inputs["coarse"].shape[2:]))
        return details[:, *inner] * scale

    def _floats(
        self, session: Any, inputs: Mapping[str, Float32], output: str, shape: tuple[int, ...]
    ) -> Float32:
        """The output of a float network, of that shape and without what is no number."""
        result = run_float(session, inputs).get(output)
        if result is None or result.shape != (1, *shape) or result.dtype != np.float32:
            raise ModelError(f"the model's network for {output} is not one of the image codec")
        return np.nan_to_num(result[0], posinf=0.0, neginf=0.0)

    def synthesise(self, planes: Float32, step: float) -> None:
        """Add to the decoded planes (3, H, W) what they lack, in place."""
        if "synthesis.onnx" not in self.bundle:
            return
        session = self.bundle.floats("synthesis", self.threads)
        height, width = planes.shape[1:]
        source = np.pad(planes, ((0, 0), (0, height % 2), (0, width % 2)), mode="edge")
        source /= np.float32(32)
        level = np.full((1, 1, 1, 1), np.log2(step), np.float32)
        for box in tiles(height, width, 256):
            outer, inner = widened(box, _SYNTHESIS_HALO, *source.shape[1:])
            piece = np.ascontiguousarray(source[None, :, *outer])
            inputs = {"planes": piece, "step": level}
            result = self._floats(session, inputs, "residual", piece.shape[1:])
            part = planes[:, *box]
            part += result[:, *inner][:, : part.shape[1], : part.shape[2]] * np.float32(step)
