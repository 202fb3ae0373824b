"""Given a mapping that an operator wrote, then a monitor's own messages are understood by it."""

from typing import Any
from urllib.parse import urlencode

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from mejora_events.contracts.base import Severity
from mejora_intake.model import SignalState
from mejora_intake.sources.expressions import compiled
from mejora_intake.sources.generic import Mapping, read
from mejora_intake.sources.kind import Message, NotJson, NotUnderstood, Understood
from support.signals import NOON

MAPPING: dict[str, Any] = {
    "signals": "checks[?muted != `true`]",
    "shared": {"site": "site.name"},
    "component": "service || site",
    "summary": "join(': ', [check, message])",
    "description": "detail",
    "state": {"at": "status", "firing": ["DOWN", "degraded"], "resolved": ["Up"]},
    "severity": {"at": "level", "map": {"Rouge": "critical"}},
    "started_at": "since",
    "ended_at": "until",
    "fingerprint": ["site", "check"],
    "id": "event",
    "labels": {"site": "site", "tags": "tags", "retries": "retries", "none": "nothing"},
    "links": {"the check": "url"},
}
CHECK: dict[str, Any] = {
    "check": "http",
    "message": "503",
    "status": "Down",
    "level": "rouge",
    "since": "2026-03-01T11:58:00Z",
    "service": "till",
    "event": 17,
    "tags": ["a", {"b": True}],
    "retries": 3,
    "url": "https://monitor.example/17",
}


def understood(body: object, mapping: dict[str, Any] = MAPPING, **headers: str) -> Understood:
    raw = body if isinstance(body, bytes) else orjson.dumps(body)
    return read(Mapping.model_validate(mapping), Message(raw, "mine", NOON, headers))


def body_of(*checks: dict[str, Any]) -> dict[str, Any]:
    return {"site": {"name": "north"}, "checks": list(checks)}


def test_every_field_is_where_the_mapping_says() -> None:
    got = understood(body_of(CHECK))
    (signal,) = got.signals
    assert got.remarks == []
    assert (signal.source, signal.component, signal.summary) == ("mine", "till", "http: 503")
    assert (signal.state, signal.severity) == (SignalState.FIRING, Severity.CRITICAL)
    assert (NOON - signal.started_at).total_seconds() == 120
    assert signal.labels == {"site": "north", "tags": '["a",{"b":true}]', "retries": "3"}
    assert [(link.text, link.href) for link in signal.links] == [("the check", CHECK["url"])]
    assert orjson.loads(signal.body)["check"] == "http"


def test_the_same_failure_is_restored_by_the_word_for_it() -> None:
    ended = CHECK | {"status": "up", "until": 1772366700, "message": "200", "event": 18}
    firing, resolved = understood(body_of(CHECK, ended)).signals
    assert resolved.state is SignalState.RESOLVED
    assert (resolved.ended_at or NOON) > NOON
    assert firing.fingerprint == resolved.fingerprint
    assert firing.id != resolved.id


def test_a_message_that_comes_again_has_the_same_id() -> None:
    (one,), (again,) = understood(body_of(CHECK)).signals, understood(body_of(CHECK)).signals
    assert one.id == again.id


def test_what_the_expression_leaves_out_is_no_signal() -> None:
    assert understood(body_of(CHECK | {"muted": True})).signals == []


def test_a_state_that_means_nothing_is_told_and_is_no_signal() -> None:
    got = understood(body_of(CHECK | {"status": "paused"}, CHECK))
    assert len(got.signals) == 1
    assert got.remarks == [
        "state: `status` gives 'paused', which is neither firing nor resolved: no signal"
    ]


def test_the_whole_body_is_the_signal_or_the_list_where_nothing_else_is_said() -> None:
    least = {"component": "name", "summary": "text"}
    body = {"name": "till", "text": "stuck"}
    assert [s.component for s in understood(body, least).signals] == ["till"]
    assert len(understood([body, body], least).signals) == 2


def test_without_a_fingerprint_component_and_summary_make_one() -> None:
    least = {"component": "name", "summary": "text"}
    one, other, same = understood(
        [{"name": "a", "text": "x"}, {"name": "a", "text": "y"}, {"name": "a", "text": "x"}], least
    ).signals
    assert one.fingerprint == same.fingerprint != other.fingerprint


def test_where_no_firing_word_is_listed_all_others_fire() -> None:
    mapping = {"component": "c", "summary": "c", "state": {"at": "ok", "resolved": ["true"]}}
    assert [
        s.state.value for s in understood([{"ok": True}, {"ok": False}, {}], mapping).signals
    ] == [
        "resolved",
        "firing",
        "firing",
    ]


def test_a_form_is_understood_by_its_fields() -> None:
    form = urlencode({"name": "till", "text": "stuck & still"}).encode()
    got = understood(
        form,
        {"component": "name", "summary": "text"},
        **{"content-type": "application/x-www-form-urlencoded"},
    )
    assert [(s.component, s.summary) for s in got.signals] == [("till", "stuck & still")]


def test_what_an_expression_cannot_find_is_told_once_with_field_and_expression() -> None:
    mapping = {
        "component": "service",
        "summary": "length(number)",
        "started_at": "since",
        "labels": {"x": "sum(words)"},
    }
    got = understood([{"number": 5, "since": "noonish", "words": ["a"]}] * 3, mapping)
    assert len(got.signals) == 3
    assert [remark.split(" ")[0] for remark in got.remarks] == [
        "component:",
        "summary:",
        "started_at:",
        "labels.x:",
    ]
    assert "`service` finds nothing" in got.remarks[0]
    assert "`length(number)` gives nothing" in got.remarks[1]
    assert "'noonish', which is no time" in got.remarks[2]


