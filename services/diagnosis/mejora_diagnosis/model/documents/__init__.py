"""Catalogue documents: read from our own form, Backstage entities and edges; written in ours.

A document that cannot be read says everything that is wrong with it at once, each time with the
line, the entity and what to do.
"""

from collections.abc import Sequence

from mejora_diagnosis.model.documents.backstage import is_backstage, read_backstage
from mejora_diagnosis.model.documents.checks import check
from mejora_diagnosis.model.documents.edges import is_edge_list, read_edge_list, read_table
from mejora_diagnosis.model.documents.faults import (
    Fault,
    ReadDocument,
    Remark,
    UnreadableCatalogue,
)
from mejora_diagnosis.model.documents.own import read_own, write_own
from mejora_diagnosis.model.documents.tree import Document, parse_json, parse_yaml

__all__ = [
    "Fault",
    "ReadDocument",
    "Remark",
    "UnreadableCatalogue",
    "read_catalogue",
    "read_catalogue_table",
    "write_own",
]


def read_catalogue(text: str, *, is_json: bool) -> ReadDocument:
    """Read a catalogue from a text in any of the forms. Raises UnreadableCatalogue."""
    if not is_json:
        return _read(parse_yaml(text))
    try:
        return _read(parse_json(text))
    except UnreadableCatalogue:
        return _read(parse_json(text, with_lines=True))  # which takes longer, and is asked for now


def _read(documents: Sequence[Document]) -> ReadDocument:
    if any(is_backstage(document) for document in documents):
        found = read_backstage(documents)
    elif len(documents) == 1 and is_edge_list(documents[0]):
        found = read_edge_list(documents[0])
    elif len(documents) == 1:
        found = read_own(documents[0])
    else:
        raise UnreadableCatalogue(
            [
                Fault(
                    line=None,
                    entity="the document",
                    what=f"there are {len(documents)} documents in one",
                    advice="send one document with the lists components, processes, roles,"
                    " customers and contracts, or Backstage entities, each with an apiVersion",
                )
            ]
        )
    return check(found)


def read_catalogue_table(text: str) -> ReadDocument:
    """Read a catalogue from a table of edges. Raises UnreadableCatalogue."""
    return check(read_table(text))
