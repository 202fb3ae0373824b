"""The rules by which what customers say and what monitors find become one incident."""

from dataclasses import replace
from datetime import datetime, timedelta

from mejora_events.contracts.base import Origin
from mejora_events.contracts.incidents import Incident
from mejora_intake.model import UNNAMED, Recognition, Signal, SignalState, repeat

AWAITED_SECONDS = 86_400.0
"""For how long after a customer's report a monitor's finding is taken for the same failure."""

NO_CUSTOMER = "report"
"""The source of reports by keys that are tied to no source and no customer."""


def customers_of(signal: Signal) -> set[str]:
    """Tell which customers a signal names, as they are compared."""
    labels = signal.labels or {}
    if signal.origin is not Origin.CUSTOMER and "customer" not in labels:
        return set()
    named = {labels.get("customer", "")}
    if signal.origin is Origin.CUSTOMER:
        named.add(signal.source)
        if not labels.get("customer"):  # with a customer's key nobody speaks for another customer
            named.add(labels.get("reporter", ""))
    return {customer_named(name) for name in named} - {"", NO_CUSTOMER}


def customer_named(name: str) -> str:
    """Give a customer's name as it is compared: case is ignored, and all but the beginning."""
    return name.strip().casefold()[:200]


def meets(
    origin: Origin, reported_at: datetime, signal: Signal, *, received_at: datetime
) -> str | None:
    """Tell by which rule a signal that would open an incident joins the one open on its component.

    A customer's report joins what a monitor found; what a monitor finds joins what a customer
    reported in the day before. Two of a kind do not meet: they may be different failures.
    """
    if signal.state is not SignalState.FIRING or origin is signal.origin:
        return None
    if signal.component.casefold() == UNNAMED:
        return None
    if signal.origin is Origin.CUSTOMER:
        return "a monitor found it first: the one open incident of its component"
    if received_at - reported_at > timedelta(seconds=AWAITED_SECONDS):
        return None
    return "a customer reported it first: the one open incident of its component"


def is_apart(incident: Incident, signal: Signal, *, received_at: datetime) -> bool:
    """Tell whether what a signal tells of was over, or came, before an incident: history."""
    is_over = signal.ended_at is not None and signal.ended_at < incident.started_at
    came_before = incident.reported_at - received_at > timedelta(seconds=AWAITED_SECONDS)
    return is_over or came_before


def join(incident: Incident, signal: Signal, rule: str, *, received_at: datetime) -> Recognition:
    """Count a signal for the open incident that it meets."""
    recognition = repeat(incident, signal, rule)
    joined = recognition.incident or incident
    changed = {"occurrences", *recognition.changed}
    noticed_at = joined.noticed_by_customer_at
    if signal.origin is Origin.CUSTOMER and noticed_at is None:
        noticed_at = received_at
        changed.add("noticed_by_customer_at")
    told = {"version": incident.version + 1, "noticed_by_customer_at": noticed_at}
    return replace(
        recognition, incident=joined.model_copy(update=told), changed=tuple(sorted(changed))
    )
