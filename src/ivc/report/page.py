"""The page: data, style and scripts put into one file.

Nothing of the report but its escaped title is ever put into markup, and nothing into code. It
travels as JSON in a block that no browser executes, and the scripts show it as text. The policy
allows exactly the style and the scripts of this package by their hashes, pictures that are in the
page itself, and nothing else.
"""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import hashlib
import json
import math
import os
import re
import secrets
from collections.abc import Iterable
from html import escape
from importlib.resources import files
from pathlib import Path

from ivc.errors import MediaError
from ivc.report.model import Report

STYLES = ("report.css", "parts.css", "charts.css", "matrix.css", "viewer.css")
THEME = "theme.js"
"""Runs before the page is drawn, so that a dark page never flashes white."""
SCRIPTS = (
    "dom.js",
    "data.js",
    "axes.js",
    "charts.js",
    "curves.js",
    "matrix.js",
    "speed.js",
    "layers.js",
    "tables.js",
    "stage.js",
    "viewer.js",
    "main.js",
)


def asset(name: str) -> str:
    """A file of the folder ``assets``."""
    return files("ivc.report").joinpath("assets", name).read_text(encoding="utf-8")


def digest(text: str) -> str:
    """A text's hash as a Content-Security-Policy names it."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def plain(value: object) -> object:
    """Dataclasses as dicts, with None in place of numbers that are not finite."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {str(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(entry) for entry in value]
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    return value


def to_json(report: Report) -> str:
    """The report as JSON that cannot end the ``<script>`` it stands in.

    Everything is ASCII, so that names of files that are no valid UTF-8 survive too.
    """
    text = json.dumps(plain(report), separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def check_pictures(uris: Iterable[str]) -> None:
    """Refuse pictures that are not in the page itself.

    Raises:
        ValueError: when one is no ``data:image/`` URI.
    """
    for uri in uris:
        if not uri.startswith("data:image/"):
            raise ValueError(f"a picture of a report is a data:image/ URI, not {uri[:40]!r}")


def render_report(report: Report) -> str:
    """The page as HTML.

    Raises:
        ValueError: when a picture is no ``data:image/`` URI.
    """
    for picture in report.pictures:
        check_pictures(picture.original)
        for version in picture.versions:
            check_pictures(version.frames)
    style = "\n".join(map(asset, STYLES))
    theme = asset(THEME)
    scripts = "\n".join(['"use strict";', "(() => {", *map(asset, SCRIPTS), "})();"])
    policy = (
        f"default-src 'none'; img-src data:; style-src {digest(style)}; "
        f"script-src {digest(theme)} {digest(scripts)}; base-uri 'none'; form-action 'none'"
    )
    parts = {
        "policy": policy,
        "style": style,
        "theme": theme,
        "scripts": scripts,
        "title": escape(report.title),
        "data": to_json(report),
    }
    # in one pass: what is filled in is not searched for further places
    return re.sub(r"\{\{(\w+)\}\}", lambda place: parts[place[1]], asset("report.html"))


def write_report(report: Report, path: Path) -> int:
    """Write the page; the file appears complete or not at all.

    Returns:
        Its size in bytes.

    Raises:
        MediaError: when the file cannot be written.
        ValueError: when a picture is no ``data:image/`` URI.
    """
    content = render_report(report).encode("utf-8", "replace")
    temporary = path.with_name(f".{path.stem[:32]}.{secrets.token_hex(4)}.part")
    try:
        with temporary.open("xb") as file:
            file.write(content)
        os.replace(temporary, path)  # noqa: PTH105
    except OSError as error:
        raise MediaError(f"cannot write {path}: {error.strerror or error}") from None
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
    return len(content)
