"""What Thinkst Canary sends, by its documentation of generic webhooks."""

from datetime import UTC, datetime

import pytest

from mejora_intake.model import SignalState
from mejora_intake.sources.kind import NotUnderstood
from mejora_intake.sources.thinkst import read
from support.messages import Expected, a_message, assert_understood


def an_incident(**given: object) -> dict[str, object]:
    return {
        "AlertType": "CanaryIncident",
        "CanaryName": "cellar",
        "CanaryID": "0001",
        "Description": "SSH Login Attempt",
        "IncidentHash": "4ef51a",
        "Intro": "Somebody tried to log in.",
        "Timestamp": "2026-03-01 11:58:00 (UTC)",
        "SourceIP": "203.0.113.9",
        "AdditionalDetails": [["Username", "root"], "odd", ["a"]],
    } | given


def test_an_incident_is_firing_at_its_canary() -> None:
    (signal,) = read(a_message(an_incident())).signals
    assert (signal.component, signal.summary) == ("cellar", "cellar: SSH Login Attempt")
    assert signal.started_at == datetime(2026, 3, 1, 11, 58, tzinfo=UTC)
    assert signal.fingerprint == "4ef51a"
    assert signal.labels is not None and signal.labels["Username"] == "root"


def test_a_canarytoken_is_known_by_its_reminder() -> None:
    token = {"AlertType": "CanarytokenIncident", "CanaryName": None, "Reminder": "wages.docx"}
    (signal,) = read(a_message(an_incident(**token))).signals
    assert signal.component == "wages.docx"


def test_a_canary_that_is_connected_again_ends_its_silence() -> None:
    lost = read(a_message(an_incident(Description="Canary Disconnected"))).signals[0]
    back = read(a_message(an_incident(Description="Canary Reconnected", IncidentHash="b"))).signals
    assert lost.state is SignalState.FIRING and back[0].state is SignalState.RESOLVED
    assert lost.fingerprint == back[0].fingerprint


def test_a_dummy_is_a_test() -> None:
    assert not read(a_message(an_incident(Description="Dummy Incident"))).signals


@pytest.mark.parametrize("body", [{}, [], None, {"Description": "x"}])
def test_what_is_nothing_of_this_is_refused(body: object) -> None:
    with pytest.raises(NotUnderstood):
        read(a_message(body))


REAL = {
    "zulip_canary_consolidated_port_scan.json": [
        Expected("foo-bar", "firing", "unknown", "2020-07-20T16:18:40Z")
    ],
    "zulip_canary_dummy.json": [],
    "zulip_canary_host_port_scan.json": [
        Expected("foo-bar", "firing", "unknown", "2020-07-20T16:26:30Z")
    ],
    "zulip_canary_ssh_login.json": [
        Expected("foo-bar", "firing", "unknown", "2020-07-20T16:26:22Z")
    ],
    "zulip_canarytoken_msword.json": [
        Expected("test document", "firing", "unknown", "2020-07-20T14:40:15Z")
    ],
    "zulip_canarytoken_remote_image.json": [
        Expected("test image", "firing", "unknown", "2020-07-20T16:33:12Z")
    ],
}


def test_the_real_ones_are_understood() -> None:
    assert_understood("thinkst", REAL)
