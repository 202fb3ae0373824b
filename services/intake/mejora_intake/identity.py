"""The rules by which an operator says what makes two signals of a source the same failure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from msgspec import structs
from pydantic import AfterValidator, Field

from mejora_intake.model import Signal
from mejora_intake.sources.reading import digest

_FINGERPRINT = ("component", "summary", "description", "severity", "origin", "fingerprint")
_COMPONENT = ("component", "summary", "description", "fingerprint")
_LABEL = "labels."
_LEFT_OUT = "-labels."


def _a_field(name: str, names: Sequence[str], more: str) -> str:
    if name in names or (name.startswith(_LABEL) and name != _LABEL):
        return name
    raise ValueError(f"{name!r} is no field of a signal: {', '.join(names)}, labels.<name>{more}")


def _field_of_fingerprint(name: str) -> str:
    if name == "labels" or (name.startswith(_LEFT_OUT) and name != _LEFT_OUT):
        return name
    return _a_field(name, _FINGERPRINT, ", labels (all of them), -labels.<name> (all but this one)")


def _field_of_component(name: str) -> str:
    return _a_field(name, _COMPONENT, "")


def _of_something(fields: tuple[str, ...]) -> tuple[str, ...]:
    if "labels" not in fields and any(field.startswith("-") for field in fields):
        raise ValueError("`-labels.<name>` leaves one out of `labels`: name `labels` as well")
    return fields


_Name = Annotated[str, Field(min_length=1, max_length=250, pattern=r"^[^\x00-\x1f]+$")]

FingerprintRule = Annotated[
    tuple[Annotated[_Name, AfterValidator(_field_of_fingerprint)], ...],
    Field(min_length=1, max_length=50),
    AfterValidator(_of_something),
]
"""The fields of which the fingerprint is made."""

ComponentRule = Annotated[
    tuple[Annotated[_Name, AfterValidator(_field_of_component)], ...],
    Field(min_length=1, max_length=50),
]
"""The fields of which the first that says something is the component."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What an operator has said of a source; None where the vendor's own holds."""

    fingerprint: FingerprintRule | None = None
    component: ComponentRule | None = None

    def of(self, signal: Signal) -> Signal:
        """Give a signal as the rules understand it.

        The component comes first: the fingerprint may be made of it. Where none of a rule's
        fields says anything, the vendor's own stays. The message's id stays in any case.
        """
        if self.component and (component := _first(self.component, signal)):
            signal = structs.replace(signal, component=component[:500])
        if self.fingerprint and (parts := _parts(self.fingerprint, signal)):
            signal = structs.replace(signal, fingerprint=digest(*parts))
        return signal


def _first(fields: Sequence[str], signal: Signal) -> str:
    return next(filter(None, (_value(field, signal).strip() for field in fields)), "")


def _parts(fields: Sequence[str], signal: Signal) -> list[str]:
    """Give what a fingerprint is made of: fields by their names, if they say anything."""
    said: dict[str, str] = {}
    for field in fields:
        if field == "labels":
            said |= {_LABEL + name: value for name, value in (signal.labels or {}).items()}
        elif not field.startswith("-"):
            said[field] = _value(field, signal)
    left_out = {field.removeprefix("-") for field in fields if field.startswith("-")}
    return sorted(
        f"{name}={value}" for name, value in said.items() if value and name not in left_out
    )


def _value(field: str, signal: Signal) -> str:
    if field.startswith(_LABEL):
        return (signal.labels or {}).get(field.removeprefix(_LABEL), "")
    return str(getattr(signal, field))
