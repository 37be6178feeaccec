import math
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from ivc.errors import UsageError
from ivc.train import recipe as recipes
from ivc.train.image.recipe import ImageRecipe
from ivc.train.recipe import Schedule

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Inner:
    rate: float = 0.5
    sizes: tuple[float, ...] = ()
    deep: bool = False

    def __post_init__(self):
        if self.rate < 0:
            raise ValueError("rate must not be negative")


@dataclass(frozen=True)
class Outer:
    name: str = ""
    count: int = 1
    inner: Inner = field(default_factory=Inner)


def test_a_table_becomes_a_dataclass():
    table = {"name": "x", "inner": {"rate": 2, "sizes": [1, 2.5]}}
    assert recipes.build(table, Outer, "r") == Outer("x", 1, Inner(2.0, (1.0, 2.5)))


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"nam": "x"}, "there is no key nam; did you mean name?"),
        ({"inner": {"zzz": 1}}, "there is no key inner.zzz; there are rate, sizes, deep"),
        ({"count": 1.5}, "count must be a whole number, not 1.5"),
        ({"count": True}, "count must be a whole number, not True"),
        ({"name": 3}, "name must be a text, not 3"),
        ({"inner": {"deep": 1}}, "inner.deep must be true or false, not 1"),
        ({"inner": {"sizes": [1, "a"]}}, "inner.sizes must be a number, not 'a'"),
        ({"inner": {"rate": math.inf}}, "inner.rate must be a number"),
        ({"inner": 3}, "inner is a section"),
        ({"inner": {"rate": -1}}, r"\[inner\] rate must not be negative"),
    ],
)
def test_wrong_keys_and_values_are_named(table, message):
    with pytest.raises(UsageError, match=f"r: {message}"):
        recipes.build(table, Outer, "r")


def test_settings_override():
    table = {"inner": {"rate": 1.0}}
    settings = {"inner.rate": "2e-3", "inner.deep": "true", "name": "a b", "inner.sizes": "4"}
    recipes.override(table, settings)
    assert recipes.build(table, Outer, "r") == Outer("a b", 1, Inner(2e-3, (4.0,), True))
    with pytest.raises(UsageError, match="name is no section"):
        recipes.override(table, {"name.x": "1"})


def test_files_that_are_no_recipe(tmp_path):
    with pytest.raises(UsageError, match="No such file"):
        recipes.read(tmp_path / "none.toml")
    (tmp_path / "a.toml").write_text("a = = 1")
    with pytest.raises(UsageError, match="no TOML"):
        recipes.read(tmp_path / "a.toml")


@pytest.mark.parametrize("path", sorted((ROOT / "recipes").glob("*.toml")), ids=lambda p: p.stem)
def test_shipped_recipes(path):
    table = recipes.read(path)
    assert table.pop("codec") == "image"
    plan = recipes.build(table, ImageRecipe, str(path))
    halved = plan.lasting((plan.entropy.hours + plan.synthesis.hours) / 2)
    assert halved.entropy.hours == pytest.approx(plan.entropy.hours / 2)
    assert halved.synthesis.hours == pytest.approx(plan.synthesis.hours / 2)


def test_every_key_is_documented():
    page = (ROOT / "docs" / "training.md").read_text(encoding="utf-8")
    plan = ImageRecipe()
    for section in ("entropy", "synthesis", "data", "evaluation", "card", "steps"):
        for key in vars(getattr(plan, section)):
            assert f"`{key}`" in page or f"`{section}.{key}`" in page, f"{section}.{key}"


def test_length_of_a_stage():
    assert Schedule(steps=10).progress(5, 1e9) == 0.5
    assert Schedule(hours=2).progress(10**9, 3600) == 0.5
    assert Schedule(hours=2, steps=10).progress(9, 3600) == 0.9
    assert Schedule(steps=10).progress(11, 0) == 1
    with pytest.raises(UsageError, match="no length"):
        Schedule().progress(0, 0)
    with pytest.raises(UsageError, match="in hours"):
        ImageRecipe(entropy=ImageRecipe().entropy).lasting(1)


def test_learning_rate():
    schedule = Schedule(steps=1000, learning_rate=1.0, final_rate=0.1, warmup=10)
    assert schedule.rate(0, 0) == pytest.approx(0.1)
    assert schedule.rate(9, 0) == pytest.approx(1)
    assert schedule.rate(500, 0.5) == pytest.approx(0.55)
    assert schedule.rate(1000, 1) == pytest.approx(0.1)


@pytest.mark.parametrize("key", ["batch", "log_steps", "learning_rate", "clip"])
def test_zeros_that_cannot_be(key):
    with pytest.raises(ValueError, match=key):
        Schedule(**{key: 0})
