"""Whether a contract may change as it did: FULL_TRANSITIVE compatibility of JSON Schemas.

A schema is compared with every version of it that was ever published, in both directions:

- backward: whoever knows only the new schema can read everything that was written by the old one;
- forward: whoever knows only the old schema can read everything that is written by the new one.

Which schema is judged. What is published is the schema of what is *written* (Pydantic's
serialization mode), since outsiders have nothing else, so both directions are judged on it. Our own
readers validate by the schema of what is *read* (validation mode), which may be more lenient: an
amount is written as a string and read from a number too. `unreadable` holds that a contract reads
all that it writes. Old data fits the new written schema, and what fits that is read: so our readers
read every version too, and no history of reading schemas is needed.

What "required" means. A writer writes every field that it declares and no others; a reader ignores
fields that it does not know. But a schema without a field in `required` allows that it is
absent, and data of before the field existed does lack it. So the list of required fields is part of
the contract in both directions and never changes, while optional fields may come and go. That
unknown fields never occur under another meaning (a name used once with one type must not return
with another) is why all versions are compared and not only the newest.

Closed enumerations are closed for readers of every age: a value added breaks the old ones, a value
removed the new ones.

Prose (titles, descriptions, examples) and defaults are no part of the comparison. A keyword that
the comparison does not understand is refused rather than passed over.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, NamedTuple

Schema = Mapping[str, Any]

_PROSE = {
    *("$schema", "$id", "$comment", "$defs", "title", "description", "examples", "default"),
    *("deprecated", "readOnly", "writeOnly"),
}
_FLOORS = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_CEILINGS = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
_EXACT = ("pattern", "format", "multipleOf", "uniqueItems", "contentEncoding", "contentMediaType")
_STRUCTURE = {
    *("type", "enum", "const", "properties", "required", "items"),
    *("additionalProperties", "propertyNames"),
}
_JUDGED = {*_STRUCTURE, *_FLOORS, *_CEILINGS, *_EXACT}
_PINNED = ("x-topic", "x-key")
"""What stands beside the schema proper and must not change either."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One reason why a contract may not be as it is now, and what to do."""

    type: str
    path: str
    what: str
    advice: str
    against: tuple[int, ...] = ()
    """The published versions that it breaks with."""

    def __str__(self) -> str:
        versions = ", ".join(str(version) for version in self.against)
        against = f" (against version {versions})" if versions else ""
        return f"{self.type}: {self.path}: {self.what}{against}; {self.advice}"


class Side(Enum):
    """Who fails to read whom."""

    BACKWARD = "new readers, old data"
    FORWARD = "old readers, new data"


class Rule(Enum):
    """What a reader holds against what is written."""

    REQUIRED = "required"
    TYPE = "type"
    VALUES = "values"
    CONST = "const"
    BOUND = "bound"
    VARIANT = "variant"
    CLOSED = "closed"
    UNJUDGED = "unjudged"


class Clash(NamedTuple):
    """One place where a reader's schema refuses what a writer's allows."""

    path: str
    rule: Rule
    keyword: str
    written: str
    read: str


def full_transitive(name: str, history: Sequence[Schema], new: Schema) -> list[Finding]:
    """Compare a schema with all published versions of it, the first of which is version 1."""
    against: dict[tuple[str, str, str], list[int]] = {}
    for version, old in enumerate(history, start=1):
        for finding in full(name, old, new):
            versions = against.setdefault((finding.path, finding.what, finding.advice), [])
            versions.append(version)
    return [Finding(name, *said, against=tuple(versions)) for said, versions in against.items()]


