"""What AppDynamics sends, by its documentation of templating variables."""

from datetime import UTC, datetime

import pytest

from mejora_events.contracts.base import Severity
from mejora_intake.model import SignalState
from mejora_intake.sources.appdynamics import read
from mejora_intake.sources.kind import NotUnderstood
from support.messages import Expectations, a_message, assert_understood


def an_event(**given: object) -> dict[str, object]:
    return {
        "event_name": "Health Rule Violation Started - Critical",
        "event_type": "POLICY_OPEN_CRITICAL",
        "event_time": "Sun Mar 01 11:58:00 UTC 2026",
        "severity": "ERROR",
        "app_name": "Shop",
        "tier_name": "orders",
        "node_name": "${latestEvent.node.name}",
        "health_rule_name": "Response time",
        "incident_id": "26",
        "event_message": "It is <b>too slow</b>.",
        "event_deep_link": "https://appd.example/#incident=26",
    } | given


def test_a_health_rule_that_is_violated_is_firing() -> None:
    (signal,) = read(a_message(an_event())).signals
    assert (signal.component, signal.state) == ("orders", SignalState.FIRING)
    assert signal.summary == "Health Rule Violation Started - Critical: Response time"
    assert signal.description == "It is too slow ."
    assert signal.severity is Severity.CRITICAL
    assert signal.started_at == datetime(2026, 3, 1, 11, 58, tzinfo=UTC)
    assert signal.fingerprint == "26"
    assert signal.labels is not None and "node" not in signal.labels


def test_details_within_another_products_event_are_the_event() -> None:
    """docs.appdynamics.com, HTTP request templates: made for PagerDuty, for instance."""
    told = {"event_type": "trigger", "incident_key": "n1", "client": "AppDynamics"}
    (signal,) = read(a_message(told | {"details": an_event()})).signals
    assert (signal.component, signal.state) == ("orders", SignalState.FIRING)
    assert signal.severity is Severity.CRITICAL


@pytest.mark.parametrize("kind", ["TIER_DISCOVERED", "NODE_DISCOVERED", "APPLICATION_DEPLOYMENT"])
def test_what_is_discovered_or_deployed_is_no_failure(kind: str) -> None:
    """docs.appdynamics.com, events reference."""
    assert not read(a_message(an_event(event_type=kind, severity="INFO"))).signals


def test_a_synthetic_check_that_is_healthy_has_ended() -> None:
    """docs.appdynamics.com, events reference: EUM_CLOUD_SYNTHETIC_HEALTHY_EVENT."""
    told = an_event(event_type="EUM_CLOUD_SYNTHETIC_HEALTHY_EVENT", severity="INFO")
    assert read(a_message(told)).signals[0].state is SignalState.RESOLVED


@pytest.mark.parametrize("kind", ["POLICY_CLOSE_CRITICAL", "POLICY_CANCELED_WARNING"])
def test_the_end_of_a_violation_ends_the_same_failure(kind: str) -> None:
    (signal,) = read(a_message(an_event(event_type=kind, severity="INFO"))).signals
    assert (signal.state, signal.fingerprint) == (SignalState.RESOLVED, "26")
    assert signal.ended_at == datetime(2026, 3, 1, 11, 58, tzinfo=UTC)


@pytest.mark.parametrize(
    ("kind", "severity"),
    [
        ("POLICY_OPEN_WARNING", Severity.WARNING),
        ("POLICY_UPGRADED", Severity.CRITICAL),
        ("POLICY_DOWNGRADED", Severity.WARNING),
        ("POLICY_CONTINUES_CRITICAL", Severity.CRITICAL),
        ("APPLICATION_ERROR", Severity.CRITICAL),
    ],
)
def test_the_event_type_tells_how_bad_it_is(kind: str, severity: Severity) -> None:
    (signal,) = read(a_message(an_event(event_type=kind, event_name=""))).signals
    assert (signal.state, signal.severity) == (SignalState.FIRING, severity)


def test_nested_variables_say_the_same() -> None:
    event = {
        "eventType": "POLICY_OPEN_WARNING",
        "eventTime": 1772366280000,
        "application": {"name": "Shop"},
        "incident": {"id": 26},
        "severity": "WARN",
    }
    (signal,) = read(a_message({"latestEvent": event, "policy": {"name": "Ops"}})).signals
    assert (signal.component, signal.fingerprint) == ("Shop", "26")
    assert signal.severity is Severity.WARNING
    assert signal.started_at == datetime(2026, 3, 1, 11, 58, tzinfo=UTC)


def test_without_fields_for_it_the_words_name_what_failed() -> None:
    problem = "AppDynamics has detected a problem with Application <b>Shop</b>."
    words = problem + "<br><b>CPU</b> {} violating"
    name = "Health Rule Violation {} - Critical"
    started, ended = (
        {
            "name": name.format(verb.title()),
            "severity": severity,
            "message": words.format(verb),
            "event_id": verb,
        }
        for verb, severity in (("started", "ERROR"), ("ended", "INFO"))
    )
    one, two = (read(a_message(body)).signals[0] for body in (started, ended))
    assert (one.component, one.state) == ("Shop", SignalState.FIRING)
    assert two.state is SignalState.RESOLVED and two.fingerprint == one.fingerprint


def test_each_event_of_a_list_is_a_signal_and_a_bad_one_loses_no_other() -> None:
    understood = read(a_message({"events": [3, an_event()], "policy": "Ops"}))
    assert len(understood.signals) == 1 and "events.0" in understood.remarks[0]


def test_a_deployment_is_remarked_on() -> None:
    understood = read(a_message(an_event(event_type="APPLICATION_DEPLOYMENT")))
    assert not understood.signals and "DEPLOYMENT" in understood.remarks[0]


@pytest.mark.parametrize("body", [{}, [], None, {"name": "x"}, {"application": {"name": "Shop"}}])
def test_what_is_no_event_is_refused(body: object) -> None:
    with pytest.raises(NotUnderstood):
        read(a_message(body))


REAL: Expectations = {}


def test_the_real_ones_are_understood() -> None:
    assert_understood("appdynamics", REAL)
