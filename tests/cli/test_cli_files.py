"""The commands on files, as a person types them, in this process."""

import io
import json
import os
from pathlib import Path

import av
import numpy as np
import pytest
from cli_pictures import picture, video_planes
from PIL import Image

from ivc.cli.info import LISTED_SEGMENTS
from ivc.stream import StreamHeader, StreamWriter
from ivc.types import Layer, Layout, PixelFormat, StreamInfo


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def pixels(path):
    return np.asarray(Image.open(path))


def test_a_photo_there_and_back(ivc, photo, folder):
    assert ivc("encode", photo, "-q", "90").code == 0
    assert ivc("decode", "photo.ivc", "-o", "back.png").code == 0
    difference = pixels("back.png").astype(int) - pixels(photo)
    assert 0 < np.abs(difference).mean() < 3
    assert names(folder) == ["back.png", "photo.ivc", "photo.png"]


def test_nothing_is_said_in_a_pipe(ivc, photo):
    for command in (["encode", photo], ["decode", "photo.ivc", "-o", "a.png"]):
        result = ivc(*command)
        assert (result.code, result.out, result.err) == (0, "", "")


def test_a_clip_there_and_back_with_sound(ivc, clip, coded_clip):
    assert ivc("decode", coded_clip, "-o", "back.mkv").code == 0
    assert (video_planes("back.mkv") == video_planes(clip)).all()
    with av.open("back.mkv") as container:
        samples = np.concatenate([f.to_ndarray()[0] for f in container.decode(audio=0)])
    assert (samples == np.repeat(np.arange(20) * 100, 320)).all()


def test_default_names(ivc, coded_photo, coded_clip, clip):
    Path("photo.png").rename("original.png")
    Path(clip).rename("original.mkv")
    assert ivc("decode", coded_photo).code == 0
    assert ivc("decode", coded_clip).code == 0
    assert (pixels("photo.png") == pixels("original.png")).all()
    assert (video_planes("clip.mkv") == video_planes("original.mkv")).all()


def test_decoding_does_not_replace_the_original_unasked(ivc, photo, coded_photo):
    before = Path(photo).read_bytes()
    result = ivc("decode", coded_photo)
    assert result.code == 2
    assert result.error == "photo.png exists already; name the output with -o, or add -y"
    assert Path(photo).read_bytes() == before
    assert ivc("decode", coded_photo, "-y").code == 0
    assert ivc("decode", coded_photo, "-o", photo).code == 0


def test_encoding_replaces_its_output(ivc, photo):
    sizes = []
    for quality in (90, 10):
        assert ivc("encode", photo, "-q", quality).code == 0
        sizes.append(Path("photo.ivc").stat().st_size)
    assert sizes[1] < sizes[0]


@pytest.mark.parametrize(
    "name", ["with space.png", "Übung 画.png", "per%cent.png", "a'quote.png", "dots.in.name.png"]
)
def test_names_of_any_kind(ivc, photo, name):
    Path(photo).rename(name)
    assert ivc("encode", name, "--profile", "dpcm").code == 0
    assert ivc("info", name.replace(".png", ".ivc")).code == 0
    assert ivc("decode", name.replace(".png", ".ivc"), "-y").code == 0
    assert (pixels(name) == picture()).all()


def test_names_that_look_like_options(ivc, photo):
    Path(photo).rename("-q.png")
    assert ivc("encode", "--profile", "dpcm", "--", "-q.png").code == 0
    assert ivc("decode", "-o", "back.png", "--", "-q.ivc").code == 0
    assert (pixels("back.png") == picture()).all()


