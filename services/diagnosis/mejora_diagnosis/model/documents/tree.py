"""A parsed document whose values know the line on which they stand."""

import json
import re
from collections.abc import Sequence
from typing import Any

import yaml

from mejora_diagnosis.model.documents.faults import Fault, UnreadableCatalogue

# YAML 1.1 reads `no`, `on` and 2026-01-01 as something else than text, which surprises people who
# write names and dates. As in YAML 1.2's core schema, only true and false are not text.
_KEPT_TAGS = {
    "tag:yaml.org,2002:null",
    "tag:yaml.org,2002:int",
    "tag:yaml.org,2002:float",
    "tag:yaml.org,2002:merge",
}


class _Loader(yaml.CSafeLoader):
    """Reads plain data only, and no more kinds of it than JSON has."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag in _KEPT_TAGS]
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile(r"^(?:true|True|false|False)$"), list("tTfF")
)


_DEEPEST = 50
"""Levels of nesting; a catalogue has five."""
_LARGEST = 5_000_000
"""Values in a document, those that aliases stand for counted each time."""


class Document:
    """One document: its value, and the line of each part of it where that is known."""

    def __init__(self, value: Any, node: yaml.Node | None = None) -> None:
        self.value = value
        self._node = node

    def line(self, *path: str | int) -> int | None:
        """Tell the line of the part at a path, or of the nearest part around it."""
        node = self._node
        if node is None:
            return None
        line: int = node.start_mark.line
        for step in path:
            node = _step(node, step)
            if node is None:
                break
            line = node.start_mark.line
        return line + 1


def _step(node: yaml.Node, step: str | int) -> yaml.Node | None:
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int):
        return node.value[step] if step < len(node.value) else None
    if isinstance(node, yaml.MappingNode):
        return next((value for key, value in node.value if key.value == step), None)
    return None


def parse_yaml(text: str) -> list[Document]:
    """Parse a stream of YAML documents; empty ones are passed over. Raises UnreadableCatalogue."""
    _refuse_the_bottomless(text)
    loader = _Loader(text)
    try:
        documents = []
        while loader.check_node():
            node = loader.get_node()
            value = loader.construct_document(node)
            if value is not None:
                documents.append(Document(value, node))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise _unreadable(mark.line + 1 if mark else None, error.problem or "bad YAML") from error
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise _unreadable(None, str(error)) from error
    finally:
        loader.dispose()
    return _at_least_one(documents)


def _refuse_the_bottomless(text: str) -> None:
    """Refuse what would take the process with it.

    Composing recurses in C, so that deep nesting ends in a crash; and aliases of aliases are a
    short text for a value without end. Both are counted here from the flat stream of events.
    """
    sizes: dict[str, int] = {}
    around: list[tuple[str | None, int]] = []
    size = 0
    try:
        for event in yaml.parse(text, Loader=_Loader):
            if isinstance(event, yaml.CollectionStartEvent):
                around.append((event.anchor, size))
                size = 1
            elif isinstance(event, yaml.CollectionEndEvent):
                anchor, outside = around.pop()
                if anchor is not None:
                    sizes[anchor] = size
                size += outside
            elif isinstance(event, yaml.NodeEvent):
                size += (
                    sizes.get(event.anchor or "", 1) if isinstance(event, yaml.AliasEvent) else 1
                )
            if len(around) > _DEEPEST or size > _LARGEST:
                line = event.start_mark.line + 1 if event.start_mark else None
                raise _unreadable(line, "it is nested too deeply, or refers to itself too often")
    except yaml.YAMLError:
        return  # composing says what is wrong and where


def parse_json(text: str, *, with_lines: bool = False) -> list[Document]:
    """Parse JSON: one value, or an array of Backstage entities. Raises UnreadableCatalogue."""
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise _unreadable(error.lineno, error.msg) from error
    except RecursionError as error:
        raise _unreadable(None, "it is nested too deeply") from error
    node = _node_of(text) if with_lines else None
    if isinstance(value, list):
        parts = node.value if isinstance(node, yaml.SequenceNode) else [None] * len(value)
        return _at_least_one([Document(*it) for it in zip(value, parts, strict=True)])
    return _at_least_one([] if value is None else [Document(value, node)])


def _node_of(text: str) -> yaml.Node | None:
    """Read JSON as the YAML that it nearly is, for its lines; None where it is not."""
    text = text.replace("\t", " ")  # of which JSON has none but between its parts
    _refuse_the_bottomless(text)
    try:
        return yaml.compose(text, Loader=_Loader)
    except yaml.YAMLError:
        return None


def _at_least_one(documents: Sequence[Document]) -> list[Document]:
    if documents:
        return list(documents)
    # An empty body would otherwise take the whole catalogue away.
    raise UnreadableCatalogue(
        [
            Fault(
                line=None,
                entity="the document",
                what="it is empty",
                advice="send `components: []` to take everything out of the catalogue",
            )
        ]
    )


def _unreadable(line: int | None, what: str) -> UnreadableCatalogue:
    return UnreadableCatalogue(
        [Fault(line=line, entity="the document", what=what, advice="mend it there")]
    )
