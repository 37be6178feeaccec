"""LPIPS and DISTS with stand-ins for their packages: what is asked of them, and what is missing."""

import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
from pictures import frames, gray, plane

from ivc.errors import UsageError
from ivc.metrics import Meter, available, learned, measure
from ivc.types import Layout

torch = pytest.importorskip("torch")

FILES = {"lpips": "alexnet-owt-7be5be79.pth", "dists": "vgg16-397923af.pth"}


class Distance(torch.nn.Module):
    """Mean absolute difference; keeps what it is given."""

    def __init__(self, **options):
        super().__init__()
        self.options = options
        self.alpha = torch.nn.Parameter(torch.zeros(1))
        self.beta = torch.nn.Parameter(torch.zeros(1))
        self.seen = []

    def forward(self, a, b):
        assert not torch.is_grad_enabled()
        assert not self.training
        self.seen.append((a, b))
        return (a - b).abs().mean().reshape(1, 1, 1, 1)


def module(name, **content):
    stub = ModuleType(name)
    vars(stub).update(content)
    return stub


@pytest.fixture
def packages(monkeypatch, tmp_path):
    """Stand-ins for torchvision and both packages, and a folder with the weights."""
    models = SimpleNamespace(
        **{
            kind: SimpleNamespace(
                IMAGENET1K_V1=SimpleNamespace(url=f"https://download.pytorch.org/models/{file}")
            )
            for kind, file in (
                ("AlexNet_Weights", FILES["lpips"]), ("VGG16_Weights", FILES["dists"]),
            )
        }
    )  # fmt: skip
    package = tmp_path / "DISTS_pytorch"
    package.mkdir()
    torch.save({"alpha": torch.tensor([2.0]), "beta": torch.tensor([3.0])}, package / "weights.pt")
    stubs = {
        "torchvision": module("torchvision", models=models),
        "lpips": module("lpips", LPIPS=Distance),
        "DISTS_pytorch": module(
            "DISTS_pytorch", DISTS=Distance, __file__=str(package / "__init__.py")
        ),
    }
    for name, stub in stubs.items():
        monkeypatch.setitem(sys.modules, name, stub)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(torch.hub, "_hub_dir", None)
    checkpoints = tmp_path / "hub" / "checkpoints"
    checkpoints.mkdir(parents=True)
    for file in FILES.values():
        (checkpoints / file).touch()
    for network in (learned.LPIPS, learned.DISTS):
        monkeypatch.setattr(network, "_network", None)
    return checkpoints


@pytest.mark.parametrize(("name", "span"), [("lpips", (-1, 1)), ("dists", (0, 1))])
@pytest.mark.parametrize("depth", [8, 10, 16])
def test_pictures_are_handed_over_as_the_network_wants_them(name, span, depth, packages):
    a = frames(Layout.RGB, 33, 40, 0.2, depth=depth, alpha=True, count=2)
    b = frames(Layout.RGB, 33, 40, 0.5, depth=depth, alpha=True, count=2, seed=5)
    a.planes[0][0, 0, :2] = 0, a.format.max_value
    meter = Meter([name])
    meter.add(a, b)
    network = {"lpips": learned.LPIPS, "dists": learned.DISTS}[name]._network
    handed, _ = network.seen[0]
    assert handed.shape == (1, 3, 33, 40)
    assert handed.dtype == torch.float32
    assert handed[0, 0, 0, :2].tolist() == pytest.approx(span, abs=1e-6)
    colours = list(zip(a.planes[:3], b.planes[:3], strict=True))
    differences = [np.mean([abs(p[i].astype(float) - q[i]) for p, q in colours]) for i in range(2)]
    scale = (span[1] - span[0]) / a.format.max_value
    score = meter.scores()[name]
    assert score.per_frame == pytest.approx([d * scale for d in differences], rel=1e-4)
    assert score.pooled == score.mean
    assert measure(name, a, a) == 0


def test_the_networks_are_made_as_their_authors_did(packages):
    a = frames(Layout.RGB, 32, 32, 0.2)
    for name in FILES:
        measure(name, a, a)
    assert learned.LPIPS._network.options == {"net": "alex", "version": "0.1", "verbose": False}
    # not from where the package would look for its own weights
    assert learned.DISTS._network.options == {"load_weights": False}
    assert learned.DISTS._network.alpha.item() == 2
    assert learned.DISTS._network.beta.item() == 3


def test_gray_is_red_green_and_blue(packages):
    picture = gray(plane(32, 32, 0.1))
    measure("lpips", picture, picture)
    handed, _ = learned.LPIPS._network.seen[0]
    assert (handed[0, 0] == handed[0, 1]).all()
    assert (handed[0, 0] == handed[0, 2]).all()


@pytest.mark.parametrize("name", FILES)
def test_missing_weights_are_named_and_not_downloaded(name, packages, monkeypatch):
    def download(*_, **__):
        raise AssertionError("nothing may be downloaded")

    monkeypatch.setattr(torch.hub, "download_url_to_file", download)
    assert available(name) is None
    (packages / FILES[name]).unlink()
    reason = available(name)
    assert reason.startswith(f"{name} needs the weights {FILES[name]} in {packages}: download http")
    with pytest.raises(UsageError, match=FILES[name]):
        Meter([name])


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("missing", ["torch", "torchvision", "package"])
def test_missing_packages_are_named(name, missing, packages, monkeypatch):
    if missing == "package":
        missing = {"lpips": "lpips", "dists": "DISTS_pytorch"}[name]
    monkeypatch.delitem(sys.modules, missing)
    find = learned.require.__globals__["importlib"].util.find_spec
    monkeypatch.setattr(
        "importlib.util.find_spec", lambda found: None if found == missing else find(found)
    )
    assert available(name) == (
        f"{name} needs the package {missing}, which is not installed: pip install 'ivc[perceptual]'"
    )


def test_packages_that_do_not_fit_each_other_are_said_in_one_line(packages, monkeypatch):
    def load(name):
        raise RuntimeError(f"operator of {name} does not exist\nand more")

    monkeypatch.setattr("importlib.import_module", load)
    assert available("lpips") == (
        "lpips needs torch, torchvision, lpips, which do not load: operator of torch does not exist"
    )


def test_weights_that_cannot_be_read_are_said(packages, monkeypatch):
    def broken(**_):
        raise RuntimeError("invalid magic number\nand more")

    monkeypatch.setattr(sys.modules["lpips"], "LPIPS", broken)
    picture = frames(Layout.RGB, 32, 32, 0.1)
    with pytest.raises(
        UsageError, match=r"lpips: its weights cannot be read: invalid magic number$"
    ):
        measure("lpips", picture, picture)


@pytest.mark.parametrize(("name", "side"), [("lpips", 31), ("dists", 15)])
def test_what_they_do_not_take_is_said(name, side, packages):
    video = frames(Layout.YUV420, 64, 64, 0.1)
    with pytest.raises(UsageError, match=f"{name} compares RGB pictures"):
        measure(name, video, video)
    small = frames(Layout.RGB, side, 64, 0.1)
    with pytest.raises(UsageError, match=f"{name} needs pictures of at least {side + 1}x"):
        measure(name, small, small)
