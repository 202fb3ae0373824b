"""A trace goes on from hop to hop, whatever the caller sent."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mejora_events.tracing import current_traceparent, doing, next_hop, span, trace_of

HOP = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
BAD = [
    None,
    "",
    "nonsense",
    HOP.upper(),
    HOP + "\n",
    HOP.replace("4bf92f3577b34da6a3ce929d0e0e4736", "0" * 32),
    HOP.replace("00f067aa0ba902b7", "0" * 16),
    "ff" + HOP[2:],
]


@pytest.fixture(autouse=True)
def nothing_is_left_behind() -> Iterator[None]:
    yield
    assert current_traceparent() is None


def test_the_next_hop_is_a_new_span_of_the_same_trace() -> None:
    following = next_hop(HOP)
    assert trace_of(following) == trace_of(HOP) == "4bf92f3577b34da6a3ce929d0e0e4736"
    assert following != HOP
    assert following.endswith("-01"), "whether it is sampled was lost"


@pytest.mark.parametrize("bad", BAD)
def test_without_a_trace_to_go_on_with_a_new_one_begins(bad: str | None) -> None:
    assert trace_of(bad) is None
    one, other = next_hop(bad), next_hop(bad)
    assert trace_of(one)
    assert trace_of(one) != trace_of(other)


@given(st.text(max_size=60))
def test_what_a_caller_sends_never_breaks_a_trace(sent: str) -> None:
    assert trace_of(next_hop(sent)) is not None


def test_a_span_is_current_while_its_block_runs() -> None:
    with span("outer", HOP) as outer:
        assert current_traceparent() == outer
        with span("inner", outer) as inner:
            assert current_traceparent() == inner
            assert trace_of(inner) == trace_of(outer)
        assert current_traceparent() == outer


def test_a_block_that_fails_gives_its_trace_back() -> None:
    with pytest.raises(ZeroDivisionError), doing(HOP):
        raise ZeroDivisionError
    assert current_traceparent() is None
