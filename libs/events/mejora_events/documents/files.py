"""The generated documents as files: written, and held against the contracts."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from mejora_events.compatibility import Schema, full_transitive, unreadable
from mejora_events.contracts import TOPICS, Topic
from mejora_events.documents.asyncapi import asyncapi
from mejora_events.documents.schemas import read_schema, written_schema

HOME = Path(__file__).resolve().parents[2]
"""The library's folder in the repository, where the documents are committed."""

ASYNCAPI = "asyncapi.yaml"
SCHEMAS = "schemas"
HISTORY = "schemas/history"

_WRITE = "run `python -m mejora_events.documents write`"
_TEXT = ("title", "description", "examples", "$comment")


def write(home: Path, topics: Sequence[Topic] = TOPICS) -> list[str]:
    """Bring all documents up to date; writes nothing, and says why, when a contract breaks."""
    schemas = _schemas(topics)
    broken = list(_breaks(home, topics, schemas))
    if broken:
        return broken
    documents = _documents(topics, schemas)
    for name in _leftovers(home, documents):
        (home / name).unlink()
    for name, schema in schemas.items():
        versions = _history(home, name)
        if not versions or _bare(versions[-1]) != _bare(schema):
            documents[f"{HISTORY}/{name}/{len(versions) + 1}.json"] = _json(schema)
    for path, text in documents.items():
        (home / path).parent.mkdir(parents=True, exist_ok=True)
        (home / path).write_text(text, encoding="utf-8")
    return []


def check(home: Path, topics: Sequence[Topic] = TOPICS) -> list[str]:
    """Tell what is stale, and which contracts changed so that somebody cannot read them."""
    schemas = _schemas(topics)
    documents = _documents(topics, schemas)
    findings = list(_breaks(home, topics, schemas))
    for path, text in documents.items():
        there = home / path
        if not there.exists():
            findings.append(f"{path}: is missing; {_WRITE}")
        elif there.read_text(encoding="utf-8") != text:
            findings.append(f"{path}: is stale; {_WRITE}")
    findings += [f"{path}: belongs to no type; {_WRITE}" for path in _leftovers(home, documents)]
    for name, schema in schemas.items():
        versions = _history(home, name)
        if not versions or _bare(versions[-1]) != _bare(schema):
            findings.append(f"{HISTORY}/{name}: does not have the schema of today; {_WRITE}")
    return findings


def _schemas(topics: Sequence[Topic]) -> dict[str, dict[str, Any]]:
    return {
        contract.TYPE: written_schema(topic, contract)
        for topic in topics
        for contract in topic.types
    }


def _documents(topics: Sequence[Topic], schemas: Mapping[str, Schema]) -> dict[str, str]:
    """Give each generated file by its path, but for the history, which is never written anew."""
    documents = {f"{SCHEMAS}/{name}.json": _json(schema) for name, schema in schemas.items()}
    documents[ASYNCAPI] = yaml.dump(
        asyncapi(topics, f"./{SCHEMAS}"),
        Dumper=_WithoutAliases,
        sort_keys=False,
        allow_unicode=True,
        width=100,
    )
    return documents


def _breaks(home: Path, topics: Sequence[Topic], schemas: Mapping[str, Schema]) -> Iterator[str]:
    for topic in topics:
        for contract in topic.types:
            schema = schemas[contract.TYPE]
            for finding in (
                *unreadable(contract.TYPE, schema, read_schema(contract)),
                *full_transitive(contract.TYPE, _history(home, contract.TYPE), schema),
            ):
                yield str(finding)
    published = sorted(path.name for path in (home / HISTORY).glob("*"))
    for name in published:
        if name not in schemas:
            yield (
                f"{name}: was published and is no longer a contract; keep it until nobody reads"
                f" it, then remove {HISTORY}/{name} with it"
            )


def _leftovers(home: Path, documents: Mapping[str, str]) -> list[str]:
    there = (f"{SCHEMAS}/{path.name}" for path in (home / SCHEMAS).glob("*.json"))
    return sorted(path for path in there if path not in documents)


def _history(home: Path, name: str) -> list[Schema]:
    """Give every version of a type's schema that was published, the first one first."""
    folder = home / HISTORY / name
    count = len(list(folder.glob("*.json")))
    return [
        json.loads((folder / f"{number}.json").read_text(encoding="utf-8"))
        for number in range(1, count + 1)
    ]


def _json(schema: Schema) -> str:
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _bare(schema: Any) -> Any:
    """Take the prose out of a schema: a better sentence makes no new version."""
    if not isinstance(schema, dict):
        return schema
    bare: dict[str, Any] = {}
    for keyword, value in schema.items():
        if keyword in ("properties", "$defs"):
            bare[keyword] = {name: _bare(inner) for name, inner in value.items()}
        elif keyword in ("anyOf", "oneOf"):
            bare[keyword] = [_bare(inner) for inner in value]
        elif keyword not in _TEXT:
            bare[keyword] = _bare(value)
    return bare


class _WithoutAliases(yaml.SafeDumper):
    """Writes what occurs twice twice: anchors are nothing for people to read."""

    def ignore_aliases(self, data: Any) -> bool:
        return True
