"""The routes of diagnosis, over HTTP, against a real PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import yaml

from mejora_diagnosis.app import SERVICE
from mejora_events.clock import SetClock
from mejora_events.contracts.fixes import FixVerified
from mejora_events.contracts.workarounds import WorkaroundPromiseMoved, WorkaroundRetired
from mejora_events.envelope import encode
from mejora_events.sql import rows
from mejora_service.host import host
from mejora_service.runtime import Runtime
from mejora_service.settings import load
from support.diagnosed import a_fix, an_incident, at, reported, tell, told

KEY = "mej_a-key-for-tests"

CATALOGUE = """\
components:
  - {name: checkout, owner: sales, depends_on: [db], criticality: 1}
  - {name: db, owner: platform, instances: 4}
processes:
  - {name: ordering, depends_on: [checkout], customers: [acme]}
customers:
  - {name: acme}
roles: [{name: sales}, {name: platform}]
"""


@pytest.fixture
async def runtime(database: str) -> Runtime:
    """The service on a fresh database, its events in the log beside it."""
    settings = load(SERVICE.settings, database_url=database, broker_url=database, admin_key=KEY)
    return Runtime(SERVICE, settings, SetClock(at(0)))


@pytest.fixture
async def http(runtime: Runtime) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the service while it runs."""
    application = host([runtime])
    async with (
        application.router.lifespan_context(application),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(application),
            base_url="http://mejora/diagnosis",
            headers={"Authorization": f"Bearer {KEY}"},
        ) as client,
    ):
        yield client


async def put(http: httpx.AsyncClient, text: str, kind: str = "application/yaml") -> Any:
    return await http.put("/v1/catalogue", content=text, headers={"Content-Type": kind})


async def published(runtime: Runtime, event_type: str) -> int:
    """Count the events of a type that were written."""
    # One statement sees one moment: between two, an event goes from the outbox to the journal.
    written = "select headers ->> 'ce_type' as type from outbox union all select type from journal"
    async with runtime.store.read() as conn:
        return [it["type"] for it in await rows(conn, written)].count(event_type)


async def diagnosed(http: httpx.AsyncClient, runtime: Runtime, number: int = 1) -> dict[str, Any]:
    """Report an incident at db and give its diagnosis."""
    incident = an_incident(number, "db", number)
    await tell(runtime.store, reported(incident))
    listed = await http.get("/v1/diagnoses", params={"incident_id": str(incident.incident_id)})
    (found,) = listed.json()["items"]
    assert isinstance(found, dict)
    return found


