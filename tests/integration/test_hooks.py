"""What monitors post, over HTTP: every kind, every real body, and the paths that clients expect."""

import gzip
from collections.abc import AsyncIterator

import pytest

from mejora_intake.sources import KINDS
from support.messages import real_bodies
from support.real_data import REAL_DATA
from support.servers import Postgres
from support.whole import ADMIN_KEY, Whole, a_whole


@pytest.fixture(scope="module")
async def intake(postgres: Postgres) -> AsyncIterator[Whole]:
    async with a_whole(postgres, "intake") as whole:
        yield whole


async def test_the_kinds_are_listed_with_what_each_expects(intake: Whole) -> None:
    kinds = await intake.get("/intake/v1/sources/kinds")
    assert {kind["name"] for kind in kinds} >= set(KINDS)
    assert all(kind["expects"] and kind["path"].endswith(kind["name"]) for kind in kinds)


@pytest.mark.skipif(not REAL_DATA.is_dir(), reason="the real data is not there (MEJORA_REAL_DATA)")
async def test_every_real_body_is_taken_or_refused_for_a_reason(intake: Whole) -> None:
    for name in sorted(KINDS):
        for body in real_bodies(name):
            raw = body.read_bytes()
            shown = await intake.client.post(
                f"/intake/v1/hooks/{name}", content=raw, params={"dry_run": "true"}
            )
            answer = await intake.client.post(f"/intake/v1/hooks/{name}", content=raw)
            where = f"{name}/{body.name}: {answer.text}"
            assert (shown.status_code, answer.status_code) in (
                (200, 202),
                (422, 422),
                (400, 400),
            ), where
            if answer.status_code == 202:
                ids = [signal["id"] for signal in answer.json()["signals"]]
                assert len(ids) == len(shown.json()["signals"]), where
                assert ids or answer.json()["remarks"], where
            else:
                assert answer.json()["detail"], where


async def test_a_form_is_taken_as_a_form_and_kept(intake: Whole) -> None:
    answer = await intake.client.post(
        "/intake/v1/hooks/statuscake",
        data={
            "Name": "The shop",
            "Status": "Down",
            "URL": "https://shop.example",
            "StatusCode": "503",
        },
    )
    assert answer.status_code == 202, answer.text
    (signal,) = answer.json()["signals"]
    assert signal["disposition"] == "opened"


async def test_a_body_may_be_gzipped_of_another_encoding_or_almost_json(intake: Whole) -> None:
    body = '{"alerts": [{"labels": {"alertname": "Slow", "service": "Küche"}, "value": NaN}]}'
    for raw, headers in (
        (gzip.compress(body.encode()), {"Content-Encoding": "gzip"}),
        (body.encode("utf-16"), {}),
        (body.encode("latin-1"), {"Content-Type": "application/json; charset=iso-8859-1"}),
    ):
        answer = await intake.client.post(
            "/intake/v1/hooks/alertmanager?dry_run=true", content=raw, headers=headers
        )
        assert answer.status_code == 200, answer.text
        assert answer.json()["signals"][0]["component"] == "Küche"
    deep = gzip.compress(b"[" * 5000 + b"]" * 5000)
    for raw in (deep, b"\x1f\x8bno"):
        refused = await intake.client.post("/intake/v1/hooks/alertmanager", content=raw)
        assert refused.status_code == 400, refused.text


async def test_prometheus_posts_to_the_path_of_alertmanagers_api(intake: Whole) -> None:
    alert = {
        "labels": {"alertname": "TargetDown", "job": "till"},
        "annotations": {"summary": "The till is down"},
        "startsAt": "2026-03-01T12:00:00Z",
        "endsAt": "2999-03-01T12:05:00Z",
    }
    for version in ("v1", "v2"):
        answer = await intake.client.post(f"/intake/api/{version}/alerts", json=[alert])
        assert answer.status_code == 200, answer.text
        assert answer.json()["signals"][0]["incident_id"]
    over = alert | {"endsAt": "2026-03-01T12:01:00Z"}
    answer = await intake.client.post("/intake/api/v2/alerts", json=[over])
    assert answer.json()["signals"][0]["disposition"] == "restored"


async def test_the_address_alone_can_hold_the_key(intake: Whole) -> None:
    issued = await intake.post("/intake/v1/keys", {"label": "path", "scopes": ["ingest"]})
    path = f"/intake/v1/hooks/uptime_kuma/{issued['key']}"
    body = {"heartbeat": {"status": 0, "time": "2026-03-01 12:00:00"}, "monitor": {"name": "till"}}
    without = {"Authorization": ""}
    taken = await intake.client.post(path, json=body, headers=without)
    assert taken.status_code == 202, taken.text
    refused = await intake.client.post(path + "x", json=body, headers=without)
    assert refused.status_code == 401


async def test_a_basic_password_is_a_key(intake: Whole) -> None:
    body = {"heartbeat": {"status": 0, "time": "2026-03-01 12:10:00"}, "monitor": {"name": "bell"}}
    taken = await intake.client.post(
        "/intake/v1/hooks/uptime-kuma", json=body, auth=("anybody", ADMIN_KEY),
        headers={"X-Mejora-Key": ""},
    )  # fmt: skip
    assert taken.status_code == 202, taken.text


async def test_a_key_of_one_source_posts_for_no_other(intake: Whole) -> None:
    mine = await intake.key("ingest", source="north")
    body: dict[str, list[object]] = {"alerts": []}
    named = await intake.client.post(
        "/intake/v1/hooks/alertmanager", params={"source": "north"}, json=body, headers=mine
    )
    other = await intake.client.post("/intake/v1/hooks/alertmanager", json=body, headers=mine)
    assert (named.status_code, other.status_code) == (202, 403)


async def test_a_pagerduty_event_is_answered_as_pagerduty_would(intake: Whole) -> None:
    issued = await intake.post("/intake/v1/keys", {"label": "pd", "scopes": ["ingest"]})
    event = {
        "routing_key": issued["key"],
        "event_action": "trigger",
        "dedup_key": "till/1",
        "payload": {"summary": "The till is stuck", "source": "till-1", "severity": "critical"},
    }
    without = {"Authorization": ""}
    taken = await intake.client.post("/intake/v2/enqueue", json=event, headers=without)
    assert (taken.status_code, taken.json()["status"]) == (202, "success")
    assert taken.json()["dedup_key"] == "till/1"
    wrong = event | {"routing_key": "nobody's"}
    refused = await intake.client.post("/intake/v2/enqueue", json=wrong, headers=without)
    assert (refused.status_code, refused.json()["status"]) == (400, "invalid event")
    assert refused.json()["errors"]
