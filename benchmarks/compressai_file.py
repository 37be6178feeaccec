"""One picture to a file and back with a model of CompressAI, for a suite of ``ivc bench``.

    PYTHON benchmarks/compressai_file.py encode MODEL QUALITY IN.ppm OUT.bin
    PYTHON benchmarks/compressai_file.py decode MODEL QUALITY IN.bin OUT.ppm

PYTHON is an interpreter with CompressAI, which does not live beside ivc's own dependencies.
Pretrained weights are loaded from its cache, or downloaded by it; ``--random`` takes random ones,
whose files are good for timing only. In a suite:

    [commands.mbt2018]
    encode = "PYTHON benchmarks/compressai_file.py encode mbt2018 {setting} {input} {output}"
    decode = "PYTHON benchmarks/compressai_file.py decode mbt2018 {setting} {input} {output}"
    ladder = [1, 2, 3, 4, 5, 6, 7, 8]
    clips = false

The file: width, height and the shape of the hyperlatent as 16-bit numbers, then each string after
its length in 32 bits; little-endian.
"""

from __future__ import annotations

import argparse
import os
import struct
from pathlib import Path
from typing import Any

from compressai_worker import stub

STRIDE = 64  # of the coarsest latents


def load(name: str, quality: int, *, random: bool) -> Any:
    stub("torchvision", "transforms", "transforms.functional", "datasets", "models", "io", "utils")
    import torch
    from compressai import zoo

    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    torch.manual_seed(0)
    net = getattr(zoo, name)(quality, pretrained=not random).eval()
    net.update()
    return net


def encode(net: Any, source: Path, target: Path) -> None:
    import numpy as np
    import torch
    from PIL import Image

    picture = np.asarray(Image.open(source).convert("RGB"), np.float32) / 255
    height, width = picture.shape[:2]
    x = torch.from_numpy(picture).permute(2, 0, 1)[None]
    padding = (0, -width % STRIDE, 0, -height % STRIDE)
    x = torch.nn.functional.pad(x, padding, mode="replicate")
    with torch.no_grad():
        coded = net.compress(x)
    parts = [group[0] for group in coded["strings"]]
    data = struct.pack("<4H", width, height, *coded["shape"])
    target.write_bytes(data + b"".join(struct.pack("<I", len(part)) + part for part in parts))


def decode(net: Any, source: Path, target: Path) -> None:
    import numpy as np
    import torch
    from PIL import Image

    data = source.read_bytes()
    width, height, *shape = struct.unpack_from("<4H", data)
    strings, at = [], 8
    while at < len(data):
        (size,) = struct.unpack_from("<I", data, at)
        strings.append([data[at + 4 : at + 4 + size]])
        at += 4 + size
    with torch.no_grad():
        x = net.decompress(strings, tuple(shape))["x_hat"][0, :, :height, :width]
    picture = (x.clamp(0, 1) * 255).round().permute(1, 2, 0).numpy().astype(np.uint8)
    Image.fromarray(picture).save(target)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("verb", choices=("encode", "decode"))
    parser.add_argument("model")
    parser.add_argument("quality", type=int)
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--random", action="store_true", help="random weights, for timing only")
    options = parser.parse_args()
    net = load(options.model, options.quality, random=options.random)
    (encode if options.verb == "encode" else decode)(net, options.source, options.target)


if __name__ == "__main__":
    main()
