"""What the chassis does for every service, shown on a small one: HTTP, keys, problems, lists."""

import asyncio
import base64
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import httpx
import pytest

from mejora_events.contracts.access import AccessKeyRevoked, Scope
from mejora_service import keys
from mejora_service.host import PROBLEM_JSON
from mejora_service.migrate import upgrade
from mejora_service.settings import SettingsInvalid, load
from support.counter import SERVICE, CounterSettings
from support.counting import ADMIN_KEY, Counter, a_runtime, bearer, serving
from support.proxy import Proxy, State
from support.servers import Postgres

THINGS = "/counter/v1/things"


@pytest.fixture(scope="module")
async def counter(postgres: Postgres) -> AsyncIterator[Counter]:
    """One instance that the tests of this module share."""
    url = await postgres.create_database()
    async with serving(a_runtime(url, largest_body_bytes=2048)) as one:
        yield one
    await postgres.drop_database(url)


def problem(answer: httpx.Response, status: int) -> dict[str, Any]:
    """Check that an answer is a problem document, and give it."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == PROBLEM_JSON
    shown: dict[str, Any] = answer.json()
    assert shown["status"] == status
    assert shown["title"]
    assert shown["detail"]
    assert shown["advice"], "it does not say what to do"
    return shown


# Start


async def test_instances_that_start_at_once_migrate_the_store_once(database: str) -> None:
    runtimes = [a_runtime(database) for _ in range(4)]
    await asyncio.gather(*(runtime.start() for runtime in runtimes))
    assert [await runtime.check() for runtime in runtimes] == [
        {"service": "ready", "store": "ready", "relay": "ready", "consumer": "ready"}
    ] * 4
    await asyncio.gather(*(runtime.stop() for runtime in runtimes))
    again = a_runtime(database)
    await again.start()
    await again.stop()


async def test_stores_of_several_services_may_be_migrated_at_once(
    postgres: Postgres, database: str
) -> None:
    other = await postgres.create_database()
    runtimes = [a_runtime(url) for url in (database, other)]
    await asyncio.gather(*(upgrade(r.store.engine, SERVICE.migrations) for r in runtimes))
    for runtime in runtimes:
        assert await Counter(runtime, httpx.AsyncClient()).ask("select * from thing") == []
        await runtime.store.engine.dispose()
    await postgres.drop_database(other)


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({}, ["MEJORA_DATABASE_URL", "MEJORA_BROKER_URL"]),
        (
            {"MEJORA_DATABASE_URL": "mysql://secret@host/db"},
            ["MEJORA_DATABASE_URL: ", "postgresql+"],
        ),
        ({"MEJORA_DATABASE_URL": "nonsense"}, ["MEJORA_DATABASE_URL: "]),
        ({"MEJORA_BROKER_URL": "amqp://secret@host"}, ["MEJORA_BROKER_URL: ", "kafka://"]),
        ({"MEJORA_BROKER_URL": "kafka://"}, ["MEJORA_BROKER_URL: "]),
        ({"MEJORA_PORT": "eighty"}, ["MEJORA_PORT: "]),
        ({"MEJORA_MOST_THINGS": "0"}, ["MEJORA_MOST_THINGS: "]),
    ],
)
def test_a_setting_that_makes_no_sense_is_named(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, str], named: list[str]
) -> None:
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsInvalid) as caught:
        load(CounterSettings)
    for part in named:
        assert part in str(caught.value)
    assert "secret" not in str(caught.value)


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEJORA_DATABASE_URL", "postgresql+asyncpg://host/counter")
    monkeypatch.setenv("MEJORA_BROKER_URL", "kafka://one:9092,two:9092")
    monkeypatch.setenv("MEJORA_MOST_THINGS", "7")
    settings = load(CounterSettings)
    assert (settings.broker_url, settings.most_things) == ("kafka://one:9092,two:9092", 7)


# Who may


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {b"Authorization": b"Bearer nobody's"},
        {b"Authorization": b"Bearer"},
        {b"Authorization": b"Basic %%%"},
        {b"Authorization": b"Basic /w=="},
        {b"Authorization": b"Basic \xff\xfe"},
        {b"Authorization": b"Bearer \xff\xfe"},
        {b"Authorization": b"Digest " + ADMIN_KEY.encode()},
        {b"X-Mejora-Key": b"nobody's"},
    ],
)
async def test_without_a_known_key_nothing_is_answered(
    counter: Counter, headers: dict[bytes, bytes]
) -> None:
    async with httpx.AsyncClient(
        transport=counter.http._transport, base_url="http://mejora.test", headers=headers
    ) as stranger:
        answer = await stranger.get(THINGS)
    problem(answer, 401)
    assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize("form", ["bearer", "BASIC", "X-Mejora-Key"])
async def test_a_key_may_come_in_each_form(counter: Counter, form: str) -> None:
    key, _ = await counter.issue(Scope.READ)
    basic = base64.b64encode(f"anybody:{key}".encode()).decode()
    headers = {
        "bearer": {"Authorization": f"bearer {key}"},
        "BASIC": {"Authorization": f"BASIC {basic}"},
        "X-Mejora-Key": {"X-Mejora-Key": key, "Authorization": ""},
    }[form]
    assert (await counter.http.get(THINGS, headers=headers)).status_code == 200


async def test_a_key_may_do_what_its_scopes_say(counter: Counter) -> None:
    read, _ = await counter.issue(Scope.READ)
    operate, _ = await counter.issue(Scope.OPERATE)
    body = {"name": "a"}
    refused = await counter.http.post(THINGS, json=body, headers=bearer(read))
    assert "`operate`" in problem(refused, 403)["detail"]
    refused = await counter.http.get(THINGS, headers=bearer(operate))
    shown = problem(refused, 403)
    assert "`read`" in shown["detail"]
    assert "operate" in shown["advice"]
    made = await counter.http.post(THINGS, json=body, headers=bearer(operate))
    assert (made.status_code, made.json()["by"]) == (201, "key:a test")
    assert (await counter.http.get(THINGS)).status_code == 200, "admin may do everything"


async def test_a_customers_key_is_let_in_only_where_a_route_knows_of_customers(
    counter: Counter,
) -> None:
    thing = await counter.add("a")
    key, _ = await counter.issue(Scope.READ, customer="acme")
    problem(await counter.http.get(THINGS, headers=bearer(key)), 403)
    shown = await counter.http.get(f"{THINGS}/{thing['id']}", headers=bearer(key))
    assert shown.status_code == 200


async def test_a_route_knows_the_source_that_a_key_is_tied_to(counter: Counter) -> None:
    key, _ = await counter.issue(Scope.INGEST, source="grafana")
    answer = await counter.http.post("/counter/v1/sources", headers=bearer(key))
    assert answer.json() == {"source": "grafana"}


async def test_a_revoked_key_stops_within_seconds(counter: Counter) -> None:
    async with counter.runtime.store.begin(actor="test") as work:
        key, issued = keys.issue(work, [Scope.READ], label="")
        work.emit(issued)
    await until_answered(counter, key, 200)
    async with counter.runtime.store.begin(actor="test") as work:
        work.emit(AccessKeyRevoked(key_id=issued.key_id, revoked_at=work.now))
    await until_answered(counter, key, 401, seconds=4)


async def test_a_key_whose_revocation_comes_first_is_never_let_in(counter: Counter) -> None:
    async with counter.runtime.store.begin(actor="test") as work:
        key, issued = keys.issue(work, [Scope.READ], label="")
        work.emit(AccessKeyRevoked(key_id=issued.key_id, revoked_at=work.now))
    known = "select 1 from access_key where key_id = :id and (secret_sha256 is null) = :before"
    await counter.until_there_are(1, known, id=issued.key_id, before=True)
    async with counter.runtime.store.begin(actor="test") as work:
        work.emit(issued)
    await counter.until_there_are(1, known, id=issued.key_id, before=False)
    assert (await counter.http.get(THINGS, headers=bearer(key))).status_code == 401


async def until_answered(counter: Counter, key: str, status: int, seconds: float = 10) -> None:
    async with asyncio.timeout(seconds):
        while (await counter.http.get(THINGS, headers=bearer(key))).status_code != status:
            await asyncio.sleep(0.05)


# Commands that are sent twice


async def test_a_command_that_is_repeated_is_carried_out_once(counter: Counter) -> None:
    name, key = uuid4().hex, {"Idempotency-Key": uuid4().hex}
    first = await counter.http.post(THINGS, json={"name": name}, headers=key)
    second = await counter.http.post(THINGS, json={"name": name}, headers=key)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    assert "idempotency-replayed" not in first.headers
    assert second.headers["idempotency-replayed"] == "true"
    assert len(await counter.ask("select * from thing where name = :name", name=name)) == 1


async def test_two_at_the_same_time_have_one_effect(counter: Counter) -> None:
    name, key = uuid4().hex, {"Idempotency-Key": uuid4().hex}
    body = {"name": name, "takes_seconds": 0.2}
    answers = await asyncio.gather(
        *(counter.http.post(THINGS, json=body, headers=key) for _ in range(3))
    )
    assert [answer.status_code for answer in answers] == [201, 201, 201]
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert len(await counter.ask("select * from thing where name = :name", name=name)) == 1


async def test_a_key_is_for_one_request_of_one_caller(counter: Counter) -> None:
    key = {"Idempotency-Key": uuid4().hex}
    await counter.http.post(THINGS, json={"name": "a"}, headers=key)
    other_body = await counter.http.post(THINGS, json={"name": "b"}, headers=key)
    assert "another request" in problem(other_body, 422)["detail"]
    other_query = await counter.http.post(f"{THINGS}?dry_run=true", json={"name": "a"}, headers=key)
    problem(other_query, 422)
    somebody, _ = await counter.issue(Scope.OPERATE)
    theirs = await counter.http.post(THINGS, json={"name": "b"}, headers=key | bearer(somebody))
    assert theirs.status_code == 201


async def test_a_command_that_failed_may_be_sent_again_with_its_key(counter: Counter) -> None:
    key = {"Idempotency-Key": uuid4().hex}
    for _ in range(2):
        problem(await counter.http.post(THINGS, json={"name": "impossible"}, headers=key), 500)


async def test_a_repetition_of_what_had_no_answer_has_none(counter: Counter) -> None:
    thing, key = await counter.add("a"), {"Idempotency-Key": uuid4().hex}
    for _ in range(2):
        gone = await counter.http.delete(f"{THINGS}/{thing['id']}", headers=key)
        assert (gone.status_code, gone.content) == (204, b"")
    problem(await counter.http.delete(f"{THINGS}/{thing['id']}"), 404)


# Problems


@pytest.mark.parametrize("path", ["/nowhere", "/counter/nowhere", f"{THINGS}/{uuid4()}"])
async def test_what_is_not_there(counter: Counter, path: str) -> None:
    problem(await counter.http.get(path), 404)


@pytest.mark.parametrize("path", ["/readyz", "/counter/livez", THINGS])
async def test_a_method_that_is_not_there(counter: Counter, path: str) -> None:
    answer = await counter.http.patch(path)
    problem(answer, 405)
    assert answer.headers["allow"]


async def test_a_request_that_makes_no_sense_is_told_which_field(counter: Counter) -> None:
    shown = problem(await counter.http.post(THINGS, json={"name": "", "extra": 1}), 422)
    assert {error["at"] for error in shown["errors"]} == {"body.name", "body.extra"}
    shown = problem(await counter.http.get(f"{THINGS}/no-uuid"), 422)
    assert shown["errors"][0]["at"] == "path.thing_id"
    problem(await counter.http.get(THINGS, params={"limit": 1000}), 422)
    problem(await counter.http.get(THINGS, params={"cursor": "§§"}), 422)
    problem(
        await counter.http.post(THINGS, json={"name": "a"}, headers={"Idempotency-Key": ""}), 422
    )


@pytest.mark.parametrize(
    "body", [b"{", b'{"name": "a"} and more', b"\xff\xfe", b'{"name": "\xff"}']
)
async def test_a_body_that_is_no_json(counter: Counter, body: bytes) -> None:
    as_json = {"content-type": "application/json"}
    shown = problem(await counter.http.post(THINGS, content=body, headers=as_json), 400)
    assert "JSON" in shown["advice"]


@pytest.mark.parametrize("path", [THINGS, "/counter/v1/bytes"])
@pytest.mark.parametrize("announced", [True, False])
async def test_a_body_that_is_too_large(counter: Counter, path: str, announced: bool) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(30):
            yield b'{"name": ' + b" " * 91

    content: Any = b"".join([piece async for piece in pieces()]) if announced else pieces()
    as_json = {"content-type": "application/json"}
    shown = problem(await counter.http.post(path, content=content, headers=as_json), 413)
    assert "2048 bytes" in shown["detail"]


async def test_a_body_of_the_largest_size_is_taken(counter: Counter) -> None:
    answer = await counter.http.post("/counter/v1/bytes", content=b"x" * 2048)
    assert answer.json() == {"bytes": 2048}


async def test_a_text_that_no_store_keeps_is_the_requests_fault(counter: Counter) -> None:
    shown = problem(await counter.http.post(THINGS, json={"name": "zero \0 byte"}), 422)
    assert "zero byte" in shown["detail"]


async def test_our_own_fault_tells_a_trace_and_nothing_of_the_inside(
    counter: Counter, caplog: pytest.LogCaptureFixture
) -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    hop = {"traceparent": f"00-{trace}-00f067aa0ba902b7-01"}
    answer = await counter.http.post(THINGS, json={"name": "impossible"}, headers=hop)
    assert problem(answer, 500)["trace_id"] == trace
    assert "secret" not in answer.text
    assert "the secret of the inside" in caplog.text, "the operators are told nothing"
    assert await counter.ask("select * from thing where name = 'impossible'") == []
    assert await counter.ask("select * from outbox where key = 'impossible'") == []


# Lists


async def test_a_list_comes_in_pages_newest_first(counter: Counter) -> None:
    made = [(await counter.add(f"page {n}"))["id"] for n in range(5)]
    shown: list[str] = []
    url = f"{THINGS}?limit=2"
    while True:
        answer = await counter.http.get(url)
        page = answer.json()
        shown += [thing["id"] for thing in page["items"]]
        if len(shown) >= 5:
            break
        assert len(page["items"]) == 2
        link, _, relation = answer.headers["link"].partition("; ")
        assert relation == 'rel="next"'
        assert page["next"] in link
        assert "limit=2" in link
        url = link.strip("<>")
    assert shown[:5] == made[::-1]


async def test_the_last_page_has_no_next(counter: Counter) -> None:
    await counter.add("at least one")
    answer = await counter.http.get(THINGS, params={"limit": 200})
    assert answer.json()["next"] is None
    assert "link" not in answer.headers


# Health


async def test_livez_readyz_metrics_and_openapi(counter: Counter) -> None:
    for root in ("", "/counter"):
        assert (await counter.http.get(f"{root}/livez")).text == "alive\n"
        ready = await counter.http.get(f"{root}/readyz")
        assert (ready.status_code, ready.json()["status"]) == (200, "ready")
        assert ready.json()["checks"]["counter"]["store"] == "ready"
    await counter.add("measured")
    metrics = (await counter.http.get("/metrics")).text
    for name in (
        'mejora_http_request_seconds_count{method="POST",route="/v1/things",service="counter"',
        'mejora_outbox_events{service="counter"}',
        'mejora_outbox_oldest_seconds{service="counter"}',
        'mejora_events_applied{service="counter"}',
        'mejora_consumer_lag{partition="0",service="counter",topic="mejora.changes"}',
    ):
        assert name in metrics
    openapi = (await counter.http.get("/counter/openapi.json")).json()
    assert {"/v1/things", "/v1/things/{thing_id}", "/v1/dead-letters"} <= openapi["paths"].keys()


async def test_while_the_store_is_away_requests_are_told_when_to_come_again(database: str) -> None:
    async with Proxy(database) as proxy, serving(a_runtime(proxy.address)) as counter:
        thing = await counter.add("before")
        for state in (State.REFUSING, State.STARTING):
            await proxy.become(state)
            for answer in (
                await counter.http.post(THINGS, json={"name": "a"}),
                await counter.http.get(THINGS),
                await counter.http.get(THINGS, headers=bearer("some other key")),
                await counter.http.post(f"/counter/v1/dead-letters/{uuid4()}/retry"),
            ):
                problem(answer, 503)
                assert int(answer.headers["retry-after"]) >= 1
            assert (await counter.http.get("/livez")).status_code == 200
            ready = await counter.http.get("/readyz")
            assert (ready.status_code, ready.json()["status"]) == (503, "not ready")
            assert (await counter.http.get("/metrics")).status_code == 200
            await proxy.become(State.OPEN)
            assert (await counter.http.get("/readyz")).status_code == 200
            await counter.add("after")
        assert (await counter.http.get(f"{THINGS}/{thing['id']}")).json() == thing
        await counter.until_there_are(1, "select 1 from heard where name = 'after' and times = 2")


async def test_a_round_is_done_by_one_instance_at_a_time(database: str) -> None:
    async with serving(a_runtime(database)) as one:
        other = a_runtime(database)
        (periodic,) = SERVICE.periodics(None)
        await one.until_there_are(1, "select 1 from heard where name = 'ticks'")
        async with one.runtime.store.begin(actor="test") as work:
            await work.conn.exec_driver_sql(
                "select pg_advisory_xact_lock(hashtextextended('mejora-periodic:tick', 0))"
            )
            assert not await other.run_periodic(periodic)
        assert await other.run_periodic(periodic)
        assert await one.ask("select times from heard where name = 'ticks'") == [{"times": 2}]
        await other.store.engine.dispose()
