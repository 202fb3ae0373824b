"""What turned out to be true grades diagnoses, against a real PostgreSQL."""

from collections.abc import AsyncIterator
from itertools import permutations

import pytest
from sqlalchemy.ext.asyncio import create_async_engine

from mejora_diagnosis.app import SERVICE
from mejora_diagnosis.model.signature import sign
from mejora_events.clock import SetClock
from mejora_events.contracts.base import EventData
from mejora_events.contracts.diagnoses import DiagnosisRevised, Grading, Mark, ScopeKind
from mejora_events.contracts.fixes import FixRegressed, FixState, FixVerified
from mejora_events.contracts.incidents import IncidentClosed
from mejora_events.contracts.problems import ProblemRecurred, ProblemRootCauseEstablished
from mejora_events.envelope import Event
from mejora_events.store import Store
from mejora_service.migrate import upgrade
from support.diagnosed import (
    a_fix,
    a_problem,
    an_incident,
    at,
    diagnosis_of,
    emitted,
    put_catalogue,
    reported,
    tell,
    the_shop,
    told,
)

NAMED = {"instance": "db-0"}


@pytest.fixture
async def store(database: str) -> AsyncIterator[Store]:
    """A store with the service's tables in it, and the shop in its catalogue."""
    engine = create_async_engine(database)
    await upgrade(engine, SERVICE.migrations)
    made = Store(engine, SERVICE.name, SetClock(at(0)))
    await put_catalogue(made, the_shop())
    yield made
    await engine.dispose()


async def grading_of(store: Store, number: int) -> Grading | None:
    return (await diagnosis_of(store, number)).grading


async def signature_of(store: Store, number: int) -> str:
    return (await diagnosis_of(store, number)).signature.signature_id


async def test_an_established_cause_marks_the_diagnoses_of_its_fault(store: Store) -> None:
    await tell(store, reported(an_incident(1, "db", labels=NAMED)))
    await tell(store, reported(an_incident(2, "db", 30, labels=NAMED)))
    await tell(store, reported(an_incident(3, "db", 90, labels=NAMED)))
    signature_id = await signature_of(store, 1)
    cause = a_problem(
        signature_id, cause="too few", failure_point="Postgres-Main", scope=ScopeKind.GENERALISED
    )
    await tell(store, told(ProblemRootCauseEstablished(problem=cause), at(60)))

    graded = await grading_of(store, 1)
    assert graded is not None
    assert (graded.failure_point, graded.scope) == (Mark.RIGHT, Mark.WRONG)
    assert (graded.signature, graded.graded_at) == (Mark.RIGHT, at(60))
    assert graded == await grading_of(store, 2)
    assert await grading_of(store, 3) is None  # reported after it was established
    said = await emitted(store, DiagnosisRevised)
    assert [it.revised for it in said] == [("grading",), ("grading",)]
    assert {it.revised_at for it in said} == {at(60)}


async def test_the_same_cause_told_again_says_nothing_new(store: Store) -> None:
    await tell(store, reported(an_incident(1, "db")))
    cause = a_problem(await signature_of(store, 1), cause="too few", failure_point="cart")
    await tell(store, told(ProblemRootCauseEstablished(problem=cause)))
    again = cause.model_copy(update={"version": 2, "incidents": 2})
    await tell(
        store, told(ProblemRecurred(problem=again, incident_id=an_incident(1, "db").incident_id))
    )
    assert len(await emitted(store, DiagnosisRevised)) == 1
    corrected = a_problem(again.signature_id, cause="too few", failure_point="db", version=3)
    await tell(store, told(ProblemRootCauseEstablished(problem=corrected)))
    graded = await grading_of(store, 1)
    assert graded is not None
    assert graded.failure_point is Mark.RIGHT


async def test_a_verified_fix_proves_where_it_was_until_it_regresses(store: Store) -> None:
    await tell(store, reported(an_incident(1, "db")))
    fix = a_fix(await signature_of(store, 1), verified=60)
    await tell(store, told(FixVerified(fix=fix)))
    graded = await grading_of(store, 1)
    assert graded is not None
    assert (graded.failure_point, graded.signature) == (Mark.RIGHT, Mark.RIGHT)
    assert "db-42" in graded.because[0].because
    regressed = fix.model_copy(update={"version": 4, "state": FixState.REGRESSED})
    await tell(store, told(FixRegressed(fix=regressed)))
    assert await grading_of(store, 1) is None


async def test_what_was_merged_shows_whether_one_fault_had_two_signatures(store: Store) -> None:
    same = an_incident(2, "db", 1)
    other = an_incident(3, "db", 2, summary="The disk is full")
    await tell(store, reported(an_incident(1, "db")), reported(same), reported(other))
    for number, incident in ((2, same), (3, other)):
        merged = incident.model_copy(
            update={"version": 2, "merged_into": an_incident(1, "db").incident_id}
        )
        await tell(store, told(IncidentClosed(incident=merged, by="ops"), at(number)))
    right, wrong = await grading_of(store, 2), await grading_of(store, 3)
    assert right is not None and wrong is not None
    assert (right.signature, wrong.signature) == (Mark.RIGHT, Mark.WRONG)
    assert await grading_of(store, 1) is None


async def test_what_was_split_off_with_the_same_signature_had_a_wrong_one(store: Store) -> None:
    first = an_incident(1, "db")
    split = an_incident(2, "db", 1).model_copy(update={"split_from": first.incident_id})
    far = an_incident(3, "db", 2, summary="The disk is full").model_copy(
        update={"split_from": first.incident_id}
    )
    await tell(store, reported(first), reported(split), reported(far))
    graded = await grading_of(store, 2)
    assert graded is not None
    assert graded.signature is Mark.WRONG
    assert await grading_of(store, 3) is None


async def test_every_order_of_events_ends_in_the_same_grading(store: Store) -> None:
    """Reports, the cause and the merge, in all orders that can be."""
    found = []
    for round_, order in enumerate(permutations("abcd")):
        component = f"part-{round_}"
        first, second = (
            an_incident(100 + 10 * round_ + n, component, n, labels={"pod": f"p{n}"})
            for n in (1, 2)
        )
        second = second.model_copy(update={"summary": "It is slow"})
        signature_id = sign(component, "It does not answer").signature_id
        cause = a_problem(
            signature_id, cause="x", failure_point="db", number=9_000 + round_
        ).model_copy(update={"component": component})
        merged = second.model_copy(update={"version": 2, "merged_into": first.incident_id})
        events: dict[str, Event[EventData]] = {
            "a": reported(first),
            "b": reported(second),
            "c": told(ProblemRootCauseEstablished(problem=cause), at(60)),
            "d": told(IncidentClosed(incident=merged, by="ops"), at(30)),
        }
        for which in order:
            await tell(store, events[which])
        found.append(
            [
                (graded.failure_point, graded.signature, graded.graded_at) if graded else None
                for graded in [
                    await grading_of(store, it) for it in (101 + 10 * round_, 102 + 10 * round_)
                ]
            ]
        )
    assert all(it == found[0] for it in found)
    assert found[0] == [
        (Mark.WRONG, Mark.RIGHT, at(60)),
        (None, Mark.WRONG, at(30)),
    ]