class TestCatalogue:
    async def test_it_is_replaced_as_a_whole_and_read_back(
        self, http: httpx.AsyncClient, runtime: Runtime
    ) -> None:
        first = (await put(http, CATALOGUE)).json()
        assert (first["version"], first["changed"], first["removed"]) == (1, 6, 0)
        again = (await put(http, CATALOGUE)).json()
        assert (again["version"], again["changed"], again["unchanged"]) == (1, 0, 6)
        shown = await http.get("/v1/catalogue", headers={"Accept": "application/yaml"})
        assert yaml.safe_load(shown.text) == (await http.get("/v1/catalogue")).json()
        assert (await put(http, shown.text)).json()["changed"] == 0
        less = CATALOGUE.replace("  - {name: acme}\n", "").replace(", customers: [acme]", "")
        assert (await put(http, less)).json()["removed"] == 1
        assert await published(runtime, "mejora.catalogue.entity-changed.v1") == 7
        assert await published(runtime, "mejora.catalogue.entity-removed.v1") == 1

    async def test_json_and_tables_are_taken_too(self, http: httpx.AsyncClient) -> None:
        edges = '{"services": ["a"], "dependencies": [{"from": "a", "to": "b"}]}'
        assert (await put(http, edges, "application/json")).json()["changed"] == 2
        assert (await put(http, "from,to\na,c\n", "text/csv")).json()["removed"] == 1
        refused = await put(http, "a,c\n", "text/csv; charset=utf-8")
        assert "line 1, the table" in refused.json()["detail"]

    async def test_what_is_wrong_is_told_with_line_and_entity_and_nothing_changes(
        self, http: httpx.AsyncClient
    ) -> None:
        await put(http, CATALOGUE)
        refused = await put(http, CATALOGUE.replace("criticality: 1", "criticality: 7"))
        assert refused.status_code == 422
        assert refused.headers["content-type"] == "application/problem+json"
        assert "line 2, component 'checkout': criticality" in refused.json()["detail"]
        assert "nothing was changed" in refused.json()["advice"]
        assert (await put(http, CATALOGUE)).json()["version"] == 1

    async def test_impact_goes_up_and_down(self, http: httpx.AsyncClient) -> None:
        await put(http, CATALOGUE)
        found = (await http.get("/v1/components/db/impact")).json()
        assert found["upwards"] == {
            "components": ["checkout"],
            "processes": ["ordering"],
            "customers": ["acme"],
            "contracts": [],
        }
        assert (found["owner"], found["listed"]) == ("platform", True)
        down = (await http.get("/v1/components/checkout/impact")).json()["downwards"]
        assert down == {"direct": ["db"], "all": ["db"]}
        assert (await http.get("/v1/components/unheard-of/impact")).status_code == 404

    async def test_a_diagnosis_is_explained_by_the_catalogue_of_its_day(
        self, http: httpx.AsyncClient, runtime: Runtime
    ) -> None:
        await put(http, CATALOGUE)
        old = await diagnosed(http, runtime)
        await put(http, "components: [{name: db, owner: storage}]")
        new = await diagnosed(http, runtime, 2)
        assert (old["catalogue_version"], new["catalogue_version"]) == (1, 2)
        of_old = {"version": old["catalogue_version"]}
        then = (await http.get("/v1/components/db/impact", params=of_old)).json()
        assert (then["owner"], then["upwards"]["customers"]) == ("platform", ["acme"])
        now = (await http.get("/v1/components/db/impact")).json()
        assert (now["owner"], now["upwards"]["customers"]) == ("storage", [])
        shown = await http.get("/v1/catalogue", params=of_old)
        assert shown.json()["customers"] == [{"name": "acme"}]
        assert (await http.get("/v1/catalogue", params={"version": 0})).json()["components"] == []

    async def test_a_version_that_never_was_is_told_with_those_that_were(
        self, http: httpx.AsyncClient
    ) -> None:
        await put(http, CATALOGUE)
        for path in ("/v1/catalogue", "/v1/components/db/impact"):
            refused = await http.get(path, params={"version": 7})
            assert refused.status_code == 404
            assert "0 to 1" in refused.json()["advice"]

    async def test_what_joined_unlisted_belongs_to_the_version_it_joined(
        self, http: httpx.AsyncClient, runtime: Runtime
    ) -> None:
        await diagnosed(http, runtime)  # nothing is in the catalogue
        await put(http, CATALOGUE)
        joined = await http.get("/v1/components/db/impact", params={"version": 0})
        assert joined.json()["listed"] is False
        assert (await http.get("/v1/components/db/impact")).json()["listed"] is True


