"""The small parts that training is made of."""

import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
import torch
from torch import nn

from ivc.errors import UsageError
from ivc.metrics.ssim import ms_ssim as measured_ms_ssim
from ivc.signal.colour import rgb_to_opponent
from ivc.train import checkpoint
from ivc.train.image.colour import to_planes, to_rgb
from ivc.train.image.networks import Prediction, Shape
from ivc.train.logs import Table, read
from ivc.train.ms_ssim import ms_ssim
from ivc.train.outcome import Point
from ivc.train.plot import draw
from ivc.train.precision import mixed_precision
from ivc.train.prefetch import Batches
from ivc.train.processes import Processes
from ivc.types import Frames, Layout, PixelFormat


def test_planes_are_those_of_the_codec():
    rgb = np.random.default_rng(0).integers(0, 256, (3, 9, 7)).astype(np.uint8)
    planes = to_planes(torch.from_numpy(rgb[None]))
    for axis in range(3):
        exact = np.zeros((9, 7), np.int32)
        rgb_to_opponent(*rgb, axis, 8, exact)
        assert np.abs(exact / 256 - planes[0, axis].numpy()).max() < 0.02
    assert torch.allclose(to_rgb(planes), torch.from_numpy(rgb).float(), atol=1e-3)
    error = torch.randn_like(planes)
    in_rgb = (to_rgb(planes + error) - to_rgb(planes)).square().mean()
    assert torch.allclose(in_rgb, error.square().mean((0, 2, 3)).sum(), rtol=1e-4)


@pytest.mark.parametrize("size", [(40, 53), (180, 177)])
def test_ms_ssim_is_that_of_the_metrics(size):
    random = np.random.default_rng(1)
    y, x = np.mgrid[: size[0], : size[1]]
    a = (128 + 90 * np.sin(x / 6) * np.cos(y / 9)).astype(np.uint8)
    b = (a + random.normal(0, 12, size)).clip(0, 255).astype(np.uint8)
    gray = PixelFormat(Layout.GRAY, 8)
    frames = [Frames((picture[None],), gray) for picture in (a, b)]
    tensors = [torch.from_numpy(picture[None, None].copy()).float() for picture in (a, b)]
    tensors[1].requires_grad_()
    found = ms_ssim(*tensors)
    assert float(found.detach()) == pytest.approx(measured_ms_ssim(*frames, 0), abs=2e-4)
    found.sum().backward()
    assert torch.isfinite(tensors[1].grad).all() and tensors[1].grad.any()


def test_mixed_precision_is_for_the_named_modules_only():
    network = Prediction(Shape(prediction=8, depth=3))
    nn.init.normal_(network.last.weight)
    other = nn.Conv2d(3, 3, 3)
    inputs = torch.randn(1, 3, 8, 8), torch.zeros(1, 1, 8, 8)
    exact = network(*inputs)
    with mixed_precision([network], "cpu"):
        coarse = network(*inputs)
        assert other(inputs[0]).dtype == torch.float32
    assert coarse.dtype == torch.float32
    assert not torch.equal(coarse, exact) and torch.allclose(coarse, exact, atol=0.1)
    assert torch.equal(network(*inputs), exact)
    with mixed_precision([network], ""):
        assert torch.equal(network(*inputs), exact)


@pytest.mark.parametrize("workers", [0, 3])
def test_batches_come_in_order(workers):
    def make(step, indices):
        return (torch.tensor([step, *indices]),)

    with Batches(make, [4, 5], 7, workers) as batches:
        taken = [batches.take()[0].tolist() for _ in range(9)]
    assert taken == [[step, 4, 5] for step in range(7, 16)]


def test_processes_share_a_batch():
    cpu = torch.device("cpu")
    assert [list(Processes(rank, 2, cpu).share(6)) for rank in range(2)] == [[0, 1, 2], [3, 4, 5]]
    with pytest.raises(UsageError, match="cannot be split"):
        Processes(0, 4, cpu).share(6)


def test_logs_go_on_at_the_checkpoint(tmp_path):
    path = tmp_path / "log.csv"
    table = Table(path, ["step", "loss"], 0)
    for step in (10, 20, 30):
        table.add(step=step, loss=1 / step)
    path.write_text(path.read_text() + "40")  # a row that was cut short
    Table(path, ["step", "loss"], 20).add(step=25, loss=2)
    assert [(row["step"], row["loss"]) for row in read(path)] == [
        ("10", "0.1"), ("20", "0.05"), ("25", "2"),
    ]  # fmt: skip
    assert not Table(path, ["step", "loss"], 0).rows


def test_the_plot_is_xml_with_all_points():
    curves = [("1 <step>", [Point(8, 0.5, 30.0), Point(4, 1.0, 35.0)]), ("2", [Point(8, 0.4, 31)])]
    root = ElementTree.fromstring(draw("a & b", curves))
    texts = [element.text for element in root.iter() if element.tag.endswith("text")]
    assert "a & b" in texts and "1 <step>" in texts
    of_lines = [group for group in root if any(e.get("class") == "line" for e in group)]
    assert [len(group) - 1 for group in of_lines] == [1, 2]  # points, the newest curve first
    assert ["first" in group.get("class") for group in of_lines] == [True, False]
    ElementTree.fromstring(draw("nothing", [("none", [])]))


def test_checkpoints_that_are_none(tmp_path):
    path = tmp_path / "checkpoint.pt"
    with pytest.raises(UsageError, match="No such file"):
        checkpoint.load(path)
    path.write_bytes(b"nonsense")
    with pytest.raises(UsageError, match="cannot be read"):
        checkpoint.load(path)
    checkpoint.save(path, {"a": 1})
    with pytest.raises(UsageError, match="no averaged weights"):
        checkpoint.load(path)
    (tmp_path / ".checkpoint.0000.part.pt").write_bytes(b"of a killed process")
    checkpoint.save(path, {"ema": {}})
    assert [file.name for file in tmp_path.iterdir()] == ["checkpoint.pt"]
