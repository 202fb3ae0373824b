"""Backstage's catalog-info.yaml: entities in documents of their own.

Source: backstage.io, "Descriptor Format of Catalog Entities". What becomes what:

- Component, Resource, API → component. An API depends on the components that provide it.
- System → component that depends on its parts.
- Domain → business process that stands on its systems.
- Group → owner role; its parent is its superior.
- User, Location, Template and other kinds say nothing about what can fail and are passed over.

What Mejora asks beyond that is read from annotations: `mejora/criticality`, `mejora/instances`,
`mejora/sites`, `mejora/users`, `mejora/cost-per-minute`, `mejora/runbook`, `mejora/alternates` and
`mejora/aliases` (the last two with commas between).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mejora_diagnosis.model.documents.entity import EntityType, read_entity
from mejora_diagnosis.model.documents.faults import (
    Fault,
    Placed,
    ReadDocument,
    Remark,
    UnreadableCatalogue,
)
from mejora_diagnosis.model.documents.tree import Document
from mejora_events.contracts.catalogue import Component, OwnerRole, Process

_PARTS = ("component", "resource", "system", "api")
"""Kinds that become components; where two have one name, the first of these keeps it plain."""
_SUPPLIERS = {"supplier", "vendor", "saas", "external"}
_TEXTS = {
    "mejora/criticality": "criticality",
    "mejora/instances": "instances",
    "mejora/sites": "sites",
    "mejora/users": "users",
    "mejora/cost-per-minute": "cost_per_minute",
    "mejora/runbook": "runbook",
}
_SERIES = {"mejora/alternates": "alternates", "mejora/aliases": "aliases"}


@dataclass(frozen=True, slots=True)
class Ref:
    """What names an entity: kind, namespace and name, in lower case where Backstage ignores it."""

    kind: str
    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class _Described:
    """An entity as its document describes it."""

    ref: Ref
    document: Document
    spec: Mapping[str, Any]
    annotations: Mapping[str, Any]

    def label(self) -> str:
        return f"{self.ref.kind} {self.ref.name!r}"

    def refs(self, field: str, kind: str) -> tuple[Ref, ...]:
        """Read the references in a field of the spec: one, or a list; others are no references."""
        value = self.spec.get(field)
        listed = value if isinstance(value, list) else [value]
        return tuple(
            parse_ref(it, kind, self.ref.namespace)
            for it in listed
            if isinstance(it, str) and it.strip()
        )


def is_backstage(document: Document) -> bool:
    """Tell whether a document is a Backstage entity."""
    return isinstance(document.value, Mapping) and "apiVersion" in document.value


def parse_ref(text: str, kind: str, namespace: str) -> Ref:
    """Read a reference, `[kind:][namespace/]name`, with what holds where it says nothing."""
    said_kind, colon, rest = text.strip().rpartition(":")
    said_namespace, slash, name = rest.partition("/")
    return Ref(
        kind=(said_kind if colon else kind).lower(),
        namespace=(said_namespace if slash else namespace).lower(),
        name=name if slash else rest,
    )


def read_backstage(documents: Sequence[Document]) -> ReadDocument:
    """Read a stream of Backstage entities. Raises UnreadableCatalogue."""
    described: list[_Described] = []
    faults: list[Fault] = []
    for document in documents:
        entity = _described(document)
        if isinstance(entity, Fault):
            faults.append(entity)
        else:
            described.append(entity)
    names = _names([it.ref for it in described])
    links = _Links(described)
    placed: list[Placed] = []
    remarks: list[Remark] = []
    for it in described:
        kind, fields = _fields(it, names, links, remarks)
        if kind is None:
            remarks.append(_passed_over(it))
            continue
        read = read_entity(kind, fields, it.document)
        if isinstance(read, Placed):
            placed.append(read)
        else:
            faults.extend(read)
    if faults:
        raise UnreadableCatalogue(faults)
    return ReadDocument(tuple(placed), tuple(remarks), unknown_join=True)


def _described(document: Document) -> _Described | Fault:
    value = document.value
    kind = value.get("kind") if isinstance(value, Mapping) else None
    metadata = value.get("metadata") if isinstance(value, Mapping) else None
    name = metadata.get("name") if isinstance(metadata, Mapping) else None
    if not isinstance(kind, str) or not isinstance(metadata, Mapping) or not isinstance(name, str):
        return Fault(
            document.line(),
            f"entity {name!r}" if isinstance(name, str) else "entity without a name",
            "it lacks kind or metadata.name",
            "write both, as in `kind: Component` and `metadata: {name: …}`",
        )
    spec, annotations = value.get("spec"), metadata.get("annotations")
    return _Described(
        ref=Ref(kind.lower(), str(metadata.get("namespace") or "default").lower(), name),
        document=document,
        spec=spec if isinstance(spec, Mapping) else {},
        annotations=annotations if isinstance(annotations, Mapping) else {},
    )


def _plain(ref: Ref) -> str:
    return ref.name if ref.namespace == "default" else f"{ref.namespace}/{ref.name}"


def _names(refs: Sequence[Ref]) -> Mapping[Ref, str]:
    """Name the components: Backstage lets a component and an API share a name, we do not."""
    names: dict[Ref, str] = {}
    taken: set[str] = set()
    for kind in _PARTS:
        for ref in refs:
            if ref.kind == kind and ref not in names:
                plain = _plain(ref)
                names[ref] = plain if plain not in taken else f"{kind}:{plain}"
        taken.update(names.values())
    return names


class _Links:
    """Relations that are written at their other end."""

    def __init__(self, described: Sequence[_Described]) -> None:
        self.parts: dict[Ref, list[Ref]] = {}
        """What belongs to each system and domain."""
        self.providers: dict[Ref, list[Ref]] = {}
        for it in described:
            for whole in it.refs("system", "system"):
                self.parts.setdefault(whole, []).append(it.ref)
            for whole in it.refs("domain", "domain"):
                self.parts.setdefault(whole, []).append(it.ref)
            for api in it.refs("providesApis", "api"):
                self.providers.setdefault(api, []).append(it.ref)


def _fields(
    it: _Described, names: Mapping[Ref, str], links: _Links, remarks: list[Remark]
) -> tuple[EntityType | None, dict[str, Any]]:
    """Give the fields of the entity that a description becomes; no type if it becomes none."""
    if it.ref.kind in _PARTS:
        return Component, _component_fields(it, names, links, remarks)
    if it.ref.kind == "domain":
        systems = [names.get(ref, _plain(ref)) for ref in links.parts.get(it.ref, ())]
        fields = {"name": _plain(it.ref), "depends_on": systems, "owner": _owner(it, remarks)}
        return Process, fields
    if it.ref.kind == "group":
        profile = it.spec.get("profile")
        contact = profile.get("email") if isinstance(profile, Mapping) else None
        superior = next((_plain(ref) for ref in it.refs("parent", "group")), None)
        return OwnerRole, {"name": _plain(it.ref), "superior": superior, "contact": contact}
    return None, {}


def _component_fields(
    it: _Described, names: Mapping[Ref, str], links: _Links, remarks: list[Remark]
) -> dict[str, Any]:
    stands_on = [
        *it.refs("dependsOn", "component"),
        *it.refs("consumesApis", "api"),
        *(links.parts.get(it.ref, ()) if it.ref.kind == "system" else ()),
        *links.providers.get(it.ref, ()),
    ]
    depends_on = [names.get(ref, _plain(ref)) for ref in stands_on if ref != it.ref]
    kind = str(it.spec.get("type", "")).lower()
    fields: dict[str, Any] = {
        "name": names[it.ref],
        "component_kind": "supplier" if kind in _SUPPLIERS else "system",
        "owner": _owner(it, remarks),
        "depends_on": list(dict.fromkeys(depends_on)),
    }
    fields.update(_annotated(it))
    return fields


def _owner(it: _Described, remarks: list[Remark]) -> str | None:
    """Give the owner role; a person is none, since nobody is to be blamed by name."""
    for ref in it.refs("owner", "group"):
        if ref.kind == "group":
            return _plain(ref)
        remarks.append(
            Remark(
                it.document.line("spec", "owner"),
                it.label(),
                "its owner is a person",
                "name a group; it is taken over without an owner",
            )
        )
    return None


def _annotated(it: _Described) -> Iterator[tuple[str, Any]]:
    for annotation, value in it.annotations.items():
        text = str(value).strip()
        if annotation in _TEXTS:
            yield _TEXTS[annotation], text
        elif annotation in _SERIES:
            yield _SERIES[annotation], [part.strip() for part in text.split(",") if part.strip()]


def _passed_over(it: _Described) -> Remark:
    return Remark(
        it.document.line(),
        it.label(),
        f"entities of the kind {it.ref.kind!r} are passed over",
        "nothing needs doing",
    )
