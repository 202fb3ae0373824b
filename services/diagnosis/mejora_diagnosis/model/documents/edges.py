"""Plain edge lists and graphs: who stands on whom, and nothing else.

- JSON or YAML: `services` (or `nodes`) and `dependencies` (or `edges`), each edge with `from` and
  `to`, or `source` and `target`; a `label` may say how they are related.
- A table (CSV): a header, then a line for each edge. `from,to`, `source,target`, `caller,callee`,
  `component,depends_on` say which end stands on the other; `device_a,device_b` that both do.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mejora_diagnosis.model.documents.faults import (
    Fault,
    Placed,
    ReadDocument,
    UnreadableCatalogue,
)
from mejora_diagnosis.model.documents.tree import Document
from mejora_events.contracts.catalogue import Component

_EDGES = ("dependencies", "edges")
_NODES = ("services", "nodes", "components")
_ENDS = (("from", "to"), ("source", "target"))
_LABELS = ("label", "relation", "type")

_LEADING_BACK = {
    "hosts",
    "instance_of",
    "part_of",
    "belongs_to",
    "used_by",
    "called_by",
    "provides",
}
"""Relations that are written from what is stood on: `node-1 hosts pod-7`."""
_OF_INSTANCES = {"has_instance", "instance_of"}
"""Relations between a component and one of its instances."""

_FIRST = {"from", "source", "caller", "client", "consumer", "dependent", "component", "service"}
_SECOND = {"to", "target", "callee", "server", "provider", "depends", "dependency"}
_ALIKE = ({"a", "b"}, {"1", "2"}, {"left", "right"})
_WORD = re.compile(r"[a-z]+|\d+")


@dataclass(frozen=True, slots=True)
class _Edge:
    """That one component stands on another; `mutual` when each stands on the other."""

    start: str
    end: str
    label: str = ""
    mutual: bool = False


class _Graph:
    """Components as they are named, each with what it stands on."""

    def __init__(self) -> None:
        self._depends_on: dict[str, dict[str, None]] = {}
        self._lines: dict[str, int | None] = {}
        self._instances: dict[str, set[str]] = {}

    def name(self, name: str, line: int | None) -> None:
        """Take a component in."""
        self._depends_on.setdefault(name, {})
        self._lines.setdefault(name, line)

    def link(self, edge: _Edge) -> None:
        """Take an edge in; what it names is a component too."""
        start, end = edge.start, edge.end
        if edge.label in _LEADING_BACK:
            start, end = end, start
        self._depends_on.setdefault(end, {})
        self._depends_on.setdefault(start, {})[end] = None
        if edge.mutual:
            self._depends_on[end][start] = None
        if edge.label in _OF_INSTANCES:
            self._instances.setdefault(start, set()).add(end)

    def placed(self) -> Iterator[Placed]:
        """Give the components."""
        for name, ends in self._depends_on.items():
            component = Component(
                name=name,
                depends_on=tuple(it for it in ends if it != name),
                instances=len(self._instances[name]) if name in self._instances else None,
            )
            yield Placed(component, self._lines.get(name))


def is_edge_list(document: Document) -> bool:
    """Tell whether a document is an edge list."""
    return isinstance(document.value, Mapping) and any(
        isinstance(document.value.get(section), list) for section in _EDGES
    )


def read_edge_list(document: Document) -> ReadDocument:
    """Read an edge list; a name in an edge is a component too. Raises UnreadableCatalogue."""
    faults: list[Fault] = []
    graph = _Graph()
    for section, place, node in _listed(document, _NODES):
        name, line = _name_of(node), document.line(section, place)
        if name is None:
            faults.append(Fault(line, f"{section}[{place}]", "it is no name", "write a text"))
        else:
            graph.name(name, line)
    mutual = document.value.get("directed") is False
    for section, place, fields in _listed(document, _EDGES):
        edge = _edge(fields, mutual=mutual)
        if edge is None:
            where, line = f"{section}[{place}]", document.line(section, place)
            advice = "write `from` and `to`, each a component's name"
            faults.append(Fault(line, where, "it is no edge", advice))
        else:
            graph.link(edge)
    if faults:
        raise UnreadableCatalogue(faults)
    return ReadDocument(tuple(graph.placed()))


def _listed(document: Document, sections: Iterable[str]) -> Iterator[tuple[str, int, Any]]:
    for section in sections:
        found = document.value.get(section)
        for place, it in enumerate(found if isinstance(found, list) else ()):
            yield section, place, it


def _name_of(node: Any) -> str | None:
    """Give a node's name: a text or number, or the `id` or `name` of a mapping."""
    if isinstance(node, Mapping):
        node = next((node[field] for field in ("name", "id") if field in node), None)
    if isinstance(node, int) and not isinstance(node, bool):
        return str(node)
    return node if isinstance(node, str) and node.strip() else None


