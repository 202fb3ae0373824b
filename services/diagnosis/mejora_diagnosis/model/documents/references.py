"""How Backstage's entities refer to each other: `[kind:][namespace/]name`, in whichever case.

Source: backstage.io, "Entity References" and "Descriptor Format of Catalog Entities".
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

PARTS = ("component", "resource", "system", "api")
"""Kinds that become components; where two have one name, the first of these keeps it plain."""


@dataclass(frozen=True, slots=True)
class Ref:
    """What names an entity, with kind, namespace and name in whichever case."""

    kind: str
    """Empty where anything that can be depended on may be meant."""
    namespace: str
    key: str
    name: str = field(compare=False)
    """As it was written."""

    @classmethod
    def to(cls, kind: str, namespace: str, name: str) -> "Ref":
        """Name an entity; Backstage tells no case from another."""
        return cls(kind.lower(), namespace.lower(), name.lower(), name)


def parse_ref(text: str, kind: str, namespace: str) -> Ref:
    """Read a reference, `[kind:][namespace/]name`, with what holds where it says nothing."""
    said_kind, colon, rest = text.strip().rpartition(":")
    said_namespace, slash, name = rest.partition("/")
    return Ref.to(
        said_kind if colon else kind,
        said_namespace if slash else namespace,
        name if slash else rest,
    )


def plain(ref: Ref) -> str:
    """Name an entity by what is not its default."""
    return ref.name if ref.namespace == "default" else f"{ref.namespace}/{ref.name}"


def names_of(refs: Sequence[Ref]) -> Mapping[Ref, str]:
    """Name the entities: Backstage lets a component and an API share a name, we do not."""
    names: dict[Ref, str] = {ref: plain(ref) for ref in reversed(refs) if ref.kind not in PARTS}
    taken: set[str] = set()
    for kind in PARTS:
        for ref in refs:
            if ref.kind == kind and ref not in names:
                name = plain(ref)
                names[ref] = name if name not in taken else f"{kind}:{name}"
        taken.update(name for ref, name in names.items() if ref.kind == kind)
    return names


def meant(ref: Ref, names: Mapping[Ref, str]) -> Ref:
    """Find which entity is meant where the kind is left out; the reference as it is, if none."""
    kinds = (ref.kind,) if ref.kind else PARTS
    return next((it for kind in kinds if (it := replace(ref, kind=kind)) in names), ref)


def called(ref: Ref, names: Mapping[Ref, str]) -> str:
    """Name the entity that a reference means."""
    return names.get(meant(ref, names)) or plain(ref)
