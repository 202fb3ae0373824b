"""docs/walkthrough.sh goes the whole way by HTTP alone, whatever Alertmanager sent."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from support.commands import an_embedded_form, environment

ADMIN_KEY = "the-admin-key-of-the-walkthrough"
SCRIPT = Path("docs/walkthrough.sh")


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with an_embedded_form(tmp_path_factory.mktemp("walkthrough"), ADMIN_KEY) as it:
        yield it


def walk(address: str, *body: Path, key: str = ADMIN_KEY) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [SCRIPT, *body],
        env=environment(MEJORA=address, MEJORA_ADMIN_KEY=key),
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )


def a_body(folder: Path, **labels: str) -> Path:
    alert = {
        "status": "firing",
        "labels": {"alertname": "DiskFull", **labels},
        "annotations": {"summary": f"Disk of {labels['service']} is 97 % full"},
        "startsAt": "2026-03-01T12:00:00Z",
        "endsAt": "0001-01-01T00:00:00Z",
    }
    body = folder / "body.json"
    body.write_text(json.dumps({"version": "4", "status": "firing", "alerts": [alert]}))
    return body


def known(address: str, path: str, **params: str) -> Any:
    answer = httpx.get(address + path, params=params, headers={"X-Mejora-Key": ADMIN_KEY})
    assert answer.is_success, answer.text
    return answer.json()


def of_component(address: str, path: str, component: str) -> Any:
    (found,) = [it for it in known(address, path)["items"] if it["component"] == component]
    return found


def test_a_failure_goes_all_the_way_by_hand(address: str) -> None:
    walked = walk(address)
    assert walked.returncode == 0, walked.stdout + walked.stderr

    diagnosis = of_component(address, "/diagnosis/v1/diagnoses", "payments")
    assert diagnosis["priority"] == 3
    assert diagnosis["completed_at"] is not None
    assert diagnosis["owner"] == "operations"
    incident = known(address, f"/intake/v1/incidents/{diagnosis['incident_id']}")
    assert (incident["state"], incident["channel"]) == ("restored", "alternate")
    assert incident["acknowledged_by"] == "key:duty desk"

    listed = of_component(address, "/problem/v1/problems", "payments")
    problem = known(address, f"/problem/v1/problems/{listed['problem_id']}")
    assert (problem["state"], problem["opened_because"]) == ("known_error", "by_hand")
    assert [it["state"] for it in problem["actions"]] == ["done"]
    assert [it["state"] for it in problem["fixes"]] == ["held_so_far"]
    assert len(problem["root_cause"]["five_whys"]) == 2

    assert of_component(address, "/problem/v1/known-errors", "payments")["workarounds"]
    debt = of_component(address, "/problem/v1/debt", "payments")
    assert debt["principal"]["value"] == {"amount": "4000", "currency": "EUR"}
    told = known(address, "/improvement/v1/events", subject=diagnosis["incident_id"])
    assert "mejora.workaround.applied.v1" in [event["type"] for event in told["items"]]
    indicators = known(address, "/improvement/v1/indicators", component="payments")
    assert indicators["incidents"] == 1
    assert indicators["indicators"]["alternate_channel_share"]["value"] == 1.0


def test_a_critical_failure_opens_its_problem_by_rule(address: str, tmp_path: Path) -> None:
    walked = walk(address, a_body(tmp_path, service='the "ledger"', severity="critical"))
    assert walked.returncode == 0, walked.stdout + walked.stderr
    assert "opened_because: high_priority" in walked.stdout
    problem = of_component(address, "/problem/v1/problems", 'the "ledger"')
    assert problem["state"] == "known_error"


def test_it_can_be_walked_again(address: str, tmp_path: Path) -> None:
    body = a_body(tmp_path, service="walked-twice", severity="warning")
    for _ in range(2):
        walked = walk(address, body)
        assert walked.returncode == 0, walked.stdout + walked.stderr
    diagnosis = of_component(address, "/diagnosis/v1/diagnoses", "walked-twice")
    assert diagnosis["seen_before"] == 0, "the same message again is no second incident"


def test_a_refusal_is_shown_as_it_came(address: str) -> None:
    walked = walk(address, key="not-a-key")
    assert walked.returncode != 0
    assert "This key is not known" in walked.stdout + walked.stderr
