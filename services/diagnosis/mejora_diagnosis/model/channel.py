"""Which of the two channels to take: restore, or serve the customer another way meanwhile."""

from dataclasses import dataclass

from mejora_diagnosis.model.words import counted, lasting
from mejora_events.contracts.base import Channel
from mejora_events.contracts.diagnoses import Recommendation
from mejora_events.contracts.incidents import Incident
from mejora_events.ids import WorkaroundId

PATIENCE_SECONDS = {1: 300.0, 2: 900.0, 3: 3_600.0, 4: 14_400.0, 5: 86_400.0}
"""By criticality: how long restoring may take before another way of serving is the better one."""

ENOUGH_CASES = 3
"""With fewer restorations of the same fault, those of the component are asked too."""


@dataclass(frozen=True, slots=True)
class Restorations:
    """How long restoring the normal way has taken before, over the most recent cases."""

    cases: int = 0
    median_seconds: float | None = None
    p90_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class TriedWorkaround:
    """A workaround of the same fault, over all incidents in which it was applied."""

    description: str
    workaround_id: WorkaroundId
    """The newest of them."""
    tried: int
    worked: int
    """Times that it was applied and not reported to have failed."""

    @property
    def success(self) -> float:
        """Give the expected share of success (rule of succession: one try is no certainty)."""
        return (self.worked + 1) / (self.tried + 2)


def restore_seconds(incident: Incident) -> float | None:
    """Tell how long restoring took the normal way; None when it did not come to that.

    What counts is lost service: the time between two outages of a reopened incident does not.
    """
    if incident.restored_at is None or incident.channel is Channel.ALTERNATE:
        return None
    if incident.lost_seconds > 0:
        return incident.lost_seconds
    return max(0.0, (incident.restored_at - incident.started_at).total_seconds())


def best_workaround(tried: tuple[TriedWorkaround, ...]) -> TriedWorkaround | None:
    """Choose the workaround that is likeliest to work; none that has never worked."""
    worked = [it for it in tried if it.worked]
    return max(worked, key=lambda it: (it.success, it.tried, it.description), default=None)


def recommend_channel(
    criticality: int,
    alternates: tuple[str, ...],
    tried: tuple[TriedWorkaround, ...],
    of_signature: Restorations,
    of_component: Restorations,
) -> Recommendation:
    """Recommend a channel, with its reasons.

    The alternate channel needs another way of serving the customer: a workaround that has worked
    for this fault, else what the catalogue names. It is better when restoring usually takes longer
    than the criticality allows, or when nothing is known of that and the component is critical
    (1 or 2).
    """
    past, reasons = _relevant(of_signature, of_component)
    best = best_workaround(tried)
    other_way = best.description if best else next(iter(alternates), None)
    channel = Channel.RESTORE
    if other_way is None:
        reasons.append("no other way of serving the customer is known")
    else:
        channel, why = _compare(criticality, past)
        reasons.append(why)
        reasons.append(
            f"“{best.description}” carried the service in {best.worked} of"
            f" {counted(best.tried, 'case', 'cases')}"
            if best
            else f"the catalogue names “{other_way}” as another way of serving"
        )
    return Recommendation(
        channel=channel,
        reasons=tuple(reasons),
        alternate=other_way,
        restore_median_seconds=past.median_seconds,
        restore_p90_seconds=past.p90_seconds,
        cases=past.cases,
    )


def _relevant(
    of_signature: Restorations, of_component: Restorations
) -> tuple[Restorations, list[str]]:
    if of_signature.cases >= ENOUGH_CASES or of_signature.cases >= of_component.cases:
        past, whose = of_signature, "this fault"
    else:
        past, whose = of_component, "this component"
    if past.median_seconds is None:
        return past, ["nothing is known of how long restoring takes"]
    took = f"restoring {whose} took {lasting(past.median_seconds)} at the median"
    if past.cases > 1 and past.p90_seconds is not None:
        took += f" and no more than {lasting(past.p90_seconds)} in nine of ten cases"
    return past, [f"{took} ({counted(past.cases, 'case', 'cases')})"]


def _compare(criticality: int, past: Restorations) -> tuple[Channel, str]:
    patience = PATIENCE_SECONDS[criticality]
    if past.median_seconds is None:
        if criticality <= 2:
            return Channel.ALTERNATE, f"criticality {criticality} does not wait"
        return Channel.RESTORE, f"criticality {criticality} lets restoring be tried first"
    slower = past.median_seconds > patience
    return (
        Channel.ALTERNATE if slower else Channel.RESTORE,
        f"that is {'more' if slower else 'no more'} than the {lasting(patience)} that"
        f" criticality {criticality} allows",
    )
