"""Bounded or generalised: how much of what could be affected is affected."""

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from mejora_events.contracts.catalogue import Component
from mejora_events.contracts.diagnoses import Scope, ScopeCount, ScopeKind, ScopeUnit


class HowMany(NamedTuple):
    """How many instances, sites and users: of those that are affected, or that could be."""

    instances: int | None = None
    sites: int | None = None
    users: int | None = None


NOTHING = HowMany(0, 0, 0)


def could_be_affected(component: Component) -> HowMany:
    """Tell how much of a component there is, by the catalogue."""
    return HowMany(component.instances, component.sites, component.users)


def is_counted(component: Component) -> bool:
    """Tell whether the catalogue says how much of a component there is."""
    return could_be_affected(component) != HowMany()


@lru_cache(maxsize=4_096)
def judge_scope(
    affected: HowMany, could_be: HowMany, generalised_share: float
) -> tuple[Scope, str]:
    """Judge the scope, with the reason.

    `affected` counts what incidents named (0: none did), `could_be` what the catalogue lists (None:
    it does not say). Of instances and users, each known only as far as somebody told, the larger
    share decides. Sites decide where neither is known: one failing instance makes its site count.
    A component with a single instance is hit as a whole. More than is listed means that the
    catalogue is behind.
    """
    counts = tuple(_counts(affected, could_be))
    deciding = _deciding(counts)
    if deciding is None:
        return _unknown(counts), _why_unknown(counts)
    hit, whole = deciding.affected, deciding.could_be_affected or deciding.affected
    generalised = hit / whole >= generalised_share
    scope = Scope(
        kind=ScopeKind.GENERALISED if generalised else ScopeKind.BOUNDED,
        affected=hit,
        could_be_affected=whole,
        unit=deciding.unit,
        counts=counts,
    )
    if whole == 1:
        return scope, f"there is one {deciding.unit.value.removesuffix('s')} only"
    return scope, (
        f"{_told(deciding)} {'is' if hit == 1 else 'are'} affected; from {generalised_share:.0%} on"
        f" it counts as generalised{_besides(counts, deciding)}"
    )


def _counts(affected: HowMany, could_be: HowMany) -> Iterator[ScopeCount]:
    """Put together what was named and what is listed, unit by unit.

    Where instances are listed and sites are not, a site that is named is one instance at least.
    """
    if could_be.sites is None and could_be.instances is not None:
        instances = max(affected.instances or 0, affected.sites or 0)
        affected = HowMany(instances, 0, affected.users)
    for unit, named, listed in zip(ScopeUnit, affected, could_be, strict=True):
        hit = named or 0
        if unit is not ScopeUnit.USERS and listed == 1:
            hit = 1
        if hit or listed is not None:
            whole = None if listed is None else max(listed, hit)
            yield ScopeCount(unit=unit, affected=hit, could_be_affected=whole)


def _deciding(counts: tuple[ScopeCount, ...]) -> ScopeCount | None:
    """Choose the count that decides; None when no unit has both numbers."""
    shares = {it.unit: it.affected / it.could_be_affected for it in counts if it.could_be_affected}
    of = {it.unit: it for it in counts if shares.get(it.unit)}
    several = {unit: it for unit, it in of.items() if it.could_be_affected != 1}
    people, instances = of.get(ScopeUnit.USERS), several.get(ScopeUnit.INSTANCES)
    told = [it for it in (instances, people) if it is not None]
    if told:
        return max(told, key=lambda it: shares[it.unit])
    if ScopeUnit.SITES in several:
        return several[ScopeUnit.SITES]
    # Of a single site with several instances it is not known how many of these are hit.
    listed = next((it for it in counts if it.could_be_affected is not None), None)
    return listed if listed and listed.unit in of else None


def _unknown(counts: tuple[ScopeCount, ...]) -> Scope:
    shown = next((it for it in counts if it.could_be_affected is not None), None)
    shown = shown or next(iter(counts), ScopeCount(unit=ScopeUnit.INSTANCES, affected=0))
    return Scope(
        kind=ScopeKind.UNKNOWN,
        affected=shown.affected,
        could_be_affected=max(shown.could_be_affected or 0, 0),
        unit=shown.unit,
        counts=counts,
    )


_ASKED = {
    ScopeUnit.INSTANCES: "which instance",
    ScopeUnit.SITES: "which site",
    ScopeUnit.USERS: "how many users",
}


def _why_unknown(counts: tuple[ScopeCount, ...]) -> str:
    listed = [_ASKED[it.unit] for it in counts if it.could_be_affected is not None]
    if listed:
        return f"no incident says {' or '.join(listed)} it is about"
    return "the catalogue does not say how many instances, sites or users there are"


def _told(count: ScopeCount) -> str:
    return f"{count.affected:,} of {count.could_be_affected:,} {count.unit}"


def _besides(counts: tuple[ScopeCount, ...], deciding: ScopeCount) -> str:
    others = [
        _told(it)
        for it in counts
        if it is not deciding and it.affected and (it.could_be_affected or 0) > 1
    ]
    return f"; counted otherwise, {' and '.join(others)}" if others else ""
