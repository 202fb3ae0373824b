"""Logs of incidents, posted entry by entry as reports, over HTTP on a real PostgreSQL."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from support.servers import Postgres
from support.whole import Whole, a_whole

INCIDENTS = "/intake/v1/incidents"
BEGAN = datetime(2023, 5, 4, 10, tzinfo=UTC)
TODAY = (datetime.now(UTC) - BEGAN) / timedelta(minutes=1) - 60


@pytest.fixture(scope="module")
async def intake(postgres: Postgres) -> AsyncIterator[Whole]:
    async with a_whole(postgres, "intake") as whole:
        yield whole


def written(minutes: float) -> str:
    return (BEGAN + timedelta(minutes=minutes)).isoformat()


def an_entry(component: str, start: float, end: float | None = None, **given: Any) -> Any:
    entry: dict[str, Any] = {
        "component": component,
        "summary": "It does not answer",
        "started_at": written(start),
    }
    if end is not None:
        entry["ended_at"] = written(end)
    return entry | given


async def report(whole: Whole, entry: dict[str, Any], headers: Any = None) -> list[Any]:
    answer = await whole.client.post("/intake/v1/reports", json=entry, headers=headers)
    assert answer.status_code == 202, answer.text
    signals: list[Any] = answer.json()["signals"]
    return signals


async def incidents_of(whole: Whole, component: str) -> list[Any]:
    found: list[Any] = (await whole.get(INCIDENTS, component=component))["items"]
    for one in found:
        assert one["lost_seconds"] >= 0
        assert one["restored_at"] is None or one["restored_at"] >= one["started_at"]
    return found


# Each is a log of entries about one component in the same words: start and end in minutes.
LOGS: dict[str, list[tuple[float, float | None]]] = {
    "minutes apart": [(0, 10), (12, 20), (24, 30)],
    "without an end": [(0, None), (60 * 24, 60 * 25), (60 * 48, None), (60 * 48 + 3, None)],
    "newest first": [(600, 610), (300, 310), (0, 10)],
    "one within another": [(0, 100), (20, 30)],
    "ends before its start": [(0, -30), (2, -1)],
    "the very same start": [(0, 10), (0, 20), (0, None)],
    "of today": [(TODAY, TODAY + 1), (TODAY + 2, None), (TODAY + 3, None)],
}


@pytest.mark.parametrize("imported", [False, True], ids=["told now", "imported"])
@pytest.mark.parametrize("log", LOGS)
@pytest.mark.parametrize("origin", ["internal", "customer"])
async def test_each_entry_is_an_incident_of_its_own(
    intake: Whole, log: str, imported: bool, origin: str
) -> None:
    component = str(uuid4())
    for n, (start, end) in enumerate(LOGS[log]):
        entry = an_entry(component, start, end, id=f"{component} {n}", origin=origin)
        if imported:
            entry["received_at"] = entry["started_at"]
        became = await report(intake, entry)
        assert became[0]["disposition"] == "opened", became
        again = await report(intake, entry)
        assert [one["incident_id"] for one in again] == [one["incident_id"] for one in became]
    found = await incidents_of(intake, component)
    assert len(found) == len(LOGS[log])
    assert all(one["occurrences"] == 1 and one["flaps"] == 0 for one in found)
    ended = [end for _, end in LOGS[log] if end is not None]
    assert sum(one["state"] == "restored" for one in found) == len(ended)


async def test_entries_without_ids_are_told_apart_by_when_they_began(intake: Whole) -> None:
    component = str(uuid4())
    for start, end in ((0, 10), (12, 20), (1000, None), (1004, None), (2000, 2001)):
        await report(intake, an_entry(component, start, end))
    assert len(await incidents_of(intake, component)) == 5


@pytest.mark.parametrize("named", [{"id": "INC-1"}, {}])
async def test_an_entry_that_is_told_anew_with_its_end_is_restored(
    intake: Whole, named: dict[str, str]
) -> None:
    component = str(uuid4())
    named = {name: f"{component} {value}" for name, value in named.items()}
    (opened,) = await report(intake, an_entry(component, 0, None, **named))
    anew = an_entry(component, 0, 30, **named, description="It was the disk")
    _, over = await report(intake, anew)
    assert (over["disposition"], over["incident_id"]) == ("restored", opened["incident_id"])
    (incident,) = await incidents_of(intake, component)
    assert (incident["state"], incident["lost_seconds"]) == ("restored", 1800)


async def test_the_same_words_about_now_are_one_failure_and_end_by_them(intake: Whole) -> None:
    now = {"component": str(uuid4()), "summary": "I cannot pay"}
    (first,) = await report(intake, now)
    (second,) = await report(intake, now | {"id": str(uuid4())})
    assert second["incident_id"] == first["incident_id"]
    over = await report(intake, now | {"ended_at": datetime.now(UTC).isoformat()})
    assert [one["incident_id"] for one in over] == [first["incident_id"]] * 2
    assert (await incidents_of(intake, now["component"]))[0]["state"] == "restored"


async def test_a_customer_says_since_when_and_speaks_of_the_same_failure(intake: Whole) -> None:
    acme = await intake.key("ingest", customer="acme")
    component = str(uuid4())
    for minutes in (0, 5):
        entry = an_entry(component, minutes, id=str(uuid4()))
        await report(intake, entry, acme)
    (incident,) = await incidents_of(intake, component)
    assert incident["occurrences"] == 2


async def test_history_does_not_join_what_fails_now(intake: Whole) -> None:
    component = str(uuid4())
    signal = {"source": "probe", "component": component, "summary": "HTTP 502"}
    (failing,) = (await intake.post("/intake/v1/signals", signal))["signals"]
    (over, _) = await report(intake, an_entry(component, 0, 10))
    assert over["disposition"] == "opened"
    (came,) = await report(intake, an_entry(component, 20, received_at=written(21)))
    assert came["disposition"] == "opened"
    assert (await intake.get(f"{INCIDENTS}/{failing['incident_id']}"))["occurrences"] == 1


async def test_who_cannot_name_a_component_is_heard_and_joins_nothing(intake: Whole) -> None:
    nameless = {"source": "probe", "component": "unknown", "summary": "something is wrong"}
    (failing,) = (await intake.post("/intake/v1/signals", nameless))["signals"]
    (taken,) = await report(intake, {"summary": "I cannot log in"})
    assert taken["disposition"] == "opened"
    assert taken["incident_id"] != failing["incident_id"]
    incident = await intake.get(f"{INCIDENTS}/{taken['incident_id']}")
    assert incident["component"] == "unknown"


async def test_an_operator_says_what_makes_two_reports_the_same_failure(intake: Whole) -> None:
    component = str(uuid4())
    before = await intake.get("/intake/v1/sources/report")
    assert (before["declared"], before["path"]) == (False, "/intake/v1/reports")
    assert before["rules"][0].startswith("fingerprint: as a report has it: component and summary")
    rule = {"kind": "report", "fingerprint": ["component"]}
    declared = await intake.client.put("/intake/v1/sources/report", json=rule)
    assert "made of component" in declared.json()["rules"][0]
    try:
        for n, summary in enumerate(("It is slow", "It is red")):
            entry = an_entry(component, n, summary=summary, id=f"{component} {n}")
            await report(intake, entry)
        (incident,) = await incidents_of(intake, component)
        assert incident["occurrences"] == 2
    finally:
        assert (await intake.client.delete("/intake/v1/sources/report")).status_code == 204


async def test_texts_come_as_people_write_them(intake: Whole) -> None:
    component = str(uuid4())
    text = "<b>*Just* began</b> <script>alert(1)</script> & «ünïcode» \n| a | b |\n"
    entry = an_entry(component, 0, summary="a" * 10_000, description=text + "x" * 200_000)
    answer = await intake.client.post("/intake/v1/reports", json=entry)
    assert answer.status_code == 202
    assert answer.json()["remarks"] == ["the description was cut to 100,000 characters"]
    (incident,) = await incidents_of(intake, component)
    assert incident["description"].startswith(text)
    assert len(incident["description"]) == 100_000


@pytest.mark.parametrize(
    ("as_written", "is_read_as"),
    [
        ("2023-12-04T8:00:00-00:00", "2023-12-04T08:00:00Z"),
        ("2023-12-04 15:54:00", "2023-12-04T15:54:00Z"),
        ("2023-12-04 9:54", "2023-12-04T09:54:00Z"),
        ("2023-12-04T15:54", "2023-12-04T15:54:00Z"),
        ("2023-12-04 15:54:00 +0200", "2023-12-04T13:54:00Z"),
        ("2023-12-04T15:54:00-05:00", "2023-12-04T20:54:00Z"),
        ("2023-12-04 15:54:00 EST", "2023-12-04T20:54:00Z"),
        ("2023-12-04", "2023-12-04T00:00:00Z"),
        ("0001-01-02T00:00:00Z", "0001-01-02T00:00:00Z"),
    ],
)
async def test_times_come_as_people_write_them(
    intake: Whole, as_written: str, is_read_as: str
) -> None:
    component = str(uuid4())
    (taken,) = await report(intake, an_entry(component, 0, started_at=as_written))
    path = f"{INCIDENTS}/{taken['incident_id']}/signals"
    (signal,) = (await intake.get(path))["items"]
    assert signal["started_at"] == is_read_as


async def test_a_time_that_nobody_can_read_is_named(intake: Whole) -> None:
    entry = an_entry("x", 0, started_at="the day before yesterday")
    answer = await intake.client.post("/intake/v1/reports", json=entry)
    assert answer.status_code == 422
    assert "started_at" in answer.text
