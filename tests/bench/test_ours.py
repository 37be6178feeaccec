"""ivc's own codecs as contenders: names, commands, layers, and the hash of their code."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from fake_codec import clip, still

import ivc
from ivc.bench import worker
from ivc.bench.contenders import ours
from ivc.bench.contenders.base import Task
from ivc.bench.contenders.ours import Ours, code_digest
from ivc.bench.runner import Job, run_point
from ivc.codecs import by_name
from ivc.errors import UsageError

pytest.importorskip("psutil")


def test_names():
    plain, tuned = Ours("ivc:dct"), Ours("ivc:dct, effort = 9 ,deblock=0")
    assert (plain.name, plain.title) == ("ivc:roadmap/dct", "ivc dct")
    assert (tuned.name, tuned.title) == ("ivc:roadmap/dct,effort=9,deblock=0",
                                         "ivc dct effort 9 deblock 0")  # fmt: skip
    assert Ours(tuned.name).name == tuned.name
    assert Ours("ivc: image").name == "ivc:image"
    assert tuned.arguments(40.0) == {
        "profile": "roadmap/dct", "effort": 9, "quality": 40.0, "settings": {"deblock": "0"},
    }  # fmt: skip
    exact = Ours("ivc:dpcm")
    assert (exact.lossless, exact.ladder) == (True, (0,))
    assert "quality" not in exact.arguments(0.0)
    assert plain.identity() != tuned.identity()
    assert plain.missing() is None


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("ivc:gif", "no profile is called 'gif'"),
        ("ivc:", "no profile is called ''"),
        ("ivc:dct,effort", "ivc:dct,effort: write ivc:PROFILE,key=value"),
        ("ivc:dct,", "write ivc:PROFILE,key=value"),
        ("ivc:dct,=3", "write ivc:PROFILE,key=value"),
        ("ivc:dct,effort=much", "effort is a number from 1 to 9"),
        ("ivc:dct,effort=0", "effort is a number from 1 to 9"),
        ("ivc:dct,effort=10", "effort is a number from 1 to 9"),
    ],
)
def test_specs_that_cannot_be(spec, message):
    with pytest.raises(UsageError) as caught:
        Ours(spec)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_commands(tmp_path):
    task = Task(clip(tmp_path), tmp_path / "c.ivc", tmp_path / "d.y4m", 40.0)
    codec = Ours("ivc:dct,effort=3,a=b c")
    words = codec.encode(task)
    assert words[1:4] == ["-m", "ivc", "encode"]
    assert words[words.index("--effort") + 1] == "3"
    assert words[words.index("-q") + 1] == "40"
    assert words[words.index("--set") + 1] == "a=b c"
    assert "--jobs" not in words
    threaded = replace(task, threads=2)
    assert codec.encode(threaded)[-2:] == codec.decode(threaded)[-2:] == ["--jobs", "2"]
    assert "--jobs" not in codec.encode(replace(threaded, material=still(tmp_path)))
    assert "-q" not in Ours("ivc:dpcm").encode(task)


def test_a_picture_and_its_layers(tmp_path):
    kept = {}
    job = Job(still(tmp_path), Ours("ivc:dct"), 50.0)

    def keep(point, coded, decoded):
        kept["size"] = coded.stat().st_size

    point = run_point(job, tmp_path, ["psnr-rgb"], keep=keep)
    assert point.error == ""
    assert point.figure("psnr-rgb") > 15
    assert point.size == kept["size"]
    assert set(point.layers) == {"picture", "container"}
    assert sum(point.layers.values()) == point.size
    assert all(size > 0 for size in point.layers.values())


def test_a_lossless_clip(tmp_path):
    point = run_point(Job(clip(tmp_path), Ours("ivc:dpcm"), 0.0), tmp_path, ["psnr-y"])
    assert point.error == ""
    assert point.exact
    assert sum(point.layers.values()) == point.size


def test_a_setting_that_the_codec_does_not_have(tmp_path):
    point = run_point(Job(still(tmp_path), Ours("ivc:dct,beauty=9"), 50.0), tmp_path, ["psnr-y"])
    assert "beauty" in point.error


def test_the_worker_makes_the_same_file_as_the_command(tmp_path, capsys):
    codec = Ours("ivc:dct,effort=3")
    files = []
    for material in (still(tmp_path), clip(tmp_path)):
        run_point(Job(material, codec, 50.0), tmp_path, ["psnr-y"],
                  keep=lambda point, coded, decoded: files.append(coded.read_bytes()))  # fmt: skip
        task = Task(material, tmp_path / "w.ivc", tmp_path / f"w{material.suffix}", 50.0)
        for command in codec.timed(task, 2):
            assert worker.main(command[3:]) == 0
            assert len(json.loads(capsys.readouterr().out)["seconds"]) == 2
        assert task.coded.read_bytes() == files[-1]


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package of which ``dct`` is the only codec; a function that changes a file of it."""
    (tmp_path / "bench" / "contenders").mkdir(parents=True)
    monkeypatch.setattr(ours, "__file__", str(tmp_path / "bench" / "contenders" / "ours.py"))

    def change(name, text):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
        return code_digest.__wrapped__(by_name("dct"))

    for name in ("api.py", "codecs/base.py", "types.py", "codecs/roadmap/dct.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    return change


CODE = '''"""What it is."""

STEP = 3
"""What that is."""


class Codec:
    """Text."""

    size: int = 4

    def encode(self, x):
        """Text."""
        if x:
            return x * STEP  # comment
        return "text"
'''


def test_the_hash_sees_what_code_does(package):
    name = "codecs/roadmap/dct.py"
    first = package(name, CODE)
    assert len(first) == 12
    same = [
        CODE.replace("Text.", "Other text."),
        CODE.replace('        """Text."""\n', ""),
        CODE.replace("  # comment", "").replace('"""What that is."""\n', ""),
        CODE.replace("STEP = 3", "STEP = (\n    3\n)"),
        "# a licence\n\n" + CODE,
    ]
    assert {package(name, text) for text in same} == {first}
    different = [
        CODE.replace("STEP = 3", "STEP = 4"),
        CODE.replace("x * STEP", "x + STEP"),
        CODE.replace('return "text"', 'return "other"'),
        CODE.replace("size: int = 4", "size: int = 5"),
        CODE.replace("if x:", "if not x:"),
    ]
    assert len({first, *(package(name, text) for text in different)}) == 6


def test_the_hash_covers_shared_code_and_models_but_not_other_codecs(package):
    first = package("codecs/roadmap/dct.py", CODE)
    assert package("codecs/image/codec.py", "x = 1") == first
    assert package("cli/main.py", "x = 1") == first
    assert package("models/image/1/card.zip", "weights") == first
    found = [first]
    names = (
        "codecs/roadmap/dct_kernels.py", "entropy/coder.py", "pipeline/a/b.py", "signal/dct.py",
        "types.py", "nets/x.py", "stream/x.npz", "models/roadmap/dct/1/bundle.zip",
    )  # fmt: skip
    for name in names:
        found.append(package(name, "x = 1"))
    assert len(set(found)) == len(found)


def test_a_model_of_ones_own_reaches_the_decoder_and_the_key(tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "weights").write_bytes(b"1")
    codec = Ours(f"ivc:image,model={folder}")
    task = Task(still(tmp_path), tmp_path / "a.ivc", tmp_path / "b.ppm", 50.0)
    assert codec.decode(task)[-2:] == ["--model", str(folder)]
    before = codec.identity()
    (folder / "weights").write_bytes(b"2")
    assert codec.identity() != before
    assert Ours("ivc:image").identity() != codec.identity()


def test_a_model_of_ones_own_is_decoded_with_it(tmp_path):
    shipped = Path(ivc.__file__).parent / "models" / "image" / "1"
    folder = tmp_path / "model"
    shutil.copytree(shipped, folder)
    job = Job(still(tmp_path), Ours(f"ivc:image,model={folder}"), 50.0)
    with_it = run_point(job, tmp_path, ["psnr-rgb"])
    assert with_it.error == ""
    without = run_point(replace(job, contender=Ours("ivc:image")), tmp_path, ["psnr-rgb"])
    assert with_it.metrics == without.metrics


def test_the_hash_of_the_real_codecs():
    found = {code_digest(by_name(name)) for name in ("dct", "dpcm", "image")}
    assert len(found) == 2  # those of the road map share a folder
    assert code_digest.__wrapped__(by_name("dct")) in found
