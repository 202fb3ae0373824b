"""Given how much a sender may post, then more than that has to wait."""

from hypothesis import given
from hypothesis import strategies as st

from mejora_intake.quota import Quota


def test_a_large_message_passes_and_is_paid_for_afterwards() -> None:
    quota = Quota(5)
    assert quota.spend("a", 50, now=0) == 0
    assert quota.spend("a", 1, now=1) == 8
    assert quota.spend("a", 1, now=9.5) == 0


def test_each_sender_has_its_own() -> None:
    quota = Quota(1)
    assert [quota.spend(sender, 1, now=0) for sender in ("a", "a", "b")] == [0, 1, 0]


def test_less_than_one_a_second_is_one_now_and_then() -> None:
    quota = Quota(0.1)
    assert quota.spend("a", 1, now=0) == 0
    assert quota.spend("a", 1, now=0) == 1
    assert quota.spend("a", 2, now=5) == 0
    assert quota.spend("a", 1, now=5) == 15


def test_ten_thousand_senders_are_not_kept_for_ever() -> None:
    quota = Quota(1)
    for sender in range(25_000):
        assert quota.spend(str(sender), 1, now=sender) == 0
    assert len(quota._buckets) < 10_001


@given(
    st.lists(st.tuples(st.floats(0, 3), st.integers(1, 20)), max_size=60),
    st.sampled_from([0.5, 1.0, 7.0]),
)
def test_no_more_passes_than_fits_but_for_the_last_message(
    posts: list[tuple[float, int]], per_second: float
) -> None:
    quota, now, passed, largest = Quota(per_second), 0.0, 0, 0
    for wait, signals in posts:
        now += wait
        seconds = quota.spend("a", signals, now=now)
        if seconds == 0:
            passed, largest = passed + signals, max(largest, signals)
        else:
            assert quota.spend("a", 0, now=now + seconds + 0.001) == 0
            now += seconds + 0.001
    assert passed <= max(per_second, 1) + now * per_second + largest + 1e-6
