"""The published curves that ivc ships: sane, cited, in the order that the field knows."""

import importlib.util
import itertools
import json
import math
from pathlib import Path

import pytest

from ivc.bench.bd import bd_rate, rate_at
from ivc.bench.published import LEVELS, PAIRS, Published, agreement, curves
from ivc.errors import UsageError

pytest.importorskip("scipy")

ROOT = Path(__file__).parents[2]
KODAK = {codec.name: codec for codec in curves()}


def psnr(name):
    return KODAK[name].curves["psnr-rgb"]


def test_the_codecs_of_the_set():
    assert len(KODAK) == len(curves("kodak"))
    both = {"jpeg", "webp", "jpeg2000", "av1", "bpg444", "hm", "vtm"}
    models = {"bmshj2018-factorized", "bmshj2018-hyperprior", "mbt2018", "cheng2020-anchor"}
    both |= models | {f"{name}-ms-ssim" for name in models}
    assert set(KODAK) == both | {"elic", "c3-adaptive", "coolchic-5.0"}
    for name, codec in KODAK.items():
        wanted = {"psnr-rgb", "ms-ssim-rgb"} if name in both else {"psnr-rgb"}
        assert set(codec.curves) == wanted
    with pytest.raises(UsageError, match="no published curves of 'clic'; there are those of kodak"):
        curves("clic")


@pytest.mark.parametrize("codec", KODAK.values(), ids=KODAK)
def test_curves_are_sane(codec):
    for metric, curve in codec.curves.items():
        assert len(curve) >= 4
        for (r0, q0), (r1, q1) in itertools.pairwise(curve):
            assert r0 < r1
            assert q0 < q1
        low, high = (15, 50) if metric == "psnr-rgb" else (5, 35)
        assert all(0.01 < rate < 8 and low < quality < high for rate, quality in curve)
        assert all(float(f"{x:.5g}") == x for point in curve for x in point)


@pytest.mark.parametrize("codec", KODAK.values(), ids=KODAK)
def test_every_curve_names_its_source(codec):
    assert codec.title
    assert codec.note
    assert codec.licence
    assert codec.pictures == 24
    repository, path = codec.source.split(";")[0].split(", ")
    assert repository.split("@")[0] in {"CompressAI", "C3", "Cool-Chic"}
    assert path.endswith((".json", ".py", ".tsv"))


def test_the_file_is_small_and_says_what_it_is():
    path = ROOT / "src" / "ivc" / "bench" / "data" / "kodak_published.json"
    assert path.stat().st_size < 30_000
    data = json.loads(path.read_text(encoding="utf-8"))
    assert set(data["metrics"]) == set(LEVELS)
    assert all(
        repository["url"].startswith("https://") for repository in data["repositories"].values()
    )


def test_figures_as_the_sources_have_them():
    assert psnr("vtm")[2] == (0.24582, 31.200)
    assert psnr("jpeg")[0] == (0.22115, 23.780)
    assert psnr("elic")[0] == (0.1235, 29.113)
    assert psnr("coolchic-5.0")[-1] == (1.3571, 41.167)
    # an MS-SSIM of 0.96114 is -10 log10(1 - 0.96114) dB
    quality = dict(KODAK["bpg444"].curves["ms-ssim-rgb"])[0.35155]
    assert quality == pytest.approx(-10 * math.log10(1 - 0.9611444820960363), abs=1e-3)


def test_the_order_that_the_field_knows():
    order = ["elic", "vtm", "bpg444", "webp", "jpeg"]
    rates = [rate_at(psnr(name), 32) for name in order]
    assert rates == sorted(rates)
    order = ["mbt2018", "bmshj2018-hyperprior", "bmshj2018-factorized"]
    rates = [rate_at(psnr(name), 32) for name in order]
    assert rates == sorted(rates)


def test_bd_rates_against_vtm_as_papers_have_them():
    # D. He et al. 2022 (ELIC) and H. Kim et al. 2023 (C3) give -7 % and +3 % or so over VTM
    assert bd_rate(psnr("vtm"), psnr("elic")).value == pytest.approx(-7, abs=1)
    assert bd_rate(psnr("vtm"), psnr("c3-adaptive")).value == pytest.approx(3, abs=1)


@pytest.mark.parametrize("name", [name for name in KODAK if name.endswith("-ms-ssim")])
def test_models_trained_for_a_metric_are_better_by_it(name):
    other = KODAK[name.removesuffix("-ms-ssim")]
    trained = KODAK[name]
    metric = "ms-ssim-rgb"
    assert bd_rate(other.curves[metric], trained.curves[metric]).value < -20
    assert bd_rate(other.curves["psnr-rgb"], trained.curves["psnr-rgb"]).value > 20


