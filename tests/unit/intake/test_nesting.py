"""Given a body, then it is known whether it is nested too deeply, whatever its texts hold."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mejora_intake.nesting import nests_too_deeply


def nested(levels: int, within: str = "1") -> bytes:
    text = within
    for level in range(levels):
        text = f"[{text}]" if level % 2 else f'{{"a": {text}}}'
    return text.encode()


@pytest.mark.parametrize(("levels", "too_deep"), [(100, False), (101, True), (900, True)])
def test_a_hundred_levels_are_enough(levels: int, too_deep: bool) -> None:
    assert nests_too_deeply(nested(levels)) is too_deep


def test_what_is_deeper_than_the_decoder_goes_is_too_deep() -> None:
    assert nests_too_deeply(nested(5000))


def test_what_is_no_json_is_not_too_deep() -> None:
    assert not nests_too_deeply(b"name=[" * 500)
    assert not nests_too_deeply(b"\x0a\x7b" * 500)


def test_brackets_within_texts_are_none() -> None:
    assert not nests_too_deeply(nested(50, json.dumps('["\\' * 200)))
    assert nests_too_deeply(b'["]", ' * 101 + b"1" + b"]" * 101)


def test_a_wide_body_is_not_deep() -> None:
    assert not nests_too_deeply(json.dumps([{"a": [[]]}] * 5000).encode())


def levels(value: object) -> int:
    if isinstance(value, dict):
        return 1 + max(map(levels, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(levels, value), default=0)
    return 0


JSON = st.recursive(
    st.none() | st.integers() | st.text(alphabet='[]{}"\\a,: ', max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text('[]"\\', max_size=3), inner)
    ),
    max_leaves=30,
)


@given(JSON, st.integers(0, 6))
def test_it_is_as_counting_levels_says(value: object, most: int) -> None:
    assert nests_too_deeply(json.dumps(value).encode(), most) == (levels(value) > most)
