"""CompressAI's codecs behind a pipe, for ``image_speed.py``; runs in an interpreter of its own.

Reads one JSON object a line, ``{"model", "quality", "threads"}``, codes the picture given as an
``.npy`` file once each way, and answers with seconds and bytes. The weights are random: time does
not depend on them much, and pretrained ones cannot be downloaded everywhere. torchvision, which
CompressAI imports but compression does not use, is replaced by an empty module where it is missing.
"""

from __future__ import annotations

import importlib.machinery
import importlib.util
import json
import sys
import time
import types
from typing import Any


class _Empty(types.ModuleType):
    """A package in which every name is a class that does nothing."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (), {})


def stub(package: str, *parts: str) -> None:
    if importlib.util.find_spec(package):
        return
    for name in (package, *(f"{package}.{part}" for part in parts)):
        module = _Empty(name)
        module.__path__ = []
        module.__spec__ = importlib.machinery.ModuleSpec(name, None)
        sys.modules[name] = module


def main() -> None:
    stub("torchvision", "transforms", "transforms.functional", "datasets", "models", "io", "utils")
    import compressai
    import numpy as np
    import torch
    from compressai import zoo

    torch.manual_seed(0)
    picture = torch.from_numpy(np.load(sys.argv[1]).astype(np.float32) / 255)
    x = picture.permute(2, 0, 1)[None].contiguous()
    nets: dict[tuple[str, int], Any] = {}
    about = {"compressai": compressai.__version__, "torch": torch.__version__}
    print(json.dumps(about | {"numpy": np.__version__}), flush=True)
    for line in sys.stdin:
        job = json.loads(line)
        key = job["model"], job["quality"]
        if key not in nets:
            net = getattr(zoo, job["model"])(job["quality"], pretrained=False).eval()
            net.update()
            nets[key] = net
        torch.set_num_threads(job["threads"])
        with torch.no_grad():
            start = time.perf_counter()
            coded = nets[key].compress(x)
            middle = time.perf_counter()
            nets[key].decompress(coded["strings"], coded["shape"])
            end = time.perf_counter()
        size = sum(len(part) for group in coded["strings"] for part in group)
        print(
            json.dumps({"encode": middle - start, "decode": end - middle, "bytes": size}),
            flush=True,
        )


if __name__ == "__main__":
    main()
