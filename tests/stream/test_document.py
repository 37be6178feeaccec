"""The page that specifies the format is made from the code, and its examples are true."""

import io
import re
from pathlib import Path

import pytest

from ivc.stream import open_stream
from ivc.stream.document import MARKED, TABLES, fill
from ivc.types import Layer

PAGE = Path(__file__).parents[2] / "docs" / "bitstream.md"


def test_the_tables_are_current():
    page = PAGE.read_text(encoding="utf-8")
    assert fill(page) == page, "run: python -m ivc.stream.document docs/bitstream.md"
    assert {match[2] for match in MARKED.finditer(page)} == set(TABLES)


def test_a_stale_table_is_made_anew():
    stale = "a\n<!-- table: trailer -->\n| old |\n<!-- end -->\nb\n"
    assert "end_bytes" in fill(stale)
    assert "old" not in fill(stale)
    assert fill(fill(stale)) == fill(stale)


@pytest.mark.parametrize(
    ("place", "layers"), [(0, [Layer.PICTURE]), (1, [Layer.PICTURE, Layer.TEXT])]
)
def test_the_examples_are_streams(place, layers):
    page = PAGE.read_text(encoding="utf-8")
    example = re.findall(r"```text\n(96 .*?)```", page, re.DOTALL)[place]
    data = b"".join(
        bytes.fromhex(re.match(r"(?:[0-9a-f]{2} {1,2})*[0-9a-f]{2}", line)[0])
        for line in example.splitlines()
    )
    stream = open_stream(io.BytesIO(data))
    assert list(stream.read_layers(stream.segments[0])) == layers
    assert stream.trailing_bytes == 0
    assert not stream.truncated
