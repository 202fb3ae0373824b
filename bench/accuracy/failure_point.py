"""How often the true place of an injected fault is ranked first, and among the first three.

The alerts of each fault are posted to intake as Alertmanager would, one fault after the other as
they came, a day apart so that no two are near in time; diagnosis is asked, before the next fault
is posted, where the first incident of the fault began. It knows the catalogue, and what it has
seen of the faults before; it is never told what was true.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.accuracy.faults import Fault, read_catalogue, read_faults, systems
from bench.accuracy.replay import Replay, replay

_BINS = 5


@dataclass(frozen=True, slots=True)
class Ranked:
    """What diagnosis said of a fault."""

    level: str
    place: int | None
    """At which place it ranked the truth; none when not at all."""
    probability: float
    """What it gave the first."""


async def measure(
    data: Path, alter: Callable[[Fault], Fault] = lambda fault: fault
) -> dict[str, Any] | None:
    """Rank the faults of each system under `rca/faults`, altered; None when there is none."""
    found: dict[str, Any] = {}
    everything: list[Ranked] = []
    began = time.monotonic()
    for system in systems(data / "rca" / "faults"):
        async with replay() as services:
            ranked = await _rank(services, system, alter)
        found[system.name] = {
            **_shares(ranked),
            "faults": len(ranked),
            "levels": {
                level: _shares([it for it in ranked if it.level == level])
                for level in sorted({it.level for it in ranked})
            },
        }
        everything += ranked
    if not everything:
        return None
    return {
        **_shares(everything),
        **found,
        "reliability": _reliability(everything),
        "brier": round(
            sum((it.probability - (it.place == 1)) ** 2 for it in everything) / len(everything), 3
        ),
        "seconds": round(time.monotonic() - began, 1),
    }


async def _rank(services: Replay, system: Path, alter: Callable[[Fault], Fault]) -> list[Ranked]:
    catalogue = read_catalogue(system)
    await services.catalogue(catalogue)
    return [
        await _rank_one(services, alter(fault))
        for fault in read_faults(system, catalogue)
        if fault.alerts
    ]


async def _rank_one(services: Replay, fault: Fault) -> Ranked:
    opened = await services.alerts(fault.alerts)
    await services.diagnosed(opened)
    point = await services.failure_point(opened[0])
    await services.alerts(
        [
            {**alert, "status": "resolved", "endsAt": fault.ended_at.isoformat()}
            for alert in fault.alerts
        ]
    )
    places = [it["component"] for it in point["candidates"]]
    return Ranked(
        fault.level,
        places.index(fault.truth) + 1 if fault.truth in places else None,
        point["candidates"][0]["probability"],
    )


def _shares(ranked: Sequence[Ranked]) -> dict[str, float]:
    return {
        f"top{most}": round(
            sum(it.place is not None and it.place <= most for it in ranked) / len(ranked), 3
        )
        for most in (1, 3)
    }


def _reliability(ranked: Iterable[Ranked]) -> list[dict[str, float]]:
    """Compare what the first places were given with how many were right, in bins."""
    bins: dict[int, list[Ranked]] = {}
    for it in ranked:
        bins.setdefault(min(int(it.probability * _BINS), _BINS - 1), []).append(it)
    return [
        {
            "from": number / _BINS,
            "to": (number + 1) / _BINS,
            "given": round(sum(it.probability for it in its) / len(its), 3),
            "right": round(sum(it.place == 1 for it in its) / len(its), 3),
            "count": len(its),
        }
        for number, its in sorted(bins.items())
    ]


def table(part: dict[str, Any]) -> str:
    """Print it as a table."""
    lines = [f"{'system':40} {'faults':>6} {'first':>6} {'of 3':>6}"]
    for name, its in part.items():
        if isinstance(its, dict):
            lines.append(f"{name:40} {its['faults']:6} {its['top1']:6.1%} {its['top3']:6.1%}")
            lines += [
                f"  {level:38} {'':6} {of['top1']:6.1%} {of['top3']:6.1%}"
                for level, of in its["levels"].items()
            ]
    lines += [f"Brier score {part['brier']}; given probability, share that was right:"]
    lines += [
        f"  {it['from']:.1f}-{it['to']:.1f}  given {it['given']:.2f}  right {it['right']:.2f}"
        f"  ({it['count']})"
        for it in part["reliability"]
    ]
    return "\n".join(lines)
