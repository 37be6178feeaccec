"""The file of results: what was put comes back, also from another process; damage is said."""

import json
import math
import sqlite3
import threading
from dataclasses import replace

import pytest

from ivc.bench.points import Point
from ivc.bench.store import Store
from ivc.errors import MediaError
from results import point

HOSTILE = [
    "",
    "'; DROP TABLE runs; --",
    "two\nlines",
    "</script>",
    "früh 🎞",
    '"',
    "\\",
    "\0",
    "a" * 5000,
]


def test_points_come_back(tmp_path):
    put = point(
        metrics={"psnr-y": None, "ssim": 1.0}, layers={"picture": 7}, seconds=0.1, exact=True
    )
    with Store(tmp_path / "new" / "folder" / "r.sqlite") as store:
        assert store.get(put.key) is None
        store.put(put)
        assert store.get(put.key) == put
    with Store(tmp_path / "new" / "folder" / "r.sqlite") as store:
        found = store.get(put.key)
    assert found == put
    assert found.figure("psnr-y") == math.inf
    assert found.figure("vmaf") is None
    assert isinstance(found.commands, tuple)


def test_the_last_result_counts(tmp_path):
    with Store(tmp_path / "r.sqlite") as store:
        store.put(point(error="failed"))
        store.put(point(size=5))
        assert (store.get(point().key).error, store.get(point().key).size) == ("", 5)


def test_timings_are_those_of_a_machine(tmp_path):
    with Store(tmp_path / "r.sqlite") as store:
        store.put_timing(point(machine="a", size=1))
        store.put_timing(point(machine="b", size=2))
        assert store.get(point().key) is None
        assert [store.get_timing(point().key, m).size for m in "ab"] == [1, 2]
        assert store.get_timing(point().key, "c") is None


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_texts(tmp_path, text):
    put = point(codec=text, source=text, error=text, title=text, version=text, machine=text)
    with Store(tmp_path / "r.sqlite") as store:
        store.put(put)
        store.put_timing(put)
        assert store.get(put.key) == put
        assert store.get_timing(put.key, text) == put
        assert store.get("' OR '1'='1") is None


def test_floats_are_rounded_to_seven_digits():
    put = point(metrics={"psnr-y": 1 / 3, "ssim": 1e-12 / 3})
    found = Point.from_json(put.to_json())
    assert found.metrics == {"psnr-y": 0.3333333, "ssim": 3.333333e-13}
    assert "\n" not in point(title="two\nlines").to_json()
    with pytest.raises(ValueError, match="JSON"):
        point(metrics={"psnr-y": math.inf}).to_json()


@pytest.mark.parametrize(
    "line", ["", "nothing", "[]", "3", "{}", '{"encode": null, "decode": null}', "null"]
)
def test_no_points(line):
    with pytest.raises(ValueError):
        Point.from_json(line)


def test_two_connections(tmp_path):
    with Store(tmp_path / "r.sqlite") as a, Store(tmp_path / "r.sqlite") as b:
        a.put(point(setting=1.0))
        assert b.get(point(setting=1.0).key).setting == 1
        b.put(point(setting=2.0))
        assert a.get(point(setting=2.0).key).setting == 2


def test_several_threads_and_connections(tmp_path):
    failures = []

    def work(store, first):
        try:
            for number in range(20):
                store.put(point(setting=float(first + number)))
        except Exception as error:
            failures.append(error)

    with Store(tmp_path / "r.sqlite") as a, Store(tmp_path / "r.sqlite") as b:
        threads = [
            threading.Thread(target=work, args=(s, 100 * i)) for i, s in enumerate((a, a, b, b))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failures == []
        settings = [100.0 * i + n for i in range(4) for n in range(20)]
        assert all(a.get(point(setting=s).key).setting == s for s in settings)


@pytest.mark.parametrize("data", [b"no database" * 100, b"SQLite format 3\0" + b"\xff" * 600])
def test_a_file_that_is_no_store(tmp_path, data):
    path = tmp_path / "r.sqlite"
    path.write_bytes(data)
    with pytest.raises(MediaError, match="no store of results") as caught:
        Store(path)
    assert "\n" not in str(caught.value)
    assert path.read_bytes() == data


def test_places_where_no_store_can_be(tmp_path):
    (tmp_path / "file").write_text("")
    for path in (tmp_path, tmp_path / "file" / "r.sqlite"):
        with pytest.raises(MediaError, match="no store of results"):
            Store(path)


def test_damage_that_is_found_later(tmp_path):
    path = tmp_path / "r.sqlite"
    with Store(path) as store:
        for number in range(200):
            store.put(point(setting=float(number)))
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(8192)
        file.write(b"\xa5" * (size - 8192))
    with pytest.raises(MediaError, match=f"{path.name}: ") as caught, Store(path) as store:
        for number in range(200):
            store.get(point(setting=float(number)).key)
    assert "\n" not in str(caught.value)


def test_a_store_that_cannot_be_written(tmp_path):
    path = tmp_path / "r.sqlite"
    with Store(path) as store:
        store._base.execute("PRAGMA query_only = 1")
        with pytest.raises(MediaError, match="cannot be written"):
            store.put(point())
        with pytest.raises(MediaError, match="cannot be written"):
            store.put_timing(point())


def test_results_of_another_version_are_not_known(tmp_path):
    with Store(tmp_path / "r.sqlite") as store:
        store.put(point())
    data = json.loads(point().to_json())
    base = sqlite3.connect(tmp_path / "r.sqlite")
    for changed in (
        data | {"new": 1}, {k: v for k, v in data.items() if k != "codec"},
        data | {"encode": {"hours": 1}}, [], "text",
    ):  # fmt: skip
        base.execute("UPDATE runs SET point = ?", (json.dumps(changed),))
        base.commit()
        with Store(tmp_path / "r.sqlite") as store:
            assert store.get(point().key) is None
    base.execute("UPDATE runs SET point = 'broken {'")
    base.commit()
    base.close()
    with Store(tmp_path / "r.sqlite") as store:
        assert store.get(point().key) is None
        store.put(point())
        assert store.get(point().key) == point()


def test_rates_and_figures():
    still = point(size=1000)
    assert still.rates == {"bpp": 1}
    moving = replace(still, frames=10, seconds=0.4)
    assert moving.pixels == 80_000
    assert moving.rates == {"bpp": 0.1, "kbps": pytest.approx(20)}
    assert point(error="x").figure("psnr-y") is None
