"""One entity from the fields that somebody wrote, with faults that say what to do."""

import re
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError

from mejora_diagnosis.model.documents.faults import Fault, Placed
from mejora_diagnosis.model.documents.tree import Document
from mejora_events.contracts.catalogue import (
    Component,
    Contract,
    Customer,
    Entity,
    OwnerRole,
    Process,
)

EntityType = type[Component] | type[Process] | type[OwnerRole] | type[Customer] | type[Contract]

_MONEY_FIELDS = (
    "cost_per_minute",
    "handling_rate_per_hour",
    "penalty_per_minute",
    "worth_per_year",
)
_AMOUNT = re.compile(r"\s*(\d+(?:\.\d+)?)(?:\s*([A-Za-z]{3}))?\s*")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
"""What JSON can write and neither UTF-8 nor PostgreSQL can hold."""
_ADVICE = {
    "missing": "add it",
    "string_type": "write it as text, in quotes if it looks like a number",
    "tuple_type": "write it as a list, such as [a, b]",
    "enum": "choose one of these",
    "int_type": "write a whole number",
    "int_parsing": "write a whole number",
}


def read_entity(
    kind: EntityType, fields: object, document: Document, *path: str | int
) -> Placed | list[Fault]:
    """Read the entity that stands at a path of a document; all its faults if it has any."""
    word = kind.model_fields["kind"].default
    line = document.line(*path)
    if not isinstance(fields, Mapping):
        where = f"{word} at {'.'.join(map(str, path))}"
        return [Fault(line, where, "it is no mapping", "write its fields, as in `name: …`")]
    name = fields.get("name")
    label = f"{word} {name!r}" if isinstance(name, str) else f"{word} without a name"
    faults = list(_unknown_fields(kind, fields, label, document, *path))
    try:
        entity: Entity = kind.model_validate({**_with_money(fields), "kind": word})
    except ValidationError as error:
        faults.extend(_faults(error, label, document, *path))
    else:
        if not entity.name.strip():
            faults.append(Fault(line, label, "its name is empty", "give it a name"))
        if any(map(_UNSTORABLE.search, _texts(entity.model_dump()))):
            what = "it has a NUL character, or half of one, in it"
            faults.append(Fault(line, label, what, "take that out"))
        if not faults:
            return Placed(entity, line)
    return faults


def _texts(value: object) -> Iterator[str]:
    """Give all texts within a value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield from (text for part in value.values() for text in _texts(part))
    elif isinstance(value, Iterable):
        yield from (text for part in value for text in _texts(part))


def _unknown_fields(
    kind: EntityType, fields: Mapping[Any, Any], label: str, document: Document, *path: str | int
) -> Iterator[Fault]:
    known = [name for name in kind.model_fields if name != "kind"]
    for field in fields:
        if field not in known:
            close = get_close_matches(str(field), known, n=1)
            yield Fault(
                document.line(*path, str(field)),
                label,
                f"it has no field {str(field)[:60]!r}",
                f"did you mean {close[0]!r}?" if close else f"its fields are {', '.join(known)}",
            )


def _faults(
    error: ValidationError, label: str, document: Document, *path: str | int
) -> Iterator[Fault]:
    for found in error.errors(include_url=False, include_input=False, include_context=False):
        where = found["loc"]
        field = ".".join(map(str, where))
        yield Fault(
            document.line(*path, *where),
            label,
            f"{field}: {found['msg'].lower()}",
            _ADVICE.get(found["type"], "mend it"),
        )


def _with_money(fields: Mapping[Any, Any]) -> dict[Any, Any]:
    """Let amounts be written as `120`, `120 EUR` or in full."""
    read = dict(fields)
    for field in _MONEY_FIELDS:
        amount = read.get(field)
        if isinstance(amount, int | float) and not isinstance(amount, bool):
            read[field] = {"amount": str(amount)}
        elif isinstance(amount, str) and (match := _AMOUNT.fullmatch(amount)):
            currency = {"currency": match[2].upper()} if match[2] else {}
            read[field] = {"amount": match[1], **currency}
    return read
