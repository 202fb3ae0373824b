"""`mejora.incidents`: what intake knows of a failure that is being handled. Key: the incident."""

from enum import StrEnum
from typing import ClassVar

from mejora_events.contracts.base import Channel, EventData, Link, Origin, Severity, Time, Value
from mejora_events.ids import IncidentId

TOPIC = "mejora.incidents"


class IncidentState(StrEnum):
    """Where an incident is in its life."""

    REPORTED = "reported"
    """Failing, and nobody has said that they are on it."""
    ACKNOWLEDGED = "acknowledged"
    """Failing, and somebody is on it."""
    RESTORED = "restored"
    """The service level is back, the normal way or over an alternate channel."""
    CLOSED = "closed"
    """Nothing more will be done in this incident; what follows belongs to its problem."""


class Place(Value):
    """Where a signal says that it fails; empty and 0 where it does not say."""

    instance: str = ""
    site: str = ""
    users: int = 0
    """How many people are affected."""


class Incident(Value):
    """An incident as it stood when the event was written; the highest `version` is the newest."""

    incident_id: IncidentId
    version: int
    state: IncidentState
    source: str
    fingerprint: str
    component: str
    summary: str
    description: str = ""
    severity: Severity
    origin: Origin
    labels: dict[str, str] = {}
    elsewhere: tuple[Place, ...] = ()
    """Where it fails beside what `labels` say, by later signals: a hundred places at most."""
    links: tuple[Link, ...] = ()
    started_at: Time
    """When the failure started, as its sender says."""
    reported_at: Time
    """When the first signal came."""
    acknowledged_at: Time | None = None
    acknowledged_by: str | None = None
    failing_since: Time | None = None
    """When the present outage began; empty while the service level is back."""
    restored_at: Time | None = None
    """When the service level came back last; empty while the incident is failing."""
    channel: Channel | None = None
    closed_at: Time | None = None
    occurrences: int = 1
    """Signals that said it is failing; none any more once it was merged into another."""
    flaps: int = 0
    """How often it failed again inside the flap window."""
    lost_seconds: float = 0.0
    """Seconds of lost service in the outages that ended: from start or reopening to restoration."""
    predecessor_id: IncidentId | None = None
    merged_into: IncidentId | None = None
    """The incident that tells of the same failure and goes on; empty unless it was merged."""
    split_from: IncidentId | None = None
    """The incident that told of this failure and another one; empty unless it was split off."""
    noticed_by_customer_at: Time | None = None
    """When the first customer said that it is failing, whoever noticed first."""


class IncidentEvent(EventData):
    """What all events of this topic carry."""

    TOPIC: ClassVar[str] = TOPIC

    incident: Incident

    def key(self) -> str:
        return str(self.incident.incident_id)


class IncidentReported(IncidentEvent):
    """A failure was reported that no open incident covers."""

    TYPE: ClassVar[str] = "mejora.incident.reported.v1"


class IncidentChanged(IncidentEvent):
    """Something of note changed without a change of state: a count, the severity, where it is."""

    TYPE: ClassVar[str] = "mejora.incident.changed.v1"

    changed: tuple[str, ...]
    """The names of the fields that changed."""
    changed_at: Time


class IncidentAcknowledged(IncidentEvent):
    """Somebody said that they are on it."""

    TYPE: ClassVar[str] = "mejora.incident.acknowledged.v1"


class IncidentRestored(IncidentEvent):
    """The service level is back by one of the two channels."""

    TYPE: ClassVar[str] = "mejora.incident.restored.v1"

    by: str
    note: str = ""


class IncidentReopened(IncidentEvent):
    """It failed again inside the flap window, or somebody said that it was not restored."""

    TYPE: ClassVar[str] = "mejora.incident.reopened.v1"

    reopened_at: Time
    reason: str


class IncidentClosed(IncidentEvent):
    """Nothing more will be done in this incident."""

    TYPE: ClassVar[str] = "mejora.incident.closed.v1"

    by: str
    note: str = ""
