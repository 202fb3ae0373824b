"""The improvement service over HTTP, with a real PostgreSQL beneath it."""

import asyncio
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx
import orjson
import pytest
import uvicorn

from mejora_events.clock import SetClock
from mejora_events.contracts.incidents import IncidentReported
from mejora_events.contracts.problems import ProblemOpened
from mejora_events.ids import new_id
from mejora_events.store import Store
from mejora_improvement.app import SERVICE, ImprovementSettings
from mejora_service.host import host
from mejora_service.runtime import Runtime
from support.measured import a_problem, an_incident, day, failed, settled, tell, told
from support.servers import Postgres

KEY = "the-admin-key-of-this-test-only-0123456789"


@dataclass
class Running:
    """A service that answers."""

    http: httpx.AsyncClient
    store: Store
    clock: SetClock


@pytest.fixture
async def service(postgres: Postgres, database: str) -> AsyncIterator[Running]:
    """The improvement service, alone, on a port of its own."""
    broker = await postgres.create_database()
    settings = ImprovementSettings(
        database_url=database, broker_url=broker, admin_key=KEY, feed_poll_seconds=0.02
    )
    clock = SetClock(day(31))
    runtime = Runtime(SERVICE, settings, clock)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port = listening.getsockname()[1]
        server = uvicorn.Server(
            uvicorn.Config(host([runtime]), log_config=None, timeout_graceful_shutdown=2)
        )
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        while not server.started:
            await asyncio.sleep(0.01)
        async with httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{port}/improvement",
            headers={"Authorization": f"Bearer {KEY}"},
        ) as http:
            yield Running(http, runtime.store, clock)
        server.should_exit = True
        await serving
    await postgres.drop_database(broker)


PROPOSAL = {
    "title": "Checkout no longer times out",
    "why": "It does every week",
    "indicator": "incidents_per_month",
    "component": "checkout",
    "target": 1,
}


async def post(service: Running, path: str, body: object, status: int = 200) -> dict[str, object]:
    answer = await service.http.post(path, json=body)
    assert answer.status_code == status, answer.text
    shown: dict[str, object] = answer.json()
    return shown


async def test_indicators_know_of_everything_without_being_asked_for_a_period(
    service: Running,
) -> None:
    nothing = (await service.http.get("/v1/indicators")).json()
    assert nothing["indicators"]["time_to_restore"]["reason"] == "No incident ended in the period."

    await failed(service.store, an_incident(1, day(1)))
    await failed(service.store, an_incident(2, day(2), restored=None))

    shown = (await service.http.get("/v1/indicators")).json()
    assert (shown["incidents"], shown["incidents_open"]) == (1, 1)
    restore = shown["indicators"]["time_to_restore"]
    assert (restore["count"], restore["median_seconds"], restore["unit"]) == (1, 1800.0, "seconds")
    assert shown["start"] == "2026-01-02T00:00:00Z"


async def test_a_period_may_be_given_in_days_and_must_make_sense(service: Running) -> None:
    await failed(service.store, an_incident(1, day(1)))
    span = {"from": "2026-01-02", "to": "2026-01-03T00:00:00Z", "component": "checkout"}

    assert (await service.http.get("/v1/indicators", params=span)).json()["incidents"] == 1

    refused = await service.http.get("/v1/indicators", params={"from": "2099-01-01"})
    assert (refused.status_code, refused.headers["content-type"]) == (
        422,
        "application/problem+json",
    )
    assert "from" in refused.json()["advice"]


async def test_an_improvement_goes_all_the_way(service: Running) -> None:
    for n in range(1, 13):
        await failed(service.store, an_incident(n, day(n)))
    proposed = await post(service, "/v1/improvements", PROPOSAL, 201)
    path = f"/v1/improvements/{proposed['improvement_id']}"
    assert (proposed["state"], proposed["proposed_by"]) == ("proposed", "key:admin")

    await post(service, path + "/realise", {"worth": "much"}, 409)
    await post(service, path + "/approve", {"owner": "payments"})
    service.clock.at = day(31 + 90)
    measured = await post(service, path + "/measure", {})
    assert (measured["verdict"], measured["target_reached"]) == ("improved", True)
    realised = await post(service, path + "/realise", {"worth": "a renewal"})

    assert realised == (await service.http.get(path)).json()
    listed = (await service.http.get("/v1/improvements", params={"state": "realised"})).json()
    assert listed == {"items": [realised], "next": None}


