"""Signals in any order, once or more, through two instances on a real PostgreSQL."""

import asyncio
import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from mejora_events.sql import rows
from mejora_intake.model import Disposition
from support.servers import Postgres
from support.whole import Whole, a_whole, another_instance

INCIDENTS = "/intake/v1/incidents"
COUNTED = (Disposition.OPENED, Disposition.REPEATED, Disposition.REOPENED)
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ODD = ("0001-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "9999-12-31T23:59:59Z")


@pytest.fixture(scope="module")
async def intake(postgres: Postgres) -> AsyncIterator[Whole]:
    async with a_whole(postgres, "intake") as whole:
        yield whole


async def post(whole: Whole, *signals: dict[str, Any]) -> list[dict[str, Any]]:
    taken: list[dict[str, Any]] = (await whole.post("/intake/v1/signals", list(signals)))["signals"]
    return taken


def told(failure: str, state: str = "firing", **given: Any) -> dict[str, Any]:
    return {
        "source": "probe",
        "id": str(uuid4()),
        "fingerprint": failure,
        "component": failure,
        "summary": "It fails",
        "state": state,
    } | given


def moment(minutes: float) -> str:
    return (NOON + timedelta(minutes=minutes)).isoformat()


async def test_an_end_that_overtook_what_it_ends_leaves_nothing_open(intake: Whole) -> None:
    failure = str(uuid4())
    began = moment(0)
    end = told(failure, "resolved", started_at=began, ended_at=moment(7))
    (early,) = await post(intake, end)
    assert (early["disposition"], early["incident_id"]) == ("suppressed", None)
    (late,) = await post(intake, told(failure, started_at=began))
    assert late["disposition"] == "opened" and late["rule"].endswith("; its end came before it")
    incident = await intake.get(f"{INCIDENTS}/{late['incident_id']}")
    assert (incident["state"], incident["lost_seconds"]) == ("restored", 420)
    assert {entry["what"] for entry in incident["timeline"]} == {"opened", "restored"}
    # It counts once: what fails later does fail.
    (next_one,) = await post(intake, told(failure, started_at=began))
    assert next_one["disposition"] == "opened"
    assert (await intake.get(f"{INCIDENTS}/{next_one['incident_id']}"))["state"] == "reported"


async def test_both_in_one_post_or_a_next_episode_of_a_known_failure_end_too(
    intake: Whole,
) -> None:
    failure = str(uuid4())
    for hours in (0, 5):
        began = moment(hours * 60)
        _, late = await post(
            intake,
            told(failure, "resolved", started_at=began, ended_at=moment(hours * 60 + 7)),
            told(failure, started_at=began),
        )
        incident = await intake.get(f"{INCIDENTS}/{late['incident_id']}")
        assert (incident["state"], incident["lost_seconds"]) == ("restored", 420)


async def test_what_cannot_be_is_marked_in_the_answer_and_in_the_timeline(intake: Whole) -> None:
    for odd in ODD:
        failure = str(uuid4())
        (opened,) = await post(intake, told(failure, started_at=odd))
        (over,) = await post(intake, told(failure, "resolved", ended_at=odd))
        incident = await intake.get(f"{INCIDENTS}/{opened['incident_id']}")
        assert 0 <= incident["lost_seconds"] < 60
        marks = [entry["note"] for entry in incident["timeline"]]
        assert marks == [opened["rule"], over["rule"]]
        assert all("cannot be: it counts from when it came" in mark for mark in marks)


async def test_an_incident_whose_failure_went_on_is_not_reopened(intake: Whole) -> None:
    failure = str(uuid4())
    (first,) = await post(intake, told(failure))
    path = f"{INCIDENTS}/{first['incident_id']}"
    await intake.post(f"{path}/restore")
    await intake.post(f"{path}/close")
    (second,) = await post(intake, told(failure))
    answer = await intake.client.post(f"{path}/reopen", json={})
    assert answer.status_code == 409
    assert second["incident_id"] in answer.json()["detail"]


@pytest.mark.parametrize("at", ODD)
@pytest.mark.parametrize("command", ["restore", "acknowledge"])
async def test_a_command_tells_a_time_that_can_be(intake: Whole, at: str, command: str) -> None:
    (taken,) = await post(intake, told(str(uuid4())))
    path = f"{INCIDENTS}/{taken['incident_id']}/{command}"
    answer = await intake.client.post(path, json={"at": at})
    assert answer.status_code == 422 and answer.json()["advice"]


def some_signals(chance: random.Random, failures: list[str]) -> list[dict[str, Any]]:
    """Make messages about a few failures, many of them odd, some of them twice or three times."""
    made = []
    for _ in range(chance.randint(4, 16)):
        signal = told(
            chance.choice(failures),
            chance.choice(("firing", "firing", "resolved")),
            severity=chance.choice(("critical", "warning", "unknown")),
            origin=chance.choice(("internal", "internal", "customer")),
            component=chance.choice(failures),
        )
        for name in ("started_at", "ended_at"):
            if chance.random() < 0.6:
                odd = chance.random() < 0.15
                signal[name] = chance.choice(ODD) if odd else moment(chance.randint(-90, 90))
        made += [signal] * chance.choice((1, 1, 2, 3))
    chance.shuffle(made)
    return made


async def open_twice(whole: Whole) -> list[Any]:
    """Give failures that are with one incident while another that they opened is open too."""
    async with whole.runtimes["intake"].store.read() as conn:
        found = await rows(
            conn,
            "select source, fingerprint from incident where state in ('reported', 'acknowledged')"
            " group by source, fingerprint having count(*) > 1",
        )
    return [(r["source"], r["fingerprint"]) for r in found]


@pytest.mark.parametrize("seed", range(12))
async def test_in_any_order_and_however_often_each_message_counts_once(
    intake: Whole, seed: int
) -> None:
    chance = random.Random(seed)
    failures = [str(uuid4()) for _ in range(3)]
    messages = some_signals(chance, failures)
    became: dict[str, list[dict[str, Any]]] = {}
    async with another_instance(intake) as other:
        while messages:
            together = [messages.pop() for _ in range(min(len(messages), chance.randint(1, 5)))]
            taken = await asyncio.gather(
                *(post(chance.choice((intake, other)), signal) for signal in together)
            )
            for (answer,) in taken:
                became.setdefault(answer["id"], []).append(answer)
    incidents = [
        await intake.get(f"{INCIDENTS}/{incident_id}")
        for incident_id in {a["incident_id"] for all_of in became.values() for a in all_of}
        if incident_id is not None
    ]
    for answers in became.values():
        assert sum(not answer["repeated_delivery"] for answer in answers) == 1
        assert len({(a["disposition"], a["incident_id"]) for a in answers}) == 1
    counted = sum(answers[0]["disposition"] in COUNTED for answers in became.values())
    assert sum(incident["occurrences"] for incident in incidents) == counted
    for incident in incidents:
        assert incident["lost_seconds"] >= 0
        if incident["restored_at"] is not None:
            assert incident["restored_at"] >= incident["started_at"]
    assert await open_twice(intake) == []


@pytest.mark.parametrize(
    "odd", ["0001-01-01T00:00:00Z", "0001-01-01T00:00:00+00:00", "9999-12-31T23:59:59.999999Z"]
)
async def test_the_first_and_the_last_moment_of_all_are_shown_and_split_like_others(
    intake: Whole, odd: str
) -> None:
    failure = str(uuid4())
    first, second, _ = await post(
        intake,
        told(failure, started_at=odd),
        told(failure, started_at=odd, ended_at=odd),
        told(failure, "resolved", started_at=odd, ended_at=odd),
    )
    path = f"{INCIDENTS}/{first['incident_id']}"
    listed = (await intake.get(f"{path}/signals"))["items"]
    assert {one["started_at"][:19] for one in listed} == {odd[:19]}
    named = {"signals": [{"source": "probe", "id": second["id"]}]}
    assert (await intake.post(f"{path}/split", named))["lost_seconds"] == 0


@pytest.mark.parametrize("odd", ODD)
async def test_history_came_at_a_time_that_can_be(intake: Whole, odd: str) -> None:
    for path, body in (
        ("signals", told(str(uuid4()), received_at=odd)),
        ("reports", {"component": "c", "summary": "s", "received_at": odd}),
        (f"hooks/alertmanager?received_at={odd}", {"alerts": []}),
    ):
        answer = await intake.client.post(f"/intake/v1/{path}", json=body)
        assert answer.status_code == 422, answer.text
        assert "received_at" in answer.json()["detail"] and answer.json()["advice"]
