"""The tables of ``docs/bitstream.md``, made from the declarations that reader and writer use.

    python -m ivc.stream.document docs/bitstream.md

rewrites what stands between ``<!-- table: NAME -->`` and ``<!-- end -->`` in a page.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from ivc.stream import syntax
from ivc.stream.fields import Bits, Table
from ivc.stream.header import default_colour
from ivc.stream.levels import LEVELS
from ivc.stream.syntax import Control
from ivc.types import AttachmentKind, Layer, Layout

MARKED = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def _rows(head: Iterable[object], rows: Iterable[Iterable[object]]) -> str:
    titles = list(head)
    lines: list[Iterable[object]] = [titles, ["---"] * len(titles), *rows]
    return "".join("| " + " | ".join(str(cell) for cell in line) + " |\n" for line in lines)


def _field_table(table: Table) -> str:
    rows: list[list[str]] = []
    for field in table.fields:
        condition = f"if {field.when}" if field.when else ""
        rows.append([f"`{field.name}`", field.kind.label, condition, field.doc])
        if isinstance(field.kind, Bits):
            shift = 0
            for name, width, doc in field.kind.parts:
                bits = f"bit {shift}" if width == 1 else f"bits {shift} to {shift + width - 1}"
                rows.append([f"· `{name}`", bits, "", doc])
                shift += width
    return _rows(["field", "bytes", "present", "meaning"], rows)


def _controls() -> str:
    return _rows(["number", "record"], [[int(kind), kind.name] for kind in Control])


def _layers() -> str:
    return _rows(["number", "layer"], [[int(layer), layer.label] for layer in Layer])


def _attachments() -> str:
    return _rows(["number", "attachment"], [[int(kind), kind.label] for kind in AttachmentKind])


def _colours() -> str:
    rows = []
    for layout in Layout:
        for still in (True, False):
            colour = default_colour(layout, still=still)
            rows.append(
                [
                    layout.name,
                    "still" if still else "clip",
                    colour.primaries,
                    colour.transfer,
                    colour.matrix,
                    "full" if colour.full_range else "limited",
                ]
            )
    return _rows(["layout", "stream", "primaries", "transfer", "matrix", "range"], rows)


def _levels() -> str:
    rows = [
        [
            level.number,
            f"2<sup>{level.picture_samples.bit_length() - 1}</sup>",
            f"2<sup>{level.sample_rate.bit_length() - 1}</sup>",
            f"2<sup>{level.segment_samples.bit_length() - 1}</sup>",
            f"2<sup>{level.segment_bytes.bit_length() - 1}</sup>",
        ]
        for level in LEVELS
    ]
    head = [
        "level",
        "samples a picture",
        "samples a second",
        "samples a segment",
        "bytes a segment",
    ]
    return _rows(head, rows)


def _limits() -> str:
    return _rows(
        ["what", "at most"],
        [
            ["frames in a segment", syntax.MAX_SEGMENT_FRAMES],
            ["layers in a segment, or shared", syntax.MAX_SEGMENT_LAYERS],
            ["segments", syntax.MAX_SEGMENTS],
            ["attachments", syntax.MAX_ATTACHMENTS],
            ["records of unknown number", syntax.MAX_SKIPPED],
            ["bytes of a layer's or attachment's payload", syntax.MAX_PAYLOAD_BYTES],
            ["bytes of another payload", syntax.MAX_CONTROL_BYTES],
        ],
    )


TABLES: dict[str, Callable[[], str]] = {
    "header": lambda: _field_table(syntax.HEADER),
    "extension": lambda: _field_table(syntax.EXTENSION),
    "sample_aspect": lambda: _field_table(syntax.SAMPLE_ASPECT),
    "segment": lambda: _field_table(syntax.SEGMENT),
    "shared": lambda: _field_table(syntax.SHARED),
    "attachment": lambda: _field_table(syntax.ATTACHMENT),
    "encryption": lambda: _field_table(syntax.ENCRYPTION),
    "index": lambda: _field_table(syntax.END),
    "trailer": lambda: _field_table(syntax.TRAILER),
    "controls": _controls,
    "layers": _layers,
    "attachments": _attachments,
    "colours": _colours,
    "levels": _levels,
    "limits": _limits,
}


def fill(page: str) -> str:
    """A page with all its marked tables made anew.

    Args:
        page: Markdown.
    """
    return MARKED.sub(lambda match: match[1] + TABLES[match[2]]() + match[3], page)


def main() -> None:
    """Rewrite the pages that are named on the command line."""
    for name in sys.argv[1:]:
        path = Path(name)
        path.write_text(fill(path.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
