"""Given what is open on a component, when somebody else notices it too, then it is one incident."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mejora_events.contracts.base import Origin, Severity
from mejora_events.contracts.incidents import Incident
from mejora_events.ids import IncidentId, new_id
from mejora_intake.model import Disposition, recognise
from mejora_intake.noticing import customers_of, join, meets
from support.signals import NOON, a_signal, resolved

SOON, LATE = NOON + timedelta(hours=24), NOON + timedelta(hours=24, seconds=1)


def opened_by(**given: Any) -> Incident:
    incident = recognise(
        None,
        a_signal(**given),
        received_at=NOON,
        flap_window_seconds=300,
        new_id=IncidentId(new_id()),
    ).incident
    assert incident is not None
    return incident


@pytest.mark.parametrize(
    ("first", "second", "at", "meeting"),
    [
        (Origin.INTERNAL, Origin.CUSTOMER, SOON, True),
        (Origin.INTERNAL, Origin.CUSTOMER, LATE, True),
        (Origin.CUSTOMER, Origin.INTERNAL, SOON, True),
        (Origin.CUSTOMER, Origin.INTERNAL, LATE, False),
        (Origin.CUSTOMER, Origin.CUSTOMER, SOON, False),
        (Origin.INTERNAL, Origin.INTERNAL, SOON, False),
    ],
)
def test_a_customer_and_a_monitor_meet_and_two_of_a_kind_do_not(
    first: Origin, second: Origin, at: datetime, meeting: bool
) -> None:
    assert bool(meets(first, NOON, a_signal(origin=second), received_at=at)) is meeting
    assert meets(first, NOON, resolved(origin=second), received_at=at) is None


def test_who_noticed_first_stays_who_noticed_first() -> None:
    found = join(opened_by(), a_signal(origin=Origin.CUSTOMER), "a rule", received_at=SOON)
    assert found.disposition is Disposition.REPEATED and found.incident is not None
    assert (found.incident.origin, found.incident.noticed_by_customer_at) == (Origin.INTERNAL, SOON)
    assert found.changed == ("noticed_by_customer_at", "occurrences")
    noticed = opened_by(origin=Origin.CUSTOMER)
    assert noticed.noticed_by_customer_at == NOON
    worse = join(noticed, a_signal(severity=Severity.CRITICAL), "a rule", received_at=SOON)
    assert worse.incident is not None
    assert (worse.incident.origin, worse.incident.noticed_by_customer_at) == (Origin.CUSTOMER, NOON)
    assert worse.changed == ("occurrences", "severity")


@given(st.integers(1, 10_000), st.sampled_from(Severity), st.sampled_from(Origin))
def test_each_that_joins_is_one_occurrence_and_one_version_more(
    occurrences: int, severity: Severity, origin: Origin
) -> None:
    incident = opened_by().model_copy(update={"occurrences": occurrences})
    signal = a_signal(severity=severity, origin=origin)
    joined = join(incident, signal, "a rule", received_at=SOON).incident
    assert joined is not None
    assert (joined.occurrences, joined.version) == (occurrences + 1, incident.version + 1)


def test_the_customers_of_a_signal_are_those_who_say_it_and_those_whom_it_names() -> None:
    labels = {"customer": "Globex ", "reporter": "Accounting"}
    assert customers_of(a_signal(labels=labels)) == {"globex"}
    said = a_signal(labels=labels, origin=Origin.CUSTOMER, source="ACME")
    assert customers_of(said) == {"globex", "acme"}  # whoever reports it speaks for these
    named = a_signal(labels={"reporter": "Initech"}, origin=Origin.CUSTOMER, source="report")
    assert customers_of(named) == {"initech"}
    assert customers_of(a_signal(origin=Origin.CUSTOMER, source="report")) == set()
    assert customers_of(a_signal()) == set()


def test_the_end_that_a_customer_tells_of_what_a_monitor_found_is_not_the_end() -> None:
    def meaning(incident: Incident, origin: Origin) -> Disposition:
        return recognise(
            incident,
            resolved(origin=origin),
            received_at=SOON,
            flap_window_seconds=300,
            new_id=IncidentId(new_id()),
        ).disposition

    assert meaning(opened_by(), Origin.CUSTOMER) is Disposition.SUPPRESSED
    assert meaning(opened_by(), Origin.INTERNAL) is Disposition.RESTORED
    assert meaning(opened_by(origin=Origin.CUSTOMER), Origin.CUSTOMER) is Disposition.RESTORED
    assert meaning(opened_by(origin=Origin.CUSTOMER), Origin.INTERNAL) is Disposition.RESTORED
