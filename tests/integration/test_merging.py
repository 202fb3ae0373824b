"""Comments, merging and splitting over HTTP on a real PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from mejora.audit.queries import OCCURRENCES, SIGNALS, SIGNALS_OF_INCIDENTS
from mejora.services import SERVICES
from mejora_events.contracts.incidents import Incident
from mejora_events.ids import IncidentId
from mejora_events.sql import rows
from mejora_intake.model import acknowledge
from mejora_intake.store import incidents
from mejora_service.host import host
from mejora_service.runtime import Runtime
from support.servers import Postgres
from support.whole import ADMIN_KEY, Whole, a_whole, until

INCIDENTS = "/intake/v1/incidents"


@pytest.fixture(scope="module")
async def intake(postgres: Postgres) -> AsyncIterator[Whole]:
    async with a_whole(postgres, "intake", "improvement") as whole:
        yield whole


def a_signal(failure: str, n: int = 1, **given: Any) -> dict[str, Any]:
    return {
        "source": "probe",
        "id": f"{failure}-{n}",
        "fingerprint": failure,
        "component": f"component of {failure}",
        "summary": f"{failure} fails",
        "severity": "error",
    } | given


async def post(whole: Whole, *signals: dict[str, Any]) -> list[dict[str, Any]]:
    answer = await whole.post("/intake/v1/signals", list(signals))
    taken: list[dict[str, Any]] = answer["signals"]
    return taken


async def opened(whole: Whole, failure: str, count: int = 1, **given: Any) -> str:
    """Let a failure be reported some times; give its incident."""
    taken = await post(whole, *(a_signal(failure, n, **given) for n in range(count)))
    incident_id: str = taken[0]["incident_id"]
    return incident_id


async def adds_up(whole: Whole) -> None:
    """Compare, as the audit does, the counts of incidents with the signals that they have."""
    async with whole.runtimes["intake"].store.read() as conn:
        said = {r["incident_id"]: r["occurrences"] for r in await rows(conn, OCCURRENCES)}
        found = await rows(conn, SIGNALS_OF_INCIDENTS)
    counted = {r["incident_id"]: r["counted"] for r in found}
    assert said == {one: counted.get(one, 0) for one in said}
    assert counted.keys() <= said.keys()


async def told(whole: Whole, incident_id: str, *, last: str) -> list[dict[str, Any]]:
    """Give the events of an incident in their order, once the last one is in the feed."""

    async def there() -> Any:
        page = await whole.get("/improvement/v1/events", subject=incident_id)
        return page["items"] if page["items"] and page["items"][-1]["type"] == _type(last) else None

    events: list[dict[str, Any]] = await until(there)
    return events


def _type(name: str) -> str:
    return f"mejora.incident.{name}.v1"


def whats(incident: dict[str, Any]) -> list[str]:
    return [entry["what"] for entry in incident["timeline"]]


async def test_a_comment_is_an_entry_of_the_timeline_with_who_made_it(intake: Whole) -> None:
    incident_id = await opened(intake, "commented")
    shown = await intake.post(f"{INCIDENTS}/{incident_id}/comments", {"text": "looks like DNS"})
    entry = shown["timeline"][-1]
    assert (entry["what"], entry["note"]) == ("comment", "looks like DNS")
    assert entry["actor"] == "key:admin"
    for body, status in (({"text": ""}, 422), ({}, 422), ({"text": "a\x00b"}, 422)):
        answer = await intake.client.post(f"{INCIDENTS}/{incident_id}/comments", json=body)
        assert answer.status_code == status, answer.text
    nobody = await intake.client.post(f"{INCIDENTS}/{uuid4()}/comments", json={"text": "x"})
    assert nobody.status_code == 404


async def test_a_merged_incident_points_to_the_other_which_has_all_its_signals(
    intake: Whole,
) -> None:
    into = await opened(intake, "db", 3, severity="warning", started_at="2026-03-01T12:00:00Z")
    merged = await opened(intake, "web", 2, severity="critical", started_at="2026-03-01T11:00:00Z")
    shown = await intake.post(f"{INCIDENTS}/{merged}/merge", {"into": into, "note": "same outage"})
    assert shown["incident_id"] == into
    assert (shown["occurrences"], shown["severity"]) == (5, "critical")
    assert (shown["started_at"], shown["failing_since"]) == ("2026-03-01T11:00:00Z",) * 2
    assert shown["timeline"][-1]["what"] == "merged" and merged in shown["timeline"][-1]["note"]
    gone = await intake.get(f"{INCIDENTS}/{merged}")
    assert (gone["state"], gone["merged_into"], gone["occurrences"]) == ("closed", into, 0)
    assert gone["failing_since"] is None and gone["restored_at"] is None
    assert gone["lost_seconds"] > 3600
    assert whats(gone) == ["opened", "merged"]
    (again,) = await post(intake, a_signal("web", 0))
    assert (again["repeated_delivery"], again["incident_id"]) == (True, into)
    closed = (await told(intake, merged, last="closed"))[-1]["data"]
    assert closed["note"] == f"merged into {into}: same outage"
    assert closed["incident"]["merged_into"] == into
    changed = (await told(intake, into, last="changed"))[-1]["data"]
    assert {"occurrences", "severity", "started_at"} <= set(changed["changed"])
    assert changed["incident"]["occurrences"] == 5
    await adds_up(intake)


async def test_the_ledger_of_what_was_answered_before_a_merge_still_holds(intake: Whole) -> None:
    into, merged = await opened(intake, "ledger-a"), await opened(intake, "ledger-b")
    await intake.post(f"{INCIDENTS}/{merged}/merge", {"into": into})
    async with intake.runtimes["intake"].store.read() as conn:
        kept = await rows(conn, SIGNALS, sources=["probe"], signal_ids=["ledger-b-0"])
    assert {str(r["incident_id"]) for r in kept} == {into, merged}


async def test_further_signals_of_a_merged_failure_are_the_other_incident_s_while_it_is_open(
    intake: Whole,
) -> None:
    into, merged = await opened(intake, "alias-into"), await opened(intake, "alias-merged")
    third = await opened(intake, "alias-third")
    await intake.post(f"{INCIDENTS}/{merged}/merge", {"into": into})
    more = [a_signal("alias-merged", n) for n in (1, 2)] + [a_signal("alias-into", 1)]
    taken = await post(intake, *more, a_signal("alias-merged", 3, severity="critical"))
    assert {(t["disposition"], t["incident_id"]) for t in taken} == {("repeated", into)}
    shown = await intake.get(f"{INCIDENTS}/{into}")
    assert (shown["occurrences"], shown["severity"]) == (6, "critical")
    await adds_up(intake)
    # What was merged once goes along when that incident is merged itself.
    await intake.post(f"{INCIDENTS}/{into}/merge", {"into": third})
    (taken_on,) = await post(intake, a_signal("alias-merged", 4))
    assert (taken_on["disposition"], taken_on["incident_id"]) == ("repeated", third)
    # The end of either failure restores; failing again soon after reopens; closed, it is over.
    (over,) = await post(intake, a_signal("alias-merged", 5, state="resolved"))
    assert (over["disposition"], over["incident_id"]) == ("restored", third)
    (back,) = await post(intake, a_signal("alias-into", 5))
    assert (back["disposition"], back["incident_id"]) == ("reopened", third)
    await intake.post(f"{INCIDENTS}/{third}/restore")
    await intake.post(f"{INCIDENTS}/{third}/close")
    anew = await post(intake, a_signal("alias-merged", 6), a_signal("alias-merged", 7))
    assert [t["disposition"] for t in anew] == ["opened", "repeated"]
    assert (await intake.get(f"{INCIDENTS}/{anew[0]['incident_id']}"))["predecessor_id"] == third
    # Only that failure has a new incident; the others open their own.
    (own,) = await post(intake, a_signal("alias-third", 6))
    assert own["disposition"] == "opened" and own["incident_id"] != anew[0]["incident_id"]
    await adds_up(intake)


async def test_one_round_of_two_failures_of_one_incident_counts_all(intake: Whole) -> None:
    into, merged = await opened(intake, "round-a"), await opened(intake, "round-b")
    await intake.post(f"{INCIDENTS}/{merged}/merge", {"into": into})
    signals = [a_signal(f"round-{'ab'[n % 2]}", n) for n in range(1, 41)]
    signals[20] |= {"severity": "critical"}
    taken = await post(intake, *signals)
    assert {t["incident_id"] for t in taken} == {into}
    shown = await intake.get(f"{INCIDENTS}/{into}")
    assert (shown["occurrences"], shown["severity"]) == (42, "critical")
    await post(intake, *(a_signal(f"round-{'ab'[n % 2]}", n) for n in range(41, 101)))
    assert (await intake.get(f"{INCIDENTS}/{into}"))["occurrences"] == 102
    await adds_up(intake)


async def test_what_cannot_be_merged_is_refused_with_why(intake: Whole) -> None:
    one, other = await opened(intake, "refused-1"), await opened(intake, "refused-2")
    closed = await opened(intake, "refused-3")
    await intake.post(f"{INCIDENTS}/{closed}/restore")
    await intake.post(f"{INCIDENTS}/{closed}/close")
    await intake.post(f"{INCIDENTS}/{other}/merge", {"into": one})
    for merged, into, says in (
        (one, one, "into itself"),
        (one, closed, "is closed"),
        (one, other, "was itself merged"),
        (other, one, "merged into"),
    ):
        answer = await intake.client.post(f"{INCIDENTS}/{merged}/merge", json={"into": into})
        assert answer.status_code == 409, answer.text
        assert says in answer.json()["detail"] and answer.json()["advice"]
    reopened = await intake.client.post(f"{INCIDENTS}/{other}/reopen", json={})
    assert reopened.status_code == 409 and one in reopened.json()["detail"]
    for merged, into in ((one, str(uuid4())), (str(uuid4()), one)):
        answer = await intake.client.post(f"{INCIDENTS}/{merged}/merge", json={"into": into})
        assert answer.status_code == 404, answer.text
    ingest = await intake.key("ingest", "read")
    for command in ("merge", "split", "comments"):
        answer = await intake.client.post(f"{INCIDENTS}/{one}/{command}", json={}, headers=ingest)
        assert answer.status_code == 403


async def test_signals_that_tell_of_another_failure_become_an_incident_of_their_own(
    intake: Whole,
) -> None:
    old, merged = await opened(intake, "left", 3), await opened(intake, "going", 2)
    await intake.post(f"{INCIDENTS}/{merged}/merge", {"into": old})
    body = {"fingerprints": ["going"], "note": "another host"}
    new = await intake.post(f"{INCIDENTS}/{old}/split", body)
    assert new["incident_id"] not in (old, merged)
    assert (new["state"], new["occurrences"], new["fingerprint"]) == ("reported", 2, "going")
    assert (new["component"], new["summary"]) == ("component of going", "going fails")
    assert whats(new) == ["split"] and "another host" in new["timeline"][0]["note"]
    left = await intake.get(f"{INCIDENTS}/{old}")
    assert left["occurrences"] == 3 and whats(left)[-1] == "split"
    (more,) = await post(intake, a_signal("going", 9))
    assert (more["disposition"], more["incident_id"]) == ("repeated", new["incident_id"])
    (own,) = await post(intake, a_signal("left", 9))
    assert own["incident_id"] == old
    reported = await told(intake, new["incident_id"], last="reported")
    assert reported[0]["data"]["incident"]["occurrences"] == 2
    changed = (await told(intake, old, last="changed"))[-1]["data"]
    assert changed["changed"] == ["occurrences"]
    await adds_up(intake)


async def test_a_split_off_incident_is_restored_when_its_newest_signal_says_so(
    intake: Whole,
) -> None:
    hour = "2026-03-01T{:02}:00:00Z"
    sent = [
        a_signal("over", 1, started_at=hour.format(8), received_at=hour.format(9)),
        a_signal("over", 2, started_at=hour.format(7), received_at=hour.format(10)),
        a_signal("over", 3, started_at=hour.format(7), received_at=hour.format(11))
        | {"state": "resolved", "ended_at": hour.format(11)},
        a_signal("over", 4, started_at=hour.format(11), received_at=hour.format(11)),
    ]
    taken = await post(intake, *sent)
    assert [t["disposition"] for t in taken] == ["opened", "repeated", "restored", "reopened"]
    old = taken[0]["incident_id"]
    named = [{"source": "probe", "id": f"over-{n}"} for n in (2, 3)]
    new = await intake.post(f"{INCIDENTS}/{old}/split", {"signals": named})
    assert (new["state"], new["occurrences"]) == ("restored", 1)
    assert (new["started_at"], new["restored_at"]) == (hour.format(7), hour.format(11))
    assert new["lost_seconds"] == 4 * 3600
    await told(intake, new["incident_id"], last="restored")
    # A failure of which signals stay behind stays with them.
    (more,) = await post(intake, a_signal("over", 9))
    assert more["incident_id"] == old
    await adds_up(intake)


async def test_what_cannot_be_split_is_refused_and_nothing_changes(intake: Whole) -> None:
    old = await opened(intake, "whole", 2)
    await post(intake, a_signal("whole", 5, state="resolved"))
    named = [{"source": "probe", "id": f"whole-{n}"} for n in range(2)]
    for body, status, says in (
        ({"signals": named}, 409, "must stay behind"),
        ({"fingerprints": ["whole"]}, 409, "must stay behind"),
        ({"signals": [{"source": "probe", "id": "whole-5"}]}, 409, "none of these"),
        ({"signals": [{"source": "probe", "id": "other"}]}, 422, "probe other"),
        ({"fingerprints": ["other"]}, 422, "other"),
        ({}, 422, "No signals"),
        ({"signals": [{"source": "", "id": ""}]}, 422, "source"),
    ):
        answer = await intake.client.post(f"{INCIDENTS}/{old}/split", json=body)
        assert answer.status_code == status, answer.text
        assert says in answer.json()["detail"]
    assert (await intake.get(f"{INCIDENTS}/{old}"))["occurrences"] == 2
    missing = await intake.client.post(f"{INCIDENTS}/{uuid4()}/split", json={"fingerprints": ["x"]})
    assert missing.status_code == 404
    await adds_up(intake)


async def test_who_waited_for_an_incident_sees_what_was_changed_meanwhile(intake: Whole) -> None:
    incident_id = IncidentId(UUID(await opened(intake, "waited for")))
    store = intake.runtimes["intake"].store

    async def hold_and_read() -> Incident:
        async with store.begin(actor="second") as work:
            return (await incidents.hold(work, [incident_id]))[incident_id].incident

    async with store.begin(actor="first") as work:
        held = (await incidents.hold(work, [incident_id]))[incident_id].incident
        second = asyncio.create_task(hold_and_read())
        await asyncio.sleep(0.2)
        assert not second.done()
        changed = acknowledge(held, at=work.now, by="first")
        await incidents.update_incidents(work, [changed])
    assert (await second).acknowledged_by == "first"


async def test_nothing_is_lost_or_counted_twice_while_two_instances_take_and_merge(
    intake: Whole,
) -> None:
    async with another_instance(intake) as other:
        for turn in range(4):
            names = [f"busy-{turn}-{n}" for n in range(3)]
            ids = [await opened(intake, name) for name in names]
            posts = [
                client.post("/intake/v1/signals", json=a_signal(name, n))
                for n in range(1, 31)
                for name, client in zip(names, (intake.client, other, intake.client), strict=True)
            ]
            commands = [
                other.post(f"{INCIDENTS}/{ids[1]}/merge", json={"into": ids[0]}),
                intake.client.post(f"{INCIDENTS}/{ids[2]}/merge", json={"into": ids[0]}),
                other.post(f"{INCIDENTS}/{ids[0]}/acknowledge", json={}),
            ]
            half = len(posts) // 2
            answers = await asyncio.gather(*posts[:half], *commands, *posts[half:])
            assert {a.status_code for a in answers} <= {200, 202}, [a.text for a in answers]
            assert (await intake.get(f"{INCIDENTS}/{ids[0]}"))["occurrences"] == 93
            assert (await intake.get(f"{INCIDENTS}/{ids[0]}"))["state"] == "acknowledged"
            await adds_up(intake)
            body = {"fingerprints": [names[1]]}
            split, *_ = await asyncio.gather(
                other.post(f"{INCIDENTS}/{ids[0]}/split", json=body),
                *(
                    client.post("/intake/v1/signals", json=a_signal(name, n))
                    for n in range(31, 51)
                    for name, client in zip(names[:2], (intake.client, other), strict=True)
                ),
            )
            new = await intake.get(f"{INCIDENTS}/{split.json()['incident_id']}")
            left = await intake.get(f"{INCIDENTS}/{ids[0]}")
            assert new["occurrences"] + left["occurrences"] == 133
            await adds_up(intake)


@asynccontextmanager
async def another_instance(intake: Whole) -> AsyncIterator[httpx.AsyncClient]:
    """Run a second instance on the same database."""
    application = host([Runtime(SERVICES["intake"], intake.runtimes["intake"].settings)])
    async with (
        application.router.lifespan_context(application),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(application),
            base_url="http://second",
            headers={"Authorization": f"Bearer {ADMIN_KEY}"},
        ) as client,
    ):
        yield client
