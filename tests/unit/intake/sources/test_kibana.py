"""What Kibana's connectors, Watcher and ElastAlert post, by their documentation."""

from datetime import UTC, datetime

import orjson
import pytest

from mejora_events.contracts.base import Severity
from mejora_intake.model import SignalState
from mejora_intake.sources.kibana import read
from mejora_intake.sources.kind import NotUnderstood
from support.messages import Expected, a_message, assert_understood


def an_alert(**given: object) -> dict[str, object]:
    return {
        "rule": {"id": "r-1", "name": "Payments fail"},
        "alert": {"id": "payments", "actionGroup": "threshold met"},
        "context": {"reason": "Errors above 5 %", "service": {"name": "payments"}},
        "severity": "high",
        "@timestamp": "2026-03-01T11:58:00.000Z",
    } | given


def test_a_rules_alert_is_understood() -> None:
    (signal,) = read(a_message(an_alert())).signals
    assert (signal.component, signal.summary) == ("payments", "Errors above 5 %")
    assert (signal.state, signal.severity) == (SignalState.FIRING, Severity.ERROR)
    assert signal.started_at == datetime(2026, 3, 1, 11, 58, tzinfo=UTC)


def test_recovery_is_the_end_of_the_same_failure() -> None:
    (active,) = read(a_message(an_alert())).signals
    recovered = an_alert(alert={"id": "payments", "actionGroup": "recovered"})
    (over,) = read(a_message(recovered)).signals
    assert over.state is SignalState.RESOLVED and over.fingerprint == active.fingerprint


def test_a_variable_counts_in_any_spelling() -> None:
    flat = {"rule.name": "Payments fail", "ruleId": "r-1", "host.name": "web01", "status": "active"}
    (signal,) = read(a_message(flat)).signals
    assert (signal.component, signal.summary) == ("web01", "Payments fail")


def test_variables_may_be_json_in_a_text() -> None:
    held = {
        "rule_info": orjson.dumps({"id": "r-1", "name": "Payments fail"}).decode(),
        "alert_info": orjson.dumps({"actionGroup": "recovered", "id": "payments"}).decode(),
    }
    named = {"rule": held["rule_info"], "alert": held["alert_info"]}
    (signal,) = read(a_message({"webhook_body": named})).signals
    assert (signal.summary, signal.state) == ("Payments fail", SignalState.RESOLVED)


def test_security_alerts_have_their_own_names() -> None:
    alert = {
        "kibana.alert.rule.name": "Brute force",
        "kibana.alert.status": "active",
        "kibana.alert.severity": "critical",
        "kibana.alert.start": "2026-03-01T11:50:00Z",
        "host": {"name": "web01"},
    }
    (signal,) = read(a_message([alert])).signals
    assert (signal.component, signal.severity) == ("web01", Severity.CRITICAL)
    assert signal.started_at == datetime(2026, 3, 1, 11, 50, tzinfo=UTC)


def test_a_summary_holds_new_and_recovered_alerts() -> None:
    alerts = {
        "new": {"count": 1, "data": [{"id": "a", "host.name": "web01"}]},
        "recovered": {"count": 1, "data": [{"id": "b", "host.name": "web02"}]},
    }
    new, over = read(a_message({"rule": {"name": "Disk"}, "alerts": alerts})).signals
    assert (new.component, new.state) == ("web01", SignalState.FIRING)
    assert (over.component, over.state) == ("web02", SignalState.RESOLVED)


def test_the_action_group_may_say_how_bad_it_is() -> None:
    warned = an_alert(severity=None, alert={"actionGroup": "metrics.threshold.warning"})
    assert read(a_message(warned)).signals[0].severity is Severity.WARNING


def test_a_watch_names_itself() -> None:
    context = {
        "watch_id": "w-1",
        "metadata": {"name": "Heap"},
        "trigger": {"triggered_time": "2026-03-01T11:58:00Z"},
    }
    (signal,) = read(a_message({"payload": context, "status": "Alert"})).signals
    assert (signal.component, signal.severity) == ("Heap", Severity.UNKNOWN)
    assert signal.started_at == datetime(2026, 3, 1, 11, 58, tzinfo=UTC)


def test_elastalert_posts_what_it_matched() -> None:
    match = {"@timestamp": "2026-03-01T11:58:00Z", "message": "500", "host": {"name": "web01"}}
    assert read(a_message(match | {"num_hits": 3})).signals[0].component == "web01"


def test_a_template_that_is_not_filled_in_tells_of_nothing() -> None:
    understood = read(a_message({"name": "{{rule.name}}", "status": "{{alert.state}}"}))
    assert understood.signals == [] and "template" in understood.remarks[0]


@pytest.mark.parametrize("body", [None, 1, "x", [], {}, {"alerts": []}, [1]])
def test_what_is_no_alert_is_refused(body: object) -> None:
    with pytest.raises(NotUnderstood, match="rule"):
        read(a_message(body))


REAL: dict[str, list[Expected]] = {"versus_kibana_0.json": []}


def test_the_real_ones_are_understood() -> None:
    assert_understood("kibana", REAL)
