"""Bounded or generalised: how much of what could be affected is affected."""

from collections.abc import Mapping
from functools import lru_cache

from mejora_events.contracts.diagnoses import Scope, ScopeKind

INSTANCE_LABELS = (
    "instance",
    "pod",
    "host",
    "hostname",
    "node",
    "server",
    "device",
    "container",
    "address",
    "ip",
    "site",
)
"""Labels by which senders say where; the first that an incident has names its instance."""


def places(labels: Mapping[str, str]) -> tuple[str, ...]:
    """Give the names of places in an incident's labels, the most telling first."""
    return tuple(labels[label] for label in INSTANCE_LABELS if labels.get(label))


def instance_of(labels: Mapping[str, str], called: str, component: str) -> str:
    """Name the instance that an incident is about; empty when it does not say.

    Without a label it is what the sender called the component, where that is not its name: db-01
    is an instance of db.
    """
    return next(iter(places(labels)), called if called != component else "")


@lru_cache(maxsize=4_096)
def judge_scope(
    affected: int, could_be_affected: int | None, generalised_share: float
) -> tuple[Scope, str]:
    """Judge the scope, with the reason.

    `affected` counts the instances that incidents named (0: none did), `could_be_affected` the
    instances that the catalogue lists (None: it does not say). A component with a single instance
    is hit as a whole. More instances than are listed means that the catalogue is behind.
    """
    if could_be_affected is None:
        scope = Scope(kind=ScopeKind.UNKNOWN, affected=affected, could_be_affected=0)
        return scope, "the catalogue does not say how many instances there are"
    if could_be_affected == 1:
        scope = Scope(kind=ScopeKind.GENERALISED, affected=1, could_be_affected=1)
        return scope, "there is one instance only"
    if affected == 0:
        scope = Scope(
            kind=ScopeKind.UNKNOWN, affected=0, could_be_affected=max(could_be_affected, 0)
        )
        return scope, "no incident says which instance it is about"
    whole = max(could_be_affected, affected)
    share = affected / whole
    kind = ScopeKind.GENERALISED if share >= generalised_share else ScopeKind.BOUNDED
    because = (
        f"{affected} of {whole} instances {'is' if affected == 1 else 'are'} failing; from"
        f" {generalised_share:.0%} on"
        " it counts as generalised"
    )
    return Scope(kind=kind, affected=affected, could_be_affected=whole), because
