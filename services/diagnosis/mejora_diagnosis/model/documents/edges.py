"""Plain edge lists: `services` by name and `dependencies` with `from` and `to`."""

from collections.abc import Mapping
from typing import Any

from mejora_diagnosis.model.documents.faults import (
    Fault,
    Placed,
    ReadDocument,
    UnreadableCatalogue,
)
from mejora_diagnosis.model.documents.tree import Document
from mejora_events.contracts.catalogue import Component

_EDGES = "dependencies"
_NODES = ("services", "nodes", "components")


def is_edge_list(document: Document) -> bool:
    """Tell whether a document is an edge list."""
    return isinstance(document.value, Mapping) and isinstance(document.value.get(_EDGES), list)


def read_edge_list(document: Document) -> ReadDocument:
    """Read an edge list; a name in an edge is a component too. Raises UnreadableCatalogue."""
    faults: list[Fault] = []
    depends_on: dict[str, dict[str, None]] = {}
    lines: dict[str, int | None] = {}
    for section in _NODES:
        names = document.value.get(section)
        for place, name in enumerate(names if isinstance(names, list) else ()):
            if isinstance(name, str) and name.strip():
                depends_on.setdefault(name, {})
                lines.setdefault(name, document.line(section, place))
            else:
                where, line = f"{section}[{place}]", document.line(section, place)
                faults.append(Fault(line, where, "it is no name", "write a text"))
    for place, edge in enumerate(document.value[_EDGES]):
        ends = _ends(edge)
        if ends is None:
            where, line = f"{_EDGES}[{place}]", document.line(_EDGES, place)
            advice = "write `from` and `to`, each a component's name"
            faults.append(Fault(line, where, "it is no edge", advice))
        else:
            start, end = ends
            depends_on.setdefault(end, {})
            depends_on.setdefault(start, {})[end] = None
    if faults:
        raise UnreadableCatalogue(faults)
    return ReadDocument(
        tuple(
            Placed(
                Component(name=name, depends_on=tuple(it for it in ends_of if it != name)),
                lines.get(name),
            )
            for name, ends_of in depends_on.items()
        )
    )


def _ends(edge: Any) -> tuple[str, str] | None:
    if not isinstance(edge, Mapping):
        return None
    start, end = edge.get("from"), edge.get("to")
    if isinstance(start, str) and isinstance(end, str) and start.strip() and end.strip():
        return start, end
    return None
