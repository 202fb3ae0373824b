"""Our own form: one document with a list for each kind of entity.

components:
  - name: checkout
    kind: system          # system, procedure, supplier, process_step
    owner: payments
    depends_on: [cart]
    instances: 3          # or sites, or users: what "generalised" is measured against
    criticality: 1        # 1 is the most critical, 5 the least
    cost_per_minute: 120 EUR
    alternates: [order by phone]
processes: [...]
roles: [...]
customers: [...]
contracts: [...]
"""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any

from mejora_diagnosis.model.documents.entity import EntityType, read_entity
from mejora_diagnosis.model.documents.faults import (
    Fault,
    Placed,
    ReadDocument,
    UnreadableCatalogue,
)
from mejora_diagnosis.model.documents.tree import Document
from mejora_events.contracts.catalogue import (
    Component,
    Contract,
    Customer,
    Entity,
    OwnerRole,
    Process,
)

_LISTS: Mapping[str, EntityType] = {
    "components": Component,
    "processes": Process,
    "roles": OwnerRole,
    "customers": Customer,
    "contracts": Contract,
}


def read_own(document: Document) -> ReadDocument:
    """Read our own form. Raises UnreadableCatalogue."""
    if not isinstance(document.value, Mapping):
        raise UnreadableCatalogue(
            [
                Fault(
                    document.line(),
                    "the document",
                    "it is no mapping",
                    f"write the lists {', '.join(_LISTS)}",
                )
            ]
        )
    placed: list[Placed] = []
    faults: list[Fault] = []
    for section, items in document.value.items():
        kind = _LISTS.get(section) if isinstance(section, str) else None
        if kind is None:
            faults.append(_no_such_list(document, str(section)))
        elif not isinstance(items, list) and items is not None:
            advice = "write its entities as a list, each beginning with `- name: …`"
            faults.append(Fault(document.line(section), section, "it is no list", advice))
        else:
            for place, fields in enumerate(items or ()):
                spoken = _from_written(fields) if kind is Component else fields
                read = read_entity(kind, spoken, document, section, place)
                if isinstance(read, Placed):
                    placed.append(read)
                else:
                    faults.extend(read)
    if faults:
        raise UnreadableCatalogue(faults)
    return ReadDocument(tuple(placed))


def _no_such_list(document: Document, section: str) -> Fault:
    close = get_close_matches(section, _LISTS, n=1)
    return Fault(
        document.line(section),
        "the document",
        f"it has no part {section[:60]!r}",
        f"did you mean {close[0]!r}?" if close else f"its parts are {', '.join(_LISTS)}",
    )


def _from_written(fields: object) -> object:
    """Take a component's `kind` as people write it: what kind of component it is."""
    if not isinstance(fields, Mapping) or "kind" not in fields:
        return fields
    return {("component_kind" if field == "kind" else field): it for field, it in fields.items()}


def write_own(entities: Iterable[Entity]) -> dict[str, list[dict[str, Any]]]:
    """Write a catalogue in our own form, as plain values; what is not said is left out."""
    written: dict[str, list[dict[str, Any]]] = {section: [] for section in _LISTS}
    sections = {kind: section for section, kind in _LISTS.items()}
    for entity in sorted(entities, key=lambda it: it.name):
        fields = entity.model_dump(mode="json", exclude_defaults=True)
        fields.pop("kind", None)
        if "component_kind" in fields:
            fields["kind"] = fields.pop("component_kind")
        written[sections[type(entity)]].append({"name": fields.pop("name"), **fields})
    return written
