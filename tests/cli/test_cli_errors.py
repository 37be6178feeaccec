"""What goes wrong is told in one line, with the right exit code."""

import errno

import pytest

from ivc import api, cli
from ivc.errors import IvcError


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["frobnicate"], "No such command 'frobnicate'."),
        (["encode"], "Missing argument 'INPUT'."),
        (["encode", "a", "b"], "Got unexpected extra argument (b)"),
        (["encode", "a.png", "--frob"], "No such option"),
        (["encode", "a.png", "-q", "high"], "'high' is not a valid float."),
        (["encode", "photo.png", "-q", "101"], "quality 101 is outside 0..100"),
        (["encode", "photo.png", "--effort", "10"], "effort 10 is outside 1..9"),
        (["encode", "photo.png", "--profile", "mpeg"], "no profile is called 'mpeg'"),
        (["encode", "photo.png", "--set", "foo=1"], "the codec has no setting 'foo'"),
        (["encode", "photo.png", "--set", "foo"], "--set foo: write key=value"),
        (["encode", "photo.png", "--size", "tiny"], "'tiny' is no size"),
        (["encode", "photo.png", "--size", "1k", "-q", "5"], "exclude each other"),
        (["encode", "photo.png", "--size", "1k", "--bitrate", "1k"], "only one target"),
        (["encode", "photo.png", "--target", "vmaf=90"], "vmaf"),
        (["encode", "photo.png", "--jobs", "0"], "jobs 0 is not a positive number"),
        (["encode", "photo.png", "--key-file", "nokey"], "key file nokey: No such file"),
        (["encode", "photo.png", "--encrypt", "picture"], "--encrypt needs a key"),
        (["encode", "photo.png", "-o", "no/where.ivc"], "no is no folder"),
        (["encode", "photo.png", "-o", "."], ". is a folder; name a file in it"),
        (["encode", "photo.png", "-o", "photo.png"], "is both the input and the output"),
        (["encode", "photo.png", "-o", "-", "--json"], "--json and the file cannot both"),
        (["decode", "photo.ivc", "-o", "-", "--json"], "--json and the frames cannot both"),
        (["decode", "photo.ivc", "-o", "a.png", "--frames", "x"], "'x' are no frames"),
        (["decode", "photo.ivc", "-o", "a.png", "--frames", "3:3"], "no frames lie in 3:3"),
        (["verify", "-"], "name a file, not a pipe"),
        (["encode", "photo.png", "--size", ""], "'' is no size"),
        (["encode", "-", "--key-file", "-"], "cannot both come from standard input"),
        (["decode", "-", "--key-file", "-"], "cannot both come from standard input"),
    ],
)
def test_usage_errors(ivc, coded_photo, arguments, message):
    result = ivc(*arguments)
    assert message in result.error
    assert result.code == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["encode", "nothing.png"], "nothing.png"),
        (["encode", "text.png"], "text.png"),
        (["encode", "photo.png", "--bitrate", "1M"], "photo.png: a still has no bitrate"),
        (["decode", "nothing.ivc"], "cannot open nothing.ivc: No such file or directory"),
        (["decode", "text.png", "-o", "a.png"], "text.png: this is not an .ivc file"),
        (["decode", "photo.ivc", "-o", "a.xyz"], "xyz"),
        (["info", "photo.png"], "photo.png: this is not an .ivc file"),
        (["info", "."], "."),
        (["extract", "photo.png", "icc"], "photo.png: this is not an .ivc file"),
        (["verify", "nothing.ivc"], "cannot open nothing.ivc"),
    ],
)
def test_failures(ivc, coded_photo, folder, arguments, message):
    (folder / "text.png").write_text("no picture at all")
    before = sorted(folder.iterdir())
    result = ivc(*arguments)
    assert message in result.error
    assert result.code == 1
    assert sorted(folder.iterdir()) == before


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (IvcError("two\nlines"), 1, "ivc: photo.png: two lines\n"),
        (MemoryError(), 1, "ivc: out of memory; try fewer --jobs or smaller --segment-frames\n"),
        (OSError(errno.ENOSPC, "No space left on device", "a.ivc"), 1,
         "ivc: a.ivc: No space left on device\n"),
        (KeyError("x"), 1, "ivc: internal error, please report it (IVC_DEBUG=1 shows where): "
                           "KeyError: 'x'\n"),
        (KeyboardInterrupt(), 130, "ivc: interrupted\n"),
        (cli.terminal.Terminated(), 143, "ivc: terminated\n"),
    ],
)  # fmt: skip
def test_whatever_happens_is_one_line(ivc, photo, monkeypatch, error, code, line):
    def fail(*args, **kwargs):
        raise error

    monkeypatch.setattr(api, "encode", fail)
    result = ivc("encode", photo)
    assert (result.code, result.out, result.err) == (code, "", line)


def test_the_traceback_is_there_for_those_who_ask(ivc, photo, monkeypatch):
    def fail(*args, **kwargs):
        raise ZeroDivisionError("oh")

    monkeypatch.setattr(api, "encode", fail)
    monkeypatch.setenv("IVC_DEBUG", "1")
    result = ivc("encode", photo)
    assert result.code == 1
    assert "in fail" in result.err
    assert result.err.splitlines()[-1].startswith("ivc: internal error")


def test_warnings_are_lines(ivc, photo, monkeypatch):
    import logging

    def warn(*args, **kwargs):
        logging.getLogger("ivc.media").warning("track 3 was\nleft out")
        raise IvcError("and then it failed")

    monkeypatch.setattr(api, "encode", warn)
    assert ivc("encode", photo).err == (
        "ivc: warning: track 3 was left out\nivc: photo.png: and then it failed\n"
    )


def test_no_arguments_show_the_help(ivc):
    result = ivc()
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith("Usage: ivc ")
