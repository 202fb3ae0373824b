"""Injected faults with their true place, read as a monitor would tell of them.

A folder is a system: `label.csv`, alerts of metrics, traces and logs by fault, and its graph.
"""

import csv
import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

_MISSED = 0.2
_MOST_OFF_SECONDS = 30.0
_A_FAULT = timedelta(minutes=10)
_AN_HOUR = timedelta(hours=1)
_PART_OF = {"instance_of": (0, 1), "has_instance": (1, 0)}
_RUNS_ON = {"hosted_on": (0, 1), "hosts": (1, 0)}


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault that was injected, and the alerts that it set off, the earliest first."""

    truth: str
    level: str
    ended_at: datetime
    alerts: tuple[dict[str, Any], ...]


def systems(folder: Path) -> Iterator[Path]:
    """Find the systems in a folder."""
    return (it.parent for it in sorted(folder.glob("*/label.csv")))


def read_catalogue(system: Path) -> list[dict[str, Any]]:
    """Write the graph of a system as a catalogue.

    Whoever calls depends on whom it calls, instances are parts and depend on their hosts, and the
    system itself depends on all that is no part.
    """
    (path,) = system.glob("*-KG.json")
    graph = orjson.loads(path.read_bytes())
    depends_on: dict[str, set[str]] = {node["id"]: set() for node in graph["nodes"]}
    part_of: dict[str, str] = {}
    for edge in graph["edges"]:
        ends = edge["source"], edge["target"]
        if edge["label"] in _PART_OF:
            part, whole = (ends[place] for place in _PART_OF[edge["label"]])
            part_of[part] = whole
        else:
            above, below = (ends[place] for place in _RUNS_ON.get(edge["label"], (0, 1)))
            depends_on[above].add(below)
    wholes = list(part_of.values())
    components: list[dict[str, Any]] = [
        {
            "name": name,
            "depends_on": sorted(ends),
            **({"part_of": part_of[name]} if name in part_of else {}),
            **({"instances": wholes.count(name)} if name in wholes else {}),
        }
        for name, ends in depends_on.items()
    ]
    whole_system = {"name": system.name, "depends_on": sorted(depends_on.keys() - part_of.keys())}
    return [*components, whole_system]


def read_faults(system: Path, catalogue: Iterable[Mapping[str, Any]]) -> list[Fault]:
    """Read the faults of a system in their order, each a day further from the one before."""
    told: dict[str, dict[str, Any]] = {
        name: orjson.loads((system / name / f"{name}s.json").read_bytes())
        for name in ("metric", "trace", "log")
    }
    callee = _place_of_callee(told["trace"].values(), catalogue)
    with (system / "label.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    began = {row["fault_id"]: _time(row["fault_st_time"]) for row in rows}
    noticed: dict[str, list[_Told]] = {it: [] for it in began}
    for read in (
        {it: list(_of_metrics(told["metric"].get(it, ()))) for it in began},
        {it: list(_of_traces(told["trace"].get(it, ()), callee)) for it in began},
        {it: list(_of_logs(told["log"].get(it, ()), began[it])) for it in began},
    ):
        zone = _zone([at - began[it] for it, alerts in read.items() for at, _ in alerts])
        for it, alerts in read.items():
            noticed[it] += ((at - zone, labels) for at, labels in alerts)
    return [
        _fault(row, began[row["fault_id"]], noticed[row["fault_id"]], timedelta(days=number))
        for number, row in enumerate(rows)
    ]


def worsen(fault: Fault) -> Fault:
    """Give a fault as worse monitors tell of it: they miss a fifth, and their clocks differ.

    Each component's clock is off by up to half a minute. It is the same every time.
    """
    chance = random.Random(f"{fault.truth} {fault.ended_at}")
    off = {
        name: timedelta(seconds=chance.uniform(-_MOST_OFF_SECONDS, _MOST_OFF_SECONDS))
        for name in sorted({it["labels"]["component"] for it in fault.alerts})
    }
    noticed = [it for it in fault.alerts if chance.random() >= _MISSED] or fault.alerts[:1]
    told = [
        (datetime.fromisoformat(it["startsAt"]) + off[it["labels"]["component"]], it)
        for it in noticed
    ]
    told.sort(key=lambda it: it[0])
    alerts = tuple({**alert, "startsAt": at.isoformat()} for at, alert in told)
    return replace(fault, alerts=alerts, ended_at=max(fault.ended_at, told[-1][0]))


_Told = tuple[datetime, dict[str, str]]
"""When something was noticed, and the labels that say what and where."""


def _zone(after: Iterable[timedelta]) -> timedelta:
    """Find out by how many hours clocks differ: one sort of alerts may be in another zone.

    Alerts come within the hour after their fault began, or shortly before.
    """
    hours = Counter((it + _A_FAULT / 2) // _AN_HOUR for it in after)
    return hours.most_common(1)[0][0] * _AN_HOUR if hours else timedelta()


def _fault(
    row: Mapping[str, str], began: datetime, noticed: Iterable[_Told], apart: timedelta
) -> Fault:
    alerts = sorted(noticed, key=lambda it: it[0])
    over = max([began + 2 * _A_FAULT, *(at for at, _ in alerts)])
    return Fault(
        truth=row["fault_entity"],
        level=row["fault_level"],
        ended_at=over + apart,
        alerts=tuple(_alert(at + apart, labels) for at, labels in alerts),
    )


def _of_metrics(told: Iterable[Any]) -> Iterator[_Told]:
    for at, entity, host, metric, direction in told:
        labels = {"component": entity, "alertname": f"{metric} {direction}", "host": host or ""}
        yield _time(at), labels


def _of_traces(told: Iterable[Any], callee: int) -> Iterator[_Told]:
    for at, *ends, operation, abnormality in told:
        labels = {
            "component": ends[callee],
            "alertname": f"{operation} {abnormality}",
            "caller": ends[1 - callee],
        }
        yield _time(at), labels


def _of_logs(told: Iterable[Any], began: datetime) -> Iterator[_Told]:
    for entity, template, messages, _, representative in told:
        said = [it for it in (*(messages or ()), representative) if it]
        when, _, text = said[0].partition(" | ") if said else ("", "", "")
        at = began
        with suppress(ValueError):
            at = _time(when)
        labels = {"component": entity, "alertname": f"log {template}", "summary": text or when}
        yield at, labels


def _alert(at: datetime, told: Mapping[str, str]) -> dict[str, Any]:
    labels = {name: value for name, value in told.items() if value and name != "summary"}
    return {
        "status": "firing",
        "labels": {**labels, "instance": told["component"]},
        "annotations": {"summary": told.get("summary") or told["alertname"]},
        "startsAt": at.isoformat(),
    }


def _place_of_callee(told: Iterable[Iterable[Any]], catalogue: Iterable[Mapping[str, Any]]) -> int:
    """Find out which of a trace's two ends is called: the graph says who calls whom."""
    components = {it["name"]: it for it in catalogue}

    def names(name: str) -> set[str]:
        return {name, str(components.get(name, {}).get("part_of", name))}

    def calls(one: str, other: str) -> bool:
        needed = {end for it in names(one) for end in components.get(it, {}).get("depends_on", ())}
        return not needed.isdisjoint(names(other))

    votes: dict[int, int] = defaultdict(int)
    for alerts in told:
        for _, one, other, *_ in alerts:
            votes[1] += calls(str(one), str(other))
            votes[0] += calls(str(other), str(one))
    return int(votes[1] >= votes[0])


def _time(told: str | float) -> datetime:
    """Read a time: seconds or milliseconds since 1970, or a date with a time, in UTC."""
    try:
        seconds = float(told)
    except ValueError:
        return datetime.fromisoformat(str(told).strip()).replace(tzinfo=UTC)
    return datetime.fromtimestamp(seconds / 1000 if seconds > 1e11 else seconds, UTC)
