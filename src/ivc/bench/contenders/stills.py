"""Still codecs of today, through Pillow, imagecodecs and pillow-heif.

What each does is a row of ``CODERS``; the command is ``python -m ivc.bench.worker``, which runs one
row on one file. Where an encoder can tune for PSNR it does, since PSNR is what curves are drawn
over; ``avif-default`` and ``heic-default`` are what a user gets who sets nothing but a quality.
"""

from __future__ import annotations

import functools
import hashlib
import inspect
import io
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from ivc.bench.contenders.base import Contender, Ladder, Task
from ivc.bench.material import Material

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Picture = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]

FORMATS = "pip install 'ivc[bench]'"


@dataclass(frozen=True)
class Coder:
    """One row: how pixels of shape (H, W), (H, W, 3) or (H, W, 4) become a file and back.

    Attributes:
        title: as shown.
        extension: of its files.
        encode: pixels, setting and threads to the bytes of a file.
        decode: those bytes to pixels.
        version: of the libraries that do it.
        needs: the module that must be importable.
        ladder: settings, from the smallest file up.
        unit: what a setting is.
        alpha: whether it keeps an alpha channel.
        gray_alpha: whether it does so beside gray, without giving it a tint.
        depth: most bits a sample.
        lossless: whether it must return every sample.
        options: for the description of the codec.
    """

    title: str
    extension: str
    encode: Callable[[Any, float, int], bytes]
    decode: Callable[[bytes], Any]
    version: Callable[[], str]
    needs: str = "PIL"
    ladder: Ladder = (0.0,)
    unit: str = "quality"
    alpha: bool = False
    gray_alpha: bool = True
    depth: int = 8
    lossless: bool = False
    options: str = field(default="")


def _pillow(format: str, picture: Picture, setting: float, threads: int, **options: Any) -> bytes:
    from PIL import Image

    if format == "AVIF":
        options["max_threads"] = threads
    if format == "JPEG2000":
        options["quality_layers"] = [setting]
        if picture.ndim == 3:
            # without it Pillow codes R, G and B each by itself, which costs half the bytes
            options["mct"] = 1
    elif not options.get("lossless") and format != "PNG":
        if setting != int(setting):
            raise ValueError(f"{format} takes whole numbers as quality, not {setting:g}")
        options["quality"] = int(setting)
    file = io.BytesIO()
    Image.fromarray(picture).save(file, format, **options)
    return file.getvalue()


def _pillow_back(data: bytes) -> Picture:
    import numpy as np
    from PIL import Image

    return np.asarray(Image.open(io.BytesIO(data)))


def _png(picture: Picture, setting: float, threads: int) -> bytes:
    import numpy as np

    if picture.dtype == np.uint8:
        return _pillow("PNG", picture, setting, threads, optimize=True)
    # Pillow has no 16-bit colour
    import imagecodecs

    return bytes(imagecodecs.png_encode(picture, level=9))


def _png_back(data: bytes) -> Picture:
    import imagecodecs

    picture: Picture = imagecodecs.png_decode(data)
    return picture


def _jxl(picture: Picture, setting: float, threads: int, *, effort: int) -> bytes:
    import imagecodecs

    return bytes(
        imagecodecs.jpegxl_encode(picture, effort=effort, distance=setting, numthreads=threads)
    )


def _jxl_lossless(picture: Picture, setting: float, threads: int, *, effort: int) -> bytes:
    import imagecodecs

    return bytes(
        imagecodecs.jpegxl_encode(picture, effort=effort, lossless=True, numthreads=threads)
    )


def _jxl_back(data: bytes) -> Picture:
    import imagecodecs

    picture: Picture = imagecodecs.jpegxl_decode(data, numthreads=1)
    return picture


def _heic(picture: Picture, setting: float, threads: int, **options: Any) -> bytes:
    import pillow_heif

    pillow_heif.register_heif_opener()
    return _pillow("HEIF", picture, setting, threads, **options)


def _heic_back(data: bytes) -> Picture:
    import pillow_heif

    pillow_heif.register_heif_opener()
    return _pillow_back(data)


def _pillow_version(feature: str) -> str:
    import PIL
    from PIL import features

    return f"{feature} {features.version(feature)}, Pillow {PIL.__version__}"