def test_a_list_that_is_not_there_is_no_signal_and_is_told() -> None:
    got = understood({"ping": 1})
    assert (got.signals, got.remarks) == (
        [],
        ["signals: `checks[?muted != `true`]` finds nothing: no signals"],
    )


def test_what_is_no_json_is_refused() -> None:
    with pytest.raises(NotJson):
        understood(b"DOWN")
    with pytest.raises(NotUnderstood, match="more than 10000"):
        understood([1] * 10_001, {"component": "@", "summary": "@"})


def said_of(mapping: dict[str, Any]) -> list[tuple[str, str]]:
    with pytest.raises(ValidationError) as raised:
        Mapping.model_validate({"component": "c", "summary": "s"} | mapping)
    errors = raised.value.errors()
    return [(".".join(map(str, error["loc"])), error["msg"]) for error in errors]


@pytest.mark.parametrize(
    ("mapping", "field", "says"),
    [
        ({"summary": "checks["}, "summary", "`checks[` is no JMESPath expression"),
        ({"labels": {"host": "a b"}}, "labels.host", "`a b` is no JMESPath expression"),
        ({"fingerprint": ["a", "#"]}, "fingerprint.1", "`#` is no JMESPath expression"),
        ({"fingerprint": "lenght(a)"}, "fingerprint.0", "there is no function `lenght`"),
        ({"component": "length()"}, "component", "`length` takes 1 values, not 0"),
        ({"id": "length(a, b)"}, "id", "`length` takes 1 values, not 2"),
        ({"state": {"at": "a"}}, "state.resolved", "Field required"),
        ({"state": {"at": "a", "firing": ["X"], "resolved": ["x"]}}, "state", "mean both: x"),
        ({"severity": {"at": "a", "map": {"x": "dire"}}}, "severity.map.x", "'critical'"),
        ({"sumary": "a"}, "sumary", "Extra inputs"),
        ({"labels": {"a\x00": "b"}}, "labels.a\x00.[key]", "match pattern"),
    ],
)
def test_what_is_wrong_with_a_mapping_is_said_with_field_and_expression(
    mapping: dict[str, Any], field: str, says: str
) -> None:
    ((where, what),) = said_of(mapping)
    assert where == field
    assert says in what


@pytest.mark.parametrize(
    "expression",
    [
        "[@,@][]|" * 40 + "@",
        "[[@,@,@,@,@,@,@,@,@,@,@],[@,@,@,@,@,@,@,@,@,@,@]]",
        "[@]|to_string(@)|" * 3 + "@",
        "join(a, b)",
        "join('" + "x" * 30 + "', b)",
        "!" * 400,
        "[" * 200 + "a" + "]" * 200,
        "a." * 200 + "a",
    ],
)
def test_what_could_multiply_without_end_is_no_expression(expression: str) -> None:
    assert said_of({"summary": expression})


def test_several_expressions_of_use_are_allowed() -> None:
    for expression in (
        "alerts[].{name: labels.alertname, at: startsAt}",
        "sort_by(items, &at)[-1].text",
        "join(', ', tags[?starts_with(@, 'team')])",
        'data."field with spaces"[0] || `"none"`',
        "to_string(@)",
        "length(items) > `3` && 'many'",
        "map(&[name, value], labels)[]",
        "not_null(a, b, c, d, e, f)",
    ):
        compiled(expression)


@pytest.mark.parametrize("expression", ['"\\ud800"', '`"\\ud800"`'])
def test_half_a_character_is_no_name_and_no_text(expression: str) -> None:
    with pytest.raises(ValueError, match="half a character"):
        compiled(expression)


EXPRESSIONS = st.sampled_from(
    [
        "@", "a", "a.b", "*", "*.a", "[*]", "[]", "[0]", "[::0]", "[?a > `1`]", "[?a == b]", "!a",
        "keys(@)", "values(@)", "to_number(@)", "to_number(a)", "to_string(a)", "abs(a)", "avg(@)",
        "ceil(to_number(a))", "sum(@)", "max(@)", "max_by(@, &a)", "sort(@)", "sort_by(@, &a)",
        "merge(@, a)", "reverse(a)", "type(@)", "join('-', @)", "length(a)", "contains(@, a)",
        "map(&a, @)", "{a: @, b: a}", "[@, a]", "'text'", "`1e999`",
        "a || b && @", "ends_with(a, 'x')", "not_null(a, @)", "min(a)", '`"\\u0000"`',
    ]
)  # fmt: skip
BODIES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5)
    | st.sampled_from(["9" * 5000, "2026-03-01T12:00:00Z", "1e999", "\x00"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["a", "b", "\ud7ff"]), inner, max_size=3)
    ),
    max_leaves=12,
)


@given(st.lists(EXPRESSIONS, min_size=9, max_size=9), BODIES)
def test_whatever_the_mapping_and_the_body_a_message_is_read_or_refused(
    expressions: list[str], body: object
) -> None:
    of = iter(expressions)
    mapping = {
        "signals": next(of),
        "component": next(of),
        "summary": next(of),
        "state": {"at": next(of), "resolved": ["true"]},
        "severity": {"at": next(of)},
        "started_at": next(of),
        "fingerprint": next(of),
        "labels": {"x": next(of)},
        "links": {"y": next(of)},
    }
    for signal in understood(body, mapping).signals:
        assert signal.component
        assert signal.fingerprint
        texts = (
            signal.summary,
            signal.component,
            signal.fingerprint,
            signal.id,
            signal.description,
        )
        for text in (*texts, *(signal.labels or {}).values()):
            assert "\x00" not in text
            text.encode()
        orjson.loads(signal.body)
