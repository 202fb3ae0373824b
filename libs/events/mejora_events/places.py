"""Where senders say that something fails: labels that name an instance, a site, how many people."""

import re
from collections.abc import Mapping
from typing import NamedTuple

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
)
"""Labels by which senders say where; the first that an incident has names its instance."""
SITE_LABELS = (
    "site",
    "location",
    "branch",
    "datacenter",
    "data_center",
    "dc",
    "zone",
    "availability_zone",
    "topology_kubernetes_io_zone",
    "region",
    "topology_kubernetes_io_region",
)
"""The same of sites, the narrowest first."""
USER_LABELS = ("affected_users", "users_affected", "usersAffected", "userCount", "user_count")
"""Labels by which senders say how many people are affected."""

_ALL_LABELS = frozenset((*INSTANCE_LABELS, *SITE_LABELS, *USER_LABELS))
_COUNT = re.compile(r"\d{1,12}")


class Where(NamedTuple):
    """What labels say of where it is: empty and 0 where they do not say."""

    instance: str = ""
    site: str = ""
    users: int = 0


NOWHERE = Where()


def where(labels: Mapping[str, str]) -> Where:
    """Tell where it is by labels: the instance, the site, and how many people are affected."""
    if _ALL_LABELS.isdisjoint(labels):
        return NOWHERE
    said = _first(labels, USER_LABELS).strip()
    return Where(
        instance=_first(labels, INSTANCE_LABELS),
        site=_first(labels, SITE_LABELS),
        users=int(said) if _COUNT.fullmatch(said) else 0,
    )


def names_of_places(labels: Mapping[str, str]) -> tuple[str, ...]:
    """Give the names of places in labels, the most telling first."""
    return tuple(labels[label] for label in (*INSTANCE_LABELS, *SITE_LABELS) if labels.get(label))


def _first(labels: Mapping[str, str], names: tuple[str, ...]) -> str:
    return next((labels[name] for name in names if labels.get(name)), "")
