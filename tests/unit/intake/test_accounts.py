"""Given two reports, then they are about the same failure or they are not."""

from datetime import timedelta

import pytest

from mejora_intake.accounts import failure_reported
from support.signals import NOON


def failure(
    component: str = "Portal",
    summary: str = "It is slow",
    entry: str = "",
    minutes: float | None = None,
) -> str:
    started_at = None if minutes is None else NOON + timedelta(minutes=minutes)
    return failure_reported(component, summary, entry=entry, started_at=started_at)


def test_the_same_words_about_now_are_the_same_failure() -> None:
    assert failure() == failure("portal", "it is SLOW") == failure(entry="form-2")
    assert failure() != failure(summary="It is red")


def test_entries_of_a_log_are_told_apart_by_their_ids_however_alike() -> None:
    assert failure(entry="1", minutes=0) != failure(entry="2", minutes=0)
    assert failure(entry="1", minutes=0) == failure("Shop", "mended title", "1", 5)


@pytest.mark.parametrize("minutes", [4, -4, 60 * 24 * 365])
def test_accounts_without_an_id_are_told_apart_by_their_starts(minutes: float) -> None:
    assert failure(minutes=0) != failure(minutes=minutes)
    assert failure(minutes=0) == failure(minutes=0)
    assert failure() != failure(minutes=0)
