"""What CloudWatch and others publish by SNS and EventBridge, by AWS's documentation."""

from datetime import UTC, datetime

import orjson
import pytest

from mejora_events.contracts.base import Severity
from mejora_intake.model import SignalState
from mejora_intake.sources.aws_cloudwatch_sns import read
from mejora_intake.sources.kind import NotUnderstood
from support.messages import Expected, a_message, assert_understood


def an_alarm(**given: object) -> dict[str, object]:
    return {
        "AlarmName": "payments-5xx",
        "AlarmDescription": "Payments answer with errors",
        "AWSAccountId": "1",
        "NewStateValue": "ALARM",
        "NewStateReason": "Threshold Crossed",
        "StateChangeTime": "2026-03-01T11:58:00.123+0000",
        "Region": "EU (Ireland)",
        "AlarmArn": "arn:aws:cloudwatch:eu-west-1:1:alarm:payments-5xx",
        "OldStateValue": "OK",
        "Trigger": {
            "MetricName": "Errors",
            "Namespace": "AWS/Lambda",
            "Dimensions": [
                {"name": "Resource", "value": "payments:live"},
                {"name": "FunctionName", "value": "payments"},
            ],
        },
    } | given


def an_envelope(message: object, **given: object) -> dict[str, object]:
    return {
        "Type": "Notification",
        "MessageId": "m-1",
        "TopicArn": "arn:aws:sns:eu-west-1:1:alarms",
        "Message": message if isinstance(message, str) else orjson.dumps(message).decode(),
        "Timestamp": "2026-03-01T11:58:01Z",
    } | given


def a_change(now: str, before: str) -> dict[str, object]:
    metric = {"namespace": "AWS/Lambda", "dimensions": {"FunctionName": "payments"}}
    return {
        "id": "e-1",
        "detail-type": "CloudWatch Alarm State Change",
        "source": "aws.cloudwatch",
        "account": "1",
        "time": "2026-03-01T12:10:00Z",
        "region": "eu-west-1",
        "resources": ["arn:aws:cloudwatch:eu-west-1:1:alarm:payments-5xx"],
        "detail": {
            "alarmName": "payments-5xx",
            "state": {"value": now, "timestamp": "2026-03-01T12:10:00.000+0000"},
            "previousState": {"value": before, "timestamp": "2026-03-01T11:58:00.000+0000"},
            "configuration": {"metrics": [{"id": "m", "metricStat": {"metric": metric}}]},
        },
    }


def test_an_alarm_in_an_envelope_is_understood() -> None:
    (signal,) = read(a_message(an_envelope(an_alarm()))).signals
    assert (signal.component, signal.summary) == ("payments", "payments-5xx")
    assert (signal.state, signal.severity) == (SignalState.FIRING, Severity.UNKNOWN)
    assert signal.started_at == datetime(2026, 3, 1, 11, 58, 0, 123000, tzinfo=UTC)
    assert signal.labels is not None and signal.labels["FunctionName"] == "payments"


def test_raw_delivery_and_eventbridge_say_the_same() -> None:
    first = read(a_message(an_envelope(an_alarm()))).signals[0]
    raw = read(a_message(an_alarm())).signals[0]
    (change,) = read(a_message(a_change("OK", "ALARM"))).signals
    assert raw.id == first.id
    assert change.fingerprint == first.fingerprint and change.component == "payments"
    assert change.state is SignalState.RESOLVED
    assert change.started_at == datetime(2026, 3, 1, 11, 58, tzinfo=UTC)
    assert change.ended_at == datetime(2026, 3, 1, 12, 10, tzinfo=UTC)


def test_an_alarm_without_data_says_nothing_of_a_failure() -> None:
    understood = read(a_message(an_alarm(NewStateValue="INSUFFICIENT_DATA")))
    assert understood.signals == [] and "INSUFFICIENT_DATA" in understood.remarks[0]


def test_several_metrics_name_what_they_measure() -> None:
    dimensions = [{"name": "QueueName", "value": "orders"}]
    metrics = [{"Expression": "a/b"}, {"MetricStat": {"Metric": {"Dimensions": dimensions}}}]
    (signal,) = read(a_message(an_alarm(Trigger={"Metrics": metrics}))).signals
    assert signal.component == "orders"


