"""Finding incidents and the signals of one, over HTTP on a real PostgreSQL."""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import orjson
import pytest

from mejora_events.contracts.base import Severity
from mejora_events.contracts.incidents import IncidentState
from mejora_events.ids import new_id
from mejora_events.sql import rows, run
from mejora_intake.store.search import Wanted, search, statement
from support.servers import Postgres
from support.whole import Whole, a_whole

INCIDENTS = "/intake/v1/incidents"
DAY = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
async def intake(postgres: Postgres) -> AsyncIterator[Whole]:
    async with a_whole(postgres, "intake") as whole:
        yield whole


async def post(whole: Whole, **given: Any) -> str:
    signal = {
        "source": "probe",
        "component": "checkout",
        "summary": "Checkout fails",
        "fingerprint": str(uuid4()),
    } | given
    answer = await whole.post("/intake/v1/signals", signal)
    incident_id: str = answer["signals"][0]["incident_id"]
    return incident_id


async def found(whole: Whole, **wanted: Any) -> list[str]:
    page = await whole.get(INCIDENTS, **wanted)
    return [incident["incident_id"] for incident in page["items"]]


async def test_incidents_are_found_by_what_is_known_of_them(intake: Whole) -> None:
    queue = await post(
        intake,
        component="queue",
        summary="Consumers lag behind",
        description="The broker's disk is slow",
        severity="critical",
        source="kafka-probe",
        labels={"host": "broker-7.example.org", "customer": "Globex"},
        received_at="2026-03-01T12:00:00Z",
    )
    mail = await post(
        intake,
        component="mail",
        summary="Mails are late",
        severity="warning",
        source="kafka-probe",
        received_at="2026-03-02T12:00:00Z",
    )
    await intake.post(f"{INCIDENTS}/{mail}/acknowledge")
    for wanted, ids in (
        ({"component": "queue"}, [queue]),
        ({"source": "kafka-probe"}, [mail, queue]),
        ({"source": "kafka-probe", "severity": "critical"}, [queue]),
        ({"source": "kafka-probe", "state": "acknowledged"}, [mail]),
        ({"source": "kafka-probe", "state": ["acknowledged", "reported"]}, [mail, queue]),
        ({"source": "kafka-probe", "state": ["restored", "closed"]}, []),
        ({"from": "2026-03-01T12:00:00Z", "to": "2026-03-02T12:00:00Z"}, [queue]),
        ({"from": "2026-03-02T00:00:00Z", "source": "kafka-probe"}, [mail]),
        ({"customer": "gLOBEX"}, [queue]),
        ({"customer": "nobody"}, []),
        ({"owner": "nobody"}, []),
        ({"priority": 1}, []),
        ({"text": "lag"}, [queue]),
        ({"text": "CONSUMERS slow"}, [queue]),
        ({"text": '"disk is slow"'}, [queue]),
        ({"text": "broker-7.example.org"}, [queue]),
        ({"text": "lag or mails"}, [mail, queue]),
        ({"text": "late -mails"}, []),
        ({"text": "queue"}, [queue]),
        ({"text": "& | ! ( ' :*"}, []),
        ({"noticed_by": "customer"}, []),
        ({"noticed_by": "monitor", "source": "kafka-probe"}, [mail, queue]),
    ):
        assert await found(intake, **wanted) == ids, wanted


async def test_what_diagnosis_says_is_looked_for_as_well(intake: Whole) -> None:
    incident_id = await post(intake)
    async with intake.runtimes["intake"].store.begin(actor="test") as work:
        await run(
            work.conn,
            "update incident set priority = 1, owner = 'payments team'"
            " where incident_id = cast(:incident_id as uuid)",
            incident_id=incident_id,
        )
    assert await found(intake, priority=1) == await found(intake, owner="payments team")
    assert await found(intake, priority=1, owner="payments team") == [incident_id]


async def test_pages_of_what_is_found_follow_each_other(intake: Whole) -> None:
    ids = [await post(intake, component="paged", summary=f"page {n}") for n in range(7)]
    seen: list[str] = []
    url: str | None = f"{INCIDENTS}?limit=3&component=paged&text=page&noticed_by=monitor"
    while url:
        answer = await intake.client.get(url)
        seen += [incident["incident_id"] for incident in answer.json()["items"]]
        url = answer.links["next"]["url"] if "next" in answer.links else None
    assert seen == ids[::-1]


