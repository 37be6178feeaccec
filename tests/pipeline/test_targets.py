"""Rate and quality targets, for every codec."""

from fractions import Fraction

import pytest

from ivc.media.memory import FramesSource
from ivc.metrics import measure
from ivc.pipeline import DecodeOptions, EncodeOptions, Target, decoded_segments, encode
from ivc.stream import open_stream
from ivc.types import Frames, Layout

from .conftest import moving


def decoded(path):
    with open_stream(path) as stream:
        return Frames.concatenate([s.frames for s in decoded_segments(stream, DecodeOptions())])


@pytest.mark.parametrize(("kind", "value", "window"), [
    ("psnr", 38, 0.1), ("psnr", 30, 0.1), ("ssim", 0.9, 0.002), ("ms-ssim", 0.97, 0.002),
])  # fmt: skip
def test_quality_of_a_still(tmp_path, kind, value, window):
    frames = moving(1, 200, 180, Layout.RGB)
    result = encode(
        FramesSource(frames), tmp_path / "a.ivc", EncodeOptions(target=Target(kind, value))
    )
    reached = measure(kind, frames, decoded(tmp_path / "a.ivc"))
    assert reached == pytest.approx(value, abs=window)
    assert result.metrics[kind] == pytest.approx(reached, abs=1e-6)
    assert result.notes == ()
    assert result.probes <= 8


@pytest.mark.parametrize("size", [1500, 4000, 12000])
def test_size_of_a_still_is_met_and_not_exceeded(tmp_path, size):
    source = FramesSource(moving(1, 200, 180, Layout.RGB))
    result = encode(source, tmp_path / "a.ivc", EncodeOptions(target=Target("size", size)))
    assert 0.98 * size <= (tmp_path / "a.ivc").stat().st_size <= size
    assert result.notes == ()


@pytest.mark.parametrize("segment_frames", [4, 16])
def test_bitrate_of_a_clip_counts_the_whole_file(tmp_path, clip, segment_frames):
    options = EncodeOptions("dct", target=Target("bitrate", 150_000), segment_frames=segment_frames)
    result = encode(clip, tmp_path / "a.ivc", options)
    assert result.seconds == pytest.approx(1.6)
    assert result.bytes * 8 / 1.6 == pytest.approx(150_000, rel=0.02)
    assert result.bytes == (tmp_path / "a.ivc").stat().st_size


def test_quality_of_a_clip_that_changes(tmp_path):
    """The sampled segments mislead here; what the whole file measures must correct them."""
    quiet, busy = moving(24, 96, 64), moving(24, 96, 64)
    for plane in quiet.planes:
        plane[:] = plane.mean()
    frames = Frames.concatenate([quiet, busy, quiet])
    source = FramesSource(frames, Fraction(25))
    options = EncodeOptions("dct", target=Target("psnr", 40), segment_frames=4)
    result = encode(source, tmp_path / "a.ivc", options)
    assert measure("psnr", frames, decoded(tmp_path / "a.ivc")) == pytest.approx(40, abs=0.1)
    assert result.notes == ()


def test_targets_out_of_range_end_at_the_edge_and_say_so(tmp_path, still):
    low = encode(still, tmp_path / "a.ivc", EncodeOptions(target=Target("size", 30)))
    assert "missed" in low.notes[0]
    assert "the least that this codec can do" in low.notes[0]
    assert low.settings.quality == 0
    high = encode(still, tmp_path / "a.ivc", EncodeOptions(target=Target("psnr", 150)))
    assert "the most that this codec can do" in high.notes[0]


def test_a_lossless_codec_is_steered_by_what_it_has(tmp_path, still):
    """Near-lossless coding has few steps; the nearest is taken, and it is said if none fits."""
    exact = encode(still, tmp_path / "a.ivc", EncodeOptions("dpcm")).bytes
    result = encode(
        still, tmp_path / "b.ivc", EncodeOptions("dpcm", target=Target("size", exact * 0.6))
    )
    assert result.probes <= 9
    assert result.bytes <= exact * 0.6
    assert result.bytes >= 0.98 * 0.6 * exact or "missed" in result.notes[0]
