"""What customers say and what monitors find, over HTTP on a real PostgreSQL."""

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from support.servers import Postgres
from support.whole import ADMIN_KEY, Whole, a_whole

INCIDENTS = "/intake/v1/incidents"
FORM = "/intake/report"


@pytest.fixture(scope="module")
async def intake(postgres: Postgres) -> AsyncIterator[Whole]:
    async with a_whole(postgres, "intake") as whole:
        yield whole


async def found_by_monitor(whole: Whole, component: str, n: int = 1, **given: Any) -> Any:
    signal = {
        "source": "probe",
        "fingerprint": f"{component} {n}",
        "component": component,
        "summary": f"{component} answers 502",
        "severity": "critical",
    } | given
    return (await whole.post("/intake/v1/signals", signal))["signals"][0]


async def reported(whole: Whole, component: str, **given: Any) -> Any:
    report = {"component": component, "summary": "It does not work", "reporter": "Acme"} | given
    return (await whole.post("/intake/v1/reports", report))["signals"][0]


async def test_a_customer_s_report_joins_what_a_monitor_found(intake: Whole) -> None:
    found = await found_by_monitor(intake, "Portal")
    joined = await reported(intake, "portal")
    assert (joined["disposition"], joined["incident_id"]) == ("repeated", found["incident_id"])
    assert "a monitor found it first" in joined["rule"]
    incident = await intake.get(f"{INCIDENTS}/{found['incident_id']}")
    assert (incident["origin"], incident["occurrences"]) == ("internal", 2)
    assert incident["noticed_by_customer_at"] is not None
    assert incident["timeline"][-1]["actor"] == "customer:report"
    again = await reported(intake, "portal")
    assert again["incident_id"] == found["incident_id"]
    by_customer = await intake.get(INCIDENTS, customer="acme")
    assert [one["incident_id"] for one in by_customer["items"]] == [found["incident_id"]]
    # A customer to whom it works again does not know whether it does for all.
    over = await reported(intake, "portal", ended_at="2026-03-01T12:00:00Z")
    assert over["incident_id"] == found["incident_id"]
    assert (await intake.get(f"{INCIDENTS}/{found['incident_id']}"))["state"] == "reported"


async def test_all_who_report_the_same_are_known_to_be_concerned(intake: Whole) -> None:
    first = await reported(intake, "Basket", reporter="Acme")
    for reporter in ("Beta", "Gamma", "Beta"):
        again = await reported(intake, "Basket", reporter=reporter)
        assert (again["disposition"], again["incident_id"]) == ("repeated", first["incident_id"])
    found = await found_by_monitor(intake, "wares", labels={"customer": "Acme"})
    await found_by_monitor(intake, "wares", labels={"customer": "Delta"})
    for customer, incidents in (
        ("beta", [first]),
        ("Gamma", [first]),
        ("delta", [found]),
        ("nobody", []),
    ):
        listed = await intake.get(INCIDENTS, customer=customer)
        assert [it["incident_id"] for it in listed["items"]] == [
            it["incident_id"] for it in incidents
        ]


async def test_a_report_may_say_where_and_how_many_are_affected(intake: Whole) -> None:
    opened = await reported(intake, "Till", site="Madrid", affected_users=40)
    labels = (await intake.get(f"{INCIDENTS}/{opened['incident_id']}"))["labels"]
    assert labels == {"reporter": "Acme", "site": "Madrid", "affected_users": "40"}


async def test_what_a_monitor_finds_joins_what_a_customer_noticed_first(intake: Whole) -> None:
    first = await reported(intake, "Shop", severity="warning")
    found = await found_by_monitor(intake, "SHOP")
    assert (found["disposition"], found["incident_id"]) == ("repeated", first["incident_id"])
    incident = await intake.get(f"{INCIDENTS}/{first['incident_id']}")
    assert (incident["origin"], incident["severity"]) == ("customer", "critical")
    assert incident["noticed_by_customer_at"] == incident["reported_at"]
    over = await found_by_monitor(intake, "SHOP", state="resolved")
    assert (over["disposition"], over["incident_id"]) == ("restored", first["incident_id"])
    noticed = await intake.get(INCIDENTS, noticed_by="customer", component="Shop")
    assert [one["incident_id"] for one in noticed["items"]] == [first["incident_id"]]