def _avif_version() -> str:
    from PIL import _avif

    return f"{_pillow_version('avif')}, {_avif.codec_versions()}"


def _png_version() -> str:
    return _pillow_version("zlib")


def _jxl_version() -> str:
    import imagecodecs

    return str(imagecodecs.jpegxl_version())


def _heic_version() -> str:
    import pillow_heif

    info = pillow_heif.libheif_info()
    return f"libheif {info['libheif']}, {info['HEIF']}, pillow-heif {pillow_heif.__version__}"


_QUALITIES = (8.0, 18.0, 30.0, 45.0, 60.0, 75.0, 86.0, 94.0)
_WEBP = (0.0, 8.0, 20.0, 40.0, 60.0, 78.0, 90.0, 97.0)
_AVIF = (4.0, 15.0, 28.0, 40.0, 52.0, 64.0, 76.0, 86.0, 93.0)
_HEIC = (10.0, 22.0, 34.0, 45.0, 56.0, 68.0, 80.0, 92.0)
_DISTANCES = (15.0, 9.0, 6.0, 4.0, 2.5, 1.5, 0.8, 0.4)
_RATIOS = (160.0, 90.0, 50.0, 30.0, 18.0, 11.0, 7.0, 4.5)

_jpeg = partial(Coder, extension=".jpg", decode=_pillow_back,
                version=partial(_pillow_version, "libjpeg_turbo"), ladder=_QUALITIES)  # fmt: skip
_webp = partial(Coder, extension=".webp", decode=_pillow_back,
                version=partial(_pillow_version, "webp"), alpha=True)  # fmt: skip
_avif = partial(Coder, extension=".avif", decode=_pillow_back, version=_avif_version,
                ladder=_AVIF, alpha=True)  # fmt: skip
_heif = partial(Coder, extension=".heic", decode=_heic_back, version=_heic_version,
                needs="pillow_heif", ladder=_HEIC, alpha=True)  # fmt: skip
_jpegxl = partial(Coder, extension=".jxl", decode=_jxl_back, version=_jxl_version,
                  needs="imagecodecs", alpha=True, depth=16)  # fmt: skip

CODERS: dict[str, Coder] = {
    "jpeg-420": _jpeg(
        "JPEG 4:2:0", encode=partial(_pillow, "JPEG", optimize=True, subsampling=2),
        options="libjpeg-turbo, optimised Huffman tables, 4:2:0",
    ),
    "jpeg-444": _jpeg(
        "JPEG 4:4:4", encode=partial(_pillow, "JPEG", optimize=True, subsampling=0),
        options="libjpeg-turbo, optimised Huffman tables, 4:4:4",
    ),
    "jpeg2000": Coder(
        "JPEG 2000", ".jp2",
        encode=partial(_pillow, "JPEG2000", quality_mode="rates", irreversible=True),
        decode=_pillow_back, version=partial(_pillow_version, "jpg_2000"),
        ladder=_RATIOS, unit="ratio", alpha=True,
        options="OpenJPEG, component and 9/7 wavelet transform, by compression ratio",
    ),
    "webp": _webp(
        "WebP", encode=partial(_pillow, "WEBP", method=6), ladder=_WEBP, gray_alpha=False,
        options="libwebp, method 6",
    ),
    "jxl-7": _jpegxl(
        "JPEG XL e7", encode=partial(_jxl, effort=7), ladder=_DISTANCES, unit="distance",
        options="libjxl, effort 7",
    ),
    "jxl-9": _jpegxl(
        "JPEG XL e9", encode=partial(_jxl, effort=9), ladder=_DISTANCES, unit="distance",
        options="libjxl, effort 9",
    ),
    "avif": _avif(
        "AVIF",
        encode=partial(
            _pillow, "AVIF", subsampling="4:4:4", speed=4, advanced={"tune": "psnr"}
        ),
        options="libaom, 4:4:4, speed 4, tuned for PSNR",
    ),
    "avif-default": _avif(
        "AVIF default", encode=partial(_pillow, "AVIF"),
        options="libaom as Pillow sets it: 4:2:0, speed 6, tuned for the eye",
    ),
    "heic": _heif(
        "HEIC",
        encode=partial(_heic, chroma="444", enc_params={"preset": "slow", "tune": "psnr"}),
        options="x265, 4:4:4, preset slow, tuned for PSNR",
    ),
    "heic-default": _heif(
        "HEIC default", encode=_heic, options="x265 as libheif sets it: 4:2:0, preset slow, "
        "tuned for SSIM",
    ),
    "png": Coder(
        "PNG", ".png", encode=_png, decode=_png_back, version=_png_version, needs="imagecodecs",
        alpha=True, depth=16, lossless=True, options="zlib level 9, optimised",
    ),
    "webp-lossless": _webp(
        "WebP lossless",
        encode=partial(_pillow, "WEBP", lossless=True, quality=100, method=6, exact=True),
        lossless=True, options="libwebp, method 6, quality 100",
    ),
    "jxl-lossless-7": _jpegxl(
        "JPEG XL lossless e7", encode=partial(_jxl_lossless, effort=7), lossless=True,
        options="libjxl, effort 7",
    ),
    "jxl-lossless-9": _jpegxl(
        "JPEG XL lossless e9", encode=partial(_jxl_lossless, effort=9), lossless=True,
        options="libjxl, effort 9",
    ),
}  # fmt: skip
"""All still anchors by name."""


