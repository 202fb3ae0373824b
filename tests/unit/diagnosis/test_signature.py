"""The same fault has the same signature, whichever host, number, id, address, path or time."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mejora_diagnosis.model.signature import HOLE, reduce_component, reduce_text, sign

numbers = st.integers(0, 10**9).map(str) | st.decimals(0, 10**6, places=2).map(str)
ids = (
    st.uuids().map(str)
    | st.text("0123456789abcdef", min_size=8, max_size=40)
    | st.integers(2**20, 2**64).map(hex)
)
addresses = (
    st.ip_addresses(v=4).map(str)
    | st.tuples(st.ip_addresses(v=4), st.integers(1, 65_535)).map(lambda it: f"{it[0]}:{it[1]}")
    | st.ip_addresses(v=6).map(str).filter(lambda it: any(c.isdigit() for c in it))
)
words = st.text(string.ascii_lowercase, min_size=2, max_size=8)
hosts = st.tuples(words, words).map(lambda it: f"{it[0]}.{it[1]}.internal")
paths = st.lists(words, min_size=2, max_size=4).map(lambda it: "/" + "/".join(it))
times = st.datetimes().map(lambda it: it.isoformat() + "Z") | st.times().map(
    lambda it: it.isoformat("seconds")
)
percents = st.integers(0, 100).map(lambda it: f"{it}%")
holes = st.one_of(numbers, ids, addresses, hosts, paths, times, percents)


@given(st.lists(holes, min_size=2, max_size=2), st.lists(holes, min_size=2, max_size=2))
def test_what_differs_from_case_to_case_does_not_matter(one: list[str], other: list[str]) -> None:
    def text(values: list[str]) -> str:
        return f"Request {values[0]} to backend {values[1]} was refused"

    assert sign("web", text(one)) == sign("web", text(other))
    assert reduce_text(text(one)) == f"Request {HOLE} to backend {HOLE} was refused"


@given(words, st.integers(0, 999), st.integers(0, 999), st.integers(1, 65_535))
def test_instances_of_a_component_are_one_family(name: str, a: int, b: int, port: int) -> None:
    assert reduce_component(f"{name}-{a}") == reduce_component(f"{name}-{b}:{port}")
    assert reduce_component(f"{name}-{a}.eu.example.com") == reduce_component(f"{name}-{b}")


@given(st.text(max_size=200))
def test_a_template_is_its_own_template(text: str) -> None:
    template = reduce_text(text)
    assert reduce_text(template) == template


@given(st.text(max_size=200), st.text(max_size=50))
def test_signing_is_deterministic(text: str, component: str) -> None:
    assert sign(component, text) == sign(component, text)


@pytest.mark.parametrize(
    ("text", "template"),
    [
        ("Disk /var/lib/pg is 97.5% full on node3", "Disk <*> is <*> full on node<*>"),
        ("CPU core temperature is 34.75C", "CPU core temperature is <*>"),
        ("pod web-7f9c6d5b4-x2x9z is crashing", "pod web<*> is crashing"),
        ("Refused at Feb  6 00:17:58 by 10.0.0.1, 10.0.0.2", "Refused at <*> by <*>"),
        ("fe80::1 cannot be reached", "<*> cannot be reached"),
        ("https://shop.example/cart?id=1 is down", "<*> is down"),
        ("mail to jo@example.org bounced", "mail to <*> bounced"),
        (
            "java.lang.NullPointerException in Cart.add",
            "java.lang.NullPointerException in Cart.add",
        ),
        ("read/write error in std::vector", "read/write error in std::vector"),
    ],
)
def test_what_names_the_fault_stays(text: str, template: str) -> None:
    assert reduce_text(text) == template


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("db", "Disk is full"), ("db", "Disk is slow")),
        (("db", "Disk is full"), ("web", "Disk is full")),
        (("orders.example.com", "Slow"), ("carts.example.com", "Slow")),
        (("java", "OutOfMemoryError"), ("java", "StackOverflowError")),
    ],
)
def test_another_fault_has_another_signature(one: tuple[str, str], other: tuple[str, str]) -> None:
    assert sign(*one).signature_id != sign(*other).signature_id


def test_a_place_that_looks_like_a_word_is_taken_out_when_a_label_names_it() -> None:
    on_andromeda = sign("sensors", "andromeda is too hot", ["andromeda"])
    on_cobalt = sign("sensors", "cobalt is too hot", ["cobalt"])
    assert on_andromeda == on_cobalt
    assert on_andromeda.template == "<*> is too hot"


def test_case_does_not_make_another_fault() -> None:
    assert sign("DB", "Disk Full").signature_id == sign("db", "disk full").signature_id


@pytest.mark.parametrize("piece", ["a-", "a.", "1.", "a:", "/", "a@", "::", "1,", "\\", "ab:"])
def test_a_hostile_text_takes_no_longer_than_another(piece: str) -> None:
    reduce_text(piece * 200_000)
