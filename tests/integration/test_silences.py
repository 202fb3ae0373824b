"""Maintenance windows, silences and flapping over HTTP on a real PostgreSQL."""

import asyncio
import itertools
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from mejora.audit.queries import OCCURRENCES, SIGNALS_DOUBLED, SIGNALS_OF_INCIDENTS
from mejora.services import SERVICES
from mejora_events import sql
from mejora_events.contracts.catalogue import (
    CatalogueEntityChanged,
    CatalogueEntityRemoved,
    Component,
    OwnerRole,
    Process,
)
from mejora_events.sql import rows
from mejora_intake.store import belonging
from mejora_intake.store.belonging import Told
from mejora_service.host import host
from mejora_service.runtime import Runtime
from support import measured
from support.servers import Postgres
from support.whole import ADMIN_KEY, Whole, a_whole, until

SILENCES = "/intake/v1/silences"


@pytest.fixture(scope="module")
async def intake(postgres: Postgres) -> AsyncIterator[Whole]:
    async with a_whole(postgres, "intake") as whole:
        yield whole


def in_minutes(minutes: float) -> str:
    return (datetime.now(UTC) + timedelta(minutes=minutes)).isoformat()


def a_signal(failure: str, n: int = 1, **given: Any) -> dict[str, Any]:
    return {
        "source": "probe",
        "id": f"{failure}-{n}",
        "fingerprint": failure,
        "component": failure,
        "summary": f"{failure} fails",
        "severity": "error",
    } | given


def over(failure: str, n: int = 0, **given: Any) -> dict[str, Any]:
    return a_signal(failure, n, id=f"{failure}-over-{n}", state="resolved", **given)


async def post(whole: Whole, *signals: dict[str, Any]) -> list[dict[str, Any]]:
    taken: list[dict[str, Any]] = (await whole.post("/intake/v1/signals", list(signals)))["signals"]
    return taken


async def declare(whole: Whole, *components: str, **wanted: Any) -> dict[str, Any]:
    named = {"components": list(components)} if components else {}
    body = {"kind": "maintenance", "ends_at": in_minutes(60), "reason": "new disks"}
    silence: dict[str, Any] = await whole.post(SILENCES, body | named | wanted)
    return silence


async def end(whole: Whole, silence: dict[str, Any]) -> dict[str, Any]:
    ended: dict[str, Any] = await whole.post(f"{SILENCES}/{silence['silence_id']}/end")
    return ended


async def suppressed_by(whole: Whole, silence: dict[str, Any]) -> int:
    count: int = (await whole.get(f"{SILENCES}/{silence['silence_id']}"))["suppressed"]
    return count


async def incident_of(whole: Whole, taken: dict[str, Any]) -> dict[str, Any]:
    incident: dict[str, Any] = await whole.get(f"/intake/v1/incidents/{taken['incident_id']}")
    return incident


async def test_a_signal_in_a_window_is_kept_and_counted_and_opens_nothing(intake: Whole) -> None:
    window = await declare(intake, "disk")
    assert (window["state"], window["suppressed"]) == ("active", 0)
    assert window["declared_by"] == "key:admin"
    taken = await post(intake, *(a_signal("disk", n) for n in range(3)), a_signal("other disk"))
    assert [one["disposition"] for one in taken] == ["suppressed"] * 3 + ["opened"]
    until_when = window["ends_at"]
    assert taken[0]["rule"] == (
        f"maintenance window «new disks» until {until_when} (silence {window['silence_id']})"
    )
    assert taken[0]["incident_id"] is None
    assert await suppressed_by(intake, window) == 3
    (again,) = await post(intake, a_signal("disk", 2))
    assert (again["repeated_delivery"], again["disposition"]) == (True, "suppressed")
    assert await suppressed_by(intake, window) == 3
    found = await intake.get("/intake/v1/incidents", component="disk")
    assert found["items"] == []


async def test_what_still_fails_when_the_window_is_over_opens_an_incident(intake: Whole) -> None:
    window = await declare(intake, "queue")
    await post(intake, a_signal("queue", 1))
    ended = await end(intake, window)
    assert (ended["state"], ended["ended_by"]) == ("expired", "key:admin")
    assert ended["ends_at"] == window["ends_at"], "history stays"
    (taken,) = await post(intake, a_signal("queue", 2))
    assert taken["disposition"] in ("opened", "repeated")  # it is looked after by itself, too
    answer = await intake.client.post(f"{SILENCES}/{window['silence_id']}/end")
    assert answer.status_code == 409 and "over since" in answer.json()["detail"]
    assert await suppressed_by(intake, window) == 1


