"""Sources that an operator declares, over HTTP on a real PostgreSQL."""

import asyncio
import hashlib
import hmac
import logging
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import httpx
import orjson
import pytest

from mejora_events.sql import row
from mejora_intake.sources import KINDS
from support.servers import Postgres
from support.whole import Whole, a_whole, another_instance

WITHOUT_KEY = {"Authorization": ""}
SECRET = "what the monitor and Mejora share"
MAPPING = {
    "signals": "checks",
    "component": "service",
    "summary": "what",
    "state": {"at": "status", "firing": ["down"], "resolved": ["up"]},
    "severity": {"at": "level", "map": {"rouge": "critical"}},
    "fingerprint": "check",
    "labels": {"host": "host"},
}
BODY = {"checks": [{"service": "till", "what": "stuck", "status": "down", "level": "rouge"}]}


@pytest.fixture(scope="module")
async def intake(postgres: Postgres) -> AsyncIterator[Whole]:
    async with a_whole(postgres, "intake") as whole:
        yield whole


async def put(whole: Whole, name: str, **declared: Any) -> httpx.Response:
    return await whole.client.put(f"/intake/v1/sources/{name}", json=declared)


async def declare(whole: Whole, name: str, **declared: Any) -> dict[str, Any]:
    answer = await put(whole, name, **declared)
    assert answer.status_code == 200, answer.text
    got: dict[str, Any] = answer.json()
    return got


async def hook(whole: Whole, name: str, body: object, **given: Any) -> httpx.Response:
    return await whole.client.post(f"/intake/v1/hooks/{name}", json=body, **given)


def an_alert(instance: str, **given: Any) -> dict[str, Any]:
    labels = {"alertname": "DiskFull", "service": "files", "instance": instance, "team": "core"}
    return {"status": "firing", "labels": labels, "startsAt": "2026-03-01T11:58:00Z"} | given


def signed(body: bytes, secret: str = SECRET) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


async def test_a_monitor_that_nobody_knows_is_understood_by_its_mapping(intake: Whole) -> None:
    shown = await declare(intake, "probe.one", kind="generic", mapping=MAPPING)
    assert (shown["path"], shown["declared"]) == ("/intake/v1/hooks/probe.one", True)
    for path in ("probe.one", "Probe-One"):
        (signal,) = (await hook(intake, path, BODY)).json()["signals"]
    assert signal["disposition"] == "repeated"
    incident = await intake.get(f"/intake/v1/incidents/{signal['incident_id']}")
    assert (incident["source"], incident["component"], incident["severity"]) == (
        "probe.one",
        "till",
        "critical",
    )
    over = {"checks": [BODY["checks"][0] | {"status": "up"}]}
    (ended,) = (await hook(intake, "probe.one", over)).json()["signals"]
    assert ended["disposition"] == "restored"


async def test_a_mapping_is_tried_before_it_is_saved(intake: Whole) -> None:
    tried = await intake.post("/intake/v1/sources/try", {"mapping": MAPPING, "body": BODY})
    (signal,) = tried["signals"]
    assert (signal["component"], signal["severity"], signal["state"]) == (
        "till",
        "critical",
        "firing",
    )
    wrong = {"mapping": MAPPING | {"summary": "what["}, "body": BODY}
    answer = await intake.client.post("/intake/v1/sources/try", json=wrong)
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert error["at"] == "body.mapping.summary"
    assert "`what[` is no JMESPath expression" in error["problem"]
    unfit = await intake.post(
        "/intake/v1/sources/try", {"mapping": MAPPING | {"component": "servise"}, "body": BODY}
    )
    assert unfit["remarks"] == ["component: `servise` finds nothing"]
    assert not (await intake.client.get("/intake/v1/sources/try-out")).is_success


async def test_all_hosts_are_one_failure_when_the_rule_leaves_the_instance_out(
    intake: Whole,
) -> None:
    name = "prometheus-north"
    await declare(
        intake,
        name,
        kind="alertmanager",
        fingerprint=["labels", "-labels.instance"],
        component=["labels.region", "labels.team"],
    )
    alerts = [an_alert("a"), an_alert("b")]
    got = (await hook(intake, name, {"alerts": alerts})).json()["signals"]
    assert [s["disposition"] for s in got] == ["opened", "repeated"]
    incident = await intake.get(f"/intake/v1/incidents/{got[0]['incident_id']}")
    assert (incident["component"], incident["source"]) == ("core", name)
    dry = (await hook(intake, name, {"alerts": alerts}, params={"dry_run": "true"})).json()
    assert {s["fingerprint"] for s in dry["signals"]} == {got[0]["fingerprint"]}
    assert len({s["id"] for s in dry["signals"]}) == 2


