"""The catalogue of one version, with what stands on what worked out once."""

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import TypeVar

from mejora_diagnosis.model.reach import Bits, Reach
from mejora_diagnosis.model.signature import machine_name
from mejora_events.contracts.catalogue import (
    Component,
    ComponentKind,
    Contract,
    Customer,
    Entity,
    OwnerRole,
    Process,
)
from mejora_events.contracts.diagnoses import Affected

EntityT = TypeVar("EntityT", Component, Process, OwnerRole, Customer, Contract)


class Catalogue:
    """The entities, and the questions that a diagnosis asks of them.

    A component that no entity describes but that others depend on, or that an incident names, is
    a component like any other: unlisted, and without an owner.
    """

    def __init__(
        self,
        entities: Iterable[Entity] = (),
        version: int | None = None,
        former: "Catalogue | None" = None,
    ) -> None:
        self.entities: tuple[Entity, ...] = tuple(entities)
        self.version = version
        """By which diagnoses name it; None for one that was never in force."""
        self.components: Mapping[str, Component] = self._of(Component)
        self.processes: Mapping[str, Process] = self._of(Process)
        self.roles: Mapping[str, OwnerRole] = self._of(OwnerRole)
        self.customers: Mapping[str, Customer] = self._of(Customer)
        self.contracts: Mapping[str, Contract] = self._of(Contract)
        self._affected: dict[str, Affected] = {}
        self.reach = self._reach_like(former)
        """The dependencies as a graph: each component leads to what it depends on."""

    def _reach_like(self, former: "Catalogue | None") -> Reach:
        """Give the graph; that of a former catalogue where no dependency is another."""
        if former is not None and former._edges == self._edges:
            return former.reach
        return Reach(self._edges)

    @cached_property
    def _edges(self) -> Mapping[str, tuple[str, ...]]:
        """Give what each component stands on: what it depends on, and its parts.

        A part also needs what the whole depends on.
        """
        needs = {
            name: (*it.depends_on, *self.parts(name), *self._of_the_whole(it))
            for name, it in self.components.items()
        }
        return {**self._parts, **needs}

    def _of(self, kind: type[EntityT]) -> dict[str, EntityT]:
        return {entity.name: entity for entity in self.entities if isinstance(entity, kind)}

    def _of_the_whole(self, part: Component) -> tuple[str, ...]:
        whole = self.components.get(part.part_of) if part.part_of else None
        return tuple(name for name in whole.depends_on if name != part.name) if whole else ()

    @cached_property
    def _parts(self) -> Mapping[str, tuple[str, ...]]:
        parts: dict[str, list[str]] = {}
        for component in self.components.values():
            if component.part_of and component.part_of != component.name:
                parts.setdefault(component.part_of, []).append(component.name)
        return {whole: tuple(sorted(names)) for whole, names in parts.items()}

    def parts(self, name: str) -> tuple[str, ...]:
        """Name the components that one is made of: its instances, as far as they are listed."""
        return self._parts.get(name, ())

    def whole(self, name: str) -> str | None:
        """Name the component that one is a part of."""
        component = self.components.get(name)
        whole = component.part_of if component else None
        return whole if whole != name else None

    @cached_property
    def _islands(self) -> Mapping[str, str]:
        return self.reach.islands()

    def island(self, name: str) -> str:
        """Name the set of components that a component is connected with, either way."""
        return self._islands.get(name, name)

    @cached_property
    def _islanders(self) -> Mapping[str, tuple[str, ...]]:
        islanders: dict[str, list[str]] = {}
        for name, island in self._islands.items():
            islanders.setdefault(island, []).append(name)
        return {island: tuple(names) for island, names in islanders.items()}

    def islanders(self, island: str) -> tuple[str, ...]:
        """Name all components of such a set."""
        return self._islanders.get(island, (island,))

    @cached_property
    def _spoken_names(self) -> Mapping[str, str]:
        """Map what monitors may call a component, in lower case, to its name."""
        spoken: dict[str, str] = {}
        for component in self.components.values():
            for alias in component.aliases:
                spoken.setdefault(alias.lower(), component.name)
        for name in self.components:
            spoken[name.lower()] = name
        return spoken

    def resolve(self, name: str) -> str:
        """Give the component that a monitor means by a name, or the name as it came.

        In this order: the name itself, an alias or another case of it, and both once more
        without port and domain.
        """
        if name in self.components:
            return name
        found = self._spoken_names.get(name.lower())
        return found or self._spoken_names.get(machine_name(name).lower()) or name

    def lists(self, name: str) -> bool:
        """Tell whether somebody has described a component."""
        component = self.components.get(name)
        return component is not None and component.component_kind is not ComponentKind.UNLISTED

    def component(self, name: str) -> Component:
        """Give a component; one that nobody described is unlisted."""
        return self.components.get(name) or Component(
            name=name, component_kind=ComponentKind.UNLISTED
        )

    def dependencies(self, name: str) -> tuple[str, ...]:
        """Name all that a component stands on, directly or not."""
        return self._others(name, self.reach.down(name)) if name in self.reach else ()

    def stands_on(self, name: str, other: str) -> bool:
        """Tell whether a component stands on another one, directly or not, or is that one."""
        if name == other:
            return True
        return name in self.reach and bool(self.reach.down(name) & self.reach.bits([other]))

    def dependents(self, name: str) -> tuple[str, ...]:
        """Name all components that stand on one, directly or not."""
        return self._others(name, self.reach.up(name)) if name in self.reach else ()

    def _others(self, name: str, bits: Bits) -> tuple[str, ...]:
        return tuple(sorted(other for other in self.reach.named(bits) if other != name))

    def affected(self, name: str) -> Affected:
        """Tell who is hit when a component fails: upwards through the dependencies.

        A process is hit when it stands on the component; a customer when a process that serves
        them is; a contract when it covers such a process, or is a hit customer's and names none.
        """
        found = self._affected.get(name)
        if found is None:
            found = self._affected[name] = self._find_affected(name)
        return found

    @cached_property
    def _stands_on(self) -> Mapping[str, Bits]:
        return {name: self.reach.bits(it.depends_on) for name, it in self.processes.items()}

    def _find_affected(self, name: str) -> Affected:
        up = self.reach.up(name) if name in self.reach else 0
        processes = {
            process.name
            for process in self.processes.values()
            if self._stands_on[process.name] & up or name in process.depends_on
        }
        customers = {who for process in processes for who in self.processes[process].customers}
        covering = {
            contract.name: contract
            for contract in self.contracts.values()
            if processes.intersection(contract.processes)
        }
        customers.update(contract.customer for contract in covering.values())
        whole = {
            contract.name
            for contract in self.contracts.values()
            if not contract.processes and contract.customer in customers
        }
        return Affected(
            processes=tuple(sorted(processes)),
            customers=tuple(sorted(customers)),
            contracts=tuple(sorted(covering.keys() | whole)),
        )
