"""Whole trainings of tiny networks: killed, interrupted, in two processes."""

import csv
import os
import signal
import subprocess
import sys

import numpy as np
import pytest
import torch

import ivc.train
from ivc.cli import main
from ivc.errors import UsageError
from ivc.train import checkpoint
from ivc.train.image.networks import Networks, Shape
from ivc.train.image.stages import is_rounding
from ivc.train.outcome import Point

TINY = Shape(finest=8, other=8, prediction=8, depth=3, synthesis=8, blocks=1)
ENVIRONMENT = os.environ | {"OMP_NUM_THREADS": "1"}

KILLED = """
import os, signal, sys
import ivc.train

def watch(status):
    if (status.stage, status.step) == ("entropy", 5):
        os.kill(os.getpid(), signal.SIGKILL)

ivc.train.run(sys.argv[1], data=[sys.argv[2]], out=sys.argv[3], watch=watch)
"""


def weights(out, stage="entropy"):
    return checkpoint.load(out / stage / "checkpoint.pt")["ema"]


def rows(path):
    with path.open() as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory, recipe, pictures):
    """Folder and outcome of a training."""
    out = tmp_path_factory.mktemp("uninterrupted")
    seen = []
    outcome = ivc.train.run(recipe, data=[pictures], out=out, watch=seen.append)
    return out, outcome, seen


def test_a_training_leaves_its_results(uninterrupted):
    out, outcome, seen = uninterrupted
    assert (outcome.folder, outcome.steps, outcome.model) == (out, 8, None)
    assert [point.setting for point in outcome.curve] == [16.0]
    assert 15 < outcome.curve[0].psnr < 50 and 0 < outcome.curve[0].bpp < 20
    for stage, steps in (("entropy", 6), ("synthesis", 2)):
        files = {file.name for file in (out / stage).iterdir()}
        assert files == {"checkpoint.pt", "log.csv", "evaluation.csv", "curve.svg"}
        assert rows(out / stage / "log.csv")[-1]["step"] == str(steps)
        assert rows(out / stage / "evaluation.csv")[-1]["step"] == str(steps)
    assert checkpoint.load(out / "entropy" / "checkpoint.pt")["state"] == {"rounding": True}
    assert [s.step for s in seen if s.curve] == [6, 2]
    assert weights(out, "synthesis")["last.weight"].any()


def test_killed_and_resumed_is_the_same(uninterrupted, recipe, pictures, tmp_path):
    command = [sys.executable, "-c", KILLED, recipe, pictures, tmp_path]
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert checkpoint.load(tmp_path / "entropy" / "checkpoint.pt")["step"] == 4
    outcome = ivc.train.run(recipe, data=[pictures], out=tmp_path)
    out, whole, _ = uninterrupted
    assert (outcome.steps, outcome.curve) == (whole.steps, whole.curve)
    for stage in ("entropy", "synthesis"):
        expected = weights(out, stage)
        for name, tensor in weights(tmp_path, stage).items():
            assert torch.equal(tensor, expected[name]), name
        logs = [rows(folder / stage / "log.csv") for folder in (out, tmp_path)]
        assert [[row["step"], row["loss"]] for row in logs[0]] == [
            [row["step"], row["loss"]] for row in logs[1]
        ]


def test_a_finished_training_is_not_repeated(uninterrupted, recipe, pictures):
    out, whole, _ = uninterrupted
    seen = []
    outcome = ivc.train.run(recipe, data=[pictures], out=out, watch=seen.append)
    assert (outcome.steps, seen) == (whole.steps, [])
    assert outcome.curve[0].psnr == pytest.approx(whole.curve[0].psnr, rel=1e-5)