class TestDiagnoses:
    async def test_an_incident_that_intake_publishes_is_diagnosed(
        self, http: httpx.AsyncClient, runtime: Runtime
    ) -> None:
        incident = an_incident(1, "db")
        async with asyncio.timeout(20):
            while runtime.consumer.subscriber is None:  # it makes the topics first
                await asyncio.sleep(0.05)
            await runtime.transport.producer().publish([encode(reported(incident))])
            while not (listed := (await http.get("/v1/diagnoses")).json()["items"]):
                await asyncio.sleep(0.05)
            while await published(runtime, "mejora.diagnosis.established.v1") == 0:
                await asyncio.sleep(0.05)
        assert listed[0]["incident_id"] == str(incident.incident_id)

    async def test_they_are_listed_newest_first_in_pages(
        self, http: httpx.AsyncClient, runtime: Runtime
    ) -> None:
        for number in range(1, 6):
            await diagnosed(http, runtime, number)
        page = await http.get("/v1/diagnoses", params={"limit": 3})
        rest = await http.get(page.links["next"]["url"])
        numbers = [
            int(it["incident_id"].replace("-", ""), 16)
            for it in page.json()["items"] + rest.json()["items"]
        ]
        assert numbers == [5, 4, 3, 2, 1]
        signature_id = page.json()["items"][0]["signature"]["signature_id"]
        same = await http.get("/v1/diagnoses", params={"signature_id": signature_id})
        assert len(same.json()["items"]) == 5
        assert (await http.get("/v1/diagnoses", params={"signature_id": "x"})).json()["items"] == []

    async def test_one_is_found_by_its_id(self, http: httpx.AsyncClient, runtime: Runtime) -> None:
        found = await diagnosed(http, runtime)
        shown = await http.get(f"/v1/diagnoses/{found['diagnosis_id']}")
        assert shown.json() == found
        assert (await http.get(f"/v1/diagnoses/{found['incident_id']}")).status_code == 404

    async def test_answers_complete_it(self, http: httpx.AsyncClient, runtime: Runtime) -> None:
        await put(http, CATALOGUE)
        found = await diagnosed(http, runtime)
        path = f"/v1/diagnoses/{found['diagnosis_id']}/answers"
        body = {
            "answers": [
                {"question": "what_happened", "answer": "Too many connections"},
                {"question": "How did it happen?", "unknowable": True},
                {"question": "who_else", "answer": "Nobody"},
            ],
            "answered_by": "platform",
            "answered_at": "2026-03-02T10:00:00Z",
        }
        assert (await http.post(path, json=body)).json()["completed_at"] is None
        last = {"answers": [{"question": "what_changed", "answer": "The pool's size"}]}
        done = (await http.post(path, json=last)).json()
        assert done["completed_at"] == "2026-03-02T10:00:00Z"  # the latest of the answers' times
        assert done["version"] == 3
        assert await published(runtime, "mejora.diagnosis.revised.v1") == 2

    async def test_what_waits_for_answers_can_be_asked_for(
        self, http: httpx.AsyncClient, runtime: Runtime
    ) -> None:
        await put(http, CATALOGUE)
        first, second = await diagnosed(http, runtime, 1), await diagnosed(http, runtime, 2)
        given = [{"question": it["key"], "unknowable": True} for it in first["open_questions"]]
        path = f"/v1/diagnoses/{first['diagnosis_id']}/answers"
        done = (await http.post(path, json={"answers": given})).json()
        for complete, expected in (("true", [done]), ("false", [second])):
            asked = {"complete": complete, "owner": "platform"}
            assert (await http.get("/v1/diagnoses", params=asked)).json()["items"] == expected
        assert (await http.get("/v1/diagnoses", params={"owner": "sales"})).json()["items"] == []

    @pytest.mark.parametrize(
        "body",
        [
            {"answers": []},
            {"answers": [{"question": "what_happened"}]},
            {"answers": [{"question": "how", "answer": "x", "unknowable": True}]},
            {"answers": [{"question": "whodunnit", "answer": "the butler"}]},
        ],
    )
    async def test_what_is_no_answer_is_refused(
        self, http: httpx.AsyncClient, runtime: Runtime, body: dict[str, Any]
    ) -> None:
        found = await diagnosed(http, runtime)
        refused = await http.post(f"/v1/diagnoses/{found['diagnosis_id']}/answers", json=body)
        assert refused.status_code == 422

    async def test_who_owns_it_is_known_to_the_catalogue_afterwards(
        self, http: httpx.AsyncClient, runtime: Runtime
    ) -> None:
        found = await diagnosed(http, runtime)  # nothing is in the catalogue
        other = await diagnosed(http, runtime, 3)
        body = {"answers": [{"question": "who_owns", "answer": "platform"}]}
        said = (await http.post(f"/v1/diagnoses/{found['diagnosis_id']}/answers", json=body)).json()
        assert {it["put_to"] for it in said["open_questions"][:-1]} == {"platform"}
        assert (await http.get("/v1/components/db/impact")).json()["owner"] == "platform"
        assert (await diagnosed(http, runtime, 2))["owner"] == "platform"
        told = (await http.get(f"/v1/diagnoses/{other['diagnosis_id']}")).json()
        assert (told["owner"], told["open_questions"][-1]["answer"]) == ("platform", "platform")


