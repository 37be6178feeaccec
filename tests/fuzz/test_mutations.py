"""Damaged files of every codec end in frames or in one line, within bounded time and memory."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

FILES = 8000
ENDS = (
    "BitstreamError",
    "TruncatedError",
    "ChecksumError",
    "DecryptionError",
    "LimitError",
    "UnsupportedError",
    "file cut short",
    "file decoded",
    "payload decoded",
)
"""How damaged files must be seen to end: all stages are reached and survived."""


@pytest.mark.parametrize("seed", [1, 2])
def test_damaged_files_do_no_harm(seed):
    """16,000 files and payloads in two processes, limited to 768 MiB beyond their start."""
    script = Path(__file__).with_name("mutations.py")
    run = subprocess.run(
        [sys.executable, str(script), str(FILES), str(seed)],
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert run.returncode == 0, run.stderr[-3000:]
    result = json.loads(run.stdout)
    assert result["files"] == FILES == sum(result["ends"].values())
    for expected in ENDS:
        assert result["ends"].get(expected, 0) > 20, result["ends"]
