"""Rate-distortion curves of a model: estimated from its forward pass, and of files on disk."""

from __future__ import annotations

import copy
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from ivc.codecs.image.constants import LEVELS
from ivc.errors import ModelError
from ivc.nets.torch import set_rounding
from ivc.train.data import Picture, read_picture
from ivc.train.image.coding import Rounding, code
from ivc.train.image.colour import to_planes, to_rgb
from ivc.train.image.networks import Networks, Synthesis
from ivc.train.image.stages import finish, is_rounding
from ivc.train.outcome import Point


@torch.no_grad()
def estimate(
    networks: Networks,
    synthesis: Synthesis | None,
    files: Sequence[Path],
    steps: Sequence[float],
    rounding: Rounding,
    check: Callable[[], None] = lambda: None,
) -> list[Point]:
    """Mean bits per pixel, without the coarsest picture and the header, and mean PSNR-RGB.

    Args:
        networks: still without rounding, they are measured as they would round now.
        synthesis: None leaves it out.
        files: pictures; continued by their last row and column to whole blocks.
        steps: quantisation steps, in 8-bit units.
        rounding: of the encoder.
        check: called between pictures; may raise to stop.

    Raises:
        MediaError: when a picture cannot be read.
    """
    networks = rounded(networks)
    device = next(networks.parameters()).device
    # on a GPU, eval() keeps to slow strict kernels; an estimate can do without them
    networks.train(device.type != "cpu")
    sums = np.zeros((len(steps), 2))
    for path in files:
        picture = torch.from_numpy(read_picture(path).transpose(2, 0, 1)[None].copy())
        padded = to_planes(_padded(picture.to(device)))
        for index, value in enumerate(steps):
            check()
            step = torch.tensor([value], dtype=torch.float32, device=device)
            coded = code(networks, padded, step, rounding)
            shown = to_rgb(finish(synthesis, coded.planes, step))
            height, width = picture.shape[-2:]
            decoded = shown[..., :height, :width].round().clamp(0, 255).cpu()
            bpp = float(coded.bits.sum()) / (height * width)
            sums[index] += bpp, psnr(picture.numpy(), decoded.numpy())
    means = sums / max(1, len(files))
    return [Point(s, float(b), float(p)) for s, (b, p) in zip(steps, means, strict=True)]


def rounded(networks: Networks) -> Networks:
    """The networks as they would be if rounding were switched on now; themselves if it is on."""
    if is_rounding(networks):
        return networks
    copied = copy.deepcopy(networks)
    set_rounding(copied, True)
    return copied


def _padded(pixels: Tensor) -> Tensor:
    """Pixels (1, 3, H, W), continued to multiples of the coarsest level's size."""
    block = 2**LEVELS
    height, width = pixels.shape[-2:]
    missing = (0, -width % block, 0, -height % block)
    return functional.pad(pixels.float(), missing, mode="replicate")


def psnr(reference: Picture, test: np.ndarray) -> float:
    """PSNR-RGB of 8-bit pictures of the same shape in dB, at most 99."""
    mse = float(np.mean((reference.astype(np.float64) - test.astype(np.float64)) ** 2))
    return 99.0 if mse == 0 else min(99.0, 10 * float(np.log10(255**2 / mse)))


def measure_files(model: Path, files: Sequence[Path], qualities: Sequence[float]) -> list[Point]:
    """The same means from files on disk, which another process decodes.

    Args:
        model: folder of an exported model.
        files: pictures.
        qualities: 0 to 100.

    Raises:
        IvcError: when a file cannot be encoded.
        ModelError: when one cannot be decoded.
    """
    import ivc

    points = []
    with tempfile.TemporaryDirectory() as folder:
        coded, back, source = (Path(folder) / name for name in ("a.ivc", "b.png", "s.png"))
        for quality in qualities:
            sums = np.zeros(2)
            for path in files:
                picture = read_picture(path)
                _write(source, picture)
                ivc.encode(source, coded, profile="image", model=model, quality=quality)
                command = [sys.executable, "-m", "ivc", "decode", str(coded), "-o", str(back)]
                done = subprocess.run(
                    [*command, "--model", str(model), "--quiet"], capture_output=True, text=True
                )
                if done.returncode:
                    raise ModelError(f"{path} does not decode with {model}: {done.stderr.strip()}")
                pixels = picture.shape[0] * picture.shape[1]
                sums += coded.stat().st_size * 8 / pixels, psnr(picture, read_picture(back))
            bpp, quality_db = sums / len(files)
            points.append(Point(quality, float(bpp), float(quality_db)))
    return points


def _write(path: Path, picture: Picture) -> None:
    from PIL import Image

    Image.fromarray(picture).save(path)