async def wake(whole: Whole) -> None:
    runtime = whole.runtimes["intake"]
    periodics = runtime.service.periodics(runtime.settings)
    while not await runtime.run_periodic(next(p for p in periodics if p.name == "silences over")):
        await asyncio.sleep(0.05)


async def test_what_a_monitor_told_once_is_seen_when_the_window_is_over(intake: Whole) -> None:
    window = await declare(intake, "once", "over by then", "told since", "reported")
    await post(
        intake,
        a_signal("once", 1),
        a_signal("once", 2, severity="critical"),
        a_signal("over by then", 1),
        a_signal("told since", 1),
        a_signal("reported", 1, origin="customer"),
    )
    await post(intake, over("over by then"))
    await wake(intake)
    assert (await intake.get("/intake/v1/incidents", component="once"))["items"] == []
    await end(intake, window)
    await post(intake, a_signal("told since", 2))
    await post(intake, over("told since"))
    await wake(intake)
    await wake(intake)
    (seen,) = (await intake.get("/intake/v1/incidents", component="once"))["items"]
    assert (seen["state"], seen["occurrences"], seen["severity"]) == ("reported", 1, "critical")
    timeline = (await incident_of(intake, seen))["timeline"]
    assert timeline[-1]["note"] == f"it went on when silence {window['silence_id']} was over"
    (again,) = await post(intake, a_signal("once", 2))
    assert (again["repeated_delivery"], again["incident_id"]) == (True, seen["incident_id"])
    for component in ("over by then", "reported"):
        assert (await intake.get("/intake/v1/incidents", component=component))["items"] == []
    (told,) = (await intake.get("/intake/v1/incidents", component="told since"))["items"]
    assert (told["state"], told["occurrences"], told["flaps"]) == ("restored", 1, 0)


async def test_what_goes_on_is_suppressed_by_the_next_window(intake: Whole) -> None:
    first = await declare(intake, "shift")
    await post(intake, a_signal("shift", 1))
    second = await declare(intake, "shift")
    await end(intake, first)
    await wake(intake)
    assert (await intake.get("/intake/v1/incidents", component="shift"))["items"] == []
    assert await suppressed_by(intake, second) == 1
    await end(intake, second)
    await wake(intake)
    assert len((await intake.get("/intake/v1/incidents", component="shift"))["items"]) == 1


async def test_a_monitor_that_sends_the_same_message_again_opens_it_after_the_window(
    intake: Whole,
) -> None:
    """As Alertmanager does, whose messages are named by when the alert began."""
    alert = {
        "status": "firing",
        "labels": {"alertname": "Lagging", "service": "replica", "severity": "critical"},
        "startsAt": "2026-03-01T11:58:00Z",
    }
    hook, body = "/intake/v1/hooks/alertmanager", {"version": "4", "alerts": [alert]}
    first = await declare(intake, "replica")
    assert (await intake.post(hook, body))["signals"][0]["disposition"] == "suppressed"
    second = await declare(intake, "replica", kind="silence", ends_at=in_minutes(30))
    await end(intake, first)
    (taken,) = (await intake.post(hook, body))["signals"]
    assert taken["disposition"] == "suppressed"
    assert taken["rule"].startswith("silence «new disks» until ")
    await end(intake, second)
    (taken,) = (await intake.post(hook, body))["signals"]
    assert (taken["disposition"], taken["repeated_delivery"]) == ("opened", False)
    assert (await incident_of(intake, taken))["occurrences"] == 1
    (again,) = (await intake.post(hook, body))["signals"]
    assert (again["disposition"], again["repeated_delivery"]) == ("opened", True)
    third = await declare(intake, "replica")
    (again,) = (await intake.post(hook, body))["signals"]
    assert (again["disposition"], again["repeated_delivery"]) == ("opened", True)
    assert [await suppressed_by(intake, one) for one in (first, second, third)] == [1, 1, 0]
    await adds_up(intake)


async def adds_up(whole: Whole) -> None:
    """Compare counts with signals, as the audit does."""
    async with whole.runtimes["intake"].store.read() as conn:
        said = {r["incident_id"]: r["occurrences"] for r in await rows(conn, OCCURRENCES)}
        found = await rows(conn, SIGNALS_OF_INCIDENTS)
        assert not await rows(conn, SIGNALS_DOUBLED)
    counted = {r["incident_id"]: r["counted"] for r in found}
    assert said == {one: counted.get(one, 0) for one in said}


