"""Timed text of MP4 files as plain text, for containers that cannot hold it."""

from __future__ import annotations

_UTF16_MARK = b"\xfe\xff"


def plain_text(sample: bytes) -> bytes:
    """The words of one sample of MP4 timed text (3GPP TS 26.245, clause 5.17), without its styles.

    Args:
        sample: a text sample: its length in two bytes, UTF-8 or marked UTF-16, then style boxes.

    Returns:
        UTF-8 with a line feed between lines; nothing for the empty samples that end a text.
    """
    text = sample[2 : 2 + int.from_bytes(sample[:2], "big")]
    coding = "utf-16" if text.startswith(_UTF16_MARK) else "utf-8"
    lines = text.decode(coding, "replace").replace("\r\n", "\n").replace("\r", "\n")
    # an empty line would end the text in SubRip
    return "\n".join(line for line in lines.split("\n") if line.strip()).encode()
