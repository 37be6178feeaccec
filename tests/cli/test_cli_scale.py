"""Decoding small, thumbnails, models of one's own, and what a codec is tuned for."""

import io
import json
import os
import sys
from pathlib import Path

import av
import numpy as np
import pytest
from cli_pictures import picture
from PIL import Image

from ivc import cli
from ivc.stream import open_stream
from ivc.types import Layer


@pytest.fixture
def scalable(ivc, layered, folder):
    """wide.ivc, lossless: 150x90 samples in two layers."""
    Image.fromarray(picture(90, 150)).save("wide.png", icc_profile=b"a profile")
    assert ivc("encode", "wide.png", "--profile", layered, "-q", 100).code == 0
    return "wide.ivc"


@pytest.fixture
def own(ivc, layered, photo, model):
    """own.ivc, encoded with the model in the folder ``model``."""
    result = ivc(
        "encode", photo, "--profile", layered, "-q", 100, "--model", model, "-o", "own.ivc"
    )
    assert result.code == 0
    return "own.ivc"


def pixels(path):
    return np.asarray(Image.open(path))


@pytest.mark.parametrize(("scale", "step"), [("1", 1), ("1/2", 2), ("0.25", 4), ("1/4", 4)])
def test_decode_at_a_scale(ivc, scalable, scale, step):
    result = ivc("decode", scalable, "--scale", scale, "-o", "small.png", "--json")
    assert result.code == 0
    small = picture(90, 150)[::step, ::step]
    assert (pixels("small.png") == small).all()
    document = json.loads(result.out)
    assert (document["height"], document["width"]) == small.shape[:2]


def test_clips_at_a_scale(ivc, layered, clip):
    assert ivc("encode", clip, "--profile", layered, "--segment-frames", 5).code == 0
    for name in ("small.y4m", "small.mkv"):
        assert ivc("decode", "clip.ivc", "--scale", "1/4", "--frames", "3:9", "-o", name).code == 0
        with av.open(name) as container:
            frames = list(container.decode(video=0))
        assert [(f.width, f.height) for f in frames] == [(12, 8)] * 6


def test_scales_that_cannot_be(ivc, scalable, coded_photo):
    for arguments, message in (
        (["--scale", "1/3"], "layered decodes at 1 and 1/2, 1/4, not at 1/3"),
        (["--scale", "3/4"], "scale 3/4 is not 1 over a whole number; write for instance 1/4"),
        (["--scale", "tiny"], "scale tiny is not 1 over a whole number"),
    ):
        result = ivc("decode", scalable, "-o", "small.png", *arguments)
        assert message in result.error
        assert result.code == 2
    result = ivc("decode", coded_photo, "-o", "small.png", "--scale", "1/2")
    assert result.error == "roadmap/dpcm decodes at full size only, not at 1/2"
    assert not Path("small.png").exists()


@pytest.mark.parametrize("name", ["thumb.png", "thumb.webp", "thumb.tiff"])
def test_thumbnail_of_a_photo(ivc, scalable, name):
    assert ivc("extract", scalable, "thumbnail", "-o", name).code == 0
    assert (pixels(name) == picture(90, 150)[::2, ::2]).all()
    assert Image.open(name).info["icc_profile"] == b"a profile"


def test_thumbnail_without_a_name_and_through_pipes(ivc, scalable, monkeypatch):
    assert ivc("extract", scalable, "thumbnail").code == 0
    assert (pixels("wide.thumbnail.png") == picture(90, 150)[::2, ::2]).all()
    sent = io.BytesIO()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(Path(scalable).read_bytes())))
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(sent))
    assert cli.main(["extract", "-", "thumbnail"]) == 0
    assert sent.getvalue() == Path("wide.thumbnail.png").read_bytes()


def test_thumbnail_of_a_clip_is_its_first_frame(ivc, layered, clip):
    command = ("encode", clip, "--profile", layered, "-q", 100, "--segment-frames", 5)
    assert ivc(*command).code == 0
    assert ivc("extract", "clip.ivc", "thumbnail", "-o", "a.png").code == 0
    assert ivc("decode", "clip.ivc", "--frames", "0", "-o", "b.png").code == 0
    assert (pixels("a.png") == pixels("b.png")).all()


