"""Any monitor that posts JSON or a form: an operator says by expressions what it means."""

from collections.abc import Mapping as Names
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Annotated, Any, Self

import orjson
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from mejora_events.contracts.base import Severity
from mejora_intake.model import Signal, SignalState
from mejora_intake.sources.expressions import FAULTS, Expression, Expressions, compiled, first_line
from mejora_intake.sources.kind import Kind, Message, NotUnderstood, Understood
from mejora_intake.sources.reading import (
    a_signal,
    any_time_of,
    digest,
    fields_of,
    severity_of,
    text_of,
)

GENERIC = "generic"
_MOST_SIGNALS = 10_000

Name = Annotated[
    str,
    StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]+$"),
]
Word = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, to_lower=True, max_length=200, pattern=r"^[^\x00-\x1f]*$"
    ),
]


class StateMapping(BaseModel):
    """Where a signal says whether it fails, and by which words (in capitals or not)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    at: Expression
    firing: Annotated[tuple[Word, ...], Field(max_length=100)] = ()
    """Left out, all words mean this but those of `resolved`."""
    resolved: Annotated[tuple[Word, ...], Field(min_length=1, max_length=100)]

    @model_validator(mode="after")
    def _means_one(self) -> Self:
        if both := set(self.firing) & set(self.resolved):
            raise ValueError(f"these words mean both: {', '.join(sorted(both))}")
        return self


class SeverityMapping(BaseModel):
    """Where a signal says how bad it is, and what its words mean beside those that people use."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    at: Expression
    map: Annotated[dict[Word, Severity], Field(max_length=100)] = {}