async def test_only_one_that_is_open_and_young_is_joined(intake: Whole) -> None:
    for n in (1, 2):
        await found_by_monitor(intake, "twofold", n)
    assert (await reported(intake, "twofold"))["disposition"] == "opened"
    old = await reported(intake, "old", received_at="2026-03-01T12:00:00Z")
    found = await found_by_monitor(intake, "old", received_at="2026-03-02T12:00:01Z")
    assert found["incident_id"] != old["incident_id"]
    young = await reported(intake, "young", received_at="2026-03-01T12:00:00Z")
    found = await found_by_monitor(intake, "young", received_at="2026-03-02T12:00:00Z")
    assert found["incident_id"] == young["incident_id"]
    over = await found_by_monitor(intake, "over")
    await intake.post(f"{INCIDENTS}/{over['incident_id']}/restore")
    assert (await reported(intake, "over"))["disposition"] == "opened"
    two = await asyncio.gather(
        reported(intake, "two", summary="it is slow"), reported(intake, "two", summary="it is red")
    )
    assert [one["disposition"] for one in two] == ["opened", "opened"]


async def test_they_meet_within_one_round_as_well(intake: Whole) -> None:
    signal = {"component": "round", "summary": "fails"}
    taken = await intake.post(
        "/intake/v1/signals",
        [
            signal | {"source": "probe"},
            signal | {"source": "acme", "origin": "customer"},
            signal | {"source": "globex", "origin": "customer"},
            signal | {"source": "probe"},
        ],
    )
    assert len({one["incident_id"] for one in taken["signals"]}) == 1
    incident = await intake.get(f"{INCIDENTS}/{taken['signals'][0]['incident_id']}")
    assert (incident["origin"], incident["occurrences"]) == ("internal", 4)
    for customer in ("Acme", "Globex"):
        found = await intake.get(INCIDENTS, customer=customer, component="round")
        assert len(found["items"]) == 1


async def a_form(whole: Whole, **given: str) -> dict[str, str]:
    page = await whole.client.get(FORM, headers={"Authorization": ""})
    (named,) = re.findall(r'name="id" value="([^"]+)"', page.text)
    return {"id": named, "component": "Billing", "happened": "The invoice is empty"} | given


async def send(whole: Whole, form: dict[str, str]) -> httpx.Response:
    return await whole.client.post(FORM, data=form, headers={"Authorization": ""})


async def test_a_person_reports_with_a_browser_and_sees_the_number(intake: Whole) -> None:
    key = (await intake.key("ingest", customer="initech"))["Authorization"].removeprefix("Bearer ")
    form = await a_form(
        intake,
        happened="The invoice is empty\r\nSince the update",
        since="2026-03-01T12:00",
        affected="12",
        who="Accounting",
        key=key,
        staff="yes",
        where="Madrid",
    )
    answer = await send(intake, form)
    assert answer.status_code == 200, answer.text
    (number,) = re.findall(r"<code>([0-9a-f-]{36})</code>", answer.text)
    incident = await intake.get(f"{INCIDENTS}/{number}")
    assert (incident["component"], incident["summary"]) == ("Billing", "The invoice is empty")
    assert (incident["description"], incident["source"]) == ("Since the update", "initech")
    assert (incident["origin"], incident["started_at"]) == ("customer", "2026-03-01T12:00:00Z")
    assert incident["labels"] == {
        "reporter": "Accounting",
        "customer": "initech",
        "site": "Madrid",
        "affected_users": "12",
    }
    again = await send(intake, form)
    assert number in again.text
    assert (await intake.get(f"{INCIDENTS}/{number}"))["occurrences"] == 1
    assert len((await intake.get(INCIDENTS, customer="Initech"))["items"]) == 1


async def test_the_form_loads_nothing_and_runs_nothing(intake: Whole) -> None:
    page = await intake.client.get(FORM, headers={"Authorization": ""})
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy and "form-action 'self'" in policy
    assert "unsafe" not in policy and "script" not in policy
    assert page.headers["content-type"].startswith("text/html")
    assert not re.search(r"<script|src=|<link|style=|\son\w+=", page.text)
    controls = re.findall(r'<(?:input|textarea) id="(\w+)"', page.text)
    assert controls == re.findall(r'<label for="(\w+)"', page.text)
    assert len(controls) == 7