def test_thumbnail_needs_the_coarse_layer_only(ivc, scalable):
    with open_stream(scalable) as stream:
        record = stream.segments[0].layers[Layer.ENHANCEMENT].record
    with Path(scalable).open("r+b") as file:
        file.seek(record.payload_offset)
        file.write(b"\0" * record.size)
    assert ivc("extract", scalable, "thumbnail", "-o", "thumb.png").code == 0
    assert (pixels("thumb.png") == picture(90, 150)[::2, ::2]).all()
    assert ivc("decode", scalable, "-o", "all.png").code == 1


def test_a_coarse_picture_is_open_while_the_fine_one_is_sealed(ivc, layered, scalable):
    Path("key").write_bytes(os.urandom(32))
    sealed = ("--key-file", "key", "--encrypt", "enhancement", "-o", "a.ivc")
    assert ivc("encode", "wide.png", "--profile", layered, "-q", 100, *sealed).code == 0
    assert ivc("decode", "a.ivc", "--scale", "1/2", "-o", "small.png").code == 0
    assert ivc("extract", "a.ivc", "thumbnail", "-o", "thumb.png").code == 0
    assert (pixels("thumb.png") == pixels("small.png")).all()
    result = ivc("decode", "a.ivc", "-o", "all.png")
    assert (result.code, "enhancement" in result.error) == (1, True)
    assert ivc("decode", "a.ivc", "--key-file", "key", "-o", "all.png").code == 0
    assert (pixels("all.png") == picture(90, 150)).all()


def test_thumbnails_that_cannot_be(ivc, scalable, coded_photo):
    result = ivc("extract", coded_photo, "thumbnail", "-o", "thumb.png")
    assert result.code == 1
    assert result.error == (
        "photo.ivc: roadmap/dpcm decodes at full size only: it has no thumbnails"
    )
    for arguments, message in (
        (["thumbnail", "--segments", "0:1"], "a thumbnail is the first picture"),
        (["structure", "--model", "x"], "structure is written undecoded: leave out --model"),
        (["nothing"], "thumbnail"),
    ):
        result = ivc("extract", scalable, *arguments, "-o", "thumb.png")
        assert (result.code, message in result.error) == (2, True)
    assert not Path("thumb.png").exists()


def test_a_model_of_ones_own(ivc, layered, photo, model, own):
    assert ivc("decode", own, "--model", model, "-o", "a.png").code == 0
    assert (pixels("a.png") == picture()).all()
    assert ivc("extract", own, "thumbnail", "--model", model, "-o", "b.png").code == 0
    assert (pixels("b.png") == picture()).all()
    other = ("--target", "psnr=36", "--set", f"model={model}", "--verify", "--json")
    document = json.loads(ivc("encode", photo, "--profile", layered, *other).out)
    assert document["settings"]["model"] == str(model)
    assert document["metrics"]["psnr"] > 20


def test_files_with_an_own_model_are_listed_and_verified_without_it(ivc, model, own):
    document = json.loads(ivc("info", own, "--json").out)
    assert len(document["weights_hash"]) == 16
    assert ivc("verify", own).code == 0
    assert ivc("verify", own, "--decode", "--model", model).code == 0


@pytest.mark.parametrize(
    "command",
    [["decode", "-o", "a.png"], ["extract", "thumbnail", "-o", "a.png"], ["verify", "--decode"]],
)
def test_decoding_without_the_model_says_so(ivc, own, command):
    result = ivc(command[0], own, *command[1:])
    assert result.code == 1
    assert result.error == (
        "own.ivc: the file needs a model of its own; name its folder with --model"
    )
    assert not Path("a.png").exists()


def test_tune_is_a_setting_of_the_codec(ivc, layered, photo):
    command = ("encode", photo, "--json", "--profile")
    document = json.loads(ivc(*command, layered, "--tune", "ms-ssim").out)
    assert document["settings"]["tune"] == "ms-ssim"
    for arguments, message in (
        ([layered, "--tune", "loud"], "tune=loud: choose one of psnr, ms-ssim"),
        ([layered, "--tune", "psnr", "--set", "tune=psnr"], "--set tune is given twice"),
        ([layered, "--model", "x", "--set", "model=y"], "the model is given twice"),
        (["dct", "--tune", "psnr"], "the codec has no setting 'tune'; settings of roadmap/dct:"),
        (["dct", "--model", "x"], "the codec has no setting 'model'; settings of roadmap/dct:"),
    ):
        result = ivc(*command, *arguments)
        assert (result.code, message in result.error) == (2, True)
