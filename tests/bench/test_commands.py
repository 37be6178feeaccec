"""Programs of a suite as contenders."""

import sys

import pytest
from fake_codec import still

from ivc.bench.contenders.base import Task
from ivc.bench.contenders.commands import Command
from ivc.errors import UsageError

ROW = {"encode": "e {input} {output}", "decode": "d {input} {output}"}


def test_defaults():
    codec = Command("mine", ROW)
    assert (codec.name, codec.title, codec.kind) == ("mine", "mine", "command")
    assert (codec.extension, codec.unit, codec.ladder) == (".bin", "setting", (0,))
    assert (codec.stills, codec.clips, codec.lossless) == (True, True, False)
    assert codec.version() == "e {input} {output} | d {input} {output}"
    assert codec.timed(None, 3) is None


def test_everything():
    codec = Command("mine", {
        **ROW, "ladder": [1, 2.5], "extension": ".my", "title": "My codec", "unit": "q",
        "stills": False, "clips": True, "lossless": True, "version": "1.0",
    })  # fmt: skip
    assert (codec.title, codec.extension, codec.unit) == ("My codec", ".my", "q")
    assert (codec.ladder, codec.stills, codec.lossless) == ((1, 2.5), False, True)
    assert codec.version().startswith("1.0 e ")


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"decode": ROW["decode"]}, "encode is a command line with {input}"),
        ({**ROW, "encode": "  "}, "encode is a command line with {input}"),
        ({**ROW, "encode": ["e"]}, "encode is a command line with {input}"),
        ({**ROW, "decode": "d {output}"}, "decode does not mention {input}"),
        ({**ROW, "encode": "e {input}"}, "encode does not mention {output}"),
        ({**ROW, "encode": "e '{input} {output}"}, "encode: No closing quotation"),
        ({**ROW, "quality": 3}, "unknown quality"),
        ({**ROW, "ladder": []}, "ladder is empty"),
        ({**ROW, "ladder": 3}, "ladder is a list of numbers"),
        ({**ROW, "ladder": "123"}, "ladder is a list of numbers"),
        ({**ROW, "ladder": ["a"]}, "ladder is a list of numbers"),
        ({**ROW, "ladder": [float("nan")]}, "ladder is a list of numbers"),
        ({**ROW, "extension": "bin"}, "extension is a dot and letters"),
        ({**ROW, "extension": "./x"}, "extension is a dot and letters"),
        ({**ROW, "lossless": "false"}, "lossless is true or false"),
        ({**ROW, "clips": 1}, "clips is true or false"),
    ],
)
def test_rows_that_cannot_be(row, message):
    with pytest.raises(UsageError) as caught:
        Command("mine", row)
    assert str(caught.value) == f"commands.mine: {message}"


def test_templates(tmp_path):
    material = still(tmp_path)
    codec = Command("mine", {
        "encode": "'my codec' -q{setting} --size={width}x{height} -n {frames} -t '{threads} x' "
                  "{input} -o {output} {other} {{x}}",
        "decode": "d {input}{output}",
    })  # fmt: skip
    task = Task(material, tmp_path / "c d.bin", tmp_path / "e{input}.ppm", 2.5, 3)
    assert codec.encode(task) == [
        "my codec", "-q2.5", "--size=20x10", "-n", "1", "-t", "3 x", str(material.path), "-o",
        str(tmp_path / "c d.bin"), "{other}", "{{x}}",
    ]  # fmt: skip
    # what a path holds is not replaced again, nor split
    assert codec.decode(task) == ["d", f"{tmp_path / 'c d.bin'}{tmp_path / 'e{input}.ppm'}"]


def test_what_is_missing_is_said(tmp_path):
    there = f"'{sys.executable}' {{input}} {{output}}"
    assert Command("mine", {"encode": there, "decode": there}).missing() is None
    assert Command("mine", {"encode": there, "decode": ROW["decode"]}).missing() == (
        "there is no program d"
    )
    assert Command("mine", {**ROW, "encode": "{input} {output}"}).missing() == (
        "there is no program {input}"
    )


@pytest.mark.parametrize(
    ("text", "version"),
    [
        (f"'{sys.executable}' -I -S -c 'print(\"codec 1.2\"); print(3)'", "codec 1.2"),
        (f"'{sys.executable}' -I -S -c 'import sys; sys.exit(\"codec 1.3\")'", "codec 1.3"),
        (f"'{sys.executable}' -I -S -c ''", f"'{sys.executable}' -I -S -c ''"),
        ("release of May", "release of May"),
        ("Bob's codec", "Bob's codec"),
        ("", ""),
    ],
)
def test_versions(text, version):
    codec = Command("mine", {**ROW, "version": text})
    assert codec.version() == f"{version} e {{input}} {{output}} | d {{input}} {{output}}".strip()
    assert codec.version() == codec.version()


def test_what_results_depend_on():
    found = [
        Command("mine", ROW), Command("other", ROW), Command("mine", {**ROW, "version": "2"}),
        Command("mine", {**ROW, "encode": "e -x {input} {output}"}),
        Command("mine", {**ROW, "extension": ".jpg"}),
    ]  # fmt: skip
    assert len({codec.identity() for codec in found}) == len(found)
    shown = Command("mine", {**ROW, "title": "Title", "ladder": [1, 2], "unit": "q"})
    assert shown.identity() == found[0].identity()
