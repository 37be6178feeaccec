import numpy as np
import pytest
from PIL import Image

RECIPE = """
codec = "image"
threads = 1

[data]
patch = 64

[shape]
finest = 8
other = 8
prediction = 8
depth = 3
synthesis = 8
blocks = 1

[entropy]
steps = 6
batch = 2
log_steps = 2
checkpoint_steps = 2
plain = 0.3

[synthesis]
steps = 2
batch = 2
log_steps = 1

[evaluation]
pictures = 1
steps = [16]
files = false
"""
"""As small as can be, but with all that there is."""


@pytest.fixture(scope="session")
def pictures(tmp_path_factory):
    """A folder with five pictures, one of them smaller than a patch."""
    folder = tmp_path_factory.mktemp("pictures")
    random = np.random.default_rng(0)
    y, x = np.mgrid[:70, :90]
    for i in range(5):
        waves = np.stack([np.sin(x / (5 + i)), np.cos(y / (7 + i)), np.sin((x + y) / 15)], -1)
        pixels = (128 + 80 * waves + random.normal(0, 6, waves.shape)).clip(0, 255)
        pixels = pixels[:40] if i == 3 else pixels
        (folder / "below").mkdir(exist_ok=True)
        place = folder / "below" if i % 2 else folder
        Image.fromarray(pixels.astype(np.uint8)).save(place / f"{i}.png")
    return folder


@pytest.fixture(scope="session")
def recipe(tmp_path_factory):
    """The path of a tiny recipe."""
    path = tmp_path_factory.mktemp("recipe") / "tiny.toml"
    path.write_text(RECIPE)
    return path
