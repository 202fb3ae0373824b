"""What Wazuh's integrator passes on, by its documentation."""

from datetime import UTC, datetime

import pytest

from mejora_events.contracts.base import Severity
from mejora_intake.model import SignalState
from mejora_intake.sources.kind import NotUnderstood
from mejora_intake.sources.wazuh import read
from support.messages import Expected, a_message, assert_understood


def an_alert(level: object = 10, **given: object) -> dict[str, object]:
    return {
        "timestamp": "2026-03-01T11:58:00.123+0000",
        "id": "1772366280.1",
        "rule": {"level": level, "id": "5712", "description": "SSH brute force", "groups": ["ssh"]},
        "agent": {"id": "001", "name": "web01", "ip": "10.0.0.1"},
        "manager": {"name": "wazuh"},
        "full_log": "sshd: Failed password",
    } | given


def test_an_alert_is_a_failure_of_the_agents_host() -> None:
    (signal,) = read(a_message(an_alert())).signals
    assert (signal.component, signal.summary) == ("web01", "SSH brute force")
    assert signal.started_at == datetime(2026, 3, 1, 11, 58, 0, 123000, tzinfo=UTC)
    assert signal.labels is not None and signal.labels["rule_level"] == "10"


@pytest.mark.parametrize(
    ("level", "severity"),
    [
        (4, Severity.INFO),
        (6, Severity.INFO),
        (7, Severity.WARNING),
        (11, Severity.WARNING),
        (12, Severity.ERROR),
        ("15", Severity.CRITICAL),
        (None, Severity.UNKNOWN),
    ],
)
def test_its_level_is_its_severity(level: object, severity: Severity) -> None:
    assert read(a_message(an_alert(level))).signals[0].severity is severity


@pytest.mark.parametrize("level", [0, 2, "3"])
def test_what_is_ignored_or_succeeded_tells_of_no_failure(level: object) -> None:
    """documentation.wazuh.com, ruleset, "Rules classification", levels 0 to 3."""
    understood = read(a_message(an_alert(level)))
    assert not understood.signals and "SSH brute force" in understood.remarks[0]


def test_a_rule_that_fires_again_on_a_host_is_the_same_failure() -> None:
    one = read(a_message(an_alert())).signals[0]
    again = read(a_message(an_alert(id="1772366281.2"))).signals[0]
    assert again.fingerprint == one.fingerprint and again.id != one.id


def test_a_solved_vulnerability_is_over() -> None:
    found = {"vulnerability": {"cve": "CVE-2026-1", "status": "Active"}}
    solved = {"vulnerability": {"cve": "CVE-2026-1", "status": "Solved"}}
    (active,) = read(a_message(an_alert(data=found))).signals
    (over,) = read(a_message(an_alert(data=solved))).signals
    assert over.state is SignalState.RESOLVED and over.fingerprint == active.fingerprint


@pytest.mark.parametrize("body", [None, 1, [], {}, {"rule": 3}])
def test_what_is_no_alert_is_refused(body: object) -> None:
    with pytest.raises(NotUnderstood, match="level"):
        read(a_message(body))


REAL = {"keep_0.json": [Expected("test", "firing", "info", "2025-02-03T20:41:42Z")]}


def test_the_real_ones_are_understood() -> None:
    assert_understood("wazuh", REAL)
