"""Reports made up for the tests: curves as codecs have them, and small pictures."""

import base64
import functools
import io
import math

from PIL import Image, ImageDraw, ImageFilter

from ivc.report import (
    CodecInfo,
    Cost,
    Difference,
    Failure,
    MetricInfo,
    Picture,
    Point,
    Report,
    SourceInfo,
    Version,
)

METRICS = [
    MetricInfo("psnr-y", "PSNR-Y", "dB"),
    MetricInfo("psnr", "PSNR-RGB", "dB"),
    MetricInfo("ms-ssim", "MS-SSIM", ""),
    MetricInfo("vmaf", "VMAF", ""),
]
CODECS = [
    CodecInfo("nova", "ivc nova", "ivc", "0.1.0", "ivc encode in.png out.ivc -p nova -q 40"),
    CodecInfo("wave", "ivc roadmap/wavelet", "ivc", "0.1.0", "ivc encode in.png out.ivc -p wave"),
    CodecInfo(
        "vtm", "VVC (VTM 23.1)", "anchor", "23.1", "EncoderApp -c intra.cfg -q 32 -b out.vvc"
    ),
    CodecInfo("x265", "HEVC (x265)", "anchor", "3.5", "ffmpeg -i in.y4m -c:v libx265 -crf 28 out"),
    CodecInfo("svtav1", "AV1 (SVT-AV1)", "anchor", "2.1", "SvtAv1EncApp -i in.y4m --crf 35"),
    CodecInfo(
        "jpeg", "JPEG (libjpeg-turbo)", "anchor", "3.0", "cjpeg -quality 75 in.ppm > out.jpg"
    ),
    CodecInfo("elic", "ELIC", "published", source="He et al., CVPR 2022, figure 7"),
    CodecInfo("mlic", "MLIC++", "published", source="Jiang and Wang, 2023, table 2"),
]
GAIN = {"nova": 1.25, "wave": -1.6, "vtm": 1.1, "x265": 0.1, "svtav1": 0.6, "jpeg": -3.2}
GAIN |= {"elic": 1.45, "mlic": 1.9}
SPEED = {"nova": 0.4, "wave": 11.0, "vtm": 0.02, "x265": 6.0, "svtav1": 9.0, "jpeg": 160.0}
SOURCES = [
    SourceInfo("kodim01", 768, 512),
    SourceInfo("kodim02", 768, 512),
    SourceInfo("crowd", 1920, 1080),
    SourceInfo("street-4k", 3840, 2160),
]
CLIP = SourceInfo("run", 1280, 720, 120, 4.0)


def metrics(rate: float, gain: float) -> dict[str, float]:
    """All metrics at bits per pixel, for a codec that is some dB better than another."""
    psnr = 34 + 4.6 * math.log2(rate / 0.5) + gain - 0.28 * math.log2(rate / 0.5) ** 2
    return {
        "psnr-y": psnr,
        "psnr": psnr - 0.9,
        "ms-ssim": 1 - 10 ** (-(psnr - 17) / 11),
        "vmaf": 100 / (1 + math.exp(-(psnr - 31) / 3)),
    }


