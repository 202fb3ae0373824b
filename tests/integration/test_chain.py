"""One failure goes all the way, over both brokers: what Alertmanager sends, to the proof."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from mejora.services import SERVICES
from support.servers import Postgres
from support.whole import Whole, a_whole, until

SCHEMAS = Path("libs/events/schemas")
NOW = datetime.now(UTC)
CATALOGUE = {
    "roles": [{"name": "payments team", "superior": "head of operations"}],
    "components": [
        {
            "name": "ledger",
            "owner": "payments team",
            "criticality": 1,
            "cost_per_minute": {"amount": "40", "currency": "EUR"},
            "alternates": ["book on paper, post in the evening"],
        }
    ],
    "processes": [{"name": "paying", "depends_on": ["ledger"], "customers": ["acme"]}],
    "customers": [{"name": "acme"}],
    "contracts": [{"name": "acme-2026", "customer": "acme", "processes": ["paying"]}],
}


@pytest.fixture(scope="module", params=["kafka", "postgres"])
def broker_url(request: pytest.FixtureRequest) -> str | None:
    """Where the broker is; nothing said means the log in PostgreSQL."""
    if request.param == "kafka":
        return f"kafka://{request.getfixturevalue('kafka').bootstrap}"
    return None


@pytest.fixture(scope="module")
async def whole(postgres: Postgres, broker_url: str | None) -> AsyncIterator[Whole]:
    async with a_whole(postgres, broker_url=broker_url) as running:
        answer = await running.client.put("/diagnosis/v1/catalogue", json=CATALOGUE)
        assert answer.is_success, answer.text
        yield running


def days_ago(days: float) -> str:
    return (NOW - timedelta(days=days)).isoformat()


async def fail(whole: Whole, days: float) -> str:
    """Let the ledger fail some days ago, for half an hour; give the incident."""
    alert = {
        "labels": {"alertname": "LedgerDown", "service": "ledger", "severity": "critical"},
        "annotations": {"summary": f"Ledger refuses connections from 10.0.0.{round(days)}"},
        "startsAt": days_ago(days),
        "endsAt": "0001-01-01T00:00:00Z",
        "fingerprint": f"ledger-{days}",
    }
    told = {"version": "4", "alerts": [alert | {"status": "firing"}]}
    at = (NOW - timedelta(days=days) + timedelta(minutes=2)).isoformat()
    hook = "/intake/v1/hooks/alertmanager"
    answer = await whole.client.post(hook, params={"received_at": at}, json=told)
    assert answer.status_code == 202, answer.text
    (signal,) = answer.json()["signals"]
    assert signal["disposition"] == "opened"
    incident_id: str = signal["incident_id"]
    return incident_id


async def one(whole: Whole, path: str, **params: Any) -> Any:
    """Wait until a list has something, and give its newest."""
    found = await until(lambda: _items(whole, path, params))
    return found[0]


async def _items(whole: Whole, path: str, params: dict[str, Any]) -> Any:
    return (await whole.get(path, **params))["items"]


async def test_a_failure_goes_all_the_way_to_a_verified_fix(whole: Whole) -> None:
    incidents = [await fail(whole, days) for days in (100, 97, 95, 92, 90)]
    diagnosis = await one(whole, "/diagnosis/v1/diagnoses", incident_id=incidents[-1])
    assert diagnosis["owner"] == "payments team"
    assert diagnosis["affected"]["customers"] == ["acme"]
    assert diagnosis["priority"] == 1

    problem = await one(whole, "/problem/v1/problems")
    path = f"/problem/v1/problems/{problem['problem_id']}"
    await until(lambda: _counted(whole, path, 5))
    for days, incident_id in zip((100, 97, 95, 92), incidents, strict=False):
        restored = (NOW - timedelta(days=days) + timedelta(minutes=30)).isoformat()
        await whole.post(f"/intake/v1/incidents/{incident_id}/restore", {"at": restored})

    workaround = await whole.post(
        f"/diagnosis/v1/diagnoses/{diagnosis['diagnosis_id']}/workaround",
        {
            "description": "Book on paper",
            "owner": "payments team",
            "applied_at": days_ago(89.9),
            "due_at": days_ago(60),
        },
    )
    carried = await until(lambda: _in_state(whole, incidents[-1], "restored"))
    assert carried["channel"] == "alternate"

    cause = {
        "statement": "The pool is smaller than the peak",
        "cause_class": "capacity",
        "five_whys": [{"why": "Why refused?", "because": "No connection was free"}],
        "established_at": days_ago(85),
    }
    await whole.post(f"{path}/root-cause", cause)
    await until(lambda: _known_error(whole, problem["problem_id"]))
    fix = await whole.post(
        f"{path}/fixes",
        {
            "description": "A pool of the peak's size",
            "carried_by": "ledger 2.4.1",
            "estimated_cost": {"amount": "3000", "currency": "EUR"},
            "planned_at": days_ago(84),
        },
    )
    await whole.post(
        "/diagnosis/v1/changes",
        {
            "component": "ledger",
            "kind": "deployment",
            "version": "ledger 2.4.1",
            "changed_at": days_ago(80),
            "changed_by": "pipeline",
        },
    )
    resolved = await until(lambda: _problem_in_state(whole, path, "resolved"))
    (proven,) = resolved["fixes"]
    assert (proven["fix_id"], proven["state"]) == (fix["fix_id"], "verified")
    assert proven["proof"]["p_value"] <= 0.05
    for incident_id in incidents:
        await until(lambda i=incident_id: _in_state(whole, i, "closed"))  # type: ignore[misc]
    retired = await until(lambda: _retired(whole, workaround["workaround_id"]))
    assert retired["retired_at"]
    indicators = await until(lambda: _fix_counted(whole))
    assert indicators["fixed_for_good_share"]["value"] == 1
    assert indicators["alternate_channel_share"]["numerator"] == 1
    assert indicators["time_to_restore"]["median_seconds"] == pytest.approx(1800, abs=600)


async def _counted(whole: Whole, path: str, incidents: int) -> bool:
    return bool((await whole.get(path))["incidents"] == incidents)


async def _in_state(whole: Whole, incident_id: str, state: str) -> Any:
    incident = await whole.get(f"/intake/v1/incidents/{incident_id}")
    return incident if incident["state"] == state else None


async def _known_error(whole: Whole, problem_id: str) -> bool:
    known = await whole.get("/problem/v1/known-errors")
    return any(error["problem_id"] == problem_id for error in known["items"])


async def _problem_in_state(whole: Whole, path: str, state: str) -> Any:
    problem = await whole.get(path)
    return problem if problem["state"] == state else None


async def _retired(whole: Whole, workaround_id: str) -> Any:
    workaround = await whole.get(f"/diagnosis/v1/workarounds/{workaround_id}")
    return workaround if workaround["state"] == "retired" else None


async def _fix_counted(whole: Whole) -> Any:
    indicators = (await whole.get("/improvement/v1/indicators"))["indicators"]
    return indicators if indicators["fix_success_share"]["value"] == 1 else None


async def test_every_event_of_the_chain_fits_its_schema_and_tells_its_cause(whole: Whole) -> None:
    listed = (await whole.get("/improvement/v1/events", limit=200))["items"]
    # Other tests' dead letters may lie on the same Kafka.
    events = [event for event in listed if event["source"].removeprefix("/mejora/") in SERVICES]
    by_id = {event["id"]: event for event in events}
    types = {event["type"] for event in events}
    assert len(types) >= 10
    for event in events:
        schema = json.loads((SCHEMAS / f"{event['type']}.json").read_text())
        jsonschema.validate(event["data"], schema)
        cause = by_id.get(event.get("causationid", ""))
        if cause is not None:
            assert event["correlationid"] in (cause["correlationid"], event["subject"])
            assert event["traceparent"][3:35] == cause["traceparent"][3:35]
    established = [e for e in events if e["type"] == "mejora.diagnosis.established.v1"]
    assert established
    for event in established:
        assert by_id[event["causationid"]]["type"] == "mejora.incident.reported.v1"


async def test_a_trace_that_a_monitor_began_is_the_trace_of_the_whole_chain(whole: Whole) -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"
    signal = {"source": "m", "component": "portal", "summary": "Down", "severity": "critical"}
    answer = await whole.client.post(
        "/intake/v1/signals",
        json=signal,
        headers={"traceparent": f"00-{trace}-b7ad6b7169203331-01"},
    )
    incident_id = answer.json()["signals"][0]["incident_id"]

    async def told() -> Any:
        events = (await whole.get("/improvement/v1/events", subject=incident_id))["items"]
        return events if len(events) >= 2 else None

    for event in await until(told):
        assert event["traceparent"][3:35] == trace, event["type"]