def full(name: str, old: Schema, new: Schema) -> list[Finding]:
    """Compare a schema with one published version of it, in both directions."""
    sides: dict[tuple[str, Rule, str], dict[Side, Clash]] = {}
    for side, written, reader in ((Side.BACKWARD, old, new), (Side.FORWARD, new, old)):
        for clash in _Comparison(written, reader).clashes():
            # The values and variants that came and those that went are told apart.
            apart = clash.written if clash.rule in (Rule.VALUES, Rule.VARIANT) else ""
            sides.setdefault((clash.path, clash.rule, clash.keyword + apart), {})[side] = clash
    findings = [
        Finding(name, path, _what(rule, clashes), _advice(name, rule, clashes))
        for (path, rule, _), clashes in sides.items()
    ]
    for keyword in _PINNED:
        if old.get(keyword) != new.get(keyword):
            what = f"`{keyword}` was changed from {old.get(keyword)!r} to {new.get(keyword)!r}"
            findings.append(Finding(name, "the whole", what, _publish_next(name)))
    return findings


def unreadable(name: str, written: Schema, reader: Schema) -> list[Finding]:
    """Tell what a contract writes and would not read itself."""
    return [
        Finding(
            name,
            clash.path,
            f"uses `{clash.keyword}`, which the compatibility check does not judge"
            if clash.rule is Rule.UNJUDGED
            else f"it writes {clash.written} and reads {clash.read}",
            "say the same with plain types, models and unions"
            if clash.rule is Rule.UNJUDGED
            else "make the contract read what it writes",
        )
        for clash in _Comparison(written, reader).clashes()
    ]


def _what(rule: Rule, sides: Mapping[Side, Clash]) -> str:
    backward, forward = sides.get(Side.BACKWARD), sides.get(Side.FORWARD)
    one = backward or forward
    assert one is not None  # noqa: S101 - a finding comes from at least one side
    old, new = (one.written, one.read) if backward else (one.read, one.written)
    match rule:
        case Rule.REQUIRED if backward:
            gone = backward.written == "absent"
            return "a required field was added" if gone else "was optional and is required now"
        case Rule.REQUIRED:
            gone = one.written == "absent"
            return "a required field was removed" if gone else "was required and is optional now"
        case Rule.TYPE:
            how = "changed" if backward and forward else "narrowed" if backward else "widened"
            return f"the type was {how} from {old} to {new}"
        case Rule.CONST:
            return f"the constant was changed from {old} to {new}"
        case Rule.VALUES:
            return f"enumeration value {one.written} was {'removed' if backward else 'added'}"
        case Rule.VARIANT:
            return f"union variant {one.written} was {'removed' if backward else 'added'}"
        case Rule.BOUND:
            how = "changed" if backward and forward else "tightened" if backward else "loosened"
            return f"the constraint `{one.keyword}` was {how} from {old} to {new}"
        case Rule.CLOSED:
            whose = "new" if backward else "published"
            return f"the {whose} schema refuses undeclared fields (`additionalProperties`)"
        case Rule.UNJUDGED:
            return f"uses `{one.keyword}`, which the compatibility check does not judge"


def _advice(name: str, rule: Rule, sides: Mapping[Side, Clash]) -> str:
    if rule is Rule.UNJUDGED:
        return "say the same with plain types, models and unions"
    if rule is Rule.REQUIRED and Side.BACKWARD in sides:
        return f"give it a default, or {_publish_next(name)}"
    return _publish_next(name)


def _publish_next(name: str) -> str:
    numbered = re.fullmatch(r"(.+)\.v([0-9]+)", name)
    following = f"{numbered[1]}.v{int(numbered[2]) + 1}" if numbered else f"{name}.v2"
    return f"leave it and publish {following} beside it"