def test_the_result_is_exported_and_measured(
    uninterrupted, recipe, pictures, tmp_path, monkeypatch
):  # fmt: skip
    """Both are tested with the codec; here, that they are given the right things."""
    out, whole, _ = uninterrupted
    exported = []
    monkeypatch.setattr("ivc.train.image.export.export", lambda *all: exported.extend(all))
    points = [Point(50.0, 0.5, 30.0)]
    monkeypatch.setattr("ivc.train.image.training.measure_files", lambda *all: points)
    settings = {"evaluation.files": "true", "evaluation.qualities": "50", "card.version": "7"}
    model = tmp_path / "model"
    outcome = ivc.train.run(recipe, data=[pictures], out=out, settings=settings, export=model)
    assert (outcome.model, outcome.steps, outcome.files) == (model, whole.steps, points)
    networks, synthesis, folder, card, patches = exported
    assert folder == model and is_rounding(networks)
    assert (patches.ndim, patches.shape[-1], patches.dtype) == (4, 3, np.uint8)
    for module, stage in ((networks, "entropy"), (synthesis, "synthesis")):
        for name, tensor in weights(out, stage).items():
            assert torch.equal(module.state_dict()[name], tensor), name
    assert (card.version, card.steps, card.data) == (7, 8, pictures.name)
    assert len(card.results) == 1
    assert [row["psnr"] for row in rows(out / "files.csv")] == ["30"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_save(recipe, pictures, tmp_path, capsys, monkeypatch, number):
    def watch(self, status):
        self.last = status
        if status.step == 1:
            signal.raise_signal(number)

    # the name ivc.cli.train is the command's, not the module's
    monkeypatch.setattr(sys.modules["ivc.cli.train"]._Watch, "__call__", watch)
    command = ["train", str(recipe), "--data", str(pictures), "--out", str(tmp_path)]
    assert main([*command, "--set", "stages=entropy"]) == 128 + number
    assert "saved at step 1 of entropy; the same command goes on" in capsys.readouterr().err
    assert checkpoint.load(tmp_path / "entropy" / "checkpoint.pt")["step"] == 1


def test_a_checkpoint_of_another_program(recipe, pictures, tmp_path):
    (tmp_path / "entropy").mkdir()
    torch.save({"ema": {}, "opt": {}}, tmp_path / "entropy" / "checkpoint.pt")
    with pytest.raises(UsageError, match="name it as start"):
        ivc.train.run(recipe, data=[pictures], out=tmp_path)


def test_two_processes_train_as_one(uninterrupted, recipe, pictures, tmp_path):
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    command += ["--nproc-per-node", "2", "-m", "ivc", "train", recipe, "--data", pictures]
    done = subprocess.run(
        [*command, "--out", tmp_path], env=ENVIRONMENT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    out = uninterrupted[0]
    for stage in ("entropy", "synthesis"):
        losses = [
            [float(row["loss"]) for row in rows(folder / stage / "log.csv")]
            for folder in (out, tmp_path)
        ]
        assert losses[1] == pytest.approx(losses[0], rel=2e-3)


@pytest.mark.parametrize("rounding", [False, True])
def test_starting_from_foreign_weights(recipe, pictures, tmp_path, rounding):
    torch.manual_seed(7)
    networks = Networks(TINY)
    for layer in networks.modules():
        if hasattr(layer, "calibrated"):
            layer.calibrated.fill_(True)
    old = {"model": {}, "ema": networks.state_dict(), "opt": {}, "i": 9, "spent": 1.0}
    torch.save(old | {"ron": rounding}, tmp_path / "old.pt")
    settings = {
        "start": str(tmp_path / "old.pt"), "stages": "entropy", "entropy.steps": "1",
        "entropy.learning_rate": "1e-9", "entropy.plain": "0", "evaluation.pictures": "0",
    }  # fmt: skip
    out = tmp_path / "out"
    ivc.train.run(recipe, data=[pictures], out=out, settings=settings)
    for name, tensor in weights(out).items():
        if name.endswith("weight_exponent") and not rounding:
            continue
        assert torch.allclose(tensor.float(), old["ema"][name].float(), atol=1e-6), name
    with pytest.raises(UsageError, match="another shape"):
        ivc.train.run(
            recipe, data=[pictures], out=out, settings=settings | {"shape.finest": "16"}
        )  # fmt: skip


def test_ms_ssim_as_loss_and_frozen_networks(uninterrupted, recipe, pictures, tmp_path):
    first = uninterrupted[0] / "entropy" / "checkpoint.pt"
    settings = {"stages": "synthesis", "synthesis.loss": "ms-ssim", "start": str(first)}
    settings |= {"synthesis.steps": "1", "evaluation.pictures": "0"}
    outcome = ivc.train.run(recipe, data=[pictures], out=tmp_path, settings=settings)
    assert (outcome.steps, list(outcome.curve)) == (1, [])
    assert not (tmp_path / "entropy").exists()
    settings.pop("start")
    with pytest.raises(UsageError, match="needs what the entropy stage trains"):
        ivc.train.run(recipe, data=[pictures], out=tmp_path, settings=settings)


def test_what_a_person_can_get_wrong(recipe, pictures, tmp_path, capsys):
    def error(*arguments):
        assert main(["train", *map(str, arguments)]) == 2
        text = capsys.readouterr().err
        assert text.count("\n") == 1
        return text

    out = ["--out", tmp_path]
    assert "give a folder of them with --data" in error(recipe, *out)
    assert "is no folder" in error(recipe, *out, "--data", tmp_path / "none")
    assert "holds no picture" in error(recipe, *out, "--data", tmp_path)
    data = ["--data", pictures]
    assert "entropy.stepz; did you mean entropy.steps?" in error(
        recipe, *out, *data, "--set", "entropy.stepz=3"
    )
    assert "multiple of 64" in error(recipe, *out, *data, "--set", "data.patch=100")
    assert "stages must be" in error(recipe, *out, *data, "--set", "stages=x")
    assert "loss must be mse or ms-ssim" in error(
        recipe, *out, *data, "--set", "synthesis.loss=l1"
    )  # fmt: skip
    assert "in hours" in error(recipe, *out, *data, "--hours", "1")
    assert "device" in error(recipe, *out, *data, "--set", "device=abacus")
    assert "codec must be one of" in error(recipe, *out, *data, "--set", "codec=zip")
    assert "No such file" in error(tmp_path / "none.toml")


def test_without_torch_the_message_says_what_to_install(recipe, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "torch", None)
    assert main(["train", str(recipe)]) == 1
    assert capsys.readouterr().err == "ivc: training needs PyTorch: pip install 'ivc[train]'\n"


def test_the_command_starts_without_torch():
    code = "import ivc.train, ivc.cli, sys; print('torch' in sys.modules, 'numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