def _described(function: Any) -> str:
    """Source and options of a function of the table."""
    if isinstance(function, partial):
        return f"{_described(function.func)}{function.args}{sorted(function.keywords.items())}"
    return _source(function)


@functools.cache
def _source(function: Any) -> str:
    """Source of a function; taken once, since it may change while this runs."""
    return inspect.getsource(function)


class StillAnchor(Contender):
    """A row of ``CODERS`` as a contender."""

    stills = True

    def __init__(self, name: str) -> None:
        coder = CODERS[name]
        self.name, self.title, self.extension = name, coder.title, coder.extension
        self.lossless, self.ladder, self.unit = coder.lossless, coder.ladder, coder.unit
        self._coder = coder

    def version(self) -> str:
        """See ``Contender``."""
        return f"{self._coder.version()} ({self._coder.options})"

    def identity(self) -> str:
        """See ``Contender``; the functions that do it, and their options, decide its files too."""
        done = "".join(map(_described, (self._coder.encode, self._coder.decode)))
        return f"{super().identity()} | {hashlib.sha256(done.encode()).hexdigest()[:12]}"

    def missing(self) -> str | None:
        """See ``Contender``."""
        from importlib.util import find_spec

        if find_spec(self._coder.needs) is None:
            package = self._coder.needs.replace("_", "-")
            return f"needs the package {package}: {FORMATS}"
        if self.name.startswith("avif"):
            from PIL import features

            if not features.check("avif"):
                return "this Pillow was built without AVIF"
        return None

    def refuses(self, material: Material) -> str | None:
        """See ``Contender``."""
        why = super().refuses(material)
        if why:
            return why
        if material.alpha and not self._coder.alpha:
            return "has no alpha"
        if material.alpha and material.layout == "GRAY" and not self._coder.gray_alpha:
            return "has no gray with alpha"
        if material.depth > self._coder.depth:
            return f"takes {self._coder.depth} bits a sample here, not {material.depth}"
        return None

    def encode(self, task: Task) -> list[str]:
        """See ``Contender``."""
        return self._command("encode", task, 0)

    def decode(self, task: Task) -> list[str]:
        """See ``Contender``."""
        return self._command("decode", task, 0)

    def timed(self, task: Task, repeat: int) -> tuple[list[str], list[str]]:
        """See ``Contender``."""
        return self._command("encode", task, repeat), self._command("decode", task, repeat)

    def _command(self, verb: str, task: Task, repeat: int) -> list[str]:
        source, target = task.material.path, task.coded
        if verb == "decode":
            source, target = task.coded, task.decoded
        command = [sys.executable, "-m", "ivc.bench.worker", verb, self.name]
        command += [str(source), str(target), "--threads", str(task.threads)]
        if verb == "encode":
            command += ["--setting", f"{task.setting:g}"]
        return command + (["--repeat", str(repeat)] if repeat else [])
