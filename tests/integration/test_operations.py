"""What operators do over HTTP, the same at every service: dead letters and replays."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from mejora_events.contracts.access import Scope
from mejora_events.contracts.changes import ChangeRecorded
from mejora_events.envelope import Event
from mejora_events.sql import run
from mejora_events.store import Work
from support.counter import COUNT
from support.counting import Counter, a_runtime, bearer, serving

LETTERS = "/counter/v1/dead-letters"


async def count_all_heard(counter: Counter) -> dict[str, int]:
    return {r["name"]: r["times"] for r in await counter.ask("select name, times from heard")}


async def test_an_operator_looks_at_a_dead_letter_and_retries_it_once_the_cause_is_mended(
    database: str,
) -> None:
    async with serving(a_runtime(database)) as counter:
        for name in ("unheard", "unheard", "heard"):
            await counter.add(name)
        await counter.until_there_are(2, "select 1 from dead_letter")
        await counter.until_there_are(1, "select 1 from heard where name = 'heard'")
        page = (await counter.http.get(LETTERS, params={"limit": 1})).json()
        rest = (await counter.http.get(LETTERS, params={"cursor": page["next"]})).json()
        waiting, dead = page["items"] + rest["items"]
        assert (dead["state"], waiting["state"]) == ("dead", "waiting")
        assert "nobody hears this" in dead["reason"]
        assert dead["key"] == "unheard"
        assert '"component":"unheard"' in dead["value"]
        assert dead["headers"]["ce_type"] == ChangeRecorded.TYPE

        url = f"{LETTERS}/{dead['letter_id']}"
        assert (await counter.http.post(f"{url}/retry")).json() == {"took_effect": 0}
        counter.runtime.consumer.reactions = {ChangeRecorded: mended}
        assert (await counter.http.post(f"{url}/retry")).json() == {"took_effect": 2}
        assert (await count_all_heard(counter))["unheard"] == 2
        assert (await counter.http.get(LETTERS)).json() == {"items": [], "next": None}
        assert (await counter.http.post(f"{url}/retry")).status_code == 404


async def mended(work: Work, events: Sequence[Event[ChangeRecorded]]) -> None:
    """Count without finding fault."""
    for event in events:
        await run(work.conn, COUNT, name=event.data.component)


async def test_an_operator_drops_a_dead_letter(database: str) -> None:
    async with serving(a_runtime(database)) as counter:
        await counter.add("unheard")
        (letter,) = await counter.until_there_are(1, "select letter_id from dead_letter")
        url = f"{LETTERS}/{letter['letter_id']}/drop"
        assert (await counter.http.post(url)).json() == {"took_effect": 0}
        assert (await counter.http.get(LETTERS)).json()["items"] == []
        assert (await counter.http.post(url)).status_code == 404
        assert (await counter.http.post(f"{LETTERS}/{uuid4()}/drop")).status_code == 404


async def test_an_operator_asks_for_a_topic_to_be_read_again(database: str) -> None:
    async with serving(a_runtime(database)) as counter:
        await counter.add("a")
        await counter.until_there_are(1, "select 1 from heard where name = 'a'")
        wish = {
            "topic": ChangeRecorded.TOPIC,
            "from_time": (datetime.now(UTC) - timedelta(hours=1)).isoformat(),
        }
        async with counter.runtime.store.begin(actor="a backup") as work:
            await run(work.conn, "delete from heard")
            await run(work.conn, "delete from inbox")
        answer = await counter.http.post("/counter/v1/replays", json=wish)
        assert answer.status_code == 202
        await counter.until_there_are(1, "select 1 from heard where name = 'a' and times = 1")
        (asked,) = await counter.ask("select asked_by from replay")
        assert asked == {"asked_by": "key:admin"}

        nothing_read = await counter.http.post(
            "/counter/v1/replays", json=wish | {"topic": "mejora.incidents"}
        )
        assert nothing_read.status_code == 422
        assert ChangeRecorded.TOPIC in nothing_read.json()["advice"]
        too_old = await counter.http.post(
            "/counter/v1/replays", json=wish | {"from_time": "2020-01-01T00:00:00Z"}
        )
        assert too_old.status_code == 422


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", LETTERS),
        ("POST", f"{LETTERS}/{uuid4()}/retry"),
        ("POST", f"{LETTERS}/{uuid4()}/drop"),
        ("POST", "/counter/v1/replays"),
    ],
)
async def test_only_an_administrator_may(database: str, method: str, path: str) -> None:
    wish = {"topic": ChangeRecorded.TOPIC, "from_time": "2026-01-01T00:00:00Z"}
    async with serving(a_runtime(database)) as counter:
        key, _ = await counter.issue(Scope.READ, Scope.OPERATE, Scope.INGEST)
        answer = await counter.http.request(method, path, json=wish, headers=bearer(key))
        assert answer.status_code == 403