@pytest.mark.parametrize("metric", list(LEVELS))
def test_published_curves_agree_with_themselves(metric):
    own = {name: KODAK[name].curves[metric] for name in ("jpeg", "webp", "jpeg2000")}
    own["avif"] = KODAK["av1"].curves[metric]
    found = agreement(own, metric=metric)
    assert found.metric == metric
    assert {name: bd.value for name, bd in found.differences.items()} == dict.fromkeys(own, 0)
    assert found.refused == {}
    assert found.same_order is True
    assert all(order.same and order.own == order.published for order in found.orders)
    assert {order.level for order in found.orders} <= set(LEVELS[metric])
    assert max(len(order.own) for order in found.orders) == 4


def test_agreement_sees_a_scaled_rate_and_another_order():
    own = {"jpeg": psnr("jpeg"), "webp": [(2 * r, q) for r, q in psnr("webp")]}
    found = agreement(own, levels=[30, 32])
    assert found.differences["webp"].value == pytest.approx(100)
    assert found.same_order is False
    assert [(o.level, o.own, o.published, o.same) for o in found.orders] == [
        (30, ("jpeg", "webp"), ("webp", "jpeg"), False),
        (32, ("jpeg", "webp"), ("webp", "jpeg"), False),
    ]


def test_agreement_drops_nothing_in_silence():
    own = {"mine": psnr("jpeg"), "elic": psnr("elic"), "webp": [(1.0, 30.0)]}
    found = agreement(own, metric="ms-ssim-rgb")
    assert found.differences == {}
    assert found.refused["mine"] == found.refused["elic"] == "no published curve by ms-ssim-rgb"
    assert "1 usable points" in found.refused["webp"]
    assert found.orders == []
    assert found.same_order is None
    assert agreement({}).same_order is None


def test_levels_that_a_curve_misses_leave_it_out_of_the_order():
    own = {name: psnr(name) for name in ("jpeg", "webp", "vtm")}
    orders = {o.level: o.own for o in agreement(own, levels=[10, 24, 27, 32]).orders}
    # WebP starts at 28.3 dB; VTM and JPEG both reach 27 dB; nothing but JPEG 24, nothing at all 10
    assert orders == {27: ("vtm", "jpeg"), 32: ("vtm", "webp", "jpeg")}
    own["webp"] = [(0.1, 20.0), *own["webp"]]
    assert agreement(own, levels=[27]).orders[0].own == ("vtm", "jpeg")


def test_agreement_with_curves_and_names_of_ones_own():
    line = [(0.1, 30.0), (1.0, 40.0)]
    mine = Published("x", "X", "here", "none", "", 3, {"psnr-rgb": line})
    found = agreement({"y": line}, [mine], pairs={"y": "x"})
    assert found.differences["y"].value == 0
    assert agreement({"jpeg": line}, [mine]).refused == {"jpeg": "no published curve by psnr-rgb"}
    with pytest.raises(UsageError, match="no published curves by 'vmaf'"):
        agreement({}, metric="vmaf")


def test_pairs_name_published_codecs():
    assert set(PAIRS.values()) <= set(KODAK)


def test_the_script_rounds_orders_and_cites():
    at = ROOT / "benchmarks" / "published_data.py"
    spec = importlib.util.spec_from_file_location("published_data", at)
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    collection = {"_about": {"commit": "0123456789abcdef"}}
    for _, _, group, key, _, _ in script.CODECS:
        collection.setdefault(group, {})[key] = {
            "source": "owner/repository results.json" if group != "kodak" else "results.json",
            "bpp": [2.0, 0.123456789],
            "psnr-rgb": [40.0, 30.0000049],
            "ms-ssim-rgb": [0.999, 0.9],
        }
    data = json.loads(script.as_text(script.chosen(collection)))
    assert [codec["name"] for codec in data["codecs"]] == list(KODAK)
    first = data["codecs"][0]
    assert first["source"] == "CompressAI@0123456789ab, results.json"
    assert first["bpp"] == [0.12346, 2.0]
    assert first["psnr-rgb"] == [30.0, 40.0]
    assert first["ms-ssim-rgb"] == [10.0, 30.0]
    for new, shipped in zip(data["codecs"], KODAK.values(), strict=True):
        assert (new["title"], new["note"]) == (shipped.title, shipped.note)