async def test_the_rules_of_a_source_hold_for_signals_in_mejora_s_own_words_too(
    intake: Whole,
) -> None:
    await declare(
        intake, "own words", kind="alertmanager", fingerprint=["summary"], component=["labels.app"]
    )
    posted = [
        {"source": "own words", "component": c, "summary": "slow", "labels": {"app": "shop"}}
        for c in ("a", "b")
    ]
    got = (await intake.post("/intake/v1/signals", posted))["signals"]
    assert len({s["incident_id"] for s in got}) == 1
    incident = await intake.get(f"/intake/v1/incidents/{got[0]['incident_id']}")
    assert incident["component"] == "shop"
    other = [one | {"source": "other words"} for one in posted]
    got = (await intake.post("/intake/v1/signals", other))["signals"]
    assert len({s["incident_id"] for s in got}) == 2


async def test_a_kind_s_own_name_can_be_declared_and_taken_back(intake: Whole) -> None:
    before = await intake.get("/intake/v1/sources/uptime-kuma")
    assert (before["declared"], before["kind"]) == (False, "uptime_kuma")
    assert before["rules"] == [
        "fingerprint: as Uptime Kuma has it: the monitor's number, else its name; its certificate"
        " apart",
        "component: as Uptime Kuma has it",
    ]
    await declare(intake, "uptime_kuma", kind="uptime_kuma", fingerprint=["component"])
    declared = await intake.get("/intake/v1/sources/uptime-kuma")
    assert (declared["declared"], declared["fingerprint"]) == (True, ["component"])
    assert "made of component" in declared["rules"][0]
    listed = await intake.get("/intake/v1/sources")
    assert "uptime_kuma" in [source["name"] for source in listed["items"]]
    gone = await intake.client.delete("/intake/v1/sources/uptime_kuma")
    assert gone.status_code == 204
    assert not (await intake.get("/intake/v1/sources/uptime-kuma"))["declared"]
    assert (await intake.client.delete("/intake/v1/sources/uptime_kuma")).status_code == 404


@pytest.mark.parametrize(
    ("name", "declared", "status", "says"),
    [
        ("x", {"kind": "unheard-of"}, 422, "no kind of monitor is called 'unheard-of'"),
        ("x", {"kind": "generic"}, 422, "a `mapping` is what"),
        ("x", {"kind": "sentry", "mapping": MAPPING}, 422, "a `mapping` is what"),
        ("x", {"kind": "sentry", "fingerprint": ["culprit"]}, 422, "'culprit' is no field"),
        ("x", {"kind": "rollbar", "signing": {}}, 422, "rollbar does not sign by itself"),
        ("x", {"kind": "sentry", "signing": {"secret": "short"}}, 422, "at least 16"),
        ("x", {"kind": "sentry", "signing": {"scheme": {"algorithm": "md5"}}}, 422, "algorithm"),
        ("x", {"kind": "sentry", "signing": {"scheme": {"salt": 1}}}, 422, "scheme.salt"),
        ("kinds", {"kind": "sentry"}, 422, "'kinds'"),
        ("x%00y", {"kind": "sentry"}, 422, "path.name"),
        ("x", {}, 422, "kind"),
    ],
)
async def test_a_declaration_that_makes_no_sense_is_refused_with_what_to_do(
    intake: Whole, name: str, declared: dict[str, Any], status: int, says: str
) -> None:
    answer = await put(intake, name, **declared)
    assert answer.status_code == status, answer.text
    assert says in answer.json()["detail"], answer.text
    assert answer.json()["advice"]
    assert (await intake.client.get("/intake/v1/sources/x")).status_code == 404


async def test_two_spellings_of_one_path_are_one_source(intake: Whole) -> None:
    await declare(intake, "two-ways", kind="sentry")
    answer = await put(intake, "two_ways", kind="sentry")
    assert (answer.status_code, "'two-ways'" in answer.json()["detail"]) == (409, True)