def test_encode_json(ivc, photo):
    result = ivc("encode", photo, "-q", 50, "--effort", 2, "--verify", "--json")
    document = json.loads(result.out)
    assert (result.code, result.err) == (0, "")
    assert document["input"] == photo
    assert document["output"] == "photo.ivc"
    assert document["profile"] == "image"
    assert document["settings"]["quality"] == 50
    assert document["settings"]["effort"] == 2
    assert (document["frames"], document["width"], document["height"]) == (1, 56, 40)
    assert document["bytes"] == Path("photo.ivc").stat().st_size
    assert document["bits_per_pixel"] == pytest.approx(document["bytes"] * 8 / (56 * 40))
    assert 20 < document["metrics"]["psnr"] < 60
    assert document["duration"] is None
    assert document["elapsed"] > 0


def test_infinite_psnr_is_null_in_json(ivc, clip):
    result = ivc("encode", clip, "--profile", "dpcm", "--verify", "--json")
    document = json.loads(result.out)
    assert document["metrics"] == {"psnr": None}
    assert document["frames"] == 20
    assert document["duration"] == pytest.approx(0.8)
    assert document["bitrate"] == pytest.approx(document["bytes"] * 10)


def test_decode_json(ivc, coded_clip):
    result = ivc("decode", coded_clip, "-o", "back.y4m", "--frames", "3:11", "--json")
    document = json.loads(result.out)
    assert document.pop("elapsed") > 0
    assert document == {
        "input": "clip.ivc", "output": "back.y4m", "frames": 8, "width": 48, "height": 32,
        "truncated": False,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("frames", "expected"),
    [("3:11", slice(3, 11)), ("17:", slice(17, 20)), ("4", slice(4, 5)), (":2", slice(0, 2))],
)
def test_some_frames(ivc, clip, coded_clip, frames, expected):
    assert ivc("decode", coded_clip, "-o", "part.mkv", "--frames", frames).code == 0
    assert (video_planes("part.mkv") == video_planes(clip)[expected]).all()


def test_pictures_of_a_clip(ivc, coded_clip):
    assert ivc("decode", coded_clip, "-o", "shot_%03d.png", "--frames", "0:3").code == 0
    assert len([name for name in names(Path()) if name.startswith("shot_")]) == 3


def test_numbered_pictures(ivc, folder):
    Path("shots").mkdir()
    for i in range(4):
        Image.fromarray(picture(shift=i)).save(f"shots/{i:04d}.png")
    result = ivc(
        "encode", "shots/%04d.png", "--frame-rate", "23.976", "--profile", "dpcm", "--json"
    )
    document = json.loads(result.out)
    assert document["frames"] == 4
    assert document["output"] == str(folder / "shots.ivc")
    info = json.loads(ivc("info", "shots.ivc", "--json").out)
    assert info["frame_rate"] == "24000/1001"


