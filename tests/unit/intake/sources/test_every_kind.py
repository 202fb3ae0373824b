"""What holds for every kind of monitor: it is described, and nothing that is posted breaks it."""

import json
import random
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mejora_intake.sources import KINDS
from mejora_intake.sources.kind import Message, NotUnderstood, Understood
from support.messages import NOW, real_bodies
from support.real_data import REAL_DATA

READ_AS = {
    "aws_cloudwatch_keep": "aws_cloudwatch_sns",
    "datadog_keep": "datadog",
    "grafana_keep": "grafana",
    "prometheus_keep": "alertmanager",
    "sentry_keep": "sentry",
}
"""Folders of real bodies that are named after where they come from, not after their kind."""

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@pytest.fixture(params=sorted(KINDS))
def name(request: pytest.FixtureRequest) -> str:
    kind: str = request.param
    return kind


def understood(name: str, body: bytes, headers: dict[str, str] | None = None) -> Understood | None:
    """Read a message as a post would be read: it is understood, or refused for a reason."""
    try:
        return KINDS[name].read(Message(body, name, NOW, headers or {}))
    except NotUnderstood as error:
        assert str(error)
        return None


def test_it_says_what_it_is(name: str) -> None:
    kind = KINDS[name]
    assert kind.title
    assert kind.expects.endswith((".", "…"))
    assert kind.documentation.startswith("https://")


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(value=JSON)
def test_any_json_is_understood_or_refused(name: str, value: Any) -> None:
    understood(name, json.dumps(value).encode())


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(raw=st.binary(max_size=200))
@pytest.mark.parametrize(
    "content_type",
    ["application/json", "application/x-www-form-urlencoded", "application/x-protobuf", "text/xml"],
)
def test_any_bytes_are_understood_or_refused(name: str, content_type: str, raw: bytes) -> None:
    understood(name, raw, {"content-type": content_type})


def test_real_bodies_that_were_mutated_are_understood_or_refused(name: str) -> None:
    bodies = [
        body
        for folder in [name, *(f for f, kind in READ_AS.items() if kind == name)]
        for body in real_bodies(folder)
    ]
    chance = random.Random(name)
    for body in bodies:
        raw = body.read_bytes()
        for mutant in mutants(raw, chance):
            got = understood(name, mutant)
            for signal in got.signals if got else ():
                assert signal.component
                assert len(signal.id) <= 500
                assert signal.started_at.tzinfo is not None


def mutants(raw: bytes, chance: random.Random) -> Iterator[bytes]:
    """Give a body cut short, with a byte changed, and with parts left out or of another type."""
    for _ in range(10):
        yield raw[: chance.randrange(len(raw) + 1)]
        at = chance.randrange(len(raw))
        yield raw[:at] + bytes([chance.randrange(256)]) + raw[at + 1 :]
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return
    for _ in range(30):
        yield orjson.dumps(mutated(value, chance))


STRANGE: list[Any] = [
    None, "", 0, -1, 2**63, 1e300, True, [], {}, [[]], {"": None}, "\x00", "0001-01-01T00:00:00Z",
    "1970-01-01T00:00:00Z", "9999-12-31T23:59:59.999999999+14:00", "\N{PILE OF POO}" * 50, [1, "a"],
]  # fmt: skip


def mutated(value: Any, chance: random.Random) -> Any:
    if chance.random() < 0.08:
        return chance.choice(STRANGE)
    if isinstance(value, dict):
        return {key: mutated(one, chance) for key, one in value.items() if chance.random() > 0.05}
    if isinstance(value, list):
        return [mutated(one, chance) for one in value]
    return value


def test_every_real_folder_has_its_kind() -> None:
    if not REAL_DATA.is_dir():
        pytest.skip("the real data is not there (MEJORA_REAL_DATA)")
    folders = sorted(f.name for f in (REAL_DATA / "webhooks").iterdir() if f.is_dir())
    assert [f for f in folders if READ_AS.get(f, f) not in KINDS] == []
