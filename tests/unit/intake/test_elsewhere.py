"""Given where an incident is, when a signal says where it fails, then that is or is not news."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mejora_events.contracts.incidents import Incident, Place
from mejora_events.ids import IncidentId, new_id
from mejora_events.places import NOWHERE, Where
from mejora_intake.elsewhere import (
    MOST_PLACES,
    SeenPlaces,
    elsewhere_with,
    is_elsewhere,
    with_place,
)
from mejora_intake.model import Recognition, recognise
from support.signals import NOON, a_signal

PLACES = st.builds(
    Where, st.sampled_from(["", "a", "b"]), st.sampled_from(["", "n"]), st.integers(0, 3)
)


def at(*places: Where, **labels: str) -> Incident:
    opened = recognise(
        None,
        a_signal(labels=labels),
        received_at=NOON,
        flap_window_seconds=0,
        new_id=IncidentId(new_id()),
    )
    assert opened.incident is not None
    also = tuple(Place(**it._asdict()) for it in places)
    return opened.incident.model_copy(update={"elsewhere": also})


def repeated(incident: Incident, **labels: str) -> Recognition:
    return recognise(
        incident,
        a_signal(id="2", labels=labels),
        received_at=NOON + timedelta(minutes=1),
        flap_window_seconds=0,
        new_id=IncidentId(new_id()),
    )


@pytest.mark.parametrize(
    ("place", "is_news"),
    [
        (NOWHERE, False),
        (Where(site="Madrid"), False),
        (Where(site="Madrid", users=40), False),
        (Where(site="Madrid", users=41), True),
        (Where(site="Vigo"), True),
        (Where(instance="till-3", site="Madrid"), True),
        (Where(users=30), False),
    ],
)
def test_another_place_or_more_people_are_news(place: Where, is_news: bool) -> None:
    assert is_elsewhere(at(site="Madrid", affected_users="40"), place) is is_news


@given(st.lists(PLACES, max_size=12))
def test_each_place_is_kept_once_in_whichever_way_it_is_told(told: list[Where]) -> None:
    incident = at()
    for place in told:
        if is_elsewhere(incident, place):
            incident = incident.model_copy(update={"elsewhere": with_place(incident, place)})
    kept = [Where(it.instance, it.site, it.users) for it in incident.elsewhere]
    assert len(kept) == len(set(kept))
    named = {place[:2] for place in told} - {("", "")}
    assert {place[:2] for place in kept} - {("", "")} == named
    assert max((place.users for place in kept), default=0) == max(
        (place.users for place in told), default=0
    )


def test_a_repetition_that_says_where_else_is_told() -> None:
    got = repeated(at(site="Madrid"), site="Vigo", team="tills")
    assert got.incident is not None
    assert got.changed == ("elsewhere",)
    assert got.incident.elsewhere == (Place(site="Vigo"),)
    assert (got.incident.version, got.incident.labels) == (2, {"site": "Madrid"})
    assert got.rule == "its incident is open; it fails elsewhere too"
    again = repeated(got.incident, site="Vigo")
    assert again.incident is not None
    assert (again.changed, again.incident.version, again.incident.occurrences) == ((), 2, 3)


def test_a_name_that_is_none_names_no_place() -> None:
    assert repeated(at(), instance="t" * 200).changed == ("elsewhere",)
    assert repeated(at(), instance="t" * 201).changed == ()
    longer = repeated(at(), instance="t" * 201, site="Vigo", userCount="3").incident
    assert longer is not None and longer.elsewhere == (Place(site="Vigo", users=3),)


def test_beyond_a_hundred_places_none_is_added() -> None:
    full = at(*(Where(site=str(number)) for number in range(MOST_PLACES)))
    assert repeated(full, site="one more").changed == ()


def test_what_is_merged_brings_its_places_along() -> None:
    into, merged = at(Where("a")), at(Where("a"), Where("b", users=2), site="n")
    assert elsewhere_with(into, merged) == (
        Place(instance="a"),
        Place(site="n"),
        Place(instance="b", users=2),
    )


def test_what_was_seen_first_is_forgotten_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mejora_intake.elsewhere._MOST_REMEMBERED", 2)
    seen, incident_id = SeenPlaces(), IncidentId(new_id())
    for site in ("x", "y", "y", "z"):
        seen.add(incident_id, Where(site=site))
    known = [site for site in ("x", "y", "z") if seen.has(incident_id, Where(site=site))]
    assert known == ["y", "z"]
    assert seen.has(incident_id, NOWHERE)