@pytest.mark.parametrize(
    ("given", "status", "field"),
    [
        ({"component": " "}, 422, "component"),
        ({"component": "x" * 501}, 422, "component"),
        ({"happened": ""}, 422, "happened"),
        ({"happened": "\n\nsecond line"}, 200, ""),
        ({"since": "yesterday"}, 422, "since"),
        ({"since": "0001-01-01T00:00+14:00"}, 422, "since"),
        ({"affected": "some"}, 422, "affected"),
        ({"affected": "0"}, 422, "affected"),
        ({"affected": "9" * 30}, 422, "affected"),
        ({"who": "x" * 501}, 422, "who"),
        ({"where": "x" * 501}, 422, "where"),
        ({"key": ""}, 422, "key"),
        ({"key": "wrong"}, 401, "key"),
        ({"key": "schlüssel \U0001f511"}, 401, "key"),
        ({"happened": "nul \x00 here"}, 200, ""),
        ({"id": "x" * 501}, 422, ""),
    ],
)
async def test_the_form_says_what_to_mend_and_keeps_what_was_filled_in(
    intake: Whole, given: dict[str, str], status: int, field: str
) -> None:
    form = await a_form(intake, key=ADMIN_KEY) | {"who": '"><script>x</script>'} | given
    answer = await send(intake, form)
    assert answer.status_code == status, answer.text
    assert "<script" not in answer.text and ADMIN_KEY not in answer.text
    if status != 200:
        assert 'role="alert"' in answer.text
        assert "default-src 'none'" in answer.headers["content-security-policy"]
    if field:
        assert f'aria-describedby="{field}-mend' in answer.text
        assert f'href="#{field}"' in answer.text
        assert "The invoice is empty" in answer.text or field == "happened"


async def test_a_report_of_what_is_being_worked_on_is_taken_and_has_no_number(
    intake: Whole,
) -> None:
    ends_at = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    silence = {"kind": "maintenance", "ends_at": ends_at, "components": ["worked on"]}
    await intake.post("/intake/v1/silences", silence | {"reason": "new disks"})
    answer = await send(intake, await a_form(intake, component="worked on", key=ADMIN_KEY))
    assert answer.status_code == 200, answer.text
    assert "<code>" not in answer.text and "no incident is open" in answer.text


async def test_a_form_that_is_none_is_answered_with_a_form(intake: Whole) -> None:
    for content in (b"", b"\xff\xfe=%00&&&", b"a=1&" * 50, b"{}", b"component=%ff&happened=%f0"):
        answer = await intake.client.post(FORM, content=content)
        assert answer.status_code == 422
        assert "<form" in answer.text
    reader = (await intake.key("read"))["Authorization"].removeprefix("Bearer ")
    answer = await send(intake, await a_form(intake, key=reader))
    assert answer.status_code == 403 and "lacks the scope" in answer.text


async def test_a_customer_sees_how_its_own_reports_go_and_nothing_of_others(intake: Whole) -> None:
    acme = await intake.key("ingest", "read", customer="Acme-Follows")
    globex = await intake.key("ingest", "read", customer="Globex-Follows")
    body = {"component": "Till", "summary": "It is stuck", "reporter": "Globex-Follows"}
    answer = await intake.client.post("/intake/v1/reports", json=body, headers=acme)
    (taken,) = answer.json()["signals"]
    path = f"/intake/v1/reports/{taken['incident_id']}"
    await intake.post(f"{INCIDENTS}/{taken['incident_id']}/restore", {"note": "for us alone"})
    seen = await intake.client.get(path, headers=acme)
    assert (seen.status_code, seen.json()["state"]) == (200, "restored")
    assert "for us alone" not in seen.text and "stuck" not in seen.text
    listed = (await intake.client.get("/intake/v1/reports", headers=acme)).json()["items"]
    assert [one["incident_id"] for one in listed] == [taken["incident_id"]]
    # Nobody speaks for another customer, whoever they say they are.
    assert (await intake.client.get(path, headers=globex)).status_code == 404
    assert (await intake.client.get("/intake/v1/reports", headers=globex)).json()["items"] == []
    for other in (
        "",
        "?text=stuck",
        f"/{taken['incident_id']}",
        f"/{taken['incident_id']}/signals",
    ):
        assert (await intake.client.get(INCIDENTS + other, headers=acme)).status_code == 403
    for command in ("comments", "acknowledge", "restore", "reopen", "close", "merge", "split"):
        answer = await intake.client.post(
            f"{INCIDENTS}/{taken['incident_id']}/{command}", json={}, headers=acme
        )
        assert answer.status_code == 403, command


async def test_a_report_that_is_sent_as_no_json_is_told_how_to_send_it(intake: Whole) -> None:
    answer = await intake.client.post(
        "/intake/v1/reports",
        content=b'{"component": "Till", "summary": "It is stuck"}',
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )
    assert answer.status_code == 422
    assert "content type application/json" in answer.json()["advice"]


async def test_a_comment_says_something(intake: Whole) -> None:
    found = await found_by_monitor(intake, "Blank")
    path = f"{INCIDENTS}/{found['incident_id']}/comments"
    assert (await intake.client.post(path, json={"text": "  "})).status_code == 422
