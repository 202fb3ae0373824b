"""Given what was declared, when a signal comes, then that is what suppresses it."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mejora_intake.belonging import Belonging, Part, PartKind
from mejora_intake.flapping import is_flapping
from mejora_intake.model import NotNow, Signal
from mejora_intake.silences import Silence, SilenceKind, Silences, SilenceState, check_end
from support.signals import NOON, a_signal, resolved

HOUR = timedelta(hours=1)


def at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def a_silence(minutes: float = 0, lasts: float = 60, **wanted: Any) -> Silence:
    """A silence of payments that begins so many minutes after noon; name what is to differ."""
    fields: dict[str, Any] = {
        "silence_id": uuid4(),
        "kind": SilenceKind.SILENCE,
        "components": (),
        "processes": (),
        "labels": {},
        "sources": (),
        "starts_at": at(minutes),
        "ends_at": at(minutes + lasts),
        "reason": "because",
        "declared_by": "key:somebody",
        "declared_at": NOON,
    }
    if not wanted.keys() & {"components", "processes", "labels", "sources"}:
        fields["components"] = ("payments",)
    return Silence(**(fields | wanted))


def decides(
    signal: Signal, *silences: Silence, now: datetime = NOON, belonging: Belonging | None = None
) -> Silence | None:
    return Silences(silences, belonging).suppressing([signal], now).get(0)


@pytest.mark.parametrize(
    ("matchers", "matches"),
    [
        ({"components": ("payments",)}, True),
        ({"components": ("orders", "payments")}, True),
        ({"components": ("orders",)}, False),
        ({"components": ("Payments",)}, False),
        ({"sources": ("monitor", "probe")}, True),
        ({"sources": ("probe",)}, False),
        ({"labels": {"env": "test"}}, True),
        ({"labels": {"env": "tes"}}, False),
        ({"labels": {"env": "test", "zone": "a"}}, False),
        ({"labels": {"empty": ""}}, False),
        ({"components": ("payments",), "sources": ("probe",)}, False),
        ({"components": ("payments",), "sources": ("monitor",), "labels": {"env": "test"}}, True),
        ({"processes": ("checkout",)}, False),
    ],
)
def test_all_that_is_given_must_match_and_of_a_list_any(
    matchers: dict[str, Any], matches: bool
) -> None:
    signal = a_signal(labels={"env": "test"})
    assert bool(decides(signal, a_silence(**matchers))) is matches


def test_a_signal_without_labels_has_none_that_match() -> None:
    assert decides(a_signal(), a_silence(labels={"env": "test"})) is None


@pytest.mark.parametrize(
    ("minutes", "applies"), [(-0.01, False), (0, True), (59.99, True), (60, False)]
)
def test_it_applies_from_its_start_until_just_before_its_end(minutes: float, applies: bool) -> None:
    assert bool(decides(a_signal(), a_silence(), now=at(minutes))) is applies


def test_the_time_at_which_a_signal_was_received_counts_and_not_when_it_is_imported() -> None:
    window = a_silence()
    assert decides(a_signal(received_at=at(30)), window, now=NOON + 24 * HOUR) is window
    assert decides(a_signal(received_at=at(90)), window, now=at(30)) is None


def test_what_was_ended_early_applies_until_then() -> None:
    ended = a_silence(ended_at=at(10))
    assert decides(a_signal(), ended, now=at(9)) is ended
    assert decides(a_signal(), ended, now=at(10)) is None


def test_what_was_ended_before_it_began_never_applies() -> None:
    called_off = a_silence(minutes=10, ended_at=NOON)
    assert not any(decides(a_signal(), called_off, now=at(m)) for m in range(0, 80, 5))


def test_that_a_failure_is_over_is_never_suppressed() -> None:
    assert decides(resolved(), a_silence()) is None


def test_of_several_the_one_that_ends_last_decides() -> None:
    short, long = a_silence(lasts=30), a_silence(minutes=-10, lasts=60)
    both = Silences([short, long])
    assert both.applying(a_signal(), NOON) == [long, short]
    assert decides(a_signal(), short, long) is decides(a_signal(), long, short) is long


@pytest.mark.parametrize(
    ("kind", "named"),
    [(SilenceKind.MAINTENANCE, "maintenance window"), (SilenceKind.SILENCE, "silence")],
)
def test_the_rule_names_what_decided_and_until_when(kind: SilenceKind, named: str) -> None:
    silence = a_silence(kind=kind, silence_id=UUID(int=7), reason="new disks")
    assert silence.rule == (
        f"{named} «new disks» until 2026-03-01T13:00:00Z"
        " (silence 00000000-0000-0000-0000-000000000007)"
    )


def test_it_is_scheduled_then_active_then_expired_and_then_cannot_be_ended() -> None:
    silence = a_silence()
    states = [silence.state_at(at(minutes)) for minutes in (-1, 0, 60)]
    assert states == [SilenceState.SCHEDULED, SilenceState.ACTIVE, SilenceState.EXPIRED]
    check_end(silence, at=at(-1))
    check_end(silence, at=at(59))
    with pytest.raises(NotNow, match="it is over since 2026-03-01T13:00:00Z"):
        check_end(silence, at=at(60))


minutes = st.integers(-200, 200)


@given(
    st.lists(st.builds(a_silence, minutes, st.integers(1, 200)), max_size=6),
    st.lists(minutes, max_size=12),
)
def test_whatever_was_asked_before_the_answer_for_a_time_is_the_same(
    silences: list[Silence], asked: list[int]
) -> None:
    known = Silences(silences)
    for when in asked:
        applying = {s.silence_id for s in known.applying(a_signal(), at(when))}
        assert applying == {s.silence_id for s in silences if s.starts_at <= at(when) < s.ends_at}


CATALOGUE = Belonging(
    [
        Part(PartKind.PROCESS, "checkout", ("shop",)),
        Part(PartKind.COMPONENT, "shop", ("payments", "shop")),
        Part(PartKind.COMPONENT, "payments", ("ledger", "shop"), ("Pay-API",)),
        Part(PartKind.COMPONENT, "search", ("index",)),
    ]
)


@pytest.mark.parametrize(
    ("component", "belongs"),
    [
        ("shop", True),
        ("payments", True),
        ("PAYMENTS", True),
        ("pay-api", True),
        ("ledger", True),
        ("search", False),
        ("checkout", False),
        ("unheard of", False),
    ],
)
def test_a_process_means_all_components_that_it_stands_on(component: str, belongs: bool) -> None:
    of_process = a_silence(processes=("returns", "checkout"))
    signal = a_signal(component=component)
    assert bool(decides(signal, of_process, belonging=CATALOGUE)) is belongs


def test_a_component_of_a_process_must_be_both() -> None:
    shop = a_silence(processes=("checkout",), components=("shop", "search"))
    names = ("shop", "payments", "search")
    decided = [decides(a_signal(component=c), shop, belonging=CATALOGUE) for c in names]
    assert decided == [shop, None, None]
    everywhere = a_silence(sources=("monitor",), lasts=30)
    both = Silences([everywhere, shop], CATALOGUE)
    assert both.applying(a_signal(component="shop"), NOON) == [shop, everywhere]
    assert both.applying(a_signal(component="search"), NOON) == [everywhere]


def test_a_component_is_known_by_whatever_name_the_catalogue_gives_it() -> None:
    assert decides(a_signal(component="Pay-API"), a_silence(), belonging=CATALOGUE)
    by_alias = a_silence(components=("pay-api",))
    assert decides(a_signal(), by_alias, belonging=CATALOGUE)
    assert not decides(a_signal(component="Ledger"), a_silence(components=("ledger",)))


@pytest.mark.parametrize(
    ("flaps", "minutes_ago", "flapping"),
    [(3, [50, 30, 10], True), (2, [30, 10], False), (3, [200, 120, 61], False), (3, [], False)],
)
def test_three_flaps_the_newest_within_the_last_hour_are_flapping(
    flaps: int, minutes_ago: list[int], flapping: bool
) -> None:
    flapped_at = [at(-ago) for ago in minutes_ago]
    assert is_flapping(flaps, flapped_at, now=NOON, flaps_to_be_flapping=3) is flapping
