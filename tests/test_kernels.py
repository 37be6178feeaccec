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


def start(package, **environment):
    """A process that gets ready to run kernels."""
    subprocess.run(
        [sys.executable, "-c", "from ivc.kernels import discard_stale; discard_stale()"],
        env=dict(os.environ, PYTHONPATH=str(package.parent), **environment),
        check=True,
    )


@pytest.mark.parametrize("elsewhere", [False, True])
def test_kernels_are_dropped_after_a_change_only(package, tmp_path, elsewhere):
    folder = tmp_path / "cache" if elsewhere else package / "signal" / "__pycache__"
    more = {"NUMBA_CACHE_DIR": str(folder)} if elsewhere else {}
    start(package, **more)
    kernel = folder / "dct.forward_dct-1.py311.nbi"
    kernel.parent.mkdir(parents=True, exist_ok=True)
    kernel.touch()
    start(package, **more)
    assert kernel.exists()
    os.utime(package / "entropy" / "primitives.py")
    start(package, **more)
    assert not kernel.exists()


def test_a_folder_that_cannot_be_written_to_does_no_harm(package):
    (package / "__pycache__").write_text("in the way")
    start(package)
