"""Decoding at a fraction of the size, and with models of the user's own."""

import io
from fractions import Fraction

import numpy as np
import pytest

from ivc.errors import ChecksumError, DecryptionError, ModelError, UnsupportedError, UsageError
from ivc.media.memory import FramesSource
from ivc.metrics import measure
from ivc.pipeline import (
    DecodeOptions,
    EncodeOptions,
    Target,
    decode,
    decoded_info,
    decoded_segments,
    encode,
    reduction_of,
    thumbnail_reduction,
)
from ivc.stream import Encryption, StreamWriter, open_stream
from ivc.types import Frames, Layer, Layout, PixelFormat, SegmentHeader
from layered_codec import half, hash_of

from .conftest import moving

KEY = b"k" * 32
LOSSLESS = EncodeOptions("layered", quality=100, segment_frames=4)


@pytest.fixture
def film(tmp_path, layered):
    """film.ivc: 10 frames of 51x37, 4:2:0, in segments of 4."""
    encode(FramesSource(moving(10, 51, 37), Fraction(25)), tmp_path / "film.ivc", LOSSLESS)
    return tmp_path / "film.ivc"


def pictures(file, *, key=None, **options):
    with open_stream(file, key=key) as stream:
        parts = [s.frames for s in decoded_segments(stream, DecodeOptions(**options))]
    return Frames.concatenate(parts)


class CountingFile(io.BytesIO):
    """A file that notes which of its bytes are read."""

    def __init__(self, data):
        super().__init__(data)
        self.seen = set()

    def read(self, size=-1):
        start = self.tell()
        data = super().read(size)
        self.seen |= set(range(start, start + len(data)))
        return data


class Pipe(io.RawIOBase):
    def __init__(self, data):
        self.data = io.BytesIO(data)

    def read(self, size=-1):
        return self.data.read(size)

    def readable(self):
        return True


def test_the_size_in_a_header_is_rounded_up():
    form = PixelFormat(Layout.YUV420)
    sizes = [SegmentHeader(form, 51, 37, 1, 1, reduction=n).size for n in (1, 2, 4, 64)]
    assert sizes == [(51, 37), (26, 19), (13, 10), (1, 1)]
    assert SegmentHeader(form, 51, 37, 1, 1).size == (51, 37)


def test_a_clip_is_decoded_smaller(film):
    frames = moving(10, 51, 37)
    assert pictures(film) == frames
    assert pictures(film, reduction=2) == half(frames)
    assert pictures(film, reduction=4) == half(half(frames))
    assert pictures(film, reduction=2, start=3, stop=9) == half(frames)[3:9]


def test_results_and_sinks_are_told_the_smaller_size(film):
    class Sink:
        sizes = ()

        def write(self, segment):
            self.sizes += ((segment.frames.width, segment.frames.height),)

    sink = Sink()
    options = DecodeOptions(reduction=4)
    with open_stream(film) as stream:
        result = decode(stream, sink, options)
        info = decoded_info(stream, options)
        assert decoded_info(stream, DecodeOptions()) == stream.header.info
    assert (result.frames, result.width, result.height) == (10, 13, 10)
    assert (info.width, info.height, info.frame_rate) == (13, 10, 25)
    assert sink.sizes == ((13, 10),) * 3


def test_layers_that_are_not_needed_are_not_read(film):
    file = CountingFile(film.read_bytes())
    with open_stream(io.BytesIO(film.read_bytes())) as stream:
        records = {
            layer: [entry.layers[layer].record for entry in stream.segments]
            for layer in (Layer.STRUCTURE, Layer.ENHANCEMENT)
        }
    with open_stream(file) as stream:
        assert len(list(decoded_segments(stream, DecodeOptions(reduction=2)))) == 3
    for layer, needed in ((Layer.STRUCTURE, True), (Layer.ENHANCEMENT, False)):
        for record in records[layer]:
            payload = set(range(record.payload_offset, record.end))
            assert payload <= file.seen if needed else not payload & file.seen


