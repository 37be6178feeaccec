"""What holds for all tests: compiled kernels are as new as their sources."""

import hashlib
import os
from pathlib import Path

import ivc


def pytest_configure(config):
    """Delete cached kernels after any change of the package.

    numba renews the cache of a kernel when its own file changes, but not when a kernel that it
    calls changes in another file; a stale one would test code that is no longer there.
    """
    if hasattr(config, "workerinput"):
        return
    package = Path(ivc.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        digest.update(path.read_bytes())
    folder = os.environ.get("NUMBA_CACHE_DIR")
    root = Path(folder) if folder else package
    stamp = root / "__pycache__" / "kernels.sha256"
    if stamp.exists() and stamp.read_text() == digest.hexdigest():
        return
    for path in root.rglob("*.nb[ic]"):
        path.unlink(missing_ok=True)
    stamp.parent.mkdir(parents=True, exist_ok=True)
    stamp.write_text(digest.hexdigest())
