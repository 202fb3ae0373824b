"""What must hold among the entities of a catalogue."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date

from mejora_diagnosis.model.documents.faults import (
    Fault,
    Placed,
    ReadDocument,
    Remark,
    UnreadableCatalogue,
)
from mejora_events.contracts.catalogue import (
    Component,
    ComponentKind,
    Contract,
    Entity,
    OwnerRole,
    Process,
)

Names = Mapping[str, frozenset[str]]
"""The names of the entities of each kind."""


def check(document: ReadDocument) -> ReadDocument:
    """Check a document as a whole; what is only referred to joins where the form allows that.

    Raises UnreadableCatalogue.
    """
    names = _names(document.placed)
    faults = [*_repeated(document.placed), *_clashing_aliases(document.placed, names)]
    remarks = list(document.remarks)
    joining: dict[str, Placed] = {}
    for placed in document.placed:
        for kind, name in _references(placed):
            if name in names[kind]:
                continue
            fault = _dangling(placed, kind, name, joins=document.unknown_join)
            if kind == "role":
                remarks.append(fault)
            elif kind == "component" and document.unknown_join:
                remarks.append(fault)
                unlisted = Component(name=name, component_kind=ComponentKind.UNLISTED)
                joining.setdefault(name, Placed(unlisted, placed.line))
            else:
                faults.append(fault)
    faults.extend(_circles(document.placed))
    faults.extend(_impossible(document.placed))
    if faults:
        raise UnreadableCatalogue(faults)
    return ReadDocument((*document.placed, *joining.values()), tuple(remarks))


def _names(placed: Iterable[Placed]) -> Names:
    kinds: dict[str, set[str]] = {
        kind: set() for kind in ("component", "process", "role", "customer", "contract")
    }
    for it in placed:
        kinds[it.entity.kind].add(it.entity.name)
    return {kind: frozenset(names) for kind, names in kinds.items()}


def _label(placed: Placed) -> str:
    return f"{placed.entity.kind} {placed.entity.name!r}"


def _repeated(placed: Sequence[Placed]) -> Iterator[Fault]:
    seen: dict[tuple[str, str], int | None] = {}
    for it in placed:
        key = (it.entity.kind, it.entity.name)
        if key in seen:
            before = f"on line {seen[key]}" if seen[key] else "before"
            yield Fault(it.line, _label(it), f"it is there {before} too", "keep one of them")
        seen.setdefault(key, it.line)


def _clashing_aliases(placed: Sequence[Placed], names: Names) -> Iterator[Fault]:
    aliases = Counter(
        alias.lower()
        for it in placed
        if isinstance(it.entity, Component)
        for alias in dict.fromkeys(it.entity.aliases)
    )
    taken = {name.lower() for name in names["component"]}
    for it in placed:
        if not isinstance(it.entity, Component):
            continue
        for alias in it.entity.aliases:
            if alias.lower() in taken and alias.lower() != it.entity.name.lower():
                what = f"its alias {alias!r} is another component's name"
                yield Fault(it.line, _label(it), what, "take it out")
            elif aliases[alias.lower()] > 1:
                what = f"its alias {alias!r} is another component's too"
                yield Fault(it.line, _label(it), what, "keep it at one of them")


def _references(placed: Placed) -> Iterator[tuple[str, str]]:
    """Name what an entity refers to, with its kind."""
    entity = placed.entity
    if isinstance(entity, Component) and entity.part_of is not None:
        yield "component", entity.part_of
    if isinstance(entity, Component | Process):
        yield from (("component", name) for name in entity.depends_on)
        if entity.owner is not None:
            yield "role", entity.owner
    if isinstance(entity, Process):
        yield from (("customer", name) for name in entity.customers)
    if isinstance(entity, Contract):
        yield "customer", entity.customer
        yield from (("process", name) for name in entity.processes)
    if isinstance(entity, OwnerRole) and entity.superior is not None:
        yield "role", entity.superior


def _dangling(placed: Placed, kind: str, name: str, *, joins: bool) -> Fault:
    what = f"it names the {kind} {name!r}, which is not in the document"
    if kind == "role":
        advice = "add it to the roles, so that its superior and how to reach it are known"
        return Remark(placed.line, _label(placed), what, advice)
    if kind == "component" and joins:
        advice = "it joins as unlisted; add an entity that describes it"
        return Remark(placed.line, _label(placed), what, advice)
    return Fault(placed.line, _label(placed), what, "add it, or mend the name")


def _circles(placed: Sequence[Placed]) -> Iterator[Fault]:
    """Tell which roles are above themselves, and which components are parts of themselves."""
    above = {(it.entity.kind, it.entity.name): _above(it.entity) for it in placed}
    for it in placed:
        kind, first = it.entity.kind, it.entity.name
        name, passed = above[kind, first], set[str]()
        while name is not None and name != first and name not in passed:
            passed.add(name)
            name = above.get((kind, name))
        if name == first and kind == "role":
            what = "it is its own superior, directly or by way of others"
            yield Fault(it.line, _label(it), what, "name a role above it, or none")
        elif name == first:
            what = "it is a part of itself, directly or by way of others"
            yield Fault(it.line, _label(it), what, "name the whole that it is a part of, or none")


def _above(entity: Entity) -> str | None:
    if isinstance(entity, OwnerRole):
        return entity.superior
    return entity.part_of if isinstance(entity, Component) else None


def _impossible(placed: Iterable[Placed]) -> Iterator[Fault]:
    """Tell which values their fields allow and the world does not."""
    for it in placed:
        entity = it.entity
        if isinstance(entity, Component) and entity.instances is not None and entity.instances < 1:
            what = f"instances: there cannot be {entity.instances} of them"
            yield Fault(it.line, _label(it), what, "count at least one, or leave it out")
        if isinstance(entity, Contract) and entity.renewal_on and not _is_day(entity.renewal_on):
            what = f"renewal_on: {entity.renewal_on[:60]!r} is no day"
            yield Fault(it.line, _label(it), what, "write it as 2027-01-31")


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
