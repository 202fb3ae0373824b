"""The problem service's routes, with a real PostgreSQL beneath them."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from mejora_events.clock import SetClock
from mejora_events.contracts.access import Scope
from mejora_events.contracts.catalogue import CatalogueEntityChanged, Component
from mejora_events.contracts.diagnoses import DiagnosisEstablished
from mejora_events.contracts.incidents import IncidentRestored, IncidentState
from mejora_events.contracts.workarounds import WorkaroundApplied
from mejora_events.store import Store
from mejora_problem.app import SERVICE, Settings
from mejora_service import keys
from mejora_service.host import host
from mejora_service.runtime import Runtime
from support.problems import (
    a_diagnosis,
    a_workaround,
    an_id,
    an_incident,
    day,
    euros,
    tell,
)
from support.servers import Postgres

KEY = "the-admin-key-of-this-test-only-0123456789"
LATER = "2026-02-01T00:00:00Z"


@dataclass
class Running:
    """A service that answers; today is day 25."""

    http: httpx.AsyncClient
    store: Store
    clock: SetClock

    async def post(self, path: str, body: object = None, status: int = 200) -> dict[str, Any]:
        answer = await self.http.post(path, json=body)
        assert answer.status_code == status, answer.text
        shown: dict[str, Any] = answer.json()
        return shown

    async def get(self, path: str, **params: str | int) -> dict[str, Any]:
        answer = await self.http.get(path, params=params)
        assert answer.status_code == 200, answer.text
        shown: dict[str, Any] = answer.json()
        return shown


@pytest.fixture
async def service(postgres: Postgres, database: str) -> AsyncIterator[Running]:
    """The problem service, alone."""
    broker = await postgres.create_database()
    settings = Settings(database_url=database, broker_url=broker, admin_key=KEY)
    clock = SetClock(day(25))
    runtime = Runtime(SERVICE, settings, clock)
    await runtime.start()
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(host([runtime])),
        base_url="http://mejora/problem",
        headers={"Authorization": f"Bearer {KEY}"},
    ) as http:
        yield Running(http, runtime.store, clock)
    await runtime.stop()
    await postgres.drop_database(broker)


async def failing_on(service: Running, *days: float) -> str:
    """Let the fault come on these days; give the problem's path."""
    for number, on in enumerate(days, 1):
        over = an_incident(number, on, state=IncidentState.RESTORED, minutes=30)
        await tell(
            service.store,
            DiagnosisEstablished(diagnosis=a_diagnosis(number, on)),
            IncidentRestored(incident=over, by="key:o"),
        )
    (problem,) = (await service.get("/v1/problems"))["items"]
    return f"/v1/problems/{problem['problem_id']}"


CAUSE = {
    "statement": "the pool is too small",
    "cause_class": "capacity",
    "five_whys": [{"why": "refused", "because": "no connection was free"}],
    "cause_and_effect": [{"cause_class": "system", "causes": ["idle connections are kept"]}],
}
FIX = {
    "description": "a larger pool",
    "carried_by": "2.4.1",
    "estimated_cost": {"amount": "500", "currency": "EUR"},
}


async def test_a_problem_goes_all_the_way_by_http_alone(service: Running) -> None:
    path = await failing_on(service, 0, 5, 10, 15)
    assert (await service.get(path))["state"] == "open"
    assert (await service.post(f"{path}/root-cause", CAUSE))["state"] == "cause_known"
    await tell(service.store, WorkaroundApplied(workaround=a_workaround(1, 1)))
    assert (await service.get(path))["state"] == "known_error"

    fix = await service.post(f"{path}/fixes", FIX | {"planned_at": LATER}, status=422)
    assert "planned_at" in fix["detail"]
    fix = await service.post(f"{path}/fixes", FIX, status=201)
    assert (fix["state"], fix["owner"], fix["component"]) == (
        "planned",
        "payments team",
        "database",
    )
    deployed = await service.post(f"/v1/fixes/{fix['fix_id']}/deployed")
    assert deployed["state"] == "observed"
    assert deployed["observe_until"] > "2026-02-"

    service.clock.at = day(90)
    past = {"deployed_at": "2026-01-20T00:00:00Z", "deployed_to": []}
    verified = await service.post(f"/v1/fixes/{fix['fix_id']}/deployed", past)
    assert verified["state"] == "verified"
    assert verified["proof"]["p_value"] == pytest.approx(0.05)
    whole = await service.get(path)
    assert (whole["state"], whole["fixes"], whole["incidents"]) == ("resolved", [verified], 4)
    assert whole["latest_incidents"] == [str(an_id(number)) for number in (4, 3, 2, 1)]


