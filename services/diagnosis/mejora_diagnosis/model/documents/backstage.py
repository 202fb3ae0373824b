"""Backstage's catalog-info.yaml: entities in documents of their own.

Source: backstage.io, "Descriptor Format of Catalog Entities". What becomes what:

- Component, Resource, API → component. An API depends on the components that provide it; a
  subcomponent is a part of the component that it names. A link of the type or title runbook is one.
- System → component that depends on its parts.
- Domain → business process that stands on its systems and those of its subdomains.
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
from mejora_diagnosis.model.documents.references import (
    PARTS,
    Ref,
    called,
    meant,
    names_of,
    parse_ref,
    plain,
)
from mejora_diagnosis.model.documents.tree import Document
from mejora_events.contracts.catalogue import Component, OwnerRole, Process

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
class _Described:
    """An entity as its document describes it."""

    ref: Ref
    document: Document
    spec: Mapping[str, Any]
    annotations: Mapping[str, Any]
    links: Sequence[Any]

    def label(self) -> str:
        return f"{self.ref.kind} {self.ref.name!r}"

    def refs(self, field: str, kind: str) -> tuple[Ref, ...]:
        """Read the references in a field of the spec: one, or a list; others are no references."""
        value = self.spec.get(field)
        listed = value if isinstance(value, list) else [value]
        return tuple(
            parse_ref(it, kind, self.ref.namespace)
            for it in listed
            if isinstance(it, str) and it.strip(" :/")
        )


def is_backstage(document: Document) -> bool:
    """Tell whether a document is a Backstage entity."""
    return isinstance(document.value, Mapping) and "apiVersion" in document.value


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
    names = names_of([it.ref for it in described])
    links = _Links(described, names)
    placed: list[Placed] = []
    remarks: list[Remark] = []
    passed_over: dict[str, list[_Described]] = {}
    for it in described:
        kind, fields = _fields(it, names, links, remarks)
        if kind is None:
            passed_over.setdefault(it.ref.kind, []).append(it)
            continue
        read = read_entity(kind, fields, it.document)
        if isinstance(read, Placed):
            placed.append(read)
        else:
            faults.extend(read)
    if faults:
        raise UnreadableCatalogue(faults)
    remarks.extend(map(_passed_over, passed_over.values()))
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
    spec, annotations, links = (
        value.get("spec"),
        metadata.get("annotations"),
        metadata.get("links"),
    )
    return _Described(
        ref=Ref.to(kind, str(metadata.get("namespace") or "default"), name),
        document=document,
        spec=spec if isinstance(spec, Mapping) else {},
        annotations=annotations if isinstance(annotations, Mapping) else {},
        links=links if isinstance(links, list) else (),
    )


class _Links:
    """Relations that are written at their other end."""

    def __init__(self, described: Sequence[_Described], names: Mapping[Ref, str]) -> None:
        self.parts: dict[Ref, list[Ref]] = {}
        """What belongs to each system and domain."""
        self.subdomains: dict[Ref, list[Ref]] = {}
        self.needs: dict[Ref, list[Ref]] = {}
        """What each stands on, as said there: what provides an API, what is a dependency of it."""
        self.superiors: dict[Ref, Ref] = {}
        for it in described:
            for whole in (*it.refs("system", "system"), *it.refs("domain", "domain")):
                self.parts.setdefault(whole, []).append(it.ref)
            for whole in it.refs("subdomainOf", "domain"):
                self.subdomains.setdefault(whole, []).append(it.ref)
            for api in it.refs("providesApis", "api"):
                self.needs.setdefault(api, []).append(it.ref)
            for other in it.refs("dependencyOf", ""):
                self.needs.setdefault(meant(other, names), []).append(it.ref)
            if it.ref.kind == "group":
                self.superiors.update(dict.fromkeys(it.refs("children", "group"), it.ref))

    def systems(self, domain: Ref) -> list[Ref]:
        """Name the systems of a domain and of those below it."""
        domains = {domain: None}
        last = [domain]
        while last:
            last = [it for one in last for it in self.subdomains.get(one, ()) if it not in domains]
            domains.update(dict.fromkeys(last))
        return [part for one in domains for part in self.parts.get(one, ())]


def _fields(
    it: _Described, names: Mapping[Ref, str], links: _Links, remarks: list[Remark]
) -> tuple[EntityType | None, dict[str, Any]]:
    """Give the fields of the entity that a description becomes; no type if it becomes none."""
    if it.ref.kind in PARTS:
        return Component, _component_fields(it, names, links, remarks)
    if it.ref.kind == "domain":
        systems = list(dict.fromkeys(called(ref, names) for ref in links.systems(it.ref)))
        fields = {"name": plain(it.ref), "depends_on": systems, "owner": _owner(it, names, remarks)}
        return Process, fields
    if it.ref.kind == "group":
        profile = it.spec.get("profile")
        contact = profile.get("email") if isinstance(profile, Mapping) else None
        above = next(iter(it.refs("parent", "group")), links.superiors.get(it.ref))
        superior = called(above, names) if above else None
        return OwnerRole, {"name": plain(it.ref), "superior": superior, "contact": contact}
    return None, {}


def _component_fields(
    it: _Described, names: Mapping[Ref, str], links: _Links, remarks: list[Remark]
) -> dict[str, Any]:
    stands_on = [
        *it.refs("dependsOn", ""),
        *it.refs("consumesApis", "api"),
        *(links.parts.get(it.ref, ()) if it.ref.kind == "system" else ()),
        *links.needs.get(it.ref, ()),
    ]
    depends_on = [called(ref, names) for ref in stands_on if meant(ref, names) != it.ref]
    kind = str(it.spec.get("type", "")).lower()
    fields: dict[str, Any] = {
        "name": names[it.ref],
        "component_kind": "supplier" if kind in _SUPPLIERS else "system",
        "owner": _owner(it, names, remarks),
        "depends_on": list(dict.fromkeys(depends_on)),
        "part_of": next(
            (called(ref, names) for ref in it.refs("subcomponentOf", "component")), None
        ),
        "runbook": next(_runbooks(it), None),
    }
    fields.update(_annotated(it))
    return fields


def _runbooks(it: _Described) -> Iterator[str]:
    for link in it.links:
        if not isinstance(link, Mapping) or not isinstance(link.get("url"), str):
            continue
        if "runbook" in f"{link.get('type')} {link.get('title')}".lower():
            yield link["url"]


def _owner(it: _Described, names: Mapping[Ref, str], remarks: list[Remark]) -> str | None:
    """Give the owner role; a person is none, since nobody is to be blamed by name."""
    for ref in it.refs("owner", "group"):
        if ref.kind == "group":
            return called(ref, names)
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


def _passed_over(of_a_kind: Sequence[_Described]) -> Remark:
    first, *others = of_a_kind
    more = f", and {len(others)} more of them" if others else ""
    return Remark(
        first.document.line(),
        first.label(),
        f"entities of the kind {first.ref.kind!r} are passed over{more}",
        "nothing needs doing",
    )
