"""What the demo writes can be read: chains of events, durations, amounts."""

from datetime import UTC, datetime, timedelta

import pytest

from mejora.demo.client import Happened
from mejora.demo.page import day, events, lasting, moment, money, monies, percent

AT = datetime(2026, 5, 7, 8, 12, tzinfo=UTC)


def happened(name: str, kind: str, cause: str | None = None, minute: int = 0) -> Happened:
    return Happened(name, kind, AT + timedelta(minutes=minute), cause, {})


class TestEvents:
    def test_what_caused_what_is_read_from_left_to_right(self) -> None:
        came_last_first = [
            happened("c", "problem.opened", "b"),
            happened("b", "diagnosis.established", "a"),
            happened("a", "incident.reported"),
        ]
        chain = "incident.reported → diagnosis.established → problem.opened"
        assert events(came_last_first).plain == chain

    def test_chains_stand_in_the_order_in_which_they_began(self) -> None:
        later = happened("b", "incident.restored", minute=9)
        assert events([later, happened("a", "incident.reported")]).plain == (
            "incident.reported; incident.restored"
        )

    def test_what_one_event_led_to_is_counted(self) -> None:
        closed = [happened(f"c{n}", "incident.closed", "v") for n in range(6)]
        shown = [happened("v", "fix.verified"), *closed, happened("w", "workaround.retired", "v")]
        assert events(shown).plain == "fix.verified → 6 × incident.closed + workaround.retired"

    def test_like_chains_are_counted(self) -> None:
        shown = [
            it for n in range(3) for it in (happened(f"a{n}", "a"), happened(f"b{n}", "b", f"a{n}"))
        ]
        assert events(shown).plain == "3 × (a → b)"

    def test_what_is_left_out_is_not_shown(self) -> None:
        shown = [happened("a", "a"), happened("b", "b")]
        assert events(shown, without=["a"]).plain == "b"


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (None, "–"),
        (0.054, "54 ms"),
        (42, "42 s"),
        (2880, "48 min"),
        (3600, "1 h"),
        (5520, "1 h 32 min"),
        (95 * 86_400, "95 days"),
    ],
)
def test_a_duration_is_told_as_a_person_would(seconds: float | None, told: str) -> None:
    assert lasting(seconds) == told


def test_days_amounts_and_shares_are_told_as_a_person_would() -> None:
    assert day(AT) == "7 May 2026"
    assert moment("2026-05-07T08:12:00Z") == "7 May 2026, 08:12"
    euros, francs = ({"amount": "5200", "currency": name} for name in ("EUR", "CHF"))
    assert money(euros) == "5,200 EUR"
    assert monies([euros, francs]) == "5,200 EUR and 5,200 CHF"
    assert (money(None), monies([]), percent(None), percent(0.934)) == ("–", "–", "–", "93%")
