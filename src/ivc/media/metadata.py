"""What stills carry beside their pixels, ICC, Exif, XMP and texts, as attachments and back."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from ivc.types import Attachment, AttachmentKind

if TYPE_CHECKING:
    from PIL import Image

_ORIENTATION_TAG = 0x0112
# ImageDescription, Make, Model, Orientation, Software, DateTime, Artist, Copyright
_DESCRIPTIVE_TAGS = (0x010E, 0x010F, 0x0110, 0x0112, 0x0131, 0x0132, 0x013B, 0x8298)
_XMP_ORIENTATION = re.compile(rb"(tiff:Orientation(?:=[\"']|>))([1-8])")


@dataclass(frozen=True)
class Metadata:
    """Metadata of a still.

    Attributes:
        icc: ICC profile, b"" if there is none.
        exif: Exif block that starts with its TIFF header ("II" or "MM"), b"" if there is none.
        xmp: XMP packet, b"" if there is none.
        text: texts by keyword.
    """

    icc: bytes = b""
    exif: bytes = b""
    xmp: bytes = b""
    text: dict[str, str] = field(default_factory=dict)

    def orientation(self) -> int:
        """The Exif orientation, 1 to 8; 1 if there is none."""
        _, code = _find_orientation(self.exif)
        return code

    def upright(self) -> Metadata:
        """The same with every orientation tag set to 1, all other bytes untouched."""
        exif, (place, _) = self.exif, _find_orientation(self.exif)
        if place is not None:
            one = (1).to_bytes(2, "little" if exif.startswith(b"II") else "big")
            exif = exif[:place] + one + exif[place + 2 :]
        return replace(self, exif=exif, xmp=_XMP_ORIENTATION.sub(rb"\g<1>1", self.xmp))

    def attachments(self) -> list[Attachment]:
        """One attachment for each kind that is not empty."""
        blobs = {
            AttachmentKind.ICC: self.icc,
            AttachmentKind.EXIF: self.exif,
            AttachmentKind.XMP: self.xmp,
            AttachmentKind.TEXT: json.dumps(self.text, ensure_ascii=False).encode()
            if self.text
            else b"",
        }
        return [Attachment(kind, data) for kind, data in blobs.items() if data]

    @staticmethod
    def from_attachments(attachments: Iterable[Attachment]) -> Metadata:
        """The inverse of ``attachments``; kinds that stills do not have are left out."""
        blobs = {a.kind: a.data for a in attachments}
        try:
            text = json.loads(blobs.get(AttachmentKind.TEXT, b"{}"))
        except ValueError:
            text = {}
        return Metadata(
            blobs.get(AttachmentKind.ICC, b""),
            blobs.get(AttachmentKind.EXIF, b""),
            blobs.get(AttachmentKind.XMP, b""),
            {str(k): str(v) for k, v in text.items()} if isinstance(text, dict) else {},
        )


def strip_exif_prefix(exif: bytes) -> bytes:
    """An Exif block without the "Exif" and two zero bytes that JPEG files put before it."""
    return exif[6:] if exif.startswith(b"Exif\0\0") else exif


def metadata_of_image(image: Image.Image) -> Metadata:
    """ICC, Exif, XMP and texts of an opened image."""
    info = image.info
    exif = strip_exif_prefix(info.get("exif") or b"")
    if not exif and image.format == "TIFF":
        exif = tiff_exif(image.getexif())
    xmp = info.get("xmp") or info.get("XML:com.adobe.xmp") or b""
    text = {
        key: str(value)
        for key, value in (getattr(image, "text", None) or {}).items()
        if key != "XML:com.adobe.xmp" and not key.startswith("Raw profile type")
    }
    comment = info.get("comment")
    if comment and "Comment" not in text:
        text["Comment"] = (
            comment.decode("utf-8", "replace") if isinstance(comment, bytes) else str(comment)
        )
    return Metadata(
        info.get("icc_profile") or b"", exif, xmp.encode() if isinstance(xmp, str) else xmp, text
    )


def tiff_exif(tags: Mapping[int, Any]) -> bytes:
    """The tags of a TIFF file that describe the picture, not its storage, as an Exif block."""
    from PIL import Image

    exif = Image.Exif()
    for tag in _DESCRIPTIVE_TAGS:
        if tag in tags:
            exif[tag] = tags[tag]
    return strip_exif_prefix(exif.tobytes()) if len(exif) else b""


def _find_orientation(exif: bytes) -> tuple[int | None, int]:
    """Byte offset of the value of the orientation tag (None if there is none) and the value."""
    order = {b"II": "little", b"MM": "big"}.get(exif[:2])
    if order is None or len(exif) < 10:
        return None, 1

    def number(at: int, size: int) -> int:
        return int.from_bytes(exif[at : at + size], order)  # type: ignore[arg-type]

    directory = number(4, 4)
    for entry in range(directory + 2, directory + 2 + 12 * number(directory, 2), 12):
        if entry + 12 > len(exif):
            break
        if number(entry, 2) == _ORIENTATION_TAG:
            code = number(entry + 8, 2)
            return (entry + 8, code) if 1 <= code <= 8 else (None, 1)
    return None, 1