async def test_what_is_found_by_time_comes_in_the_order_of_time(intake: Whole) -> None:
    """History may be told in any order; pages follow one another in the order of time."""
    days = (5, 2, 7, 2, 4, 1, 6, 3)
    ids = [
        await post(intake, component="old", received_at=f"2020-01-0{day}T00:00:00Z") for day in days
    ]
    wanted = sorted(zip(days, ids, strict=True), reverse=True)
    seen: list[str] = []
    url: str | None = f"{INCIDENTS}?limit=3&to=2020-01-07T00:00:00Z"
    while url:
        answer = await intake.client.get(url)
        seen += [incident["incident_id"] for incident in answer.json()["items"]]
        url = answer.links["next"]["url"] if "next" in answer.links else None
    assert seen == [incident_id for day, incident_id in wanted if day < 7]


async def test_a_parameter_that_there_is_not_is_refused_by_name(intake: Whole) -> None:
    answer = await intake.client.get(INCIDENTS, params={"status": "open"})
    assert answer.status_code == 422
    assert "'status'" in answer.json()["detail"]
    assert "component, cursor, customer, from, limit" in answer.json()["advice"]


async def test_what_makes_no_sense_is_refused(intake: Whole) -> None:
    for wanted in (
        {"state": "broken"},
        {"priority": 9},
        {"from": "yesterday"},
        {"noticed_by": "nobody"},
        {"text": ""},
        {"text": "a\x00b"},
        {"component": "x" * 501},
    ):
        answer = await intake.client.get(INCIDENTS, params=wanted)
        assert answer.status_code == 422, (wanted, answer.text)


async def test_long_texts_are_found_by_their_beginnings(intake: Whole) -> None:
    words = " ".join(f"w{n}" for n in range(15_000))
    incident_id = await post(intake, component="long", description=words, labels={"l": words})
    assert await found(intake, component="long", text="w17") == [incident_id]
    assert await found(intake, component="long", text="w14999") == []