class Mapping(BaseModel):
    """What a monitor's messages mean. Each expression but the first two is asked of a signal."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    signals: Expression | None = None
    """Where the list of signals is, or the only one; left out, it is the whole body."""
    shared: Annotated[dict[Name, Expression], Field(max_length=50)] = {}
    """What the body says of all its signals: each signal has it as fields of these names."""
    component: Expression
    summary: Expression
    description: Expression | None = None
    state: StateMapping | None = None
    """Left out, every signal says that something fails."""
    severity: SeverityMapping | None = None
    started_at: Expression | None = None
    ended_at: Expression | None = None
    fingerprint: Expressions | None = None
    """What makes two signals the same failure; left out, component and summary do."""
    id: Expression | None = None
    """What tells a message from another one of the same failure; left out, its times do."""
    labels: Annotated[dict[Name, Expression], Field(max_length=50)] = {}
    links: Annotated[dict[Name, Expression], Field(max_length=20)] = {}
    """Addresses, by the text that they are shown with."""


def kind_of(mapping: Mapping) -> Kind:
    """Give the kind of monitor that a mapping makes."""
    return Kind(
        name=GENERIC,
        title="a monitor that is described by a mapping",
        expects=EXPECTS,
        documentation=DOCUMENTATION,
        read=partial(read, mapping),
    )


EXPECTS = (
    "JSON or a form of any shape, from a monitor that is declared with a mapping first: PUT "
    "/intake/v1/sources/{name} with the kind `generic`; then it posts to the path of that name."
)
DOCUMENTATION = "https://jmespath.org/specification.html"


def read(mapping: Mapping, message: Message) -> Understood:
    """Read a message; raises NotUnderstood when it cannot be read or holds too many signals."""
    form = "form" in message.headers.get("content-type", "").lower()
    body = dict(fields_of(message)) if form else message.json()
    reading = _Reading(mapping, message)
    for item in reading.items(body):
        if (signal := reading.signal(item)) is not None:
            reading.understood.signals.append(signal)
    reading.understood.remarks = list(reading.remarks.values())
    return reading.understood


@dataclass(slots=True)
class _Reading:
    mapping: Mapping
    message: Message
    understood: Understood = field(default_factory=Understood)
    remarks: dict[str, str] = field(default_factory=dict)
    """By field: what is said once is not said for each of a hundred signals."""

    def items(self, body: Any) -> list[Any]:
        found = self.asked("signals", self.mapping.signals, body)
        if self.mapping.signals is not None and found is None:
            self.remark("signals", self.mapping.signals, "finds nothing: no signals")
            return []
        items = found if isinstance(found, list) else [found]
        if len(items) > _MOST_SIGNALS:
            raise NotUnderstood(f"there are more than {_MOST_SIGNALS} signals in one message")
        shared = {
            name: self.asked(f"shared.{name}", expression, body)
            for name, expression in self.mapping.shared.items()
        }
        return [shared | item if isinstance(item, dict) else item for item in items]

    def signal(self, item: Any) -> Signal | None:
        mapping = self.mapping
        state = self.state(item)
        if state is None:
            return None
        component = self.needed("component", mapping.component, item)
        summary = self.needed("summary", mapping.summary, item)
        made_of = [
            self.text("fingerprint", expression, item) for expression in mapping.fingerprint or ()
        ]
        fingerprint = made_of[0] if len(made_of) == 1 else digest(*made_of)
        return a_signal(
            self.message,
            fingerprint=fingerprint if any(made_of) else digest(component, summary),
            component=component,
            summary=summary,
            description=self.text("description", mapping.description, item),
            state=state,
            severity=self.severity(item),
            started_at=self.time("started_at", mapping.started_at, item),
            ended_at=self.time("ended_at", mapping.ended_at, item),
            told_at=self.text("id", mapping.id, item),
            labels=self.texts("labels", mapping.labels, item),
            links=self.texts("links", mapping.links, item).items(),
            body=item,
        )

    def state(self, item: Any) -> SignalState | None:
        mapping = self.mapping.state
        if mapping is None:
            return SignalState.FIRING
        said = self.text("state", mapping.at, item).lower()
        if said in mapping.resolved:
            return SignalState.RESOLVED
        if not mapping.firing or said in mapping.firing:
            return SignalState.FIRING
        told = f"gives {said[:200]!r}, which is neither firing nor resolved: no signal"
        self.remark(f"state {said[:200]}", mapping.at, told)
        return None

    def severity(self, item: Any) -> Severity:
        mapping = self.mapping.severity
        if mapping is None:
            return Severity.UNKNOWN
        said = self.text("severity", mapping.at, item)
        return mapping.map.get(said.lower()) or severity_of(said)

    def time(self, name: str, expression: str | None, item: Any) -> datetime | None:
        said = self.asked(name, expression, item) if expression else None
        time = any_time_of(said)
        if said is not None and time is None:
            self.remark(name, expression, f"gives {_text(said)[:200]!r}, which is no time")
        return time

    def needed(self, name: str, expression: str, item: Any) -> str:
        text = self.text(name, expression, item)
        if not text:
            self.remark(name, expression, "finds nothing")
        return text

    def texts(self, name: str, expressions: Names[str, str], item: Any) -> dict[str, str]:
        texts = {
            one: self.text(f"{name}.{one}", expression, item)
            for one, expression in expressions.items()
        }
        return {one: text[:2000] for one, text in texts.items() if text}

    def text(self, name: str, expression: str | None, item: Any) -> str:
        if expression is None:
            return ""
        try:
            return _text(self.asked(name, expression, item))
        except FAULTS as error:
            self.remark(name, expression, f"gives no text: {first_line(error)}")
            return ""

    def asked(self, name: str, expression: str | None, value: Any) -> Any:
        if expression is None:
            return value
        try:
            return compiled(expression).search(value)
        except FAULTS as error:
            self.remark(name, expression, f"gives nothing: {first_line(error)}")
            return None

    def remark(self, name: str, expression: str | None, told: str) -> None:
        if len(self.remarks) < 100:
            self.remarks.setdefault(name, f"{name.partition(' ')[0]}: `{expression}` {told}")


def _text(value: Any) -> str:
    """Give a value as text: JSON where it is no text, but nothing for null."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else orjson.dumps(value, default=str).decode()
    return text_of(text.encode("utf-8", "replace").decode())
