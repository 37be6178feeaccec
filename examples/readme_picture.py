"""The picture of the README: a crop of a photograph, of its ivc file and of a JPEG of that size.

    python examples/readme_picture.py [docs/images/compared.png]

The photograph is NASA's portrait of Eileen Collins, in the public domain, from scikit-image.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from PIL import Image

from clips import PHOTO, read_photo, shipped
from demo import code_photo, side_by_side
from peers import jpeg_of_size


def main() -> None:
    """Code the photograph and save the panels."""
    target = Path(sys.argv[1] if len(sys.argv) > 1 else "docs/images/compared.png")
    picture = read_photo(shipped(*PHOTO))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = folder / "original.png"
        Image.fromarray(picture).save(source)
        ours = code_photo(source, picture, folder, "--size", "10k")
        peer = jpeg_of_size(picture, ours.bytes, folder / "photo.jpg")
        panels = {
            "original": picture,
            f"ivc, {ours.bytes:,} bytes": read_photo(folder / "photo-ivc.png"),
            f"JPEG, {peer.bytes:,} bytes": read_photo(folder / "photo.jpg"),
        }
    target.parent.mkdir(parents=True, exist_ok=True)
    side_by_side(panels, target, side=160)
    print(f"{target}: {target.stat().st_size:,} bytes; {ours}; {peer}")


if __name__ == "__main__":
    main()
