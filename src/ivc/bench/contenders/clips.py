"""Video codecs of today, through the FFmpeg program.

All of them write bare elementary streams (IVF for AV1 and VP9), which have the least overhead, with
a closed group of pictures of at most ``GOP`` frames, no scene-cut key frames, constant quality, and
tuning for PSNR where the encoder offers it. x264 and x265 do not store their own description in
the stream. VVenC codes 8 bit inside as 10 bit, as VVC usually is; what it decodes to is rounded.
"""

from __future__ import annotations

import functools
import hashlib
import inspect
import os
import subprocess
from dataclasses import dataclass
from functools import partial

from ivc.bench.contenders.base import Contender, Ladder, Task
from ivc.bench.material import Material
from ivc.metrics.vmaf import programs
from ivc.types import Layout

GOP = 64
"""Most frames from one key frame to the next, for every codec."""

_420, _YUV = frozenset({"YUV420"}), frozenset({"YUV420", "YUV422", "YUV444"})
_ALL = _YUV | {"GRAY", "RGB"}


@dataclass(frozen=True)
class Encoder:
    """One row: an FFmpeg encoder at fixed options.

    Attributes:
        title: as shown.
        library: FFmpeg's name of the encoder.
        extension: of the elementary stream.
        options: arguments, in which ``{setting}``, ``{threads}`` and ``{gop}`` are replaced.
        ladder: settings, from the smallest file up.
        unit: what a setting is.
        layouts: what it codes without converting; RGB is coded as 4:4:4 by the lossy ones.
        depths: bits a sample that it takes.
        lossless: whether every sample comes back.
        even: whether it wants whole chroma samples, so that 4:2:0 has even sides.
    """

    title: str
    library: str
    extension: str
    options: str
    ladder: Ladder = (0.0,)
    unit: str = "crf"
    layouts: frozenset[str] = _YUV | {"RGB"}
    depths: frozenset[int] = frozenset({8, 10})
    lossless: bool = False
    even: bool = False


_X264 = (
    "-preset {preset} -tune psnr -crf {setting} -x264-params keyint={gop}:min-keyint={gop}:"
    "scenecut=0:open-gop=0:rc-lookahead={lookahead}:threads={threads} "
    "-bsf:v filter_units=remove_types=6"
)
_X265 = (
    "-preset {preset} -tune psnr -crf {setting} -x265-params "
    "keyint={gop}:min-keyint={gop}:scenecut=0:open-gop=0:rc-lookahead=40:info=0:"
    "pools={threads}:frame-threads={threads}:log-level=error"
)
_SVT = (
    "-preset {preset} -crf {setting} -svtav1-params "
    "tune=1:keyint={gop}:irefresh-type=2:scd=0:lp={threads}"
)
_AOM = (
    "-cpu-used 4 -crf {setting} -b:v 0 -g {gop} -keyint_min {gop} -lag-in-frames 35 "
    "-tune psnr -row-mt 1 -threads {threads}"
)
_VP9 = (
    "-deadline good -cpu-used 1 -crf {setting} -b:v 0 -g {gop} -keyint_min {gop} "
    "-lag-in-frames 25 -auto-alt-ref 1 -tune psnr -row-mt 1 -threads {threads}"
)
_VVC = (
    "-preset {preset} -qp {setting} -qpa 0 -pix_fmt yuv420p10le -vvenc-params "
    "intraperiod={gop}:decodingrefreshtype=idr:threads={threads}:verbosity=1"
)
_FFV1 = "-level 3 -coder 1 -context 1 -g {gop} -slices 4 -slicecrc 0 -threads {threads}"

_CRF: Ladder = (42.0, 37.0, 32.0, 27.0, 22.0, 17.0)
_AV1: Ladder = (60.0, 52.0, 44.0, 35.0, 26.0, 16.0)
_QP: Ladder = (44.0, 39.0, 34.0, 29.0, 24.0, 19.0)

_x264 = partial(Encoder, library="libx264", extension=".264", ladder=_CRF, even=True)
_x265 = partial(Encoder, library="libx265", extension=".265", ladder=_CRF, even=True)
_svt = partial(Encoder, library="libsvtav1", extension=".ivf", ladder=_AV1, layouts=_420)
_vvenc = partial(Encoder, library="libvvenc", extension=".266", ladder=_QP, unit="qp",
                 layouts=_420, even=True)  # fmt: skip


def _at(options: str, preset: str, lookahead: int = 40) -> str:
    """Options with a preset in them; the other fields are filled for each file."""
    return options.replace("{preset}", preset).replace("{lookahead}", str(lookahead))


ENCODERS: dict[str, Encoder] = {
    "x264-medium": _x264("x264 medium", options=_at(_X264, "medium")),
    "x264-veryslow": _x264("x264 veryslow", options=_at(_X264, "veryslow", 60)),
    "x265-medium": _x265("x265 medium", options=_at(_X265, "medium")),
    "x265-veryslow": _x265("x265 veryslow", options=_at(_X265, "veryslow")),
    "svt-av1-8": _svt("SVT-AV1 preset 8", options=_at(_SVT, "8")),
    "svt-av1-4": _svt("SVT-AV1 preset 4", options=_at(_SVT, "4")),
    "svt-av1-2": _svt("SVT-AV1 preset 2", options=_at(_SVT, "2")),
    "libaom": Encoder("libaom cpu-used 4", "libaom-av1", ".ivf", _AOM, _AV1),
    "vp9": Encoder("VP9 cpu-used 1, one pass", "libvpx-vp9", ".ivf", _VP9, _AV1),
    "vvenc-faster": _vvenc("VVenC faster", options=_at(_VVC, "faster")),
    "vvenc-medium": _vvenc("VVenC medium", options=_at(_VVC, "medium")),
    "ffv1": Encoder(
        "FFV1", "ffv1", ".nut", _FFV1, layouts=_ALL, depths=frozenset({8, 10, 12, 16}),
        lossless=True, even=True,
    ),
    "x264-lossless": Encoder(
        "x264 qp 0", "libx264", ".264",
        "-preset veryslow -qp 0 -x264-params keyint={gop}:scenecut=0:threads={threads} "
        "-bsf:v filter_units=remove_types=6",
        layouts=_YUV | {"GRAY"}, lossless=True, even=True,
    ),
}  # fmt: skip
"""All video anchors by name."""