class _Comparison:
    """Whether one schema, the reader's, accepts all that another one says is written."""

    def __init__(self, written: Schema, reader: Schema) -> None:
        self._written = written
        self._reader = reader
        self._open: set[tuple[int, int]] = set()
        """The pairs that are being compared, so that recursive models come to an end."""

    def clashes(self) -> Iterator[Clash]:
        return self._compare(self._written, self._reader, "")

    def _compare(self, written: Schema | bool, reader: Schema | bool, path: str) -> Iterator[Clash]:
        written, reader = _target(written, self._written), _target(reader, self._reader)
        pair = (id(written), id(reader))
        if pair in self._open:
            return
        self._open.add(pair)
        try:
            writes = list(_variants(written, self._written))
            reads = list(_variants(reader, self._reader))
            if len(writes) == len(reads) == 1:
                yield from self._single(writes[0], reads[0], path)
            else:
                yield from self._union(writes, reads, path)
        finally:
            self._open.discard(pair)

    def _union(
        self, writes: Sequence[Schema], reads: Sequence[Schema], path: str
    ) -> Iterator[Clash]:
        """Each written variant must be read by one of the reader's.

        Where one is not, but is plainly the same variant with something changed inside (the same
        discriminating constants, or the only one left on both sides), that inside is reported.
        """
        accepted = [[self._accepts(one, other) for other in reads] for one in writes]
        left = [one for one, row in zip(writes, accepted, strict=True) if not any(row)]
        free = [
            other for column, other in enumerate(reads) if not any(row[column] for row in accepted)
        ]
        for one in left:
            mark = _mark(one)
            same = [other for other in free if _mark(other) == mark]
            if len(same) == 1 and (mark or len(left) == 1):
                yield from self._single(one, same[0], path + (f"[{mark}]" if mark else ""))
            else:
                yield Clash(_named(path), Rule.VARIANT, "", _describe(one), "")

    def _accepts(self, written: Schema, reader: Schema) -> bool:
        return next(self._single(written, reader, ""), None) is None

    def _single(self, written: Schema, reader: Schema, path: str) -> Iterator[Clash]:
        unjudged = sorted((_asserted(written) | _asserted(reader)) - _JUDGED)
        for keyword in unjudged:
            yield Clash(_named(path), Rule.UNJUDGED, keyword, "", "")
        if unjudged or not _asserted(reader):
            return
        clash = _type_clash(written, reader, path)
        if clash:
            yield clash
            return
        yield from _value_clashes(written, reader, path)
        yield from _bound_clashes(written, reader, path)
        yield from self._objects(written, reader, path)
        if "items" in reader:
            yield from self._compare(written.get("items", True), reader["items"], path + "[]")

    def _objects(self, written: Schema, reader: Schema, path: str) -> Iterator[Clash]:
        writes: Mapping[str, Schema] = written.get("properties", {})
        reads: Mapping[str, Schema] = reader.get("properties", {})
        guaranteed = set(written.get("required", ()))
        for field in reader.get("required", ()):
            if field not in guaranteed:
                how = "optional" if field in writes else "absent"
                yield Clash(_inside(path, field), Rule.REQUIRED, "", how, "required")
        others_read: Schema | bool = reader.get("additionalProperties", True)
        for field, schema in writes.items():
            here = _inside(path, field)
            if field in reads:
                yield from self._compare(schema, reads[field], here)
            elif others_read is False:
                yield Clash(here, Rule.CLOSED, "additionalProperties", "a field", "none")
            else:
                yield from self._compare(schema, others_read, here)
        others_written: Schema | bool = written.get("additionalProperties", False)
        if others_written is not False:  # a mapping: any name may occur
            for field in sorted(reads.keys() - writes.keys()):
                yield from self._compare(others_written, reads[field], _inside(path, field))
            if others_read is False:
                yield Clash(_named(path), Rule.CLOSED, "additionalProperties", "any", "none")
            else:
                yield from self._compare(others_written, others_read, path + "{}")
        if "propertyNames" in reader:
            names = written.get("propertyNames", {"type": "string"})
            yield from self._compare(names, reader["propertyNames"], path + "{key}")


def _target(schema: Schema | bool, root: Schema) -> Schema | bool:
    """Follow a reference, beside which stands nothing but prose, to what it refers to."""
    while isinstance(schema, Mapping) and _asserted(schema) == {"$ref"}:
        schema = _resolve(schema["$ref"], root)
    return schema


