"""What Dynatrace's problem notifications send, by its documentation."""

import orjson
import pytest

from mejora_intake.model import Signal, SignalState
from mejora_intake.sources.dynatrace import read
from mejora_intake.sources.kind import NotUnderstood
from support.messages import NOW, a_message

DETAILS: dict[str, object] = {
    "problemId": "-42_1V2",
    "displayId": "P-2603",
    "title": "Failure rate increase",
    "impactLevel": "SERVICES",
    "severityLevel": "ERROR",
    "status": "OPEN",
    "startTime": 1772365800000,
    "endTime": -1,
    "impactedEntities": [{"entityId": {"id": "SERVICE-1", "type": "SERVICE"}, "name": "orders"}],
}


def a_problem(**given: object) -> dict[str, object]:
    return {
        "ProblemID": "P-2603",
        "PID": "-42_1V2",
        "State": "OPEN",
        "ProblemTitle": "Failure rate increase",
        "ProblemSeverity": "ERROR",
        "ProblemImpact": "SERVICE",
        "ProblemURL": "https://acme.live.dynatrace.com/#problems/problemdetails;pid=-42",
        "ImpactedEntities": [{"type": "SERVICE", "name": "orders", "entity": "SERVICE-1"}],
        "ImpactedEntity": "Failure rate increase on orders",
        "Tags": "shop, production",
    } | given


def only(body: object) -> Signal:
    (signal,) = read(a_message(body)).signals
    return signal


def test_an_open_problem_is_a_failure_of_what_it_has_an_impact_on() -> None:
    signal = only(a_problem())
    assert (signal.component, signal.summary) == ("orders", "Failure rate increase")
    assert (signal.state.value, signal.severity.value) == ("firing", "error")
    assert (signal.fingerprint, signal.started_at) == ("-42_1V2", NOW)
    assert [link.text for link in signal.links] == ["problem"]


@pytest.mark.parametrize("details", [DETAILS, orjson.dumps(DETAILS).decode()])
def test_the_problem_says_when_it_began_and_ended(details: object) -> None:
    signal = only(a_problem(ProblemDetailsJSONv2=details))
    assert signal.started_at.isoformat() == "2026-03-01T11:50:00+00:00"
    ended = DETAILS | {"endTime": 1772366100000}
    resolved = only(a_problem(State="RESOLVED", ProblemDetailsJSON=ended))
    assert resolved.state is SignalState.RESOLVED
    assert resolved.fingerprint == signal.fingerprint and resolved.id != signal.id
    assert resolved.ended_at is not None and resolved.ended_at.minute == 55


@pytest.mark.parametrize(("status", "state"), [("OPEN", "firing"), ("CLOSED", "resolved")])
def test_the_problem_may_be_all_there_is(status: str, state: str) -> None:
    signal = only(DETAILS | {"status": status})
    assert (signal.component, signal.state.value) == ("orders", state)
    assert signal.fingerprint == only(a_problem()).fingerprint


def test_a_problem_of_the_first_api_may_be_all_there_is() -> None:
    problem = {
        "id": "-42_1V1",
        "displayName": "2603",
        "status": "OPEN",
        "startTime": 1772365800000,
        "severityLevel": "AVAILABILITY",
        "rankedEvents": [{"entityName": "orders", "eventType": "SERVICE_ERROR_RATE"}],
    }
    signal = only(problem)
    assert (signal.component, signal.summary) == ("orders", "SERVICE_ERROR_RATE")
    assert signal.severity.value == "critical"


@pytest.mark.parametrize(
    ("said", "severity"),
    [
        ("AVAILABILITY", "critical"),
        ("ERROR", "error"),
        ("PERFORMANCE", "warning"),
        ("RESOURCE_CONTENTION", "warning"),
        ("CUSTOM_ALERT", "info"),
        ("", "unknown"),
    ],
)
def test_severity_is_the_level(said: str, severity: str) -> None:
    assert only(a_problem(ProblemSeverity=said)).severity.value == severity


@pytest.mark.parametrize(
    ("given", "component"),
    [
        ({"ImpactedEntityNames": "orders, billing"}, "orders"),
        ({"NamesOfImpactedEntities": '["billing"]'}, "billing"),
        ({}, "orders"),
        ({"ImpactedEntity": None}, "Failure rate increase"),
    ],
)
def test_what_failed_without_a_list_of_entities(given: dict[str, object], component: str) -> None:
    assert only(a_problem(ImpactedEntities=None, **given)).component == component


@pytest.mark.parametrize(
    "given",
    [
        {"State": "MERGED"},
        {"State": None},
        {"ProblemTitle": "Dynatrace problem notification test run"},
    ],
)
def test_merged_problems_and_tests_tell_of_no_failure(given: dict[str, object]) -> None:
    understood = read(a_message(a_problem(**given)))
    assert not understood.signals and understood.remarks


@pytest.mark.parametrize(
    ("told", "component"),
    [
        ("Failure rate increase on Web service orders", "orders"),
        ("CPU saturation on Host web 01", "web 01"),
        ("web01, orders", "web01"),
        ("multiple", "Failure rate increase"),
    ],
)
def test_what_it_has_an_impact_on_may_be_words(told: str, component: str) -> None:
    """docs.dynatrace.com, webhook integration, {ImpactedEntity}."""
    assert only(a_problem(ImpactedEntities=[], ImpactedEntity=told)).component == component


def test_a_problem_that_is_open_ends_at_minus_one() -> None:
    """docs.dynatrace.com, problems API v2, `endTime`."""
    assert only(a_problem(State="RESOLVED", ProblemDetailsJSONv2=DETAILS)).ended_at is None


def test_a_workflow_passes_on_the_problems_record() -> None:
    """docs.dynatrace.com, semantic dictionary, Davis problems."""
    record = {
        "display_id": "P-2603",
        "event.status": "ACTIVE",
        "event.name": "Failure rate increase",
        "event.category": "ERROR",
        "event.start": "2026-03-01T11:50:00.000000000Z",
        "affected_entity_names": ["orders", "billing"],
    }
    signal = only(record)
    assert (signal.component, signal.severity.value) == ("orders", "error")
    assert signal.started_at.minute == 50 and signal.fingerprint == "P-2603"
    over = only(record | {"event.status": "CLOSED", "event.end": "2026-03-01T11:55:00Z"})
    assert over.ended_at is not None and over.ended_at.minute == 55


def test_placeholders_may_lie_deeper_and_under_other_names() -> None:
    """docs.dynatrace.com, webhook integration: the payload's names are the customer's."""
    inner: dict[str, object] = {"problemId": "P-2603", "problemTitle": "Slow"}
    inner |= {"severityLevel": "PERFORMANCE"}
    inner |= {"status": "OPEN", "affectedEntities": [{"name": "orders"}]}
    signal = only({"event_type": "anomaly", "client_payload": inner})
    assert (signal.component, signal.severity.value) == ("orders", "warning")
    assert only({"eventType": "OPEN", "problemTitle": "Slow"}).component == "Slow"


@pytest.mark.parametrize("body", [None, [], "text", {}, {"State": "OPEN"}])
def test_what_is_no_notification_is_refused(body: object) -> None:
    with pytest.raises(NotUnderstood):
        read(a_message(body))
