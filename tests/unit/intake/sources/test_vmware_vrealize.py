"""What vRealize Operations' REST plug-in sends, by its documentation."""

from datetime import UTC, datetime

import pytest

from mejora_events.contracts.base import Severity
from mejora_intake.model import SignalState
from mejora_intake.sources.kind import NotUnderstood
from mejora_intake.sources.vmware_vrealize import read
from support.messages import Expected, a_message, assert_understood


def an_alert(**given: object) -> dict[str, object]:
    return {
        "alertId": "a-1",
        "status": "ACTIVE",
        "criticality": "ALERT_CRITICALITY_LEVEL_IMMEDIATE",
        "resourceName": "esx01",
        "resourceKind": "HostSystem",
        "info": "Host is out of memory",
        "startDate": 1772366280000,
        "cancelDate": 1772366280000,
    } | given


def test_an_active_alert_is_understood() -> None:
    (signal,) = read(a_message(an_alert())).signals
    assert (signal.component, signal.summary) == ("esx01", "Host is out of memory")
    assert (signal.state, signal.severity) == (SignalState.FIRING, Severity.ERROR)
    assert signal.started_at == datetime(2026, 3, 1, 11, 58, tzinfo=UTC)
    assert signal.ended_at is None


def test_a_canceled_alert_is_over() -> None:
    (active,) = read(a_message(an_alert())).signals
    (over,) = read(a_message(an_alert(status="CANCELED", cancelDate=1772366880000))).signals
    assert over.state is SignalState.RESOLVED and over.fingerprint == active.fingerprint
    assert over.ended_at == datetime(2026, 3, 1, 12, 8, tzinfo=UTC)


@pytest.mark.parametrize("body", [None, 1, [], {}, {"status": "ACTIVE"}])
def test_what_is_no_alert_is_refused(body: object) -> None:
    with pytest.raises(NotUnderstood, match="alertId"):
        read(a_message(body))


REAL = {
    "alerta_vmware_vrealize.json": [
        Expected("sample-object-name", "firing", "warning", "2013-05-28T16:09:06Z")
    ],
}


def test_the_real_ones_are_understood() -> None:
    assert_understood("vmware_vrealize", REAL)