@pytest.mark.parametrize("kind", ["SubscriptionConfirmation", "UnsubscribeConfirmation"])
def test_a_confirmation_tells_of_no_failure(kind: str) -> None:
    understood = read(a_message(an_envelope("You have chosen…", Type=kind, Token="t")))
    assert (understood.signals, understood.remarks) == ([], ["a subscription's confirmation"])


@pytest.mark.parametrize(
    ("event", "firing"),
    [
        ("autoscaling:EC2_INSTANCE_LAUNCH", False),
        ("autoscaling:EC2_INSTANCE_LAUNCH_ERROR", True),
        ("autoscaling:TEST_NOTIFICATION", False),
    ],
)
def test_scaling_that_fails_is_a_failure_of_the_group(event: str, firing: bool) -> None:
    told = {"Event": event, "AutoScalingGroupName": "web", "StartTime": "2026-03-01T11:00:00Z"}
    signals = read(a_message(an_envelope(told))).signals
    assert [signal.component for signal in signals] == (["web"] if firing else [])


def test_a_finding_is_as_severe_as_its_number() -> None:
    detail = {"type": "Recon:EC2/Portscan", "severity": 7.5, "id": "f-1", "title": "Scanned"}
    event = {"detail-type": "GuardDuty Finding", "detail": detail}
    (signal,) = read(a_message(event)).signals
    assert (signal.component, signal.severity) == ("EC2", Severity.ERROR)


def test_findings_of_security_hub_and_inspector_name_their_resource() -> None:
    hub = {
        "Id": "f-1",
        "Title": "Port 22 is open",
        "Severity": {"Label": "HIGH"},
        "Resources": [{"Type": "AwsEc2Instance", "Id": "arn:aws:ec2:eu-west-1:1:instance/i-1"}],
        "FirstObservedAt": "2026-03-01T11:00:00Z",
    }
    passed = hub | {"Compliance": {"Status": "PASSED"}}
    event = {"detail-type": "Security Hub Findings - Imported"}
    begun, over = read(a_message(event | {"detail": {"findings": [hub, passed]}})).signals
    assert (begun.component, begun.severity) == ("i-1", Severity.ERROR)
    assert over.state is SignalState.RESOLVED and over.fingerprint == begun.fingerprint
    found = {"findingArn": "f-2", "severity": "MEDIUM", "status": "ACTIVE", "title": "CVE"}
    (inspected,) = read(
        a_message({"detail-type": "Inspector2 Finding", "detail": found | {"resources": []}})
    ).signals
    assert (inspected.component, inspected.severity) == ("Inspector2", Severity.WARNING)


@pytest.mark.parametrize(
    ("detail", "component"),
    [
        ({"jobName": "nightly", "state": "FAILED"}, "nightly"),
        ({"jobName": "nightly", "state": "SUCCEEDED"}, None),
        ({"document-name": "Patch", "status": "TimedOut"}, "Patch"),
        ({"SourceIdentifier": "orders-db", "EventCategories": ["failure"]}, "orders-db"),
    ],
)
def test_an_event_is_a_failure_when_something_did_not_succeed(
    detail: dict[str, object], component: str | None
) -> None:
    event = {"detail-type": "A State Change", "time": "2026-03-01T11:58:00Z", "detail": detail}
    signals = read(a_message(event)).signals
    assert [signal.component for signal in signals] == ([component] if component else [])


def test_a_database_that_failed_says_so_in_its_message() -> None:
    told = {
        "Event Source": "db-instance",
        "Event Time": "2026-03-01 11:58:00.091",
        "Source ID": "orders-db",
        "Event Message": "The DB instance failed due to storage.",
    }
    (signal,) = read(a_message(an_envelope(told))).signals
    assert signal.component == "orders-db"
    assert signal.started_at == datetime(2026, 3, 1, 11, 58, 0, 91000, tzinfo=UTC)