class ClipAnchor(Contender):
    """A row of ``ENCODERS`` as a contender."""

    clips = True

    def __init__(self, name: str) -> None:
        row = ENCODERS[name]
        self.name, self.title, self.extension = name, row.title, row.extension
        self.lossless, self.ladder, self.unit = row.lossless, row.ladder, row.unit
        self._row = row

    def version(self) -> str:
        """FFmpeg's version, which fixes that of the library inside, and the options."""
        return f"{ffmpeg_version()}: {self._row.library} {self._row.options.format(**_SHOWN)}"

    def identity(self) -> str:
        """See ``Contender``; how it is called decides what it decodes to."""
        return f"{super().identity()} | {_called()}"

    def missing(self) -> str | None:
        """See ``Contender``."""
        if ffmpeg() is None:
            return "needs the ffmpeg program: pip install 'ivc[bench]'"
        if self._row.library not in _encoders():
            return f"this ffmpeg has no encoder {self._row.library}"
        return None

    def refuses(self, material: Material) -> str | None:
        """See ``Contender``."""
        why = super().refuses(material)
        if why:
            return why
        if material.layout not in self._row.layouts:
            return f"does not code {material.layout}"
        if material.depth not in self._row.depths:
            return f"does not code {material.depth} bits"
        across, down = Layout[material.layout].chroma_shift
        if self._row.even and (material.width & across or material.height & down):
            return f"does not code odd sizes of {material.layout}"
        return None

    def encode(self, task: Task) -> list[str]:
        """See ``Contender``."""
        values = {"setting": f"{task.setting:g}", "threads": task.threads, "gop": GOP}
        options = self._row.options.format(**values).split()
        if task.material.layout == "RGB" and not self.lossless:
            # players expect Y'CbCr; 4:4:4 keeps the colours
            options += ["-vf", _SCALE, "-pix_fmt", f"yuv444p{_deep(task.material)}"]
        return [
            *self._program(), "-i", _file(task.material.path), "-map", "0:v:0", "-an",
            "-fps_mode", "passthrough", "-c:v", self._row.library, *options, _file(task.coded),
        ]  # fmt: skip

    def decode(self, task: Task) -> list[str]:
        """See ``Contender``."""
        target = ["-f", "yuv4mpegpipe", "-strict", "-1"]
        if task.material.layout == "GRAY":
            # FFmpeg decodes gray H.264 to 4:2:0
            target = ["-vf", "extractplanes=y", *target]
        elif task.material.layout == "RGB":
            pixels = f"gbrp{_deep(task.material)}"
            target = ["-vf", _SCALE, "-pix_fmt", pixels, "-c:v", "ffv1", "-f", "matroska"]
        return [
            *self._program(), "-threads", str(task.threads), "-i", _file(task.coded),
            "-fps_mode", "passthrough", *target, _file(task.decoded),
        ]  # fmt: skip

    def _program(self) -> list[str]:
        return [ffmpeg() or "ffmpeg", "-hide_banner", "-loglevel", "error", "-nostdin", "-y"]


_SCALE = "scale=flags=accurate_rnd+full_chroma_int+full_chroma_inp:sws_dither=none"
_SHOWN = {"setting": "SETTING", "threads": "THREADS", "gop": GOP}


@functools.cache
def _called() -> str:
    """Hash of how FFmpeg is called; taken once, since the source may change while this runs."""
    done = "".join(map(inspect.getsource, (ClipAnchor.encode, ClipAnchor.decode)))
    return hashlib.sha256(done.encode()).hexdigest()[:12]


def _deep(material: Material) -> str:
    """End of FFmpeg's names of pixel formats."""
    return f"{material.depth}le" if material.depth > 8 else ""


def _file(path: os.PathLike[str]) -> str:
    """A path as FFmpeg takes it, whatever characters it has."""
    return f"file:{os.fspath(path)}"


@functools.cache
def ffmpeg() -> str | None:
    """The program: the one that imageio-ffmpeg brings, else the system's; None without either."""
    return next(iter(programs()), None)


@functools.cache
def ffmpeg_version() -> str:
    """First words of ``ffmpeg -version``."""
    lines = _asked("-version").splitlines()
    return " ".join(lines[0].split()[:3]) if lines else "no ffmpeg"


@functools.cache
def _encoders() -> frozenset[str]:
    rows = (line.split() for line in _asked("-hide_banner", "-encoders").splitlines())
    return frozenset(row[1] for row in rows if len(row) > 1 and row[0].startswith("V"))


def _asked(*arguments: str) -> str:
    program = ffmpeg()
    if program is None:
        return ""
    done = subprocess.run(
        [program, *arguments], capture_output=True, text=True, errors="replace", check=False
    )
    return done.stdout
