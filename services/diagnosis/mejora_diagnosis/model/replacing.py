"""What changes when one catalogue takes the place of another."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from mejora_events.contracts.catalogue import Component, ComponentKind, Entity

EntityKey = tuple[str, str]
"""Kind and name: what makes two entities the same."""


def key_of(entity: Entity) -> EntityKey:
    """Give what names an entity in a catalogue."""
    return entity.kind, entity.name


@dataclass(frozen=True, slots=True)
class Kept:
    """An entity as it is kept; a removed one is remembered for its count of versions."""

    entity: Entity
    version: int
    removed: bool = False


@dataclass(frozen=True, slots=True)
class Replacement:
    """What is to be done to get from one catalogue to the next."""

    changed: tuple[tuple[Entity, int], ...]
    """Entities that are new or differ, each with its new version."""
    removed: tuple[tuple[EntityKey, int], ...]
    unchanged: int


def replace(kept: Mapping[EntityKey, Kept], wanted: Iterable[Entity]) -> Replacement:
    """Find what changes when the wanted entities become the whole catalogue.

    An unlisted component that the new catalogue does not name stays: that incidents named it is
    still so, and so is the question of who owns it. One that is now an alias goes.
    """
    new = {key_of(entity): entity for entity in wanted}
    aliases = {
        alias
        for entity in new.values()
        if isinstance(entity, Component)
        for alias in entity.aliases
    }
    changed = tuple(
        (entity, kept[key].version + 1 if key in kept else 1)
        for key, entity in new.items()
        if key not in kept or kept[key].removed or kept[key].entity != entity
    )
    removed = tuple(
        (key, old.version + 1)
        for key, old in kept.items()
        if key not in new and not old.removed and not _stays(old.entity, aliases)
    )
    return Replacement(changed, removed, len(new) - len(changed))


def _stays(entity: Entity, aliases: set[str]) -> bool:
    return (
        isinstance(entity, Component)
        and entity.component_kind is ComponentKind.UNLISTED
        and entity.name not in aliases
    )