class TestWorkarounds:
    async def applied(
        self, http: httpx.AsyncClient, runtime: Runtime, **more: str
    ) -> httpx.Response:
        found = await diagnosed(http, runtime)
        body = {
            "description": "Read from the replica",
            "owner": "platform",
            "due_at": "2026-04-01T00:00:00Z",
            **more,
        }
        return await http.post(f"/v1/diagnoses/{found['diagnosis_id']}/workaround", json=body)

    async def test_one_is_applied_promised_again_and_retired(
        self, http: httpx.AsyncClient, runtime: Runtime
    ) -> None:
        applied = await self.applied(http, runtime, applied_at="2026-03-02T08:00:00Z")
        assert applied.status_code == 201
        made = applied.json()
        assert (made["state"], made["applied_at"]) == ("applied", "2026-03-02T08:00:00Z")
        path = f"/v1/workarounds/{made['workaround_id']}"
        moved = await http.post(f"{path}/promise", json={"due_at": "2026-05-01T00:00:00Z"})
        assert moved.json()["promise_moves"] == 1
        retired = await http.post(f"{path}/retired", json={"reason": "the fix is in"})
        assert (retired.json()["state"], retired.json()["version"]) == ("retired", 3)
        assert (await http.get(path)).json() == retired.json()
        assert (await http.post(f"{path}/failed", json={})).status_code == 409
        for event in (WorkaroundPromiseMoved, WorkaroundRetired):
            assert await published(runtime, event.TYPE) == 1

    async def test_one_that_failed_is_listed_so(
        self, http: httpx.AsyncClient, runtime: Runtime
    ) -> None:
        made = (await self.applied(http, runtime)).json()
        failed = await http.post(
            f"/v1/workarounds/{made['workaround_id']}/failed", json={"reason": "behind"}
        )
        assert failed.json()["failed_at"] == "2026-03-02T09:00:00Z"
        assert failed.json()["ended_because"] == "behind"
        listed = await http.get("/v1/workarounds", params={"state": "failed"})
        assert listed.json()["items"] == [failed.json()]

    async def test_it_needs_an_owner_and_a_date_to_be_gone_by(
        self, http: httpx.AsyncClient, runtime: Runtime
    ) -> None:
        assert (await self.applied(http, runtime, owner="")).status_code == 422
        late = await self.applied(http, runtime, due_at="2026-03-02T08:59:00Z")
        assert late.status_code == 422
        assert "not after it was applied" in late.json()["detail"]

    async def test_one_told_of_after_the_fix_was_verified_is_retired_at_once(
        self, http: httpx.AsyncClient, runtime: Runtime
    ) -> None:
        found = await diagnosed(http, runtime)
        fix = a_fix(found["signature"]["signature_id"], verified=30)
        await tell(runtime.store, told(FixVerified(fix=fix)))
        made = (await self.applied(http, runtime)).json()
        assert (made["state"], made["version"]) == ("retired", 2)

    async def test_the_same_request_twice_applies_it_once(
        self, http: httpx.AsyncClient, runtime: Runtime
    ) -> None:
        found = await diagnosed(http, runtime)
        path = f"/v1/diagnoses/{found['diagnosis_id']}/workaround"
        body = {"description": "x", "owner": "platform", "due_at": "2026-04-01T00:00:00Z"}
        sent = [await http.post(path, json=body, headers={"Idempotency-Key": "1"}) for _ in "12"]
        assert sent[0].json() == sent[1].json()
        assert [it.status_code for it in sent] == [201, 201]
        assert len((await http.get("/v1/workarounds")).json()["items"]) == 1


class TestPriorities:
    async def test_an_operator_sets_the_matrix_and_former_ones_are_kept(
        self, http: httpx.AsyncClient, runtime: Runtime
    ) -> None:
        given = (await http.get("/v1/priorities")).json()
        assert (given["version"], given["set_by"]) == (0, None)
        before = await diagnosed(http, runtime)
        wanted = {"matrix": [[1] * 5] * 4 + [[5] * 5]}
        put = await http.put("/v1/priorities", json=wanted)
        assert (put.json()["version"], put.json()["set_by"]) == (1, "key:admin")
        assert (await http.put("/v1/priorities", json=wanted)).json() == put.json()
        after = await diagnosed(http, runtime, 2)
        assert (before["priority"], after["priority"]) == (2, 1)
        assert (await http.get("/v1/priorities", params={"version": 0})).json() == given
        assert (await http.get("/v1/priorities", params={"version": 2})).status_code == 404

    @pytest.mark.parametrize(
        "matrix",
        [
            [[1] * 5] * 4,
            [[1] * 4] * 5,
            [[0] * 5] * 5,
            [[5, 4, 3, 2, 1]] * 5,
            [[2] * 5, *[[1] * 5] * 4],
            "high",
        ],
    )
    async def test_what_is_no_matrix_is_refused(self, http: httpx.AsyncClient, matrix: Any) -> None:
        refused = await http.put("/v1/priorities", json={"matrix": matrix})
        assert refused.status_code == 422
        assert refused.headers["content-type"] == "application/problem+json"