async def test_the_service_hears_of_its_own_improvements(service: Running) -> None:
    proposed = await post(service, "/v1/improvements", PROPOSAL, 201)
    for _ in range(200):
        feed = (await service.http.get("/v1/events")).json()
        if feed["items"]:
            break
        await asyncio.sleep(0.05)

    [event] = feed["items"]
    assert event["type"] == "mejora.improvement.proposed.v1"
    assert event["subject"] == event["correlationid"] == proposed["improvement_id"]
    assert event["data"]["improvement"] == proposed


async def test_an_improvement_of_a_problem_counts_the_problems_signature(service: Running) -> None:
    for n in (1, 2):
        await failed(service.store, an_incident(n, day(n)), signature="refused")
    await failed(service.store, an_incident(3, day(3)), signature="other")
    await tell(service.store, ProblemOpened(problem=a_problem(1, day(1))))
    about = {**PROPOSAL, "problem_id": "00000000-0000-0000-0000-000000000001"}

    proposed = await post(service, "/v1/improvements", about, 201)
    assert proposed["baseline"]["count"] == 2  # type: ignore[index]  # JSON, asserted by its use

    unknown = {**PROPOSAL, "problem_id": str(new_id())}
    await post(service, "/v1/improvements", unknown, 422)


async def test_a_poller_can_always_go_on(service: Running) -> None:
    said = [told(IncidentReported(incident=an_incident(n, day(1)))) for n in range(5)]
    await tell(service.store, *said[:3])
    await settled(service.store)
    first = await service.http.get("/v1/events", params={"limit": 2})
    second = await service.http.get(httpx.URL(first.links["next"]["url"]))
    await tell(service.store, *said[3:])
    await settled(service.store)
    third = await service.http.get("/v1/events", params={"cursor": second.json()["next"]})
    none = await service.http.get("/v1/events", params={"cursor": third.json()["next"]})

    pages = [page.json()["items"] for page in (first, second, third, none)]
    assert [len(items) for items in pages] == [2, 1, 2, 0]
    assert [event["id"] for items in pages for event in items] == [str(e.id) for e in said]
    assert pages[0][0]["data"]["incident"]["component"] == "checkout"
    assert (await service.http.get("/v1/events", params={"cursor": "x"})).status_code == 422


async def follow(service: Running, wanted: int, **headers: str) -> list[tuple[str, str]]:
    """Follow the feed live until so many events came; give their cursors and ids."""
    heard: list[tuple[str, str]] = []
    accept = {"Accept": "text/event-stream", **headers}
    async with (
        asyncio.timeout(10),
        service.http.stream("GET", "/v1/events", headers=accept) as answer,
    ):
        assert answer.headers["content-type"].startswith("text/event-stream")
        cursor = ""
        async for line in answer.aiter_lines():
            name, _, value = line.partition(": ")
            if name == "id":
                cursor = value
            if name == "data":
                heard.append((cursor, orjson.loads(value)["id"]))
            if len(heard) == wanted:
                break
    return heard


async def test_the_feed_is_followed_live_and_resumed(service: Running) -> None:
    said = [told(IncidentReported(incident=an_incident(n, day(1)))) for n in range(4)]
    await tell(service.store, *said[:2])
    following = asyncio.create_task(follow(service, 3))
    await asyncio.sleep(0.2)
    await tell(service.store, said[2])
    heard = await following
    await tell(service.store, said[3])

    resumed = await follow(service, 2, **{"Last-Event-ID": heard[1][0]})

    assert [event_id for _, event_id in heard] == [str(e.id) for e in said[:3]]
    assert [event_id for _, event_id in resumed] == [str(e.id) for e in said[2:]]


async def test_without_a_key_nothing_is_shown(service: Running) -> None:
    for path in ("/v1/events", "/v1/indicators", "/v1/improvements"):
        answer = await service.http.get(path, headers={"Authorization": ""})
        assert answer.status_code == 401
