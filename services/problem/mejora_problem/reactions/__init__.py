"""One table: event type → what is done."""

from mejora_events.contracts.catalogue import CatalogueEntityChanged, CatalogueEntityRemoved
from mejora_events.contracts.changes import ChangeRecorded
from mejora_events.contracts.diagnoses import DiagnosisEstablished, DiagnosisRevised
from mejora_events.contracts.incidents import (
    IncidentAcknowledged,
    IncidentChanged,
    IncidentClosed,
    IncidentReopened,
    IncidentReported,
    IncidentRestored,
)
from mejora_events.contracts.workarounds import (
    WorkaroundApplied,
    WorkaroundFailed,
    WorkaroundOverdue,
    WorkaroundPromiseMoved,
    WorkaroundRetired,
)
from mejora_events.reactions import Reactions
from mejora_problem.reactions.hearing import (
    changes_told,
    diagnoses_told,
    entities_changed,
    entities_removed,
    incidents_told,
    workarounds_told,
)

REACTIONS: Reactions = {
    IncidentReported: incidents_told,
    IncidentChanged: incidents_told,
    IncidentAcknowledged: incidents_told,
    IncidentRestored: incidents_told,
    IncidentReopened: incidents_told,
    IncidentClosed: incidents_told,
    DiagnosisEstablished: diagnoses_told,
    DiagnosisRevised: diagnoses_told,
    WorkaroundApplied: workarounds_told,
    WorkaroundFailed: workarounds_told,
    WorkaroundOverdue: workarounds_told,
    WorkaroundPromiseMoved: workarounds_told,
    WorkaroundRetired: workarounds_told,
    ChangeRecorded: changes_told,
    CatalogueEntityChanged: entities_changed,
    CatalogueEntityRemoved: entities_removed,
}
