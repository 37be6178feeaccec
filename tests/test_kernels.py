"""Cached kernels go when any source changes, and stay when none does."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import ivc


@pytest.fixture
def package(tmp_path):
    shutil.copytree(
        Path(ivc.__file__).parent, tmp_path / "ivc", ignore=shutil.ignore_patterns("__pycache__")
    )
    return tmp_path / "ivc"


def start(package, run="pass", **environment):
    """A process that gets ready to run kernels, and runs something."""
    clean = {k: v for k, v in os.environ.items() if k != "NUMBA_CACHE_DIR"}
    subprocess.run(
        [sys.executable, "-c", f"from ivc.kernels import discard_stale; discard_stale()\n{run}"],
        env=clean | {"PYTHONPATH": str(package.parent)} | environment,
        check=True,
    )


COMPILE = "import numpy as np; from ivc.signal.dct import forward_dct\n" + (
    "forward_dct(np.zeros(64, np.int32), np.zeros(64, np.int32))"
)


@pytest.mark.parametrize("elsewhere", [False, True])
def test_kernels_are_dropped_after_a_change_only(package, tmp_path, elsewhere):
    more = {"NUMBA_CACHE_DIR": str(tmp_path / "cache")} if elsewhere else {}
    place = tmp_path / "cache" if elsewhere else package
    start(package, COMPILE, **more)
    kernels = set(place.rglob("*.nbi"))
    assert kernels
    foreign = place / "other_program" / "kernel.nbi"
    foreign.parent.mkdir()
    foreign.touch()
    start(package, **more)
    assert set(place.rglob("*.nbi")) == kernels | {foreign}
    os.utime(package / "entropy" / "primitives.py")
    start(package, **more)
    assert set(place.rglob("*.nbi")) == {foreign}


def test_a_folder_that_cannot_be_written_to_does_no_harm(package):
    (package / "__pycache__").write_text("in the way")
    start(package)