@pytest.mark.parametrize("kind", [io.BytesIO, Pipe])
def test_layers_that_are_not_needed_may_be_damaged(film, kind):
    data = bytearray(film.read_bytes())
    with open_stream(film) as stream:
        record = stream.segments[1].layers[Layer.ENHANCEMENT].record
    data[record.payload_offset + record.size // 2] ^= 1
    assert pictures(io.BytesIO(data), reduction=2) == half(moving(10, 51, 37))
    if kind is io.BytesIO:
        with pytest.raises(ChecksumError):
            pictures(kind(data))


def test_pipes_are_decoded_smaller(film):
    data = film.read_bytes()
    assert pictures(Pipe(data), reduction=4) == half(half(moving(10, 51, 37)))


def test_sealed_layers_that_are_not_needed_need_no_key(tmp_path, layered):
    frames = moving(1, 160, 120, Layout.RGB)
    sealed = Encryption(KEY, frozenset({Layer.ENHANCEMENT}), frozenset())
    options = EncodeOptions("layered", quality=100, encryption=sealed)
    encode(FramesSource(frames), tmp_path / "a.ivc", options)
    assert pictures(tmp_path / "a.ivc", reduction=2) == half(frames)
    with pytest.raises(DecryptionError, match="enhancement"):
        pictures(tmp_path / "a.ivc")
    assert pictures(tmp_path / "a.ivc", key=KEY) == frames
    assert pictures(tmp_path / "a.ivc", key=KEY, reduction=2) == half(frames)


def test_shared_layers_that_are_not_needed_are_not_read(film, tmp_path):
    with open_stream(film) as stream, (tmp_path / "b.ivc").open("wb") as file:
        sealed = Encryption(KEY, frozenset({Layer.PARAMETERS}), frozenset())
        writer = StreamWriter(file, stream.header, encryption=sealed)
        writer.write_shared({Layer.PARAMETERS: b"for the fine layer"})
        for entry in stream.segments:
            writer.write_segment(entry.frames, stream.read_layers(entry), entry.pts, entry.duration)
        writer.finish()
    assert pictures(tmp_path / "b.ivc", reduction=2) == half(moving(10, 51, 37))
    with pytest.raises(DecryptionError, match="parameters"):
        pictures(tmp_path / "b.ivc")


def test_other_reductions_are_refused_with_what_there_is(film, tmp_path, still):
    with pytest.raises(UsageError, match="layered decodes at 1 and 1/2, 1/4, not at 1/3"):
        pictures(film, reduction=3)
    encode(still, tmp_path / "a.ivc", EncodeOptions("dct"))
    with pytest.raises(UsageError, match="roadmap/dct decodes at full size only, not at 1/2"):
        pictures(tmp_path / "a.ivc", reduction=2)
    with pytest.raises(UsageError, match="reduction 0"):
        DecodeOptions(reduction=0)


@pytest.mark.parametrize(
    ("scale", "reduction"),
    [(1, 1), ("1", 1), ("1/4", 4), (Fraction(1, 8), 8), (0.25, 4), ("0.25", 4), (1 / 3, 3)],
)
def test_scales(scale, reduction):
    assert reduction_of(scale) == reduction


@pytest.mark.parametrize(
    "scale", [0, 2, -0.5, "3/4", "1/0", "half", "", "0.3", float("nan"), float("inf"), None, 1e-9]
)
def test_no_scales(scale):
    with pytest.raises(UsageError, match="write for instance 1/4"):
        reduction_of(scale)


@pytest.mark.parametrize(
    ("width", "height", "reduction"),
    [(256, 100, 4), (100, 253, 4), (252, 100, 2), (127, 2, 2), (126, 9, 1), (5, 3, 1), (999, 1, 4)],
)
def test_thumbnails_are_at_least_64_samples_long(tmp_path, layered, width, height, reduction):
    encode(FramesSource(moving(1, width, height, Layout.GRAY)), tmp_path / "a.ivc", LOSSLESS)
    with open_stream(tmp_path / "a.ivc") as stream:
        assert thumbnail_reduction(stream) == reduction


def test_codecs_without_reductions_have_no_thumbnails(tmp_path, still):
    encode(still, tmp_path / "a.ivc", EncodeOptions("dct"))
    with (
        open_stream(tmp_path / "a.ivc") as stream,
        pytest.raises(UnsupportedError, match="roadmap/dct decodes at full size only"),
    ):
        thumbnail_reduction(stream)


def test_a_model_is_declared_and_handed_to_the_decoder(tmp_path, layered, model):
    frames = moving(6, 51, 37)
    options = EncodeOptions(
        "layered", quality=100, verify=True, segment_frames=4, extra={"model": str(model)}
    )
    result = encode(FramesSource(frames, Fraction(25)), tmp_path / "a.ivc", options)
    assert result.metrics["psnr"] == np.inf
    with open_stream(tmp_path / "a.ivc") as stream:
        assert stream.header.weights_hash == hash_of((model / "weights").read_bytes())
    assert pictures(tmp_path / "a.ivc", model=str(model)) == frames
    assert pictures(tmp_path / "a.ivc", model=str(model), reduction=2) == half(frames)
    with pytest.raises(ModelError, match=r"^the file needs a model"):
        pictures(tmp_path / "a.ivc")
    (model / "weights").write_bytes(b"others")
    with pytest.raises(ModelError, match="not the model of the file"):
        pictures(tmp_path / "a.ivc", model=str(model))


@pytest.mark.parametrize("target", [Target("psnr", 38), Target("size", 6000)])
def test_targets_work_with_a_model(tmp_path, layered, model, target):
    frames = moving(1, 160, 120, Layout.RGB)
    options = EncodeOptions(
        "layered", target=target, verify=True, extra={"model": str(model), "tune": "ms-ssim"}
    )
    result = encode(FramesSource(frames), tmp_path / "a.ivc", options)
    back = pictures(tmp_path / "a.ivc", model=str(model))
    assert result.metrics["psnr"] == pytest.approx(measure("psnr", frames, back))
    assert result.settings.tune == "ms-ssim"


def test_a_missing_model_leaves_no_file(tmp_path, layered, still):
    options = EncodeOptions("layered", extra={"model": str(tmp_path / "nothing")})
    with pytest.raises(ModelError, match="holds no model"):
        encode(still, tmp_path / "a.ivc", options)
    assert list(tmp_path.iterdir()) == []


def test_another_model_does_not_resume(tmp_path, layered, model):
    class Broken(FramesSource):
        def frames(self, start=0):
            for number, frame in enumerate(super().frames(start)):
                if number == 6:
                    raise KeyboardInterrupt
                yield frame

        def fingerprint(self):
            return "the same"

    class Whole(FramesSource):
        def fingerprint(self):
            return "the same"

    options = EncodeOptions("layered", segment_frames=4, resume=True, extra={"model": str(model)})
    with pytest.raises(KeyboardInterrupt):
        encode(Broken(moving(10), Fraction(25)), tmp_path / "a.ivc", options)
    (model / "weights").write_bytes(b"others")
    with pytest.raises(UsageError, match="not what --resume expects"):
        encode(Whole(moving(10), Fraction(25)), tmp_path / "a.ivc", options)


def test_choices_are_checked(tmp_path, layered, still):
    with pytest.raises(UsageError, match="tune=loud: choose one of psnr, ms-ssim"):
        encode(still, tmp_path / "a.ivc", EncodeOptions("layered", extra={"tune": "loud"}))
    with pytest.raises(UsageError, match="no setting 'tune'; settings of roadmap/dpcm: near"):
        encode(still, tmp_path / "a.ivc", EncodeOptions("dpcm", extra={"tune": "psnr"}))
