"""Which components belong to which business processes, and what else they are called.

The same rules as diagnosis goes by when it tells which processes a failure hits: a process stands
on the components that it names and on all that these stand on.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property


class PartKind(StrEnum):
    """Which entities of the catalogue stand on others."""

    COMPONENT = "component"
    PROCESS = "process"


@dataclass(frozen=True, slots=True)
class Part:
    """A component or a business process, as far as it tells what it stands on."""

    kind: PartKind
    name: str
    depends_on: tuple[str, ...] = ()
    """Names of components."""
    aliases: tuple[str, ...] = ()
    """Other names that monitors use for it."""


class Belonging:
    """What the catalogue says of components and processes; it does not change."""

    def __init__(self, parts: Iterable[Part] = ()) -> None:
        listed = list(parts)
        self._components = {p.name: p for p in listed if p.kind is PartKind.COMPONENT}
        self._processes = {p.name: p for p in listed if p.kind is PartKind.PROCESS}

    @cached_property
    def _spoken_names(self) -> dict[str, str]:
        spoken: dict[str, str] = {}
        for component in self._components.values():
            for alias in component.aliases:
                spoken.setdefault(alias.lower(), component.name)
        return spoken | {name.lower(): name for name in self._components}

    def component(self, name: str) -> str:
        """Give the catalogue's name of a component, or the name as it came.

        In this order: the name itself, another case of it, an alias in any case.
        """
        if name in self._components:
            return name
        return self._spoken_names.get(name.lower(), name)

    def knows(self, process: str) -> bool:
        """Tell whether the catalogue has a process of this name."""
        return process in self._processes

    def components_of(self, process: str) -> frozenset[str]:
        """Name all components that a process stands on, directly or not; none if it is unknown."""
        found: set[str] = set()
        known = self._processes.get(process)
        waiting = list(known.depends_on) if known else []
        while waiting:
            name = waiting.pop()
            if name not in found:
                found.add(name)
                if (component := self._components.get(name)) is not None:
                    waiting.extend(component.depends_on)
        return frozenset(found)
