"""What Azure Monitor sends, by its documentation."""

from datetime import UTC, datetime

import pytest

from mejora_events.contracts.base import Severity
from mejora_intake.model import SignalState
from mejora_intake.sources.azure_monitor import read
from mejora_intake.sources.kind import NotUnderstood
from support.messages import Expected, a_message, assert_understood


def common(context: object = None, **essentials: object) -> dict[str, object]:
    return {
        "schemaId": "azureMonitorCommonAlertSchema",
        "data": {
            "essentials": {
                "alertId": "/subscriptions/s/providers/Microsoft.AlertsManagement/alerts/a-1",
                "alertRule": "Payments are slow",
                "severity": "Sev1",
                "signalType": "Metric",
                "monitorCondition": "Fired",
                "monitoringService": "Platform",
                "alertTargetIDs": ["/subscriptions/s/resourcegroups/g/x/sites/payments"],
                "configurationItems": ["payments"],
                "firedDateTime": "2026-03-01T11:58:00.3713213Z",
                "description": "p99 above 3 s",
            }
            | essentials,
            "alertContext": context,
            "customProperties": {"team": "shop"},
        },
    }


def of_activity(source: str, level: object, **properties: object) -> dict[str, object]:
    event = {
        "eventSource": source,
        "eventTimestamp": "2026-03-01T11:40:00+00:00",
        "eventDataId": "d-1",
        "level": level,
        "operationName": "an/action",
        "resourceId": "/subscriptions/s/virtualMachines/web01",
        "properties": properties,
        "status": "Active",
    }
    return {
        "schemaId": "Microsoft.Insights/activityLogs",
        "data": {"context": {"activityLog": event}},
    }


def test_the_common_schema_is_understood() -> None:
    (signal,) = read(a_message(common())).signals
    assert (signal.component, signal.summary) == ("payments", "Payments are slow")
    assert (signal.state, signal.severity) == (SignalState.FIRING, Severity.ERROR)
    assert signal.started_at == datetime(2026, 3, 1, 11, 58, 0, 371321, tzinfo=UTC)
    assert signal.labels is not None and signal.labels["team"] == "shop"


def test_its_end_is_the_same_failure() -> None:
    told = {"monitorCondition": "Resolved", "resolvedDateTime": "2026-03-01T12:03:16Z"}
    (fired,) = read(a_message(common())).signals
    (resolved,) = read(a_message(common(**told))).signals
    assert resolved.state is SignalState.RESOLVED
    assert resolved.fingerprint == fired.fingerprint and resolved.id != fired.id
    assert resolved.started_at == fired.started_at
    assert resolved.ended_at == datetime(2026, 3, 1, 12, 3, 16, tzinfo=UTC)


@pytest.mark.parametrize(
    ("said", "severity"),
    [
        ("Sev0", Severity.CRITICAL),
        ("Sev2", Severity.WARNING),
        ("Sev3", Severity.INFO),
        ("Sev4", Severity.INFO),
        (None, Severity.UNKNOWN),
    ],
)
def test_the_scale_of_severities_is_azures(said: object, severity: Severity) -> None:
    assert read(a_message(common(severity=said))).signals[0].severity is severity


def test_without_a_thing_within_it_the_target_is_named() -> None:
    (signal,) = read(a_message(common(configurationItems=[]))).signals
    assert signal.component == "payments"
    (bare,) = read(a_message(common(configurationItems=None, alertTargetIDs=None))).signals
    assert bare.component == "Payments are slow"


def test_an_outage_of_azure_is_a_failure_of_its_service() -> None:
    told = {"service": "Virtual Machines", "trackingId": "T-1", "incidentType": "Incident"}
    times = {"impactStartTime": "2026-03-01T10:00:00Z"}
    (begun,) = read(
        a_message(of_activity("ServiceHealth", "Error", stage="Active", **told, **times))
    ).signals
    assert (begun.component, begun.severity) == ("Virtual Machines", Severity.ERROR)
    assert begun.started_at == datetime(2026, 3, 1, 10, tzinfo=UTC)
    context = {"level": 3, "properties": told | times | {"stage": "Resolved"}}
    (ended,) = read(
        a_message(common(context, monitoringService="ServiceHealth", severity="Sev4"))
    ).signals
    assert (ended.state, ended.severity) == (SignalState.RESOLVED, Severity.WARNING)
    assert ended.fingerprint == begun.fingerprint


