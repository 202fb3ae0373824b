"""One failure at many places, told by people and monitors: how far it reaches is said anew."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from support.servers import Postgres
from support.whole import Whole, a_whole, another_instance

CATALOGUE = """
components:
  - {name: till, sites: 4, owner: shops}
  - {name: app, users: 1000, owner: shops}
  - {name: gate, instances: 300, owner: shops}
"""


@pytest.fixture(scope="module")
async def whole(postgres: Postgres) -> AsyncIterator[Whole]:
    async with a_whole(postgres, "intake", "diagnosis") as whole:
        answer = await whole.client.put(
            "/diagnosis/v1/catalogue",
            content=CATALOGUE,
            headers={"Content-Type": "application/yaml"},
        )
        assert answer.is_success, answer.text
        yield whole


async def reported(whole: Whole, component: str, **given: Any) -> Any:
    report = {"component": component, "summary": f"The {component} is dead"} | given
    return (await whole.post("/intake/v1/reports", report))["signals"][0]


async def incident_of(whole: Whole, answer: Any) -> Any:
    return await whole.get(f"/intake/v1/incidents/{answer['incident_id']}")


async def scope_once(whole: Whole, answer: Any, affected: int) -> Any:
    """Give the scope once so many are affected."""
    path = "/diagnosis/v1/diagnoses"
    async with asyncio.timeout(30):
        while True:
            found = await whole.get(path, incident_id=answer["incident_id"])
            for diagnosis in found["items"]:
                if diagnosis["scope"]["affected"] == affected:
                    return diagnosis["scope"]
            await asyncio.sleep(0.05)


async def test_reports_in_the_same_words_from_other_sites_widen_what_was_said(
    whole: Whole,
) -> None:
    first = await reported(whole, "till", site="Madrid")
    assert (await scope_once(whole, first, 1))["kind"] == "bounded"
    second = await reported(whole, "till", site="Vigo")
    assert second["incident_id"] == first["incident_id"]
    assert second["rule"] == "its incident is open; it fails elsewhere too"
    scope = await scope_once(whole, first, 2)
    assert (scope["could_be_affected"], scope["unit"]) == (4, "sites")
    for _ in range(3):
        again = await reported(whole, "till", site="Vigo")
        assert (again["disposition"], again["rule"]) == ("repeated", "its incident is open")
    incident = await incident_of(whole, first)
    assert (incident["occurrences"], incident["version"]) == (5, 2)
    assert incident["elsewhere"] == [{"instance": "", "site": "Vigo", "users": 0}]
    for site in ("Lugo", "Soria"):
        await reported(whole, "till", site=site)
    assert (await scope_once(whole, first, 4))["kind"] == "generalised"


async def test_more_people_widen_it_and_fewer_do_not(whole: Whole) -> None:
    first = await reported(whole, "app", affected_users=20)
    await scope_once(whole, first, 20)
    await reported(whole, "app", affected_users=10)
    await reported(whole, "app", affected_users=700)
    assert (await scope_once(whole, first, 700))["kind"] == "generalised"


async def test_two_instances_that_learn_of_places_at_once_keep_all_of_them(whole: Whole) -> None:
    first = await reported(whole, "gate")
    async with another_instance(whole) as other:
        signals = [
            {
                "source": "probe",
                "fingerprint": "gates",
                "component": "gate",
                "summary": "It is shut",
                "labels": {"instance": f"gate-{number % 60}"},
            }
            for number in range(240)
        ]
        answers = await asyncio.gather(
            *(
                (whole, other)[number % 2].post("/intake/v1/signals", signals[number::12])
                for number in range(12)
            )
        )
    assert {it["incident_id"] for answer in answers for it in answer["signals"]} == {
        first["incident_id"]
    }
    incident = await incident_of(whole, first)
    assert incident["occurrences"] == 241
    entries = [it for it in incident["timeline"] if "elsewhere" in it["note"]]
    assert len(entries) <= 12, "each post tells once that it is wider"
    found = sorted(it["instance"] for it in incident["elsewhere"])
    assert found == sorted(f"gate-{number}" for number in range(60))
    assert (await scope_once(whole, first, 60))["could_be_affected"] == 300
