"""The signals that are posted: bodies of about 650 bytes, as a monitor's would be."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import orjson

_BEGAN = datetime.now(UTC)
AREAS = ("cart", "catalogue", "checkout", "delivery", "invoice", "login", "mail", "search", "stock")
PARTS = ("web", "api", "worker", "cache", "db")
_FAULTS = (
    ("disk", "Disk of {host} is 91 % full", "warning"),
    ("memory", "Memory of {host} runs out", "error"),
    ("latency", "99 % of requests to {host} take longer than 2.5 s", "error"),
    ("replica", "The replica on {host} lags behind by 340 s", "warning"),
    ("certificate", "The certificate of {host} ends in 6 days", "info"),
)


def a_signal(
    identity: str,
    number: int,
    fingerprint: int,
    *,
    resolved: bool,
    began: datetime = _BEGAN,
    apart: timedelta = timedelta(milliseconds=1),
) -> dict[str, Any]:
    """Make a signal; `number` is its place in time, so far apart from the one before."""
    kind, summary, severity = _FAULTS[fingerprint % len(_FAULTS)]
    area, part = AREAS[fingerprint % len(AREAS)], PARTS[fingerprint // len(AREAS) % len(PARTS)]
    host = f"{area}-{part}-{fingerprint:06}.example.com"
    started_at = began + number * apart
    signal = {
        "source": "bench",
        "id": identity,
        "fingerprint": f"{kind}/{fingerprint:08}",
        "component": f"{area}-{part}",
        "summary": summary.format(host=host),
        "description": "Measured over five minutes on two probes; the runbook has the first steps.",
        "state": "resolved" if resolved else "firing",
        "severity": severity,
        "started_at": started_at.isoformat(),
        "labels": {
            "alertname": f"{kind.title()}OutOfBounds",
            "instance": host,
            "cluster": "north-1",
            "namespace": "shop",
            "team": "platform",
        },
        "links": [{"href": f"https://graphs.example.com/d/{kind}?host={host}", "text": "graph"}],
    }
    if resolved:
        signal["ended_at"] = (started_at + timedelta(milliseconds=1)).isoformat()
    return signal


def storm(name: str, count: int, *, fingerprints: int = 1000) -> Iterator[bytes]:
    """Give signals of many failures that fire again and again; one in fifty says it is over."""
    chance = random.Random(name)
    for number in range(count):
        yield orjson.dumps(
            a_signal(
                f"{name}-{number:07}",
                number,
                chance.randrange(fingerprints),
                resolved=number % 50 == 49,
            )
        )


def all_new(name: str, count: int, **times: Any) -> Iterator[bytes]:
    """Give signals that each tell of a failure of its own; `times` as `a_signal` takes them."""
    first = random.Random(name).randrange(10**9) * 100_000
    for number in range(count):
        yield orjson.dumps(
            a_signal(f"{name}-{number:07}", number, first + number, resolved=False, **times)
        )


def in_posts(signals: Iterator[bytes], of: int) -> Iterator[bytes]:
    """Gather signals into arrays."""
    while some := list(islice(signals, of)):
        yield b"[" + b",".join(some) + b"]"