async def test_an_open_incident_tells_what_silences_it_and_is_restored_all_the_same(
    intake: Whole,
) -> None:
    (opened,) = await post(intake, a_signal("mail", 1, labels={"zone": "a"}))
    assert (await incident_of(intake, opened))["silences"] == []
    window = await declare(intake, labels={"zone": "a"}, reason="moving house")
    (worse,) = await post(intake, a_signal("mail", 2, severity="critical", labels={"zone": "a"}))
    assert (worse["disposition"], worse["incident_id"]) == ("suppressed", opened["incident_id"])
    incident = await incident_of(intake, opened)
    assert (incident["occurrences"], incident["severity"]) == (1, "error")
    (silence,) = incident["silences"]
    assert (silence["silence_id"], silence["reason"]) == (window["silence_id"], "moving house")
    assert (silence["kind"], silence["declared_by"]) == ("maintenance", "key:admin")
    signals = await intake.get(f"/intake/v1/incidents/{opened['incident_id']}/signals")
    assert signals["items"][0]["rule"] == worse["rule"]
    (restored,) = await post(intake, over("mail", labels={"zone": "a"}))
    assert restored["disposition"] == "restored"
    (flap,) = await post(intake, a_signal("mail", 3, labels={"zone": "a"}))
    assert (flap["disposition"], flap["incident_id"]) == ("suppressed", None)
    assert (await incident_of(intake, opened))["state"] == "restored"
    await end(intake, window)
    assert (await incident_of(intake, opened))["silences"] == []
    await adds_up(intake)


async def test_imported_history_is_silenced_by_when_it_was_received(intake: Whole) -> None:
    await declare(
        intake, "archive", starts_at="2026-03-01T10:00:00Z", ends_at="2026-03-01T12:00:00Z"
    )
    taken = await post(
        intake,
        *(
            a_signal("archive", n, received_at=f"2026-03-01T{hour:02}:30:00Z")
            for n, hour in enumerate((10, 11, 12))
        ),
        a_signal("archive", 9),
    )
    dispositions = [one["disposition"] for one in taken]
    assert dispositions == ["suppressed", "suppressed", "opened", "repeated"]


async def test_only_what_can_be_understood_is_declared(intake: Whole) -> None:
    good = {"components": ["x"], "ends_at": in_minutes(5), "reason": "r"}
    bad: list[Any] = [
        {"ends_at": in_minutes(5), "reason": "r"},
        {**good, "components": []},
        {**good, "components": [""]},
        {**good, "components": ["a\x00b"]},
        {**good, "components": ["\ud800"]},
        {**good, "labels": {"a": "b\x00"}},
        {**good, "labels": {"a": 1}},
        {**good, "reason": " "},
        {**good, "reason": "r" * 501},
        {**good, "ends_at": in_minutes(-5)},
        {**good, "ends_at": "2026-03-01T12:00:00"},
        {**good, "ends_at": None},
        {**good, "starts_at": in_minutes(6)},
        {**good, "kind": "holiday"},
        {**good, "name": "unheard of"},
        {"components": ["x"], "reason": "r"},
        [good],
    ]
    for body in bad:
        answer = await intake.client.post(SILENCES, content=json.dumps(body))
        assert answer.status_code == 422, (body, answer.text)
        assert answer.json()["advice"]
    for path, method in ((uuid4(), "GET"), (f"{uuid4()}/end", "POST")):
        assert (await intake.client.request(method, f"{SILENCES}/{path}")).status_code == 404


async def test_declaring_and_ending_needs_to_operate(intake: Whole) -> None:
    body = {"components": ["x"], "ends_at": in_minutes(5), "reason": "r"}
    for scope, status in (("read", 403), ("ingest", 403), ("operate", 201)):
        header = await intake.key(scope)
        answer = await intake.client.post(SILENCES, json=body, headers=header)
        assert answer.status_code == status, answer.text
    silence = answer.json()
    assert silence["declared_by"] == "key:a test"
    assert (silence["kind"], silence["labels"]) == ("silence", {})
    reader = await intake.key("read")
    path = f"{SILENCES}/{silence['silence_id']}"
    assert (await intake.client.post(f"{path}/end", headers=reader)).status_code == 403
    assert (await intake.client.get(path, headers=reader)).json() == silence