def test_raw_video(ivc, folder):
    samples = np.arange(16 * 8 * 3 // 2 * 3, dtype=np.uint8).tobytes()
    (folder / "a.yuv").write_bytes(samples)
    assert ivc("encode", "a.yuv", "--raw", "16x8:yuv420p@50", "--profile", "dpcm").code == 0
    assert ivc("decode", "a.ivc", "-o", "b.yuv").code == 0
    assert (folder / "b.yuv").read_bytes() == samples


def test_settings_of_the_codec(ivc, photo):
    assert ivc("encode", photo, "--profile", "dpcm", "--set", "near=3").code == 0
    assert ivc("decode", "photo.ivc", "-o", "back.png").code == 0
    difference = np.abs(pixels("back.png").astype(int) - pixels(photo))
    assert 0 < difference.max() <= 3


def test_a_size_is_reached_and_a_target_missed_is_said(ivc, folder):
    Image.fromarray(picture(160, 200)).save("large.png")
    result = ivc("encode", "large.png", "--size", "3k", "--effort", 1, "--json")
    document = json.loads(result.out)
    assert 2000 < document["bytes"] <= 3000
    assert document["probes"] >= 1
    missed = ivc("encode", "large.png", "--size", "20", "--effort", 1)
    assert missed.code == 0
    assert missed.err.startswith("ivc: target missed: size 20 bytes")
    assert missed.err.count("\n") == 1
    assert ivc("encode", "large.png", "--size", "20", "--effort", 1, "--quiet").err == ""


def test_info_of_a_still(ivc, coded_photo):
    size = Path(coded_photo).stat().st_size
    text = ivc("info", coded_photo).out
    assert "profile     roadmap/dpcm, syntax version 1" in text
    assert "still       56x40 RGB 8 bit" in text
    assert "sRGB transfer" in text
    document = json.loads(ivc("info", coded_photo, "--json").out)
    assert document["bytes"] == size
    assert document["layers"]["picture"] + document["container_bytes"] == size
    assert document["container_bytes"] <= 16
    assert document["format"]["layout"] == "rgb"
    assert document["still"] is True
    assert document["segments"][0]["layers"]["picture"]["encrypted"] is False


def test_info_of_a_clip(ivc, coded_clip):
    document = json.loads(ivc("info", coded_clip, "--json").out)
    assert (document["frames"], document["frame_rate"], document["duration"]) == (20, "25", 0.8)
    assert [a["name"] for a in document["attachments"]] == ["tracks"]
    assert [s["first_frame"] for s in document["segments"]] == [0, 5, 10, 15]
    assert (
        sum(s["layers"]["picture"]["bytes"] for s in document["segments"])
        == (document["layers"]["picture"])
    )
    everything = (
        document["layers"]["picture"] + document["attachments"][0]["bytes"]
        + document["container_bytes"]
    )  # fmt: skip
    assert everything == document["bytes"] == Path(coded_clip).stat().st_size
    text = ivc("info", coded_clip).out
    assert "time        20 frames, 25 frames/s, 0.8 s" in text
    assert "more; --segments lists them" not in text


def test_info_of_many_segments(ivc, clip):
    assert ivc("encode", clip, "--profile", "dpcm", "--segment-frames", 1).code == 0
    text = ivc("info", "clip.ivc").out
    assert f"... and {20 - LISTED_SEGMENTS} more; --segments lists them" in text
    assert "more; --segments" not in ivc("info", "clip.ivc", "--segments").out


def test_info_of_a_file_cut_short(ivc, coded_clip, folder):
    document = json.loads(ivc("info", coded_clip, "--json").out)
    cut = document["segments"][3]["offset"] + 5
    (folder / "cut.ivc").write_bytes((folder / coded_clip).read_bytes()[:cut])
    result = ivc("info", "cut.ivc")
    assert result.code == 0
    assert "truncated   the file is cut short" in result.out
    assert json.loads(ivc("info", "cut.ivc", "--json").out)["frames"] == 15
    decoded = ivc("decode", "cut.ivc", "-o", "cut.mkv")
    assert decoded.code == 1
    assert decoded.error == (
        "cut.ivc is cut short: cut.mkv holds the 15 frames of its whole segments"
    )
    assert len(video_planes("cut.mkv")) == 15
    verified = ivc("verify", "cut.ivc", "--quiet")
    assert verified.code == 1
    assert "cut short" in verified.error


def test_extract_attachments_and_layers(ivc, coded_clip):
    assert ivc("extract", coded_clip, "tracks").code == 0
    with av.open("clip.mka") as container:
        assert container.streams.audio[0].codec_context.name == "pcm_s16le"
    assert ivc("extract", coded_clip, "picture").code == 0
    assert ivc("extract", coded_clip, "1", "-o", "part_%d.bin").code == 0
    parts = [Path(f"part_{i}.bin").read_bytes() for i in range(4)]
    assert Path("clip.picture.bin").read_bytes() == b"".join(parts)
    assert ivc("extract", coded_clip, "picture", "--segments", "1:3", "-o", "some").code == 0
    assert Path("some").read_bytes() == parts[1] + parts[2]


def test_extract_an_icc_profile(ivc, folder):
    buffer = io.BytesIO()
    from PIL import ImageCms

    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    Image.fromarray(picture()).save(buffer, "PNG", icc_profile=profile)
    (folder / "icc.png").write_bytes(buffer.getvalue())
    assert ivc("encode", "icc.png").code == 0
    assert ivc("extract", "icc.ivc", "ICC").code == 0
    assert (folder / "icc.icc").read_bytes() == profile


def test_extract_takes_percent_signs_as_they_are(ivc, coded_clip, folder):
    (folder / "50%").mkdir()
    assert ivc("extract", coded_clip, "picture", "-o", "50%/100%.bin").code == 0
    assert ivc("extract", coded_clip, "picture", "-o", "50%/5%_%02d.bin").code == 0
    assert names(folder / "50%") == ["100%.bin", *(f"5%_{i:02}.bin" for i in range(4))]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes")
def test_extract_writes_into_a_named_pipe(ivc, coded_clip):
    assert ivc("extract", coded_clip, "picture", "-o", "picture").code == 0
    os.mkfifo("pipe")
    reader = os.open("pipe", os.O_RDONLY | os.O_NONBLOCK)
    try:
        assert ivc("extract", coded_clip, "picture", "-o", "pipe").code == 0
        assert os.read(reader, 1 << 20) == Path("picture").read_bytes()
    finally:
        os.close(reader)


def test_extract_an_unknown_layer(ivc, process):
    with Path("new.ivc").open("wb") as file:
        writer = StreamWriter(file, StreamHeader(2, 1, StreamInfo(PixelFormat(Layout.GRAY), 8, 8)))
        writer.write_shared({99: b"for all"})
        writer.write_segment(1, {Layer.PICTURE: b"picture", 57: b"from the future"})
        writer.finish()
    data = Path("new.ivc").read_bytes()
    assert process("extract", "new.ivc", "57", "-o", "-").out == b"from the future"
    assert process("extract", "-", "57", "-o", "-", stdin=data).out == b"from the future"
    assert process("extract", "new.ivc", "99", "--segments", "shared", "-o", "-").out == b"for all"
    assert ivc("extract", "new.ivc", "\u00b2").error.startswith("there is no layer or attachment")


def test_extract_what_is_not_there(ivc, coded_clip):
    for arguments, message in (
        (["icc"], "the file has no icc; 'ivc info' lists what it has"),
        (["texture"], "none of these segments has a layer texture; 'ivc info' lists them"),
        (["57"], "none of these segments has a layer 57; 'ivc info' lists them"),
        (["picture", "--segments", "9:"], "none of these segments has a layer picture; "
                                          "'ivc info' lists them"),
        (["picture", "--segments", "shared"], "the file has no shared layer picture; "
                                              "'ivc info' lists what it has"),
        (["tracks", "--segments", "0:1"], "tracks belongs to the whole file: leave out --segments"),
    ):  # fmt: skip
        result = ivc("extract", coded_clip, *arguments)
        assert (result.code, result.error) == (2, message)
    assert ivc("extract", coded_clip, "sound").error.startswith(
        "there is no layer or attachment 'sound'; there are picture, "
    )
    assert names(Path()) == ["clip.ivc", "clip.mkv"]


def test_encryption(ivc, clip, folder):
    (folder / "key").write_bytes(bytes(range(32)))
    (folder / "other").write_text("ab" * 32)
    arguments = ("--profile", "dpcm", "--key-file", "key", "--encrypt", "picture")
    assert ivc("encode", clip, "-o", "a.ivc", *arguments).code == 0
    assert json.loads(ivc("info", "a.ivc", "--json").out)["encrypted"] == ["picture"]
    assert ivc("extract", "a.ivc", "tracks", "-o", "open.mka").code == 0
    result = ivc("decode", "a.ivc", "-o", "a.mkv")
    assert result.code == 1
    assert "is encrypted; give its key file (--key-file)" in result.error
    assert result.error.startswith("a.ivc: ")
    assert "wrong key" in ivc("decode", "a.ivc", "-o", "a.mkv", "--key-file", "other").error
    assert not Path("a.mkv").exists()
    assert ivc("decode", "a.ivc", "-o", "a.mkv", "--key-file", "key").code == 0
    assert (video_planes("a.mkv") == video_planes(clip)).all()
    assert ivc("verify", "a.ivc", "--key-file", "key", "--decode").code == 0
    assert ivc("encode", clip, "-o", "b.ivc", "--key-file", "key", "--profile", "dpcm").code == 0
    assert json.loads(ivc("info", "b.ivc", "--json").out)["encrypted"] == ["picture", "tracks"]


def test_verify(ivc, coded_clip):
    assert ivc("verify", coded_clip).out.startswith("clip.ivc: good\n")
    document = json.loads(ivc("verify", coded_clip, "--decode", "--json").out)
    assert document["ok"] is True
    assert document["decoded_frames"] == document["frames"] == 20
    assert document["segments"] == 4
    assert ivc("verify", coded_clip, "--profile", "dpcm", "--level", 7, "--quiet").out == ""
    assert ivc("verify", coded_clip, "--level", 0, "--quiet").code == 1
    wrong = ivc("verify", coded_clip, "--profile", "dct", "--quiet")
    assert (wrong.code, "roadmap/dct" in wrong.error) == (1, True)


def test_verify_finds_changed_bytes(ivc, coded_clip, folder):
    data = bytearray((folder / coded_clip).read_bytes())
    document = json.loads(ivc("info", coded_clip, "--json").out)
    for place in (0, document["segments"][1]["offset"] + 40, len(data) - 3):
        data[place] ^= 4
        (folder / "bad.ivc").write_bytes(data)
        result = ivc("verify", "bad.ivc", "--json")
        assert result.code == 1
        assert json.loads(result.out)["ok"] is False
        assert result.err.startswith("ivc: bad.ivc: ")
        assert result.err.count("\n") == 1
        data[place] ^= 4


def test_profiles(ivc):
    assert "roadmap/dct" in ivc("profiles").out
    document = json.loads(ivc("profiles", "--json").out)
    assert {"roadmap/dct", "roadmap/dpcm"} <= {p["name"] for p in document["profiles"]}
    assert document["profiles"][0]["layers"] == ["picture"]


def test_jobs_change_nothing(ivc, clip, folder):
    for jobs in (1, 2):
        arguments = ("--profile", "dpcm", "--segment-frames", 3, "--jobs", jobs)
        assert ivc("encode", clip, "-o", f"{jobs}.ivc", *arguments).code == 0
    assert (folder / "1.ivc").read_bytes() == (folder / "2.ivc").read_bytes()


def test_open_pictures_are_decoded_without_the_key_of_the_sound(ivc, clip, folder):
    (folder / "key").write_bytes(bytes(range(32)))
    assert ivc("encode", clip, "-o", "a.ivc", "--key-file", "key", "--encrypt", "tracks").code == 0
    silent = ivc("decode", "a.ivc", "-o", "a.mkv")
    assert silent.code == 0
    assert silent.err == "ivc: warning: tracks left out: encrypted, and there is no key\n"
    assert ivc("decode", "a.ivc", "-o", "b.mkv", "--key-file", "key").err == ""
    assert Path("b.mkv").stat().st_size > Path("a.mkv").stat().st_size


def test_a_level_bounds_what_is_decoded(ivc, folder):
    Image.fromarray(np.zeros((600, 700), np.uint8)).save("gray.png")
    assert ivc("encode", "gray.png", "--effort", 1).code == 0
    refused = ivc("decode", "gray.ivc", "-o", "back.png", "--level", 1)
    assert refused.code == 1
    assert "level" in refused.err
    assert refused.err.count("\n") == 1
    assert not Path("back.png").exists()
    assert ivc("decode", "gray.ivc", "-o", "back.png", "--level", 2).code == 0
    assert ivc("decode", "gray.ivc", "-o", "back.png", "--level", 9).code == 2
