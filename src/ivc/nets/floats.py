"""Float networks, which may only paint pixels: nothing later in a stream may depend on them.

Their results may differ in the last bits between machines, thread counts and tile sizes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from ivc.errors import ModelError, UsageError
from ivc.nets.tiles import tiles, widened

Float32 = npt.NDArray[np.float32]


def run_float(session: Any, inputs: Mapping[str, Float32]) -> dict[str, Float32]:
    """Run a float network.

    Args:
        session: from ``ivc.nets.runtime.open_session``, which also sets the number of threads.
        inputs: float32 arrays by the graph's input names.

    Returns:
        All outputs by name.

    Raises:
        ModelError: when the arrays do not fit the graph.
    """
    names = [item.name for item in session.get_outputs()]
    try:
        results = session.run(names, dict(inputs))
    except Exception as error:  # ONNX Runtime's own classes share no narrower base
        line = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ModelError(f"the network cannot be run on these arrays: {line}") from error
    return dict(zip(names, results, strict=True))


def tiled(
    run: Callable[[npt.NDArray[Any]], npt.NDArray[Any]],
    array: npt.NDArray[Any],
    tile: int,
    overlap: int,
) -> npt.NDArray[Any]:
    """Run a network piece by piece, so that memory does not grow with the picture.

    Every tile is run with ``overlap`` more rows and columns on each side where the picture has
    them, and that margin of the result is thrown away. With a margin of at least the network's
    receptive radius, tiles of exact networks join to exactly the untiled result.

    Args:
        run: maps (N, C, h, w) to (N, C', h·s, w·s) for a whole number s.
        array: the picture, shape (N, C, H, W).
        tile: height and width of a tile without its margin; a multiple of the network's strides.
        overlap: width of the margin; likewise a multiple.

    Returns:
        The joined result, shape (N, C', H·s, W·s).

    Raises:
        UsageError: when tile or overlap cannot be.
        ModelError: when ``run`` returns another size than a whole multiple.
    """
    if tile < 1 or overlap < 0:
        raise UsageError(f"tiles of {tile} with an overlap of {overlap} cannot be")
    height, width = array.shape[2:]
    joined: npt.NDArray[Any] | None = None
    for box in tiles(height, width, tile):
        outer, inner = widened(box, overlap, height, width)
        piece = array[:, :, *outer]
        result = run(np.ascontiguousarray(piece))
        scale = result.shape[2] // piece.shape[2]
        if result.shape[2:] != (piece.shape[2] * scale, piece.shape[3] * scale) or not scale:
            raise ModelError(
                f"a tile of {piece.shape[2]}x{piece.shape[3]} became "
                f"{result.shape[2]}x{result.shape[3]}, which is no whole multiple"
            )
        if joined is None:
            shape = (*result.shape[:2], height * scale, width * scale)
            joined = np.empty(shape, result.dtype)
        target = tuple(slice(side.start * scale, side.stop * scale) for side in box)
        source = tuple(slice(side.start * scale, side.stop * scale) for side in inner)
        joined[:, :, *target] = result[:, :, *source]
    assert joined is not None
    return joined
