"""What the feed shows, and where its readers stand."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mejora_events.contracts import TYPES
from mejora_events.contracts.dead_letters import DeadLetterRecorded
from mejora_events.envelope import Event
from mejora_events.ids import EventId, LetterId
from mejora_improvement.model.feed import BadCursor, Position, as_shown, belongs_in_feed

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@given(st.integers(0, (1 << 63) - 1), st.integers(0, (1 << 63) - 1))
def test_a_cursor_leads_back_to_its_position(transaction: int, row: int) -> None:
    position = Position(transaction, row)

    assert Position.of_cursor(position.as_cursor()) == position


@pytest.mark.parametrize("cursor", ["", "x", "MS4y!", "MQ==", "LTEuMg==", "YS5i", "ünicode"])
def test_what_is_no_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(BadCursor):
        Position.of_cursor(cursor)


@given(st.text())
def test_any_other_text_is_a_position_or_refused(cursor: str) -> None:
    try:
        position = Position.of_cursor(cursor)
    except BadCursor:
        return
    assert position >= Position(0, 0)


def test_only_the_hashes_of_keys_are_left_out() -> None:
    left_out = {name for name, contract in TYPES.items() if not belongs_in_feed(contract)}

    assert left_out == {"mejora.access.key-issued.v1", "mejora.access.key-revoked.v1"}


def test_a_dead_letter_is_shown_without_the_record_that_failed() -> None:
    letter = DeadLetterRecorded(
        letter_id=LetterId(uuid4()),
        consumer="problem",
        reason="no JSON",
        attempts=3,
        failed_at=NOON,
        original_topic="mejora.incidents",
        original_partition=0,
        original_offset=7,
        original_key="k",
        original_headers={},
        original_value_base64="c2VjcmV0",
    )
    event = Event(
        id=EventId(uuid4()),
        source="/mejora/problem",
        type=letter.TYPE,
        time=NOON,
        subject="k",
        topic=letter.TOPIC,
        key="k",
        data=letter,
        correlation_id="c",
    )

    shown = as_shown(event)

    assert "original_value_base64" not in shown["data"]
    assert shown["data"]["reason"] == "no JSON"
    assert (shown["specversion"], shown["type"], shown["correlationid"]) == (
        "1.0",
        letter.TYPE,
        "c",
    )