async def test_who_may_only_post_or_read_declares_nothing(intake: Whole) -> None:
    for scope in ("ingest", "read"):
        key = await intake.key(scope)
        answer = await intake.client.put(
            "/intake/v1/sources/mine", json={"kind": "sentry"}, headers=key
        )
        assert answer.status_code == 403
        answer = await intake.client.post(
            "/intake/v1/sources/try", json={"mapping": MAPPING, "body": BODY}, headers=key
        )
        assert answer.status_code == 403


async def test_a_source_with_a_secret_takes_what_is_signed_and_nothing_else(
    intake: Whole, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    shown = await declare(
        intake, "signed", kind="generic", mapping=MAPPING,
        signing={"secret": SECRET, "scheme": {"header": "X-Signature", "prefix": "sha256="}},
    )  # fmt: skip
    assert (shown["has_secret"], shown["signing_secret"]) == (True, None)
    body = orjson.dumps(BODY)
    right = {"X-Signature": "sha256=" + signed(body)}
    path = "/intake/v1/hooks/signed"

    async def post(path: str = path, **headers: str) -> httpx.Response:
        return await intake.client.post(path, content=body, headers=headers)

    assert (await post(**right, **WITHOUT_KEY)).status_code == 202
    assert (await post(**right)).status_code == 202
    for headers in ({}, WITHOUT_KEY, {"X-Signature": "sha256=" + "0" * 64}):
        refused = await post(**headers)
        assert refused.status_code == 401, refused.text
        assert "signed" in refused.json()["detail"]
        assert refused.json()["advice"]
    tied = await intake.key("ingest", source="signed")
    key = tied["Authorization"].removeprefix("Bearer ")
    for other in (
        f"{path}/{key}",
        "/intake/v1/hooks/alertmanager?source=signed",
        f"/intake/v1/hooks/alertmanager/{key}",
        "/intake/api/v2/alerts?source=signed",
    ):
        assert (await post(other)).status_code == 401, other
    own = {"source": "signed", "component": "c", "summary": "s"}
    answer = await intake.client.post("/intake/v1/signals", json=own)
    assert answer.status_code == 401
    dry = await intake.client.post(path, content=body, params={"dry_run": "true"})
    assert dry.status_code == 200
    dry = await intake.client.post(
        path, content=body, params={"dry_run": "true"}, headers={**right, **WITHOUT_KEY}
    )
    assert dry.status_code == 401
    everything = [
        await intake.get("/intake/v1/sources"),
        await intake.get("/intake/v1/sources/signed"),
    ]
    assert SECRET not in str(everything)
    assert SECRET not in caplog.text


async def test_history_of_a_signed_source_needs_a_key_that_may_import_as_well(
    intake: Whole,
) -> None:
    await declare(intake, "old sentry", kind="checkly", signing={"secret": SECRET})
    body = orjson.dumps({"alert_type": "ALERT_FAILURE", "check_name": "till"})
    path = "/intake/v1/hooks/old sentry?received_at=2026-01-01T00:00:00Z"
    right = {"x-checkly-signature": signed(body)}
    for key, status in ((WITHOUT_KEY, 401), (await intake.key("ingest"), 403), ({}, 202)):
        answer = await intake.client.post(path, content=body, headers={**right, **key})
        assert answer.status_code == status, answer.text


async def test_a_secret_that_is_made_is_shown_once_and_stays_until_it_is_taken_away(
    intake: Whole,
) -> None:
    name = "pd"
    made = (await declare(intake, name, kind="pagerduty", signing={}))["signing_secret"]
    assert len(made) >= 32
    again = await declare(intake, name, kind="pagerduty", signing={}, component=["summary"])
    assert (again["has_secret"], again["signing_secret"]) == (True, None)
    body = orjson.dumps({"event": {"event_type": "pagey.ping", "data": {"message": "Hello"}}})
    right = {"X-PagerDuty-Signature": f"v1={'0' * 64},v1={signed(body, made)}"}

    async def status(**headers: str) -> int:
        path = f"/intake/v1/hooks/{name}"
        return (await intake.client.post(path, content=body, headers=headers)).status_code

    assert (await status(**right, **WITHOUT_KEY), await status()) == (202, 401)
    await declare(intake, name, kind="pagerduty", signing={"secret": SECRET})
    assert await status(**right) == 401
    await declare(intake, name, kind="pagerduty")
    assert (await status(), await status(**WITHOUT_KEY)) == (202, 401)


async def test_a_repeated_command_is_not_told_the_secret_again(intake: Whole) -> None:
    once = {"Idempotency-Key": str(uuid4())}
    path, wanted = "/intake/v1/sources/once", {"kind": "sentry", "signing": {}}
    first = await intake.client.put(path, json=wanted, headers=once)
    again = await intake.client.put(path, json=wanted, headers=once)
    assert (first.status_code, again.status_code) == (200, 409)
    runtime = intake.runtimes["intake"]
    async with runtime.store.read() as conn:
        kept = await row(
            conn, "select string_agg(cast(answer as text), '') as t from idempotency_key"
        )
    assert kept is not None
    assert first.json()["signing_secret"] not in (kept["t"] or "")


async def test_no_other_source_is_meant_at_a_declared_source_s_path(intake: Whole) -> None:
    await declare(intake, "here", kind="alertmanager")
    for source, status in (("here", 202), ("there", 422)):
        answer = await hook(intake, "here", {"alerts": []}, params={"source": source})
        assert answer.status_code == status
    tied = await intake.key("ingest", source="there")
    assert (await hook(intake, "here", {"alerts": []}, headers=tied)).status_code == 403


async def test_what_is_nested_too_deeply_is_refused_as_unreadable(intake: Whole) -> None:
    await declare(intake, "deep", kind="generic", mapping={"component": "a", "summary": "a"})
    for levels, status in ((99, 202), (101, 400), (5000, 400)):
        raw = b'{"a":' * levels + b"1" + b"}" * levels
        answer = await intake.client.post("/intake/v1/hooks/deep", content=raw)
        assert answer.status_code == status, (levels, answer.text)
        if status == 400:
            signals = await intake.client.post("/intake/v1/signals", content=raw)
            assert signals.status_code == 400
            tried = b'{"mapping": {"component": "a", "summary": "a"}, "body": ' + raw + b"}"
            answer = await intake.client.post(
                "/intake/v1/sources/try",
                content=tried,
                headers={"content-type": "application/json"},
            )
            assert answer.status_code == 400, answer.text


async def test_the_kinds_say_how_they_sign_and_generic_is_one_of_them(intake: Whole) -> None:
    kinds = {kind["name"]: kind for kind in await intake.get("/intake/v1/sources/kinds")}
    assert set(kinds) == {*KINDS, "generic"}
    assert kinds["sentry"]["signs"][0]["header"] == "Sentry-Hook-Signature"
    assert kinds["rollbar"]["signs"] == []


async def test_another_instance_knows_a_declaration_within_two_seconds(postgres: Postgres) -> None:
    async with a_whole(postgres, "intake") as one, another_instance(one) as other:
        await declare(one, "north", kind="alertmanager", fingerprint=["component"])
        await asyncio.sleep(1.5)
        got = await hook(other, "north", {"alerts": [an_alert("a"), an_alert("b")]})
        assert got.status_code == 202, got.text
        assert len({s["fingerprint"] for s in got.json()["signals"]}) == 1
        await one.client.delete("/intake/v1/sources/north")
        await asyncio.sleep(1.5)
        assert (await hook(other, "north", {"alerts": []})).status_code == 404


async def test_a_key_that_posts_more_than_its_quota_waits(postgres: Postgres) -> None:
    async with a_whole(postgres, "intake", signals_per_second_per_key=2.0) as whole:
        mine, other = await whole.key("ingest"), await whole.key("ingest")
        alerts = {"alerts": [an_alert(str(n)) for n in range(9)]}
        assert (await hook(whole, "alertmanager", alerts, headers=mine)).status_code == 202
        for path, body in (
            ("hooks/alertmanager", alerts),
            ("signals", {"source": "s", "component": "c", "summary": "s"}),
        ):
            refused = await whole.client.post(f"/intake/v1/{path}", json=body, headers=mine)
            assert refused.status_code == 429
            assert 3 <= int(refused.headers["Retry-After"]) <= 4
            assert refused.headers["RateLimit"].startswith('"signals";r=0;t=')
            assert refused.json()["advice"]
        assert (await hook(whole, "alertmanager", alerts, headers=other)).status_code == 202
        dry = await hook(whole, "alertmanager", alerts, headers=mine, params={"dry_run": "true"})
        assert dry.status_code == 200
