"""However many instances diagnose, and whoever learns first: one fault has one signature."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterator
from random import Random
from typing import Any

from mejora_events.sql import rows
from support.servers import Postgres
from support.whole import Whole, a_whole, another_instance, until

# Each is one fault. Most need more than their form to be told: names stand in them.
_FAULTS = (
    "Login of user {name} from {address} failed: wrong password",
    "Session was closed for user {name} after {number} minutes",
    "Disk {path} is {number} % full on db-{number}",
    "Disk {path} is failing on db-{number}",
    "Cannot load class org.shop.{name}.Job on start",
    "Payment of customer {name} took {number} ms",
    "Order blk_{number} could not be sent to host {name}",
    "pod orders-7f9c6d5b4-x2x9z was evicted: {number} MB (limit {number} MB)",
)
_NAMES = ("anna", "bela", "carl", "dora", "emil", "fritz", "gerda", "hugo", "ines", "jan", "kim")
_COUNT = 1_000
_AT_ONCE = 50


def _signals() -> Iterator[tuple[int, dict[str, Any]]]:
    chance = Random(5)
    for number in range(_COUNT):
        fault = chance.randrange(len(_FAULTS))
        summary = _FAULTS[fault].format(
            name=chance.choice(_NAMES),
            address=f"10.0.{chance.randrange(256)}.{chance.randrange(256)}",
            number=chance.randrange(1_000),
            path=f"/data/{chance.randrange(100)}",
        )
        yield (
            fault,
            {
                "source": "monitor",
                "id": f"s{number}",
                "fingerprint": f"f{number}",
                "component": f"shop-{chance.randrange(20)}",
                "summary": summary,
                "severity": "error",
            },
        )


async def test_two_instances_give_no_fault_two_signatures(postgres: Postgres) -> None:
    signals = list(_signals())
    async with a_whole(postgres, "intake", "diagnosis") as one, another_instance(one) as other:
        fault_of: dict[str, int] = {}

        async def report(where: Whole, mine: list[tuple[int, dict[str, Any]]]) -> None:
            for start in range(0, len(mine), _AT_ONCE):
                batch = mine[start : start + _AT_ONCE]
                answer = await where.post("/intake/v1/signals", [it for _, it in batch])
                for (fault, _), signal in zip(batch, answer["signals"], strict=True):
                    fault_of[signal["incident_id"]] = fault

        await asyncio.gather(report(one, signals[::2]), report(other, signals[1::2]))
        assert len(fault_of) == _COUNT
        found = await until(lambda: _diagnosed(one), seconds=60)
        given = defaultdict(set)
        for it in found:
            given[fault_of[str(it["incident_id"])]].add(it["signature_id"])
        assert all(len(signatures) == 1 for signatures in given.values()), given
        assert len(set().union(*given.values())) == len(_FAULTS)
        # What is kept of each fault counts all of its incidents.
        counts = Counter(fault_of.values())
        assert sorted(await _counts(one)) == sorted(counts.values())


async def _diagnosed(whole: Whole) -> Any:
    async with whole.runtimes["diagnosis"].store.read() as conn:
        found = await rows(conn, "select incident_id, signature_id from diagnosis")
    return found if len(found) == _COUNT else None


async def _counts(whole: Whole) -> list[int]:
    async with whole.runtimes["diagnosis"].store.read() as conn:
        return [it["incidents"] for it in await rows(conn, "select incidents from signature")]