async def test_the_signals_of_an_incident_come_in_pages_newest_first(intake: Whole) -> None:
    failure = {"fingerprint": "paged signals", "summary": "💥 fails"}
    at = [(DAY + timedelta(minutes=n // 4)).isoformat() for n in range(21)]
    incident_id = await post(intake, id="s0", received_at=at[0], **failure)
    await asyncio.gather(
        *(post(intake, id=f"s{n}", received_at=at[n], **failure) for n in range(1, 21))
    )
    await post(intake, id="end", state="resolved", received_at=at[-1], **failure)
    seen: list[dict[str, Any]] = []
    url: str | None = f"{INCIDENTS}/{incident_id}/signals?limit=4"
    while url:
        answer = await intake.client.get(url)
        assert answer.status_code == 200, answer.text
        seen += answer.json()["items"]
        url = answer.links["next"]["url"] if "next" in answer.links else None
    assert {s["id"] for s in seen} == {f"s{n}" for n in range(21)} | {"end"}
    assert len(seen) == 22
    assert [s["received_at"] for s in seen] == sorted(
        (s["received_at"] for s in seen), reverse=True
    )
    first = next(s for s in seen if s["disposition"] == "opened")
    assert first["rule"] == "no incident of this fingerprint"
    assert orjson.loads(first["body"])["summary"] == failure["summary"]
    assert (first["component"], first["origin"], first["state"]) == (
        "checkout",
        "internal",
        "firing",
    )
    assert next(s for s in seen if s["id"] == "end")["disposition"] == "restored"


async def test_signals_of_no_incident_and_cursors_of_other_lists_are_refused(
    intake: Whole,
) -> None:
    nobody = await intake.client.get(f"{INCIDENTS}/{uuid4()}/signals")
    assert nobody.status_code == 404
    incident_id = await post(intake)
    for cursor, status in (("_____________________w", 422), ("nonsense", 422)):
        answer = await intake.client.get(
            f"{INCIDENTS}/{incident_id}/signals", params={"cursor": cursor}
        )
        assert answer.status_code in (status, 200), answer.text
        assert answer.status_code < 500


# Incidents as a year of work leaves them: nearly all closed, of a few hundred components.
_MANY = """
insert into incident (incident_id, source, fingerprint, version, state, component, severity, origin,
                      reported_at, restored_at, occurrences, priority, owner)
select cast(lpad(to_hex(n), 8, '0') || '-0000-7000-8000-000000000000' as uuid),
       'source-' || n % 20, 'f-' || n, 3,
       case when n % 500 = 0 then 'reported' when n % 501 = 0 then 'acknowledged'
            when n % 50 = 0 then 'restored' else 'closed' end,
       'component-' || n % 300,
       (array['critical', 'error', 'warning', 'info', 'unknown'])[1 + n % 5],
       case when n % 40 = 0 then 'customer' else 'internal' end,
       timestamptz '2025-01-01' + n * interval '20 minutes', null, 10,
       1 + n % 5, 'team-' || n % 30
from generate_series(1, 20000) as n
"""
_SNAPSHOTS = """
insert into incident_snapshot (incident_id, body)
select incident_id, jsonb_build_object('component', component, 'summary',
    'Requests to ' || component || ' fail with code ' || md5(fingerprint),
    'labels', jsonb_build_object('host', 'host-' || substr(md5(component), 1, 4)))
from incident where fingerprint like 'f-%'
"""
_CUSTOMERS = """
insert into incident_customer (customer, incident_id)
select 'customer-' || reported_at::date - date '2025-01-01', incident_id
from incident where origin = 'customer' and fingerprint like 'f-%'
"""
USUAL = (
    Wanted(),
    Wanted(states=(IncidentState.REPORTED,)),
    Wanted(states=(IncidentState.REPORTED, IncidentState.ACKNOWLEDGED)),
    Wanted(states=(IncidentState.CLOSED,)),
    Wanted(component="component-7"),
    Wanted(component="component-7", states=(IncidentState.REPORTED,)),
    Wanted(priority=1),
    Wanted(owner="team-7"),
    Wanted(severity=Severity.CRITICAL),
    Wanted(source="source-7"),
    Wanted(source="no such source"),
    Wanted(customer="customer-7"),
    Wanted(text="host-1 or component-7"),
    Wanted(text="no such words"),
    Wanted(reported_from=datetime(2025, 9, 1, tzinfo=UTC)),
    Wanted(
        reported_from=datetime(2025, 2, 1, tzinfo=UTC),
        reported_before=datetime(2025, 2, 3, tzinfo=UTC),
    ),
    Wanted(reported_before=datetime(2025, 2, 3, tzinfo=UTC)),
    Wanted(reported_before=datetime(2025, 2, 3, tzinfo=UTC), states=(IncidentState.CLOSED,)),
    Wanted(by_customer=True),
    Wanted(by_customer=False),
    Wanted(by_customer=True, component="component-40", severity=Severity.ERROR),
)


async def test_no_usual_search_reads_all_incidents(postgres: Postgres) -> None:
    async with a_whole(postgres, "intake") as whole:
        store = whole.runtimes["intake"].store
        async with store.begin(actor="test") as work:
            for filling in (_MANY, _SNAPSHOTS, _CUSTOMERS):
                await run(work.conn, filling)
            for table in ("incident", "incident_snapshot", "incident_customer"):
                await run(work.conn, f"analyze {table}")
        async with store.read() as conn:
            for wanted in USUAL:
                for after in (None, new_id()):
                    sql, values = statement(wanted, after=after, limit=51)
                    plan = await rows(conn, "explain (analyze) " + sql, **values)
                    lines = "\n".join(r["QUERY PLAN"] for r in plan)
                    assert "Seq Scan on incident" not in lines, (wanted, lines)
                    if wanted.reported_before is not None:
                        read = max(
                            int(n) for n in re.findall(r"Filter: (\d+)", "0 " + lines) or [0]
                        )
                        assert read < 1000, (wanted, lines)
            by_text = Wanted(text="component-7", customer="CUSTOMER-7")
            assert await search(conn, replace(by_text, customer=None), after=None, limit=201)
            assert not await search(conn, by_text, after=None, limit=201)
