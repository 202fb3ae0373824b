"""Faults are read from a folder as a monitor would tell of them."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

import orjson
import pytest

_ROOT = Path(__file__).parents[3]
_BEGAN = 1_700_000_000
_GRAPH = {
    "nodes": [{"id": it} for it in ("shop", "shop-a", "shop-b", "stock", "stock-a", "north")],
    "edges": [
        {"source": "shop", "target": "stock", "label": "calls"},
        {"source": "shop-a", "target": "shop", "label": "instance_of"},
        {"source": "shop", "target": "shop-a", "label": "has_instance"},
        {"source": "shop", "target": "shop-b", "label": "has_instance"},
        {"source": "stock-a", "target": "stock", "label": "instance_of"},
        {"source": "north", "target": "shop-a", "label": "hosts"},
    ],
}
_LABEL = "fault_id,fault_level,fault_entity,fault_st_time"


@pytest.fixture
def faults(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    monkeypatch.syspath_prepend(_ROOT)  # it is run from there, and not installed
    from bench.accuracy import faults

    yield faults


@pytest.fixture
def system(tmp_path: Path) -> Path:
    """Two faults of a small system, each with an alert of every sort."""
    told = {
        "metric": [[str(_BEGAN * 1000 + 60_000), "shop-a", "north", "memory", "up"]],
        "trace": [[str(_BEGAN * 1000 + 1_000), "shop-a", "stock-a", "Take", "slow"]],
        "log": [["stock-a", "7", ["2023-11-14 22:13:30.000 | no rows left"], 1, None]],
    }
    for name, alerts in told.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / f"{name}s.json").write_bytes(orjson.dumps({"0": alerts, "1": alerts}))
    (tmp_path / "small-KG.json").write_bytes(orjson.dumps(_GRAPH))
    rows = [f"{number},pod,shop-a,{_BEGAN}" for number in range(2)]
    (tmp_path / "label.csv").write_text("\n".join([_LABEL, *rows]))
    return tmp_path


def test_a_graph_becomes_a_catalogue(faults: ModuleType, system: Path) -> None:
    found = {it["name"]: it for it in faults.read_catalogue(system)}
    assert found["shop"] == {"name": "shop", "depends_on": ["stock"], "instances": 2}
    assert found["shop-a"] == {"name": "shop-a", "depends_on": ["north"], "part_of": "shop"}
    assert found[system.name]["depends_on"] == ["north", "shop", "stock"]


def test_alerts_come_in_order_and_each_fault_a_day_later(faults: ModuleType, system: Path) -> None:
    one, other = faults.read_faults(system, faults.read_catalogue(system))
    assert [it["labels"]["component"] for it in one.alerts] == ["stock-a", "stock-a", "shop-a"]
    assert [it["annotations"]["summary"] for it in one.alerts] == [
        "Take slow",
        "no rows left",
        "memory up",
    ]
    assert one.alerts[0]["labels"]["caller"] == "shop-a"
    starts = [datetime.fromisoformat(fault.alerts[0]["startsAt"]) for fault in (one, other)]
    assert starts[0] == datetime.fromtimestamp(_BEGAN + 1, UTC)
    assert (starts[1] - starts[0]).total_seconds() == 86_400


def test_a_clock_of_another_zone_is_set_right(faults: ModuleType, system: Path) -> None:
    path = system / "log" / "logs.json"
    path.write_bytes(path.read_bytes().replace(b"2023-11-14 22:13:30", b"2023-11-15 06:13:30"))
    one, _ = faults.read_faults(system, faults.read_catalogue(system))
    assert one.alerts[1]["startsAt"] == "2023-11-14T22:13:30+00:00"


def test_a_fault_is_over_after_its_last_alert(faults: ModuleType, system: Path) -> None:
    path = system / "metric" / "metrics.json"
    late = str(_BEGAN * 1000 + 2_400_000).encode()
    path.write_bytes(path.read_bytes().replace(str(_BEGAN * 1000 + 60_000).encode(), late))
    one, _ = faults.read_faults(system, faults.read_catalogue(system))
    assert one.ended_at == datetime.fromtimestamp(_BEGAN + 2_400, UTC)


def test_a_fault_as_worse_monitors_tell_of_it_is_the_same_every_time(
    faults: ModuleType, system: Path
) -> None:
    (fault, _) = faults.read_faults(system, faults.read_catalogue(system))
    many = faults.replace(fault, alerts=fault.alerts * 100)
    worse = faults.worsen(many)
    assert worse == faults.worsen(many)
    assert 0.7 < len(worse.alerts) / len(many.alerts) < 0.9
    times = [datetime.fromisoformat(it["startsAt"]) for it in worse.alerts]
    assert times == sorted(times)
    assert times[-1] <= worse.ended_at
    by_component: dict[str, set[float]] = {}
    at = {it["labels"]["alertname"]: it["startsAt"] for it in fault.alerts}
    for it in worse.alerts:
        was = datetime.fromisoformat(at[it["labels"]["alertname"]])
        off = (datetime.fromisoformat(it["startsAt"]) - was).total_seconds()
        by_component.setdefault(it["labels"]["component"], set()).add(off)
    assert all(len(offs) == 1 and abs(next(iter(offs))) <= 30 for offs in by_component.values())
