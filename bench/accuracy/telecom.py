"""Into how many cascades the alarms of linked devices fall, and how large those are."""

import csv
import time
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bench.accuracy.replay import replay

_BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


async def measure(data: Path) -> dict[str, Any] | None:
    """Replay the alarms through intake and diagnosis; None when there are none."""
    folder = data / "rca" / "telecom_alarms"
    if not (folder / "alarm.csv").is_file():
        return None
    signals = read_signals(folder / "alarm.csv")
    began = time.monotonic()
    async with replay() as services:
        await services.catalogue(read_links(folder / "topology_edges.csv"))
        opened = await services.signals(signals)
        await services.diagnosed(opened)
        seconds = time.monotonic() - began
        sizes = sorted(Counter((await services.cascades()).values()).values())
    return {
        "alarms": len(signals) // 2,
        "incidents": len(opened),
        "cascades": len(sizes),
        "median": sizes[len(sizes) // 2],
        "p90": sizes[int(len(sizes) * 0.9)],
        "largest": sizes[-1],
        "seconds": round(seconds, 1),
    }


def read_signals(path: Path) -> list[dict[str, Any]]:
    """Give a signal for each alarm's start and one for its end, in the order of their times."""
    told = []
    with path.open(newline="") as file:
        for number, row in enumerate(csv.DictReader(file)):
            start, end = int(row["start_timestamp"]), int(row["end_timestamp"])
            kind, device = row["alarm_id"], row["device_id"]
            signal = {
                "fingerprint": f"{kind}/{device}",
                "component": f"device-{device}",
                "summary": f"Alarm of kind {_letters(int(kind))}",
                "started_at": _at(start),
            }
            told.append((start, 1, {**signal, "id": f"{number}", "state": "firing"}))
            over = {"id": f"{number}-end", "state": "resolved", "ended_at": _at(max(start, end))}
            told.append((max(start, end), 2, {**signal, **over}))
    told.sort(key=lambda it: it[:2])
    return [{"source": "telecom", **signal} for _, _, signal in told]


def read_links(path: Path) -> list[dict[str, Any]]:
    """Write links as a catalogue: devices that are linked depend on each other."""
    linked: dict[str, set[str]] = defaultdict(set)
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            one, other = f"device-{row['device_a']}", f"device-{row['device_b']}"
            linked[one].add(other)
            linked[other].add(one)
    return [{"name": name, "depends_on": sorted(ends)} for name, ends in sorted(linked.items())]


def _letters(number: int) -> str:
    """Name a kind without digits, as they would be taken out of a text."""
    return "".join(chr(ord("a") + int(digit)) for digit in str(number))


def _at(seconds: int) -> str:
    return (_BEGAN + timedelta(seconds=seconds)).isoformat()


def table(part: dict[str, Any]) -> str:
    """Print it as a table."""
    return "\n".join(f"{name:10} {value:>10,}" for name, value in part.items())