@pytest.mark.parametrize("kind", ["Maintenance", "Informational", "ActionRequired"])
def test_notices_of_service_health_tell_of_no_failure(kind: str) -> None:
    understood = read(a_message(of_activity("ServiceHealth", "Warning", incidentType=kind)))
    assert understood.signals == [] and kind in understood.remarks[0]


def test_a_resource_is_well_again_when_its_health_says_so() -> None:
    bad = {"currentHealthStatus": "Unavailable", "title": "web01 is unavailable"}
    (ill,) = read(a_message(of_activity("ResourceHealth", "Critical", **bad))).signals
    (well,) = read(
        a_message(of_activity("ResourceHealth", "Informational", currentHealthStatus="Available"))
    ).signals
    assert (ill.component, ill.state, ill.severity) == (
        "web01",
        SignalState.FIRING,
        Severity.CRITICAL,
    )
    assert well.state is SignalState.RESOLVED and well.fingerprint == ill.fingerprint


def test_a_log_search_alert_names_what_it_found() -> None:
    (signal,) = read(
        a_message(
            {
                "AlertRuleName": "Heartbeats",
                "Severity": "2",
                "Dimensions": [{"name": "Computer", "value": "web01"}],
                "SearchIntervalEndtimeUtc": "3/1/2026 11:51:31 AM",
            }
        )
    ).signals
    assert (signal.component, signal.severity) == ("web01", Severity.WARNING)
    assert signal.started_at == datetime(2026, 3, 1, 11, 51, 31, tzinfo=UTC)


@pytest.mark.parametrize(
    "told",
    [
        {"properties": {"incidentType": "Maintenance"}},
        {"operationName": "Microsoft.ServiceHealth/maintenance/action"},
    ],
)
def test_a_services_event_is_told_by_its_name_where_its_source_is_a_number(
    told: dict[str, object],
) -> None:
    """learn.microsoft.com, sample alert payloads: ServiceHealth has `eventSource` 2."""
    body = common({"eventSource": 2, "level": 3} | told, monitoringService="ServiceHealth")
    assert not read(a_message(body)).signals


def test_a_test_of_an_action_group_tells_of_no_failure() -> None:
    """learn.microsoft.com, action groups, "Test an action group"."""
    alert = "/subscriptions/11111111-1111-1111-1111-111111111111/providers/x/alerts/1"
    body = common(alertId=alert, alertRule="test-metricAlertRule")
    assert not read(a_message(body)).signals
    assert read(a_message(common(alertRule="test-metricAlertRule"))).signals


def test_a_subscription_of_event_grid_tells_of_no_failure() -> None:
    """learn.microsoft.com, Event Grid, endpoint validation."""
    event = {"eventType": "Microsoft.EventGrid.SubscriptionValidationEvent", "data": {}}
    assert not read(a_message([event])).signals


def test_a_test_of_a_service_health_alert_has_an_incident_that_nobody_has() -> None:
    """learn.microsoft.com, sample alert payloads, test action for Service Health."""
    told = {"incidentType": "Incident", "trackingId": "TEST-TTT", "service": "Storage"}
    body = common({"eventSource": 2, "properties": told}, monitoringService="ServiceHealth")
    assert not read(a_message(body)).signals


@pytest.mark.parametrize("body", [None, 1, "x", [], {}, {"data": []}, {"data": {"context": 1}}])
def test_what_is_no_alert_is_refused(body: object) -> None:
    with pytest.raises(NotUnderstood, match="essentials"):
        read(a_message(body))


REAL = {
    "alertacontrib_classic_metric_alert_1.json": [
        Expected("mysite1", "firing", "unknown", "2015-08-14T22:26:41Z")
    ],
    "alertacontrib_classic_metric_alert_2.json": [
        Expected("helixtest1", "firing", "unknown", "2015-09-18T01:02:35Z")
    ],
    "alertacontrib_new_metric_alert_3.json": [
        Expected("diag500", "firing", "unknown", "2018-02-28T10:44:10Z")
    ],
    "alertacontrib_new_metric_alert_4.json": [
        Expected("web01", "resolved", "info", "2019-02-27T14:10:35Z")
    ],
}


def test_the_real_ones_are_understood() -> None:
    assert_understood("azure_monitor", REAL)