def _edge(fields: Any, *, mutual: bool) -> _Edge | None:
    if not isinstance(fields, Mapping):
        return None
    for first, second in _ENDS:
        start, end = _name_of(fields.get(first)), _name_of(fields.get(second))
        if start is not None and end is not None:
            label = next((fields[it] for it in _LABELS if isinstance(fields.get(it), str)), "")
            return _Edge(start, end, _relation(label), mutual)
    return None


def _relation(label: str) -> str:
    return "_".join(_WORD.findall(label.lower()))


def read_table(text: str) -> ReadDocument:
    """Read a table of edges. Raises UnreadableCatalogue."""
    lines = csv.reader(io.StringIO(text))
    try:
        header = next(lines, [])
        columns = _columns(header)
        if columns is None:
            what = f"its header {','.join(header)[:60]!r} does not name the two ends of an edge"
            advice = "begin with `from,to`; the first stands on the second"
            raise UnreadableCatalogue([Fault(1, "the table", what, advice)])
        return _read_lines(lines, columns)
    except csv.Error as error:
        advice = "mend it there"
        raise UnreadableCatalogue(
            [Fault(lines.line_num, "the table", str(error), advice)]
        ) from error


@dataclass(frozen=True, slots=True)
class _Columns:
    """Where in a line the ends of an edge stand."""

    start: int
    end: int
    label: int | None
    mutual: bool


def _columns(header: Sequence[str]) -> _Columns | None:
    words = [_WORD.findall(name.lower()) for name in header]
    label = next((at for at, it in enumerate(words) if it and it[-1] in _LABELS), None)
    ends = [at for at in range(len(words)) if at != label]
    for first in ends:
        for second in ends:
            one, other = words[first], words[second]
            if first < second and one[:-1] == other[:-1] and {*one[-1:], *other[-1:]} in _ALIKE:
                return _Columns(first, second, label, mutual=True)
    for second in ends:
        if _SECOND.intersection(words[second]):
            for first in ends:
                if first != second and _FIRST.intersection(words[first]):
                    return _Columns(first, second, label, mutual=False)
    return None


def _read_lines(lines: Any, columns: _Columns) -> ReadDocument:
    faults: list[Fault] = []
    graph = _Graph()
    for fields in lines:
        if not any(field.strip() for field in fields):
            continue
        whole = dict(enumerate(field.strip() for field in fields))
        start, end = whole.get(columns.start), whole.get(columns.end)
        if start and end:
            label = whole.get(columns.label, "") if columns.label is not None else ""
            graph.link(_Edge(start, end, _relation(label), columns.mutual))
        else:
            advice = "write both ends, each a component's name"
            faults.append(Fault(lines.line_num, "the edge", "one of its ends is empty", advice))
    placed = tuple(graph.placed())
    if not placed and not faults:  # it would take the whole catalogue away
        faults.append(Fault(None, "the table", "there is no edge in it", "send at least one"))
    if faults:
        raise UnreadableCatalogue(faults)
    return ReadDocument(placed)
