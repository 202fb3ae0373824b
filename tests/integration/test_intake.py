"""Intake over HTTP on a real PostgreSQL."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import orjson
import pytest

from mejora.services import SERVICES
from mejora_events.contracts.base import EventData
from mejora_events.contracts.diagnoses import DiagnosisEstablished
from mejora_events.contracts.fixes import FixState, FixVerified
from mejora_events.contracts.incidents import Incident, IncidentState
from mejora_events.contracts.workarounds import WorkaroundApplied
from mejora_events.envelope import Event
from mejora_events.sql import row, rows
from mejora_service.host import host
from mejora_service.runtime import Runtime
from support import measured
from support.real_data import REAL_DATA
from support.servers import Postgres
from support.whole import ADMIN_KEY, Whole, a_whole

START = "2026-03-01T11:58:00Z"


@pytest.fixture(scope="module")
async def intake(postgres: Postgres) -> AsyncIterator[Whole]:
    async with a_whole(postgres, "intake") as whole:
        yield whole


def an_alert(name: str, **given: Any) -> dict[str, Any]:
    return {
        "status": "firing",
        "labels": {"alertname": name, "service": f"service of {name}", "severity": "critical"},
        "annotations": {"summary": f"{name} fails"},
        "startsAt": START,
        "endsAt": "0001-01-01T00:00:00Z",
    } | given


async def post_alerts(whole: Whole, *alerts: dict[str, Any]) -> list[dict[str, Any]]:
    got = await whole.post("/intake/v1/hooks/alertmanager", {"version": "4", "alerts": alerts})
    signals: list[dict[str, Any]] = got["signals"]
    return signals


async def test_a_webhook_is_answered_with_what_became_of_each_signal(intake: Whole) -> None:
    first = await post_alerts(intake, an_alert("a"), an_alert("b"))
    assert [s["disposition"] for s in first] == ["opened", "opened"]
    ended = an_alert("a", status="resolved", endsAt="2026-03-01T12:08:00Z")
    (restored,) = await post_alerts(intake, ended)
    assert (restored["disposition"], restored["incident_id"]) == (
        "restored",
        first[0]["incident_id"],
    )
    incident = await intake.get(f"/intake/v1/incidents/{restored['incident_id']}")
    assert incident["state"] == "restored"
    assert incident["lost_seconds"] == 600
    assert {entry["what"] for entry in incident["timeline"]} == {"opened", "restored"}


async def test_the_same_message_counts_once_however_often_it_comes(intake: Whole) -> None:
    (first,) = await post_alerts(intake, an_alert("once"))
    answers = await asyncio.gather(*(post_alerts(intake, an_alert("once")) for _ in range(20)))
    within_one = await post_alerts(intake, an_alert("once"), an_alert("once"))
    assert all(a[0]["repeated_delivery"] for a in answers)
    assert [s["incident_id"] for s in within_one] == [first["incident_id"]] * 2
    incident = await intake.get(f"/intake/v1/incidents/{first['incident_id']}")
    assert incident["occurrences"] == 1


def a_signal(n: int, failure: str) -> dict[str, Any]:
    return {
        "source": "load",
        "id": f"{failure}-{n}",
        "fingerprint": failure,
        "component": failure,
        "summary": f"{failure} fails",
        "severity": "error",
    }


async def test_many_at_once_of_few_failures_are_few_incidents_with_right_counts(
    intake: Whole,
) -> None:
    posts = [a_signal(n, f"storm-{n % 5}") for n in range(300)]
    answers = await asyncio.gather(*(intake.post("/intake/v1/signals", post) for post in posts))
    incidents = {a["signals"][0]["incident_id"] for a in answers}
    assert len(incidents) == 5
    for incident_id in incidents:
        assert (await intake.get(f"/intake/v1/incidents/{incident_id}"))["occurrences"] == 60
    async with intake.runtimes["intake"].store.read() as conn:
        told = await rows(
            conn,
            "select type, count(*) as n from (select headers ->> 'ce_type' as type from outbox "
            "union all select type from journal) e group by type",
        )
    counts = {r["type"]: r["n"] for r in told}
    assert counts["mejora.incident.changed.v1"] == 5, "one event at the threshold of 10 each"


async def test_two_instances_open_one_incident_for_one_failure(
    intake: Whole, postgres: Postgres
) -> None:
    runtime = intake.runtimes["intake"]
    second = Runtime(SERVICES["intake"], runtime.settings)
    application = host([second])
    async with (
        application.router.lifespan_context(application),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(application),
            base_url="http://second",
            headers={"Authorization": f"Bearer {ADMIN_KEY}"},
        ) as other,
    ):
        for round_ in range(5):
            posts = [
                client.post("/intake/v1/signals", json=a_signal(n, f"shared-{round_}-{n % 3}"))
                for n, client in zip(
                    range(40), itertools.cycle([intake.client, other]), strict=False
                )
            ]
            answers = [a.json()["signals"][0] for a in await asyncio.gather(*posts)]
            opened = [a for a in answers if a["disposition"] == "opened"]
            assert len(opened) == 3
            for one in opened:
                incident = await intake.get(f"/intake/v1/incidents/{one['incident_id']}")
                assert incident["occurrences"] in (13, 14)


async def test_ndjson_and_arrays_are_taken(intake: Whole) -> None:
    lines = b"\n".join(orjson.dumps(a_signal(n, "lines")) for n in range(3))
    answer = await intake.client.post(
        "/intake/v1/signals", content=lines, headers={"content-type": "application/x-ndjson"}
    )
    assert answer.status_code == 202
    array = await intake.post("/intake/v1/signals", [a_signal(n, "lines") for n in range(2, 5)])
    assert [s["repeated_delivery"] for s in array["signals"]] == [True, False, False]


async def test_a_dry_run_shows_the_signals_and_stores_nothing(intake: Whole) -> None:
    answer = await intake.client.post(
        "/intake/v1/hooks/alertmanager?dry_run=true", json={"alerts": [an_alert("dry"), 1]}
    )
    assert answer.status_code == 200
    shown = answer.json()
    assert shown["signals"][0]["component"] == "service of dry"
    assert shown["remarks"] == ["alerts.1 is no object and was left out"]
    listed = await intake.get("/intake/v1/incidents", component="service of dry")
    assert listed["items"] == []


@pytest.mark.parametrize(
    ("path", "content", "status", "says"),
    [
        ("/intake/v1/hooks/alertmanager", b"{", 400, "no JSON"),
        ("/intake/v1/hooks/alertmanager", b"{}", 422, "a list `alerts`"),
        ("/intake/v1/hooks/unheard-of", b"{}", 404, "No kind of monitor"),
        ("/intake/v1/signals", b'{"source": "x"}', 422, "component"),
        ("/intake/v1/signals", b"", 422, "JSON"),
        (
            "/intake/v1/signals",
            b'{"source":"x","component":"c","summary":"s","oops":1}',
            422,
            "oops",
        ),
    ],
)
async def test_bad_input_is_refused_with_what_to_do(
    intake: Whole, path: str, content: bytes, status: int, says: str
) -> None:
    answer = await intake.client.post(path, content=content)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert says in answer.json()["detail"]
    assert answer.json()["advice"]


async def test_text_that_no_store_can_keep_is_kept_mended(intake: Whole) -> None:
    for text in ("nul \x00 here", "lone \\ud800 surrogate", "💥" * 100):
        signal = a_signal(1, "odd") | {"id": text, "summary": text, "labels": {"k\x00": text}}
        answer = await intake.client.post("/intake/v1/signals", json=signal)
        assert answer.status_code == 202, answer.text


async def test_a_key_posts_only_for_the_source_that_it_is_tied_to(intake: Whole) -> None:
    mine = await intake.key("ingest", source="load")
    allowed = await intake.client.post("/intake/v1/signals", json=a_signal(1, "tied"), headers=mine)
    assert allowed.status_code == 202
    for path, body in (
        ("/intake/v1/signals", a_signal(1, "x") | {"source": "other"}),
        ("/intake/v1/hooks/alertmanager", {"alerts": []}),
    ):
        refused = await intake.client.post(path, json=body, headers=mine)
        assert refused.status_code == 403
    assert (await intake.client.get("/intake/v1/incidents", headers=mine)).status_code == 403
    issuing = await intake.client.post(
        "/intake/v1/keys", json={"label": "x", "scopes": ["admin"]}, headers=mine
    )
    assert issuing.status_code == 403


async def test_nobody_gets_in_without_a_key(intake: Whole) -> None:
    for headers in ({"Authorization": ""}, {"Authorization": "Bearer wrong"}):
        for method, path in (("POST", "/intake/v1/signals"), ("GET", "/intake/v1/incidents")):
            answer = await intake.client.request(method, path, headers=headers)
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_history_may_say_when_it_came_with_the_scope_for_it(intake: Whole) -> None:
    old = a_signal(1, "old") | {"started_at": START, "received_at": "2026-03-01T12:00:00Z"}
    ingest = await intake.key("ingest")
    refused = await intake.client.post("/intake/v1/signals", json=old, headers=ingest)
    assert refused.status_code == 403
    taken = (await intake.post("/intake/v1/signals", old))["signals"][0]
    incident = await intake.get(f"/intake/v1/incidents/{taken['incident_id']}")
    assert incident["reported_at"] == "2026-03-01T12:00:00Z"


async def test_a_report_of_a_customer_is_counted_as_noticed_by_the_customer(intake: Whole) -> None:
    customer = await intake.key("ingest", customer="acme")
    report = {"component": "portal", "summary": "I cannot log in", "origin": "internal"}
    answer = await intake.client.post("/intake/v1/reports", json=report, headers=customer)
    assert answer.status_code == 202
    (taken,) = answer.json()["signals"]
    incident = await intake.get(f"/intake/v1/incidents/{taken['incident_id']}")
    assert (incident["origin"], incident["source"]) == ("customer", "acme")


async def test_the_life_of_an_incident_over_http(intake: Whole) -> None:
    (opened,) = await post_alerts(intake, an_alert("life"))
    path = f"/intake/v1/incidents/{opened['incident_id']}"
    early = await intake.client.post(f"{path}/close", json={})
    assert early.status_code == 409 and "restore it first" in early.json()["detail"]
    assert (await intake.post(f"{path}/acknowledge", {"note": "on it"}))["state"] == "acknowledged"
    restored = await intake.post(f"{path}/restore", {"channel": "alternate", "note": "by phone"})
    assert (restored["state"], restored["channel"]) == ("restored", "alternate")
    assert (await intake.post(f"{path}/reopen", {"note": "no"}))["state"] == "acknowledged"
    await intake.post(f"{path}/restore")
    closed = await intake.post(f"{path}/close", {"note": "done"})
    whats = [entry["what"] for entry in closed["timeline"]]
    assert whats[-1] == "closed" and "acknowledged" in whats
    assert {entry["actor"] for entry in closed["timeline"]} >= {"key:admin"}
    missing = await intake.client.get(f"/intake/v1/incidents/{opened['incident_id'][:-4]}0000")
    assert missing.status_code == 404


async def test_a_command_sent_twice_with_its_key_is_carried_out_once(intake: Whole) -> None:
    (opened,) = await post_alerts(intake, an_alert("twice"))
    path = f"/intake/v1/incidents/{opened['incident_id']}/acknowledge"
    headers = {"Idempotency-Key": "one"}
    first = await intake.client.post(path, json={}, headers=headers)
    again = await intake.client.post(path, json={}, headers=headers)
    assert (first.status_code, again.status_code) == (200, 200)
    assert again.headers["idempotency-replayed"] == "true" and again.json() == first.json()
    other = await intake.client.post(path, json={"note": "x"}, headers=headers)
    assert other.status_code == 422


async def test_the_secret_of_a_key_is_shown_once_even_to_a_repetition(intake: Whole) -> None:
    wanted = {"label": "once", "scopes": ["read"]}
    headers = {"Idempotency-Key": "a key"}
    first = await intake.client.post("/intake/v1/keys", json=wanted, headers=headers)
    assert first.status_code == 201
    again = await intake.client.post("/intake/v1/keys", json=wanted, headers=headers)
    assert again.status_code == 409
    async with intake.runtimes["intake"].store.read() as conn:
        found = await row(
            conn,
            "select (select count(*) from idempotency_key where answer::text like :key) + "
            "(select count(*) from outbox where convert_from(value, 'UTF8') like :key) as n",
            key=f"%{first.json()['key']}%",
        )
    assert found is not None and found["n"] == 0


async def test_incidents_are_listed_in_pages_newest_first(intake: Whole) -> None:
    for n in range(5):
        await post_alerts(intake, an_alert(f"page-{n}"))
    seen: list[str] = []
    url: str | None = "/intake/v1/incidents?limit=2&state=reported"
    while url:
        answer = await intake.client.get(url)
        seen += [incident["incident_id"] for incident in answer.json()["items"]]
        url = answer.links["next"]["url"] if "next" in answer.links else None
    assert seen == sorted(seen, reverse=True) and len(seen) == len(set(seen)) >= 5


EVENTS_ABOUT_ONE = ("applied", "verified", "diagnosed")


@pytest.mark.parametrize("order", list(itertools.permutations(EVENTS_ABOUT_ONE)))
async def test_whatever_order_the_others_tell_in_the_incident_ends_the_same(
    intake: Whole, order: tuple[str, ...]
) -> None:
    (opened,) = await post_alerts(intake, an_alert("-".join(order)))
    path = f"/intake/v1/incidents/{opened['incident_id']}"
    told = events_about(Incident.model_validate(await intake.get(path)))
    runtime = intake.runtimes["intake"]
    reactions = SERVICES["intake"].reactions(runtime.settings)
    for name in order:
        async with runtime.store.begin(actor="test") as work:
            await reactions[type(told[name].data)](work, [told[name]])
    incident = await intake.get(path)
    assert incident["state"] == IncidentState.CLOSED
    assert incident["channel"] == "alternate"
    assert (incident["priority"], incident["signature_id"]) == (3, "refused")
    assert incident["lost_seconds"] == 1200


def events_about(incident: Incident) -> dict[str, Event[Any]]:
    at = incident.started_at + timedelta(minutes=20)
    fix = measured.a_fix(
        1,
        measured.a_problem(1, at),
        at,
        state=FixState.VERIFIED,
        deployed=at,
        judged=at + timedelta(days=30),
    )
    facts: dict[str, EventData] = {
        "applied": WorkaroundApplied(workaround=measured.a_workaround(1, incident, at)),
        "verified": FixVerified(fix=fix, incident_ids=(incident.incident_id,)),
        "diagnosed": DiagnosisEstablished(diagnosis=measured.a_diagnosis(incident)),
    }
    return {name: measured.told(fact) for name, fact in facts.items()}


@pytest.mark.skipif(not REAL_DATA.is_dir(), reason="the real data is not there (MEJORA_REAL_DATA)")
async def test_every_real_body_of_alertmanager_is_taken(intake: Whole) -> None:
    bodies = sorted((REAL_DATA / "webhooks" / "alertmanager").glob("*.json"))
    assert bodies
    for path in bodies:
        answer = await intake.client.post(
            "/intake/v1/hooks/alertmanager", content=path.read_bytes()
        )
        assert answer.status_code == 202, (path.name, answer.text)
        assert answer.json()["signals"] and not answer.json()["remarks"]
