"""What one process encodes, another decodes to the same samples."""

import hashlib
import subprocess
import sys

from codec_inputs import header_of, pattern

from ivc.codecs import by_name
from ivc.types import Layer, Layout, PixelFormat

DECODER = """
import hashlib, pathlib, sys
from ivc.codecs import by_name
from ivc.types import Layer, Layout, PixelFormat, SegmentHeader
for path in sys.argv[1:]:
    header = SegmentHeader(PixelFormat(Layout.RGB, 10, True), 41, 27, 3, 1)
    data = {Layer.PICTURE: pathlib.Path(path).read_bytes()}
    frames = by_name(pathlib.Path(path).stem).load().decode(data, header, {})
    print(hashlib.sha256(b"".join(plane.tobytes() for plane in frames.planes)).hexdigest())
"""


def test_another_process_decodes_the_same(tmp_path):
    segment = pattern(PixelFormat(Layout.RGB, 10, True), 41, 27, 3)
    paths, expected = [], []
    for name in ("dpcm", "dct", "linear-ar", "mlp-predictor"):
        codec = by_name(name).load()
        layers = codec.encode(segment, codec.settings_type(), {})
        decoded = codec.decode(layers, header_of(segment), {})
        path = tmp_path / f"{name}.layer"
        path.write_bytes(layers[Layer.PICTURE])
        paths.append(str(path))
        expected.append(
            hashlib.sha256(b"".join(plane.tobytes() for plane in decoded.planes)).hexdigest()
        )
    run = subprocess.run(
        [sys.executable, "-c", DECODER, *paths], capture_output=True, text=True, check=True
    )
    assert run.stdout.split() == expected


def test_encoding_twice_gives_the_same_bytes():
    segment = pattern(PixelFormat(Layout.YUV420), 65, 33, 3)
    for name in ("dpcm", "dct", "linear-ar", "mlp-predictor"):
        codec = by_name(name).load()
        settings = codec.settings_type()
        assert codec.encode(segment, settings, {}) == codec.encode(segment, settings, {})
