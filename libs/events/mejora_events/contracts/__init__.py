"""Every topic, its key, its writer and its types: the one list of what Mejora says."""

from dataclasses import dataclass
from enum import StrEnum

from mejora_events.contracts import (
    access,
    catalogue,
    changes,
    dead_letters,
    diagnoses,
    fixes,
    improvements,
    incidents,
    problems,
    workarounds,
)
from mejora_events.contracts.base import EventData


class Keep(StrEnum):
    """How long a topic keeps its records."""

    FOR_A_TIME = "delete"
    NEWEST_OF_EACH_KEY = "compact"


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic: its name, what its key is, who writes it, which types it carries."""

    name: str
    key: str
    writer: str
    types: tuple[type[EventData], ...]
    keep: Keep = Keep.FOR_A_TIME


TOPICS: tuple[Topic, ...] = (
    Topic(
        incidents.TOPIC,
        "incident",
        "intake",
        (
            incidents.IncidentReported,
            incidents.IncidentChanged,
            incidents.IncidentAcknowledged,
            incidents.IncidentRestored,
            incidents.IncidentReopened,
            incidents.IncidentClosed,
        ),
    ),
    Topic(
        diagnoses.TOPIC,
        "incident",
        "diagnosis",
        (diagnoses.DiagnosisEstablished, diagnoses.DiagnosisRevised),
    ),
    Topic(
        workarounds.TOPIC,
        "incident",
        "diagnosis",
        (
            workarounds.WorkaroundApplied,
            workarounds.WorkaroundFailed,
            workarounds.WorkaroundOverdue,
            workarounds.WorkaroundPromiseMoved,
            workarounds.WorkaroundRetired,
        ),
    ),
    Topic(
        problems.TOPIC,
        "problem",
        "problem",
        (
            problems.ProblemOpened,
            problems.ProblemRecurred,
            problems.ProblemRootCauseEstablished,
            problems.ProblemEscalated,
            problems.ProblemResolved,
            problems.ProblemReopened,
        ),
    ),
    Topic(
        fixes.TOPIC,
        "problem",
        "problem",
        (fixes.FixPlanned, fixes.FixDeployed, fixes.FixVerified, fixes.FixRegressed),
    ),
    Topic(
        improvements.TOPIC,
        "improvement",
        "improvement",
        (
            improvements.ImprovementProposed,
            improvements.ImprovementApproved,
            improvements.ImprovementMeasured,
            improvements.ImprovementRealised,
            improvements.ImprovementRejected,
        ),
    ),
    Topic(
        catalogue.TOPIC,
        "entity",
        "diagnosis",
        (catalogue.CatalogueEntityChanged, catalogue.CatalogueEntityRemoved),
        Keep.NEWEST_OF_EACH_KEY,
    ),
    Topic(changes.TOPIC, "component", "diagnosis", (changes.ChangeRecorded,)),
    Topic(
        access.TOPIC,
        "key id",
        "intake",
        (access.AccessKeyIssued, access.AccessKeyRevoked),
        Keep.NEWEST_OF_EACH_KEY,
    ),
    Topic(
        dead_letters.TOPIC,
        "original key",
        "the consumer that failed",
        (dead_letters.DeadLetterRecorded,),
    ),
)

TOPIC_NAMES: tuple[str, ...] = tuple(topic.name for topic in TOPICS)

TYPES: dict[str, type[EventData]] = {
    contract.TYPE: contract for topic in TOPICS for contract in topic.types
}