def _variants(schema: Schema | bool, root: Schema) -> Iterator[Schema]:
    """Lay unions open. A schema that is none is its own only variant."""
    schema = _target(schema, root)
    if isinstance(schema, bool):
        yield {} if schema else {"enum": []}
        return
    for union in ("anyOf", "oneOf"):  # generated unions are disjoint, so both say "one of these"
        if _asserted(schema) == {union}:
            for variant in schema[union]:
                yield from _variants(variant, root)
            return
    if isinstance(schema.get("type"), list):
        for kind in schema["type"]:
            yield {**schema, "type": kind}
    else:
        yield schema


def _resolve(reference: str, root: Schema) -> Schema:
    if not reference.startswith("#"):
        raise ValueError(f"the reference {reference!r} leads out of its schema")
    found: Any = root
    for step in reference[1:].split("/")[1:]:
        found = found[step.replace("~1", "/").replace("~0", "~")]
    resolved: Schema = found
    return resolved


def _asserted(schema: Schema) -> set[str]:
    """Give the keywords that say what is valid: all but prose and extensions."""
    return {word for word in schema if word not in _PROSE and not word.startswith("x-")}


def _values(schema: Schema) -> tuple[str, ...] | None:
    """Give the values that a schema is limited to, each as JSON."""
    if "const" in schema:
        return (json.dumps(schema["const"], sort_keys=True),)
    if "enum" in schema:
        return tuple(json.dumps(value, sort_keys=True) for value in schema["enum"])
    return None


def _type_clash(written: Schema, reader: Schema, path: str) -> Clash | None:
    writes, reads = written.get("type"), reader.get("type")
    fits = reads is None or writes == reads or (writes, reads) == ("integer", "number")
    limited = _values(reader) is not None and _values(written) is None
    if fits and not limited:
        return None
    return Clash(_named(path), Rule.TYPE, "", _describe(written), _describe(reader))


def _value_clashes(written: Schema, reader: Schema, path: str) -> Iterator[Clash]:
    writes, reads = _values(written), _values(reader)
    if writes is None or reads is None:
        return
    strange = [value for value in writes if value not in reads]
    if strange and "const" in written and "const" in reader:
        yield Clash(_named(path), Rule.CONST, "", strange[0], reads[0])
        return
    for value in strange:
        yield Clash(_named(path), Rule.VALUES, "", value, "")


def _bound_clashes(written: Schema, reader: Schema, path: str) -> Iterator[Clash]:
    def within(keyword: str) -> bool:
        if keyword not in reader:
            return True
        if keyword not in written:
            return False
        writes, reads = written[keyword], reader[keyword]
        if keyword in _FLOORS:
            return bool(writes >= reads)
        return bool(writes <= reads) if keyword in _CEILINGS else bool(writes == reads)

    for keyword in (*_FLOORS, *_CEILINGS, *_EXACT):
        if not within(keyword):
            said = (
                json.dumps(side[keyword]) if keyword in side else "none"
                for side in (written, reader)
            )
            yield Clash(_named(path), Rule.BOUND, keyword, *said)


def _mark(schema: Schema) -> str:
    """Name the variant of a union by the constants that tell it apart, such as `kind=role`."""
    constants = {
        field: value["const"]
        for field, value in schema.get("properties", {}).items()
        if "const" in value
    }
    return ",".join(f"{field}={value}" for field, value in sorted(constants.items()))


def _describe(schema: Schema) -> str:
    values = _values(schema)
    if values is not None:
        return "one of " + ", ".join(values) if len(values) > 1 else ", ".join(values) or "nothing"
    kind = schema.get("type", "anything")
    mark = _mark(schema) or schema.get("title", "") if kind == "object" else ""
    return f"{kind} ({mark})" if mark else str(kind)


def _inside(path: str, field: str) -> str:
    return f"{path}.{field}" if path else field


def _named(path: str) -> str:
    return path or "the whole"
