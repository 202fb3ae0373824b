"""What is done when something is heard of: one table, event type → what is done.

A batch of events is one transaction of several reactions. Each of them takes the turn
(`catalogue.take_turn`) before it touches a row: one that held rows first would wait for the turn
while whoever has it waits for those rows.
"""

from functools import partial

from mejora_diagnosis.model.diagnose import Rules
from mejora_diagnosis.reactions.changed import take_changes
from mejora_diagnosis.reactions.fixes import take_fixes, take_regressed, take_verified
from mejora_diagnosis.reactions.incidents import take_incidents
from mejora_diagnosis.reactions.problems import take_problems
from mejora_diagnosis.reactions.reported import diagnose_reported
from mejora_events.contracts.fixes import FixDeployed, FixPlanned, FixRegressed, FixVerified
from mejora_events.contracts.incidents import (
    IncidentAcknowledged,
    IncidentChanged,
    IncidentClosed,
    IncidentReopened,
    IncidentReported,
    IncidentRestored,
)
from mejora_events.contracts.problems import (
    ProblemEscalated,
    ProblemOpened,
    ProblemRecurred,
    ProblemReopened,
    ProblemResolved,
    ProblemRootCauseEstablished,
)
from mejora_events.reactions import Reactions


def react_by(rules: Rules) -> Reactions:
    """Give the table, by the rules that the operator set."""
    return {
        IncidentReported: partial(diagnose_reported, rules=rules),
        IncidentChanged: partial(take_changes, rules=rules),
        IncidentAcknowledged: take_incidents,
        IncidentRestored: take_incidents,
        IncidentReopened: take_incidents,
        IncidentClosed: take_incidents,
        ProblemOpened: take_problems,
        ProblemRecurred: take_problems,
        ProblemRootCauseEstablished: take_problems,
        ProblemEscalated: take_problems,
        ProblemResolved: take_problems,
        ProblemReopened: take_problems,
        FixPlanned: take_fixes,
        FixDeployed: take_fixes,
        FixVerified: take_verified,
        FixRegressed: take_regressed,
    }
