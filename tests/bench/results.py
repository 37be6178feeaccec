"""Made-up results for the tests of summaries, reports and exports."""

from dataclasses import replace

from ivc.bench.points import Cost, Point


def point(codec="a", source="one.png", setting=10.0, size=1000, **changes):
    """A result of a 100x80 still."""
    made = Point(
        key=f"{codec}-{source}-{setting}", source=source, digest=source * 2, width=100, height=80,
        frames=1, seconds=0.0, codec=codec, title=codec.upper(), kind="anchor", lossless=False,
        version=f"{codec} 1.0", setting=setting, threads=1, size=size,
        metrics={"psnr-y": 30.0, "ms-ssim": 0.9}, encode=Cost(None, 0.5, 0.4, 10_000_000),
        decode=Cost(None, 0.25, 0.2, 5_000_000), commands=(f"{codec} -e", f"{codec} -d"),
        machine="here",
    )  # fmt: skip
    return replace(made, **changes)


def ladder(codec, source, factor=1.0, **changes):
    """Four settings: 28 to 40 dB, sizes doubling, times ``factor``."""
    return [
        point(
            codec, source, float(i), round(1000 * factor * 2**i),
            metrics={"psnr-y": 28.0 + 4 * i, "ms-ssim": 1 - 0.1 * 0.4**i}, **changes,
        )
        for i in range(4)
    ]  # fmt: skip


def several(sources=("one.png", "two.png", "three.png")):
    """Codecs ``a`` and ``b``, which needs 20 % more."""
    return [p for s in sources for p in (*ladder("a", s), *ladder("b", s, 1.2))]