def test_what_was_put_in_a_bucket_tells_of_no_failure() -> None:
    record = {"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "s3": {}}
    assert read(a_message({"Records": [record]})).signals == []


@pytest.mark.parametrize(
    ("dimensions", "component"),
    [
        ({"ImageId": "ami-1", "InstanceId": "i-1", "InstanceType": "t3"}, "i-1"),
        ({"path": "/", "AutoScalingGroupName": "asg", "InstanceId": "i-1", "fstype": "xfs"}, "i-1"),
        ({"path": "/", "host": "web01", "device": "xvda1"}, "web01"),
        ({"EngineName": "mysql", "DBInstanceIdentifier": "orders"}, "orders"),
    ],
)
def test_what_is_measured_is_a_thing_not_a_property_of_it(
    dimensions: dict[str, str], component: str
) -> None:
    """docs.aws.amazon.com, CloudWatch agent's and EC2's dimensions."""
    pairs = [{"name": name, "value": value} for name, value in dimensions.items()]
    (signal,) = read(a_message(an_alarm(Trigger={"Dimensions": pairs}))).signals
    assert signal.component == component


def test_a_change_of_an_alarms_configuration_is_no_failure() -> None:
    """docs.aws.amazon.com, CloudWatch, alarm events and EventBridge."""
    told = {"alarmName": "payments-5xx", "operation": "delete", "state": {"value": "ALARM"}}
    event = {"detail-type": "CloudWatch Alarm Configuration Change", "detail": told}
    assert not read(a_message(event)).signals


@pytest.mark.parametrize(
    ("status", "severity"), [("ERROR", "error"), ("WARN", "warning"), ("OK", None)]
)
def test_a_check_of_trusted_advisor_fails_by_its_status(status: str, severity: str | None) -> None:
    """docs.aws.amazon.com, Trusted Advisor, "Monitoring check results with EventBridge"."""
    detail = {"check-name": "Backups", "status": status, "resource_id": "arn:aws:rds:x:1:db:orders"}
    event = {"detail-type": "Trusted Advisor Check Item Refresh Notification", "detail": detail}
    signals = read(a_message(event)).signals
    assert [(s.component, s.severity.value) for s in signals] == [("orders", severity)] * (
        severity is not None
    )


def test_a_text_that_was_published_raw_tells_of_no_failure() -> None:
    """docs.aws.amazon.com, SNS, "Raw message delivery": its headers tell that it is SNS'."""
    assert not read(a_message(b"Hello", x_amz_sns_message_id="m-1")).signals
    with pytest.raises(NotUnderstood):
        read(a_message(b"Hello"))


@pytest.mark.parametrize("body", [None, 1, "x", [], {}, {"Trigger": {}}, {"Records": [1]}])
def test_what_is_none_of_it_is_refused(body: object) -> None:
    with pytest.raises(NotUnderstood, match="AlarmName"):
        read(a_message(body))


def test_wrong_types_give_what_can_be_had() -> None:
    odd = an_alarm(AlarmName=7, Trigger={"Dimensions": [1, {"name": []}]}, StateChangeTime={})
    (signal,) = read(a_message(odd)).signals
    assert signal.summary == "7"


REAL = {
    "alerta_cloudwatch_notification.json": [
        Expected("try.alerta.io", "firing", "unknown", "2019-02-15T23:53:45Z")
    ],
    "awslambdago_autoscaling_event_launch_unsuccessful.json": [
        Expected("my-auto-scaling-group", "firing", "unknown", "1970-01-01T00:00:00Z")
    ],
    "awslambdago_cloudwatch_alarm_sns_payload_single_metric.json": [
        Expected("TestInstance", "firing", "unknown", "2015-06-03T17:43:27Z")
    ],
    "awslambdago_codepipeline_execution_state_change_event.json": [],
    "awslambdago_sns_event.json": [],
    "notifyslack_events_aws_health_event.json": [
        Expected("EC2", "firing", "unknown", "2016-06-05T15:10:09Z")
    ],
    "notifyslack_messages_backup.json": [
        Expected("vol-012f345df6789012e", "firing", "unknown", "2019-09-02T13:48:52Z"),
        Expected("vol-012f345df6789012e", "firing", "unknown", "2019-09-02T13:48:52Z"),
        Expected("AWS Backup", "firing", "unknown", "2026-05-19T15:22:57Z"),
    ],
    "notifyslack_messages_cloudwatch_alarm.json": [
        Expected("DBMigrationRequired", "resolved", "unknown", "2019-02-12T15:45:24Z")
    ],
    "notifyslack_messages_guardduty_finding.json": [
        Expected("EC2", "firing", "critical", "2020-01-02T01:02:03Z")
    ],
}


def test_the_real_ones_are_understood() -> None:
    assert_understood("aws_cloudwatch_sns", REAL)


def test_an_alarm_given_as_an_object_is_understood_too() -> None:
    told = {"AlarmName": "HighCPU", "Namespace": "AWS/EC2", "Priority": "P3"}
    (signal,) = read(a_message({"Message": told})).signals
    assert (signal.component, signal.state) == ("HighCPU", SignalState.FIRING)
    assert signal.severity is Severity.WARNING
