"""The rule by which one more signal of an incident says that it fails elsewhere as well."""

from collections.abc import Mapping

from mejora_events.contracts.incidents import Incident, Place
from mejora_events.ids import IncidentId
from mejora_events.places import NOWHERE, Where, where

MOST_PLACES = 100
"""As many more places are kept with an incident: beyond, it is general in any case."""

LONGEST_NAME = 200
"""A longer name of an instance or site is none: a hundred of them would be a large event."""

_MOST_REMEMBERED = 50_000


def place_in(labels: Mapping[str, str] | None) -> Where:
    """Tell where it fails by a signal's labels."""
    place = where(labels or {})
    if place is NOWHERE or len(place.instance) + len(place.site) <= LONGEST_NAME:
        return place
    instance, site = (name if len(name) <= LONGEST_NAME else "" for name in place[:2])
    return Where(instance, site, place.users)


def is_elsewhere(incident: Incident, place: Where) -> bool:
    """Tell whether it is another instance or site, or more people, than an incident knows of."""
    if place == NOWHERE or len(incident.elsewhere) >= MOST_PLACES:
        return False
    known = _known(incident)
    if place.users > max(it.users for it in known):
        return True
    named = place.instance or place.site
    return bool(named) and place[:2] not in {it[:2] for it in known}


def _known(incident: Incident) -> list[Where]:
    also = (Where(it.instance, it.site, it.users) for it in incident.elsewhere)
    return [where(incident.labels), *also]


def with_place(incident: Incident, place: Where) -> tuple[Place, ...]:
    """Give where else an incident is, with one place more."""
    return (*incident.elsewhere, Place(**place._asdict()))


def elsewhere_with(incident: Incident, other: Incident) -> tuple[Place, ...]:
    """Give where else an incident is when it takes over all that another one tells."""
    for place in _known(other):
        if is_elsewhere(incident, place):
            incident = incident.model_copy(update={"elsewhere": with_place(incident, place)})
    return incident.elsewhere


class SeenPlaces:
    """Which places of incidents are known to be kept: their signals are looked at no further."""

    def __init__(self) -> None:
        self._seen: dict[tuple[IncidentId, Where], None] = {}

    def has(self, incident_id: IncidentId, place: Where) -> bool:
        """Tell whether a place is known to be kept, or is none."""
        return place == NOWHERE or (incident_id, place) in self._seen

    def add(self, incident_id: IncidentId, place: Where) -> None:
        """Remember that the store has a place; what was remembered first is forgotten."""
        self._seen[incident_id, place] = None
        if len(self._seen) > _MOST_REMEMBERED:
            del self._seen[next(iter(self._seen))]