class TestTruth:
    async def test_people_say_what_turned_out_to_be_true(
        self, http: httpx.AsyncClient, runtime: Runtime
    ) -> None:
        await put(http, CATALOGUE)
        found = await diagnosed(http, runtime)
        path = f"/v1/diagnoses/{found['diagnosis_id']}/truth"
        told = {"failure_point": "DB", "same_fault": False, "told_by": "platform"}
        graded = (await http.post(path, json=told)).json()["grading"]
        assert (graded["failure_point"], graded["signature"]) == ("right", "wrong")
        assert graded["because"][0]["because"] == "platform said so"
        later = (await http.post(path, json={"failure_point": "checkout"})).json()
        assert later["grading"]["failure_point"] == "wrong"
        assert later["grading"]["signature"] == "wrong"  # that was not spoken of again
        shown = (await http.get(f"/v1/diagnoses/{found['diagnosis_id']}")).json()
        assert shown == later
        assert (await http.post(path, json={"failure_point": "checkout"})).status_code == 200

    @pytest.mark.parametrize(
        "told", [{}, {"scope": "unknown"}, {"failure_point": ""}, {"who": "x"}, {"note": "x"}]
    )
    async def test_what_says_nothing_is_refused(
        self, http: httpx.AsyncClient, runtime: Runtime, told: dict[str, Any]
    ) -> None:
        found = await diagnosed(http, runtime)
        path = f"/v1/diagnoses/{found['diagnosis_id']}/truth"
        assert (await http.post(path, json=told)).status_code == 422


async def test_changes_are_recorded_under_the_catalogues_name(
    http: httpx.AsyncClient, runtime: Runtime
) -> None:
    await put(http, CATALOGUE)
    body = {"component": "DB", "version": "v7", "changed_at": "2026-03-02T08:30:00Z"}
    made = await http.post("/v1/changes", json=body)
    assert made.status_code == 201
    assert (made.json()["component"], made.json()["changed_by"]) == ("db", "key:admin")
    bad = await http.post("/v1/changes", json={"component": "db", "version": "\x00"})
    assert bad.status_code == 422
    listed = (await http.get("/v1/changes", params={"component": "db"})).json()["items"]
    assert listed == [made.json()]
    offered = [it["answer"] for it in (await diagnosed(http, runtime))["evidence"]]
    assert "db v7 (deployment)" in offered


async def test_a_change_that_is_told_late_is_offered_all_the_same(
    http: httpx.AsyncClient, runtime: Runtime
) -> None:
    await put(http, CATALOGUE)
    found = await diagnosed(http, runtime)
    for version, when in (("v1", "2026-03-02T08:30:00Z"), ("v2", "2026-03-02T09:30:00Z")):
        body = {"component": "db", "version": version, "changed_at": when}
        assert (await http.post("/v1/changes", json=body)).status_code == 201
    now = (await http.get(f"/v1/diagnoses/{found['diagnosis_id']}")).json()
    changed = [it["answer"] for it in now["evidence"] if "changed" in it["question"]]
    assert changed == ["db v1 (deployment)"]  # the other one came after it began
    assert now["version"] == found["version"] + 1
    assert await published(runtime, "mejora.diagnosis.revised.v1") == 1


async def test_the_document_of_the_routes_is_whole(http: httpx.AsyncClient) -> None:
    paths = (await http.get("/openapi.json")).json()["paths"]
    assert set(paths["/v1/catalogue"]) == {"get", "put"}
    assert "/v1/diagnoses/{diagnosis_id}/workaround" in paths


@pytest.mark.parametrize(
    "path",
    [
        "/v1/components/%00/impact",
        "/v1/components/%00/impact?version=0",
        "/v1/components/a/impact?version=99999999999999999999",
        "/v1/catalogue?version=-1",
        "/v1/changes?component=%00",
        "/v1/diagnoses?signature_id=%00",
        "/v1/workarounds?signature_id=%00",
        "/v1/priorities?version=x",
    ],
)
async def test_what_cannot_be_asked_is_answered_as_a_problem(
    http: httpx.AsyncClient, path: str
) -> None:
    answer = await http.get(path)
    assert 400 <= answer.status_code < 500
    assert answer.headers["content-type"] == "application/problem+json"