def point(codec: str, source: SourceInfo, level: int) -> Point:
    rate = 0.12 * 2 ** (level * 0.62)
    shift = (sum(map(ord, source.name)) % 7) * 0.7 - 2
    area = source.width * source.height * source.frames
    size = round(area * rate / 8)
    rates = {"bpp": size * 8 / area}
    if source.seconds:
        rates["kbps"] = size * 8 / source.seconds / 1000
    work = area / 1e6 / SPEED[codec] * (0.7 + level * 0.1)
    own = None if codec in ("vtm", "jpeg") else work
    layers = {}
    if codec in ("nova", "wave"):
        parts = {"structure": 0.16, "texture": 0.5 + level * 0.03, "motion": 0.1, "text": 0.02}
        layers = {name: int(size * part) for name, part in parts.items()}
    memory = 30_000_000 + int(area / source.frames * (90 if codec == "nova" else 22))
    return Point(
        codec,
        source.name,
        f"quality={15 + level * 12}",
        size,
        rates,
        metrics(rate, GAIN[codec] + shift),
        Cost(own, work + 0.18, work * 1.7, memory, 2),
        Cost(own and own / 3, work / 3 + 0.15, work / 3, memory // 2, 2),
        layers,
    )


def differences() -> list[Difference]:
    found = []
    for metric in METRICS[:3]:
        for test in GAIN:
            for reference in GAIN:
                if test == reference:
                    continue
                base = (2 ** ((GAIN[reference] - GAIN[test]) / 4.6) - 1) * 100
                refused = (
                    {"street-4k": "the curves overlap by less than 25 %"} if test == "jpeg" else {}
                )
                pictures = {
                    s.name: base + (n - 1.5) * 3
                    for n, s in enumerate(SOURCES)
                    if s.name not in refused
                }
                if {test, reference} == {"mlic", "jpeg"}:
                    why = {"": "no quality is reached by both"}
                    found.append(Difference(metric.name, test, reference, None, refused=why))
                    continue
                found.append(
                    Difference(
                        metric.name,
                        test,
                        reference,
                        sum(pictures.values()) / len(pictures),
                        base - 4,
                        base + 4,
                        (28.0, 39.5) if "ssim" not in metric.name else (0.91, 0.98),
                        pictures,
                        refused,
                    )
                )
    return found


def uri(image: Image.Image) -> str:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def scene(width: int, height: int, frame: int = 0) -> Image.Image:
    """A picture with fine and coarse detail in which something moves."""
    image = Image.new("RGB", (width, height))
    draw = ImageDraw.Draw(image)
    for y in range(height):
        draw.line(
            (0, y, width, y),
            (40 + 150 * y // height, 110 + 60 * y // height, 190 - 90 * y // height),
        )
    for n in range(0, width, 7):
        top = height // 2 + int(height / 5 * math.sin(n / 21) + height / 9 * math.sin(n / 5))
        draw.line((n, top, n, height), (30 + n % 40, 70 + n * 3 % 60, 40), 5)
    left = (width // 8 + frame * 14) % max(width - 60, 1)
    draw.ellipse(
        (left, height // 8, left + height // 4, height // 8 + height // 4), (250, 220, 120)
    )
    draw.text((width // 2, height - 22), f"frame {frame}", (255, 255, 255))
    return image


def picture(source: SourceInfo, numbers: list[int], width: int = 320, height: int = 200) -> Picture:
    originals = [scene(width, height, n) for n in numbers]
    versions = []
    for codec in ("nova", "vtm", "jpeg"):
        for level, radius in ((0, 2.4), (2, 1.1), (5, 0.4)):
            blur = ImageFilter.GaussianBlur(radius * (1.6 if codec == "jpeg" else 1))
            one = point(codec, source, level)
            frames = [uri(image.filter(blur)) for image in originals]
            versions.append(Version(codec, one.setting, one.size, one.metrics, frames))
    crop = f"{width} × {height} samples from (128, 64)"
    return Picture(source.name, width, height, crop, numbers, [uri(o) for o in originals], versions)


@functools.cache
def full() -> Report:
    """A report with everything in it."""
    sources = [*SOURCES, CLIP]
    points = [
        point(codec, source, level) for codec in SPEED for source in sources for level in range(6)
    ]
    points = [
        p
        for p in points
        if not (p.codec == "wave" and p.source == "street-4k" and "75" in p.setting)
    ]
    for codec in ("elic", "mlic"):
        for level in range(1, 6):
            rate = 0.1 * 2 ** (level * 0.6)
            points.append(
                Point(codec, "", f"λ {level}", None, {"bpp": rate}, metrics(rate, GAIN[codec]))
            )
    return Report(
        "Still pictures and clips, spring run",
        "2026-04-18T09:30:00+00:00",
        {
            "Machine": "AMD EPYC 7B13, 2 cores, 16 GiB, Linux 6.1",
            "ivc": "0.1.0",
            "Rate": "the size of the file on disk",
            "Timing": "median of three runs, two threads, nothing else running",
            "Quality": "of the decoded file against the source, 8 bits, full range",
        },
        ["WebP was skipped: cwebp is not installed."],
        METRICS,
        CODECS,
        sources,
        points,
        differences(),
        [
            Failure(
                "wave", "street-4k", "quality=75", "MemoryError: 4.1 GiB asked for, 2.0 GiB allowed"
            )
        ],
        [picture(SOURCES[0], [0]), picture(CLIP, [40, 41, 42, 43, 44, 45])],
    )


def small(count: int) -> Report:
    """A report of one codec with so many points of one source, and nothing else."""
    points = []
    for level in range(count):
        rate = 0.2 * 2**level
        points.append(
            Point("nova", "a", f"q={level}", 100.0, {"bpp": rate}, {"psnr-y": 30.0 + level})
        )
    return Report(
        "Small",
        "2026-04-18",
        metrics=METRICS[:1],
        codecs=CODECS[:1],
        sources=[SourceInfo("a", 64, 48)],
        points=points,
    )