async def test_they_are_listed_in_pages_by_their_state(intake: Whole) -> None:
    reason = f"listed {uuid4()}"
    active = [await declare(intake, f"listed {n}", reason=reason) for n in range(3)]
    later = await declare(intake, "listed", reason=reason, starts_at=in_minutes(30))
    ended = await declare(intake, "listed", reason=reason)
    await end(intake, ended)
    called_off = await declare(intake, "listed", reason=reason, starts_at=in_minutes(30))
    assert (await end(intake, called_off))["state"] == "expired"
    expected = {
        "active": list(reversed(active)),
        "scheduled": [later],
        "expired": [called_off, ended],
    }
    for state, silences in expected.items():
        seen: list[dict[str, Any]] = []
        url: str | None = f"{SILENCES}?state={state}&limit=2"
        while url:
            answer = await intake.client.get(url)
            assert all(one["state"] == state for one in answer.json()["items"])
            seen += answer.json()["items"]
            url = answer.links["next"]["url"] if "next" in answer.links else None
        ours = [one["silence_id"] for one in seen if one["reason"] == reason]
        assert ours == [one["silence_id"] for one in silences]
    assert (await intake.client.get(f"{SILENCES}?state=over")).status_code == 422
    for one in active:
        await end(intake, one)


async def test_declared_with_one_idempotency_key_it_is_one(intake: Whole) -> None:
    body = {"components": ["once"], "ends_at": in_minutes(5), "reason": "once only"}
    header = {"Idempotency-Key": "declared once"}
    answers = [await intake.client.post(SILENCES, json=body, headers=header) for _ in range(2)]
    assert [a.status_code for a in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()


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


async def test_another_instance_learns_of_it_within_two_seconds_and_none_is_miscounted(
    intake: Whole,
) -> None:
    before = await declare(intake, "known from the start")
    async with another_instance(intake) as other:

        async def there(failure: str, n: int) -> str:
            answer = await other.post("/intake/v1/signals", json=a_signal(failure, n))
            disposition: str = answer.json()["signals"][0]["disposition"]
            return disposition

        assert await there("known from the start", 1) == "suppressed"
        window = await declare(intake, "shared")
        await asyncio.sleep(2)
        assert await there("shared", 0) == "suppressed"
        await asyncio.gather(
            *(
                client.post("/intake/v1/signals", json=a_signal(failure, n))
                for n, (client, failure) in enumerate(
                    itertools.product(
                        [intake.client, other] * 20, ["shared", "known from the start"]
                    ),
                    start=10,
                )
            )
        )
        assert await suppressed_by(intake, window) == 41
        assert await suppressed_by(intake, before) == 41
        assert (await other.post(f"{SILENCES}/{window['silence_id']}/end")).is_success
        assert await there("shared", 5) == "opened"
        await asyncio.sleep(2)
        (taken,) = await post(intake, a_signal("shared", 6))
        assert taken["disposition"] == "repeated"
    await adds_up(intake)


FACTS: dict[str, Told] = {
    "process": CatalogueEntityChanged(
        entity=Process(name="checkout", depends_on=("shop",)),
        version=1,
        changed_at=measured.DAY_ONE,
    ),
    "shop": CatalogueEntityChanged(
        entity=Component(name="shop", depends_on=("cards",), aliases=("Shop-1",)),
        version=3,
        changed_at=measured.DAY_ONE,
    ),
    "shop before": CatalogueEntityChanged(
        entity=Component(name="shop", depends_on=("cash",)), version=1, changed_at=measured.DAY_ONE
    ),
    "shop removed": CatalogueEntityRemoved(
        kind="component", name="shop", version=2, removed_at=measured.DAY_ONE
    ),
}


async def tell(whole: Whole, *facts: Told) -> None:
    """Let events of the catalogue take effect in one transaction, and be known here."""
    runtime = whole.runtimes["intake"]
    reactions = SERVICES["intake"].reactions(runtime.settings)
    async with runtime.store.begin(actor="test") as work:
        for fact in facts:
            await reactions[type(fact)](work, [measured.told(fact)])
    await runtime.resource.remembered.refresh()


@pytest.mark.parametrize("order", list(itertools.permutations(FACTS)))
async def test_in_whatever_order_the_catalogue_tells_a_process_means_the_same(
    intake: Whole, order: tuple[str, ...]
) -> None:
    async with intake.runtimes["intake"].store.begin(actor="test") as work:
        await rows(work.conn, "delete from catalogue_part returning 1")
    for name in order:
        await tell(intake, FACTS[name])
    async with intake.runtimes["intake"].store.read() as conn:
        kept = await belonging.changed_parts(conn, after_revision=0)
    parts = {part.name: (part.depends_on, part.aliases) for part, is_there in kept if is_there}
    assert parts == {"checkout": (("shop",), ()), "shop": (("cards",), ("Shop-1",))}


async def test_a_process_is_silenced_with_all_that_it_stands_on_as_the_catalogue_changes(
    intake: Whole,
) -> None:
    async with intake.runtimes["intake"].store.begin(actor="test") as work:
        await rows(work.conn, "delete from catalogue_part returning 1")
    role = CatalogueEntityChanged(
        entity=OwnerRole(name="cashiers"), version=1, changed_at=measured.DAY_ONE
    )
    await tell(intake, *FACTS.values(), role)
    window = await declare(intake, processes=["checkout"])
    assert window["remarks"] == []
    names = ("shop", "SHOP-1", "cards", "cash", "checkout")
    taken = await post(intake, *(a_signal(name) for name in names))
    dispositions = [one["disposition"] for one in taken]
    assert dispositions == ["suppressed"] * 3 + ["opened"] * 2
    gone = CatalogueEntityRemoved(
        kind="process", name="checkout", version=2, removed_at=measured.DAY_ONE
    )
    await tell(intake, gone)
    (taken_after,) = await post(intake, a_signal("cards", 2))
    assert taken_after["disposition"] == "opened"
    await end(intake, window)


async def test_what_diagnosis_is_told_of_a_process_is_known_to_intake(postgres: Postgres) -> None:
    async with a_whole(postgres, "intake", "diagnosis") as whole:
        catalogue = {
            "components": [{"name": "till", "depends_on": ["printer"]}, {"name": "printer"}],
            "processes": [{"name": "selling", "depends_on": ["till"]}],
        }
        answer = await whole.client.put("/diagnosis/v1/catalogue", json=catalogue)
        assert answer.is_success, answer.text
        await declare(whole, processes=["selling"])
        numbers = itertools.count()

        async def suppressed() -> bool:
            n = next(numbers)
            (taken,) = await post(whole, a_signal("printer", n, fingerprint=f"printer {n}"))
            return bool(taken["disposition"] == "suppressed")

        await until(suppressed)


def of_silences(asked: list[str]) -> list[str]:
    return [statement for statement in asked if re.search(r"\bsilence\b", statement)]


async def test_a_round_in_which_nothing_is_suppressed_asks_the_store_nothing_more(
    intake: Whole, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    for_driver = sql._for_driver

    def noted(statement: str) -> tuple[str, tuple[str, ...]]:
        asked.append(statement)
        return for_driver(statement)

    window = await declare(intake, "noisy")
    monkeypatch.setattr(sql, "_for_driver", noted)
    await post(intake, a_signal("asked", 1), a_signal("asked", 2), over("asked"))
    assert asked and not of_silences(asked)
    await post(intake, a_signal("noisy", 1), a_signal("noisy", 2), a_signal("asked", 3))
    assert len(of_silences(asked)) == 1
    assert await suppressed_by(intake, window) == 2


async def test_an_incident_that_comes_and_goes_is_flapping(intake: Whole) -> None:
    (taken,) = await post(intake, a_signal("door", 0))
    for n in range(1, 4):
        assert (await incident_of(intake, taken))["is_flapping"] is False
        await post(intake, over("door", n))
        (again,) = await post(intake, a_signal("door", n))
        assert (again["disposition"], again["incident_id"]) == ("reopened", taken["incident_id"])
    incident = await incident_of(intake, taken)
    assert (incident["flaps"], incident["is_flapping"]) == (3, True)


async def test_how_often_is_flapping_is_a_setting_and_long_ago_is_not(postgres: Postgres) -> None:
    async with a_whole(postgres, "intake", flaps_to_be_flapping=1) as whole:
        (now, *_) = await post(whole, a_signal("gate"), over("gate"), a_signal("gate", 2))
        assert (await incident_of(whole, now))["is_flapping"] is True
        old = [
            a_signal("wall", received_at="2026-03-01T10:00:00Z"),
            over("wall", received_at="2026-03-01T10:01:00Z"),
            a_signal("wall", 2, received_at="2026-03-01T10:02:00Z"),
        ]
        taken = await post(whole, *old)
        assert [one["disposition"] for one in taken] == ["opened", "restored", "reopened"]
        assert (await incident_of(whole, taken[0]))["is_flapping"] is False


async def test_a_silence_says_which_of_its_processes_nobody_knows(intake: Whole) -> None:
    window = await declare(intake, processes=["chekout"], components=["anything"])
    (remark,) = window["remarks"]
    assert "no process 'chekout'" in remark
