"""Golden files of all codec versions decode to the same symbols and samples for ever."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ivc.reference.container import Container

from .make import FOLDER, FORMATS, INPUTS, cases, decoded_samples, digest, pattern

GOLDEN = json.loads((FOLDER / "golden.json").read_text())


def test_every_file_is_listed_and_every_codec_has_one():
    from ivc.codecs import CODECS

    assert {path.stem for path in (FOLDER / "files").glob("*.ivc")} == set(GOLDEN)
    for profile in CODECS:
        version = profile.load().version
        name = profile.name.rpartition("/")[2]
        assert any(key.startswith(f"{name}-{version}-") for key in GOLDEN)


@pytest.mark.parametrize("name", sorted(GOLDEN))
def test_decodes_as_recorded(name):
    assert digest(FOLDER / "files" / f"{name}.ivc") == GOLDEN[name]


@pytest.mark.parametrize("name", sorted(set(GOLDEN) - {"dpcm-1-encrypted"}))
def test_the_plain_reader_finds_the_same_layers(name):
    """The reader that was written from docs/bitstream.md alone."""
    found = Container((FOLDER / "files" / f"{name}.ivc").read_bytes())
    layers = hashlib.sha256()
    for segment in found.segments:
        for number, record in sorted(segment["layers"].items()):
            layers.update(bytes([number]) + record["payload"])
    for kind, data, _ in found.attachments:
        layers.update(bytes([kind]) + data)
    assert layers.hexdigest() == GOLDEN[name]["layers_sha256"]
    assert [pts for segment in found.segments for pts in segment["pts"]] == GOLDEN[name]["pts"]


@pytest.mark.parametrize("name", sorted(name for name in GOLDEN if name.startswith("image-")))
def test_painted_samples_are_met_within_one_code_value(name):
    path = FOLDER / "files" / f"{name}.ivc"
    with np.load(path.with_suffix(".npz")) as kept:
        for found, file in zip(decoded_samples(path), kept.files, strict=True):
            expected = kept[file].astype(int)
            unit = 1 if found.dtype == np.uint8 else 1 << (FORMATS[name.split("-")[2]][0].depth - 8)
            assert np.abs(found.astype(int) - expected).max() <= unit


def test_lossless_files_hold_their_input():
    from ivc.pipeline import DecodeOptions, decoded_segments
    from ivc.stream import open_stream
    from ivc.types import Frames

    for name, (codec, form, options) in cases().items():
        lossless = codec in ("dpcm", "linear-ar", "mlp-predictor")
        if lossless and "near" not in options.extra and not options.encryption:
            with open_stream(FOLDER / "files" / f"{name}.ivc") as stream:
                parts = [s.frames for s in decoded_segments(stream, DecodeOptions())]
            assert Frames.concatenate(parts) == pattern(*INPUTS[form])


@pytest.mark.parametrize("threads", ["1", "2"])
def test_other_processes_and_thread_counts_agree(threads, tmp_path):
    script = (
        "import json, sys; sys.path.insert(0, sys.argv[1])\n"
        "from make import FOLDER, digest\n"
        "names = json.loads((FOLDER / 'golden.json').read_text())\n"
        "print(json.dumps({n: digest(FOLDER / 'files' / f'{n}.ivc') for n in names}))"
    )
    import os

    environment = dict(os.environ, NUMBA_NUM_THREADS=threads, OMP_NUM_THREADS=threads)
    run = subprocess.run(
        [sys.executable, "-c", script, str(Path(FOLDER))],
        env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert json.loads(run.stdout) == GOLDEN