async def test_the_debt_of_a_problem_and_the_ledger_say_the_same(service: Running) -> None:
    path = await failing_on(service, 0, 5, 10, 15)
    await tell(
        service.store,
        WorkaroundApplied(workaround=a_workaround(1, 1)),
        CatalogueEntityChanged(
            entity=Component(name="database", cost_per_minute=euros(10)),
            version=1,
            changed_at=day(0),
        ),
    )
    await service.post(f"{path}/fixes", FIX, status=201)
    ledger = await service.get("/v1/debt")
    (entry,) = ledger["items"]
    assert entry == (await service.get(path))["debt"]
    assert entry["interest"]["value"] == {"amount": "900.00", "currency": "EUR"}
    assert entry["principal"]["value"] == {"amount": "500", "currency": "EUR"}
    assert entry["break_even"] == {"day": "2026-01-11", "passed": True, "reason": None}
    low, mean, high = (float(entry["rate"][one]["amount"]) for one in ("low", "per_month", "high"))
    assert low < mean < high
    assert ledger["past_break_even"] == 1


async def test_known_errors_show_how_often_their_workaround_worked(service: Running) -> None:
    path = await failing_on(service, 0, 5)
    await tell(service.store, WorkaroundApplied(workaround=a_workaround(1, 1)))
    assert (await service.get("/v1/known-errors"))["items"] == []
    await service.post(f"{path}/root-cause", CAUSE)
    (known,) = (await service.get("/v1/known-errors"))["items"]
    (workaround,) = known["workarounds"]
    assert (workaround["tried"], workaround["worked"]) == (1, 1)


async def test_actions_are_planned_and_done(service: Running) -> None:
    path = await failing_on(service, 0, 5)
    plan = {"description": "train", "owner": "night shift", "due_at": "2026-01-20T00:00:00Z"}
    action = await service.post(f"{path}/actions", plan, status=201)
    assert action["state"] == "overdue"
    done = await service.post(f"{path}/actions/{action['action_id']}/done")
    assert (done["state"], done["done_at"]) == ("done", "2026-01-26T00:00:00Z")
    service.clock.at = day(26)
    assert await service.post(f"{path}/actions/{action['action_id']}/done") == done
    await service.post(f"{path}/actions/{an_id(1)}/done", status=404)


async def test_a_problem_is_opened_by_hand_once_for_a_fault(service: Running) -> None:
    await tell(service.store, DiagnosisEstablished(diagnosis=a_diagnosis(1, 1)))
    body = {"title": "slow on Mondays", "component": "web", "incident_id": str(an_id(1))}
    opened = await service.post("/v1/problems", body, status=201)
    assert (opened["opened_because"], opened["incidents"]) == ("by_hand", 1)
    again = await service.post("/v1/problems", body, status=409)
    assert opened["problem_id"] in again["advice"]
    alone = await service.post(
        "/v1/problems", {"title": "drift", "component": "web", "priority": 2}, status=201
    )
    assert (alone["incidents"], alone["priority"]) == (0, 2)
    refused = await service.post(f"/v1/problems/{alone['problem_id']}/fixes", FIX, status=422)
    assert "owner" in refused["advice"]


async def test_lists_are_paged_newest_first_and_filtered(service: Running) -> None:
    for number in range(1, 6):
        diagnosis = a_diagnosis(number, number, priority=1, signature=f"fault-{number}")
        await tell(service.store, DiagnosisEstablished(diagnosis=diagnosis))
    first = await service.get("/v1/problems", limit=3)
    second = await service.get("/v1/problems", limit=3, cursor=first["next"])
    names = [one["signature_id"] for one in (*first["items"], *second["items"])]
    assert names == [f"fault-{number}" for number in (5, 4, 3, 2, 1)]
    assert second["next"] is None
    assert (await service.get("/v1/problems", state="resolved"))["items"] == []
    assert len((await service.get("/v1/problems", component="database"))["items"]) == 5


async def test_what_is_not_there_or_not_allowed_is_said_so(service: Running) -> None:
    for path, body in (
        (f"/v1/problems/{an_id(1)}/root-cause", CAUSE),
        (f"/v1/problems/{an_id(1)}/fixes", FIX),
        (f"/v1/fixes/{an_id(1)}/deployed", {}),
    ):
        assert (await service.post(path, body, status=404))["advice"]
    assert (await service.http.get(f"/v1/problems/{an_id(1)}")).status_code == 404
    await service.post("/v1/problems", {"title": "x", "component": "y", "z": 1}, status=422)
    async with service.store.begin(actor="test") as work:
        key, issued = keys.issue(work, [Scope.READ], label="reader")
        await keys.take(work, issued)
    reader = {"Authorization": f"Bearer {key}"}
    assert (await service.http.get("/v1/debt", headers=reader)).status_code == 200
    posted = await service.http.post("/v1/problems", json={}, headers=reader)
    assert posted.status_code == 403
    assert (await service.http.get("/v1/debt", headers={"Authorization": ""})).status_code == 401
