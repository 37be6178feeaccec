import pickle

import pytest
from pictures import frames

from ivc.errors import UsageError
from ivc.metrics import METRICS, OPTIONAL_METRICS, Meter, available, measure, metric, metric_name
from ivc.metrics import table as tables
from ivc.pipeline.options import Target
from ivc.types import Layout


def test_the_two_tables_share_no_name():
    assert not METRICS.keys() & OPTIONAL_METRICS.keys()
    for table in (METRICS, OPTIONAL_METRICS):
        assert all(name == line.name == metric_name(name) for name, line in table.items())


def test_names_of_both_tables_are_found():
    assert metric(" SSIMULACRA2") is OPTIONAL_METRICS["ssimulacra2"]
    assert metric("MS_SSIM") is METRICS["ms-ssim"]
    with pytest.raises(UsageError, match=r"no metric is called 'vmav'; there are: psnr, .*dists"):
        metric("vmav")
    with pytest.raises(UsageError, match="no metric"):
        available("vmav")


def test_what_needs_nothing_is_available():
    for name, line in {**METRICS, **OPTIONAL_METRICS}.items():
        if not line.needs:
            assert available(name) is None


@pytest.mark.parametrize("name", OPTIONAL_METRICS)
def test_optional_metrics_are_no_targets(name):
    with pytest.raises(UsageError, match=f"{name} can be measured but not aimed at; aim at psnr"):
        Target(name, 0.5)
    assert OPTIONAL_METRICS[name].tolerance == 0


@pytest.mark.parametrize("name", METRICS)
def test_all_others_are_targets(name):
    assert Target(name, 0.5).is_metric
    assert METRICS[name].tolerance > 0
    assert METRICS[name].higher_is_better
    with pytest.raises(KeyError):
        METRICS["vmav"]


def test_distances_are_turned_round():
    assert OPTIONAL_METRICS["lpips"].rising(0.25) == -0.25
    assert OPTIONAL_METRICS["dists"].rising(0.25) == -0.25
    assert OPTIONAL_METRICS["vmaf"].rising(90.0) == 90.0
    assert METRICS["psnr"].rising(30.0) == 30.0


def test_what_is_missing_is_said_before_any_frame_comes(monkeypatch):
    def missing():
        raise UsageError("vmaf needs something")

    line = OPTIONAL_METRICS["vmaf"]
    changed = tables.Metric("vmaf", "", line.errors, check=missing)
    monkeypatch.setitem(OPTIONAL_METRICS, "vmaf", changed)
    assert available("vmaf") == "vmaf needs something"
    with pytest.raises(UsageError, match="vmaf needs something"):
        Meter(["psnr", "vmaf"])


class Neighbours:
    """Errors as of a metric that looks one frame back and one ahead, and what it was asked for."""

    def __init__(self):
        self.lengths = []

    def __call__(self, reference, test):
        self.lengths.append(len(reference))
        levels = reference.planes[0][:, 0, 0].astype(int).tolist()
        padded = [-1, *levels, -1]
        return [
            (float(10_000 * before + 100 * here + after),)
            for before, here, after in zip(padded, levels, padded[2:], strict=False)
        ]


@pytest.mark.parametrize("parts", [[6], [1] * 6, [2, 4], [4, 2], [1, 5], [5, 1], [3, 1, 2]])
def test_a_metric_that_looks_at_neighbours_sees_them_across_runs(parts, monkeypatch):
    errors = Neighbours()
    line = tables.Metric("vmaf", "", errors, neighbours=1)
    monkeypatch.setitem(OPTIONAL_METRICS, "vmaf", line)
    clip = frames(Layout.YUV420, 8, 8, 0.2, count=6)
    clip.planes[0][:] = [[[level]] for level in (3, 1, 4, 1, 5, 9)]
    whole = measure("vmaf", clip, clip)
    added, merged = Meter(["vmaf"]), Meter(["vmaf"])
    start = 0
    for length in parts:
        run = clip[start : start + length]
        added.add(run, run)
        part = Meter(["vmaf"])
        part.add(run, run)
        merged = merged.merged(pickle.loads(pickle.dumps(part)))
        start += length
    expected = tuple(error for (error,) in errors(clip, clip))
    for meter in (added, merged):
        score = meter.scores()["vmaf"]
        assert score.per_frame == expected
        assert score.pooled == score.mean == pytest.approx(whole)
    assert max(errors.lengths[1:-1], default=0) <= max(4, *parts)


def test_meters_of_all_plain_metrics_can_be_pickled():
    meter = Meter(METRICS)
    meter.add(frames(Layout.RGB, 16, 16, 0.1), frames(Layout.RGB, 16, 16, 0.3, seed=2))
    assert pickle.loads(pickle.dumps(meter)).scores() == meter.scores()
