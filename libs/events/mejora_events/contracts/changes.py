"""`mejora.changes`: deployments and configuration changes, as told by pipelines. Key: component."""

from enum import StrEnum
from typing import ClassVar

from mejora_events.contracts.base import EventData, Time
from mejora_events.ids import ChangeId

TOPIC = "mejora.changes"


class ChangeKind(StrEnum):
    """What was changed."""

    DEPLOYMENT = "deployment"
    CONFIGURATION = "configuration"
    PROCEDURE = "procedure"
    TRAINING = "training"
    OTHER = "other"


class ChangeRecorded(EventData):
    """Something was changed in a component."""

    TYPE: ClassVar[str] = "mejora.change.recorded.v1"
    TOPIC: ClassVar[str] = TOPIC

    change_id: ChangeId
    component: str
    kind: ChangeKind
    version: str
    """The version or change number by which a permanent fix can name it."""
    description: str = ""
    changed_at: Time
    changed_by: str
    """The pipeline or role that made it."""
    instances: tuple[str, ...] = ()
    """Where; empty means everywhere."""

    def key(self) -> str:
        return self.component
