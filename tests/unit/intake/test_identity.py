"""Given what an operator says of a source, then that is what makes its signals the same failure."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from mejora_events.contracts.base import Severity
from mejora_intake.identity import ComponentRule, FingerprintRule, Identity
from support.signals import a_signal

FINGERPRINT: TypeAdapter[tuple[str, ...]] = TypeAdapter(FingerprintRule)
COMPONENT: TypeAdapter[tuple[str, ...]] = TypeAdapter(ComponentRule)


def fingerprint(*fields: str, **given: object) -> str:
    return (
        Identity(fingerprint=FINGERPRINT.validate_python(fields)).of(a_signal(**given)).fingerprint
    )


def test_without_rules_a_signal_is_as_its_vendor_has_it() -> None:
    signal = a_signal()
    assert Identity().of(signal) is signal


def test_hosts_are_one_failure_when_the_instance_is_left_out() -> None:
    north, south = {"alertname": "Full", "instance": "n"}, {"alertname": "Full", "instance": "s"}
    rule = ("labels", "-labels.instance")
    assert fingerprint(*rule, labels=north) == fingerprint(*rule, labels=south)
    assert fingerprint("labels", labels=north) != fingerprint("labels", labels=south)
    assert fingerprint("labels.alertname", labels=north, fingerprint="1") == fingerprint(
        "labels.alertname", labels=south, fingerprint="2"
    )


def test_the_message_s_own_name_stays() -> None:
    signal = Identity(fingerprint=("summary",)).of(a_signal(id="7"))
    assert (signal.id, len(signal.fingerprint)) == ("7", 24)


def test_the_vendor_s_own_stays_where_no_field_says_anything() -> None:
    assert fingerprint("labels.none", "description") == "f"
    assert Identity(component=("labels.none",)).of(a_signal()).component == "payments"


def test_the_component_is_the_first_that_says_something() -> None:
    rule = ("labels.team", "labels.service", "component")
    labels = {"team": " ", "service": "till"}
    assert Identity(component=rule).of(a_signal(labels=labels)).component == "till"
    assert Identity(component=rule).of(a_signal()).component == "payments"


def test_a_fingerprint_of_the_component_is_of_what_the_rule_makes_it() -> None:
    both = Identity(fingerprint=("component",), component=("labels.service",))
    one = both.of(a_signal(component="a", labels={"service": "till"}))
    other = both.of(a_signal(component="b", labels={"service": "till"}))
    assert one.fingerprint == other.fingerprint


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        (["summry"], "'summry' is no field of a signal"),
        (["labels."], "is no field"),
        (["-labels.instance"], "leaves one out"),
        (["state"], "is no field"),
        ([], "at least 1"),
    ],
)
def test_a_field_that_there_is_not_is_refused_by_name(fields: list[str], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        FINGERPRINT.validate_python(fields)
    with pytest.raises(ValidationError):
        COMPONENT.validate_python(fields)


LABELS = st.dictionaries(st.sampled_from("abcd"), st.sampled_from(["", "x", "y"]))
RULES = st.lists(
    st.sampled_from(["component", "severity", "labels.a", "labels.b", "labels"]), min_size=1
)


@given(RULES, LABELS, LABELS)
def test_signals_are_one_failure_exactly_when_all_that_the_rule_names_is_the_same(
    rule: list[str], one: dict[str, str], other: dict[str, str]
) -> None:
    def named(labels: dict[str, str]) -> dict[str, str]:
        said = {name: value for name, value in labels.items() if value}
        if "labels" not in rule:
            said = {name: value for name, value in said.items() if f"labels.{name}" in rule}
        return said

    first = fingerprint(*rule, labels=one, severity=Severity.ERROR)
    second = fingerprint(*rule, labels=other, severity=Severity.ERROR)
    assert (first == second) == (named(one) == named(other))
    assert first == fingerprint(*reversed(rule), labels=one, severity=Severity.ERROR)
