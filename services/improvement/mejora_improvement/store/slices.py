"""How a period and a slice of incidents are said in SQL.

Bound by name: `start`, `end` (a period), `component`, `process`, `customer`, `signature_id` (a
slice; null is all).
"""

from typing import Any

from mejora_events.contracts.base import Money
from mejora_improvement.model.period import Period, Slice

# Narrows incidents `i` with their diagnoses `d` to a slice.
INCIDENT_IN_SLICE = """
      (cast(:component as text) is null or i.component = :component or d.failure_point = :component)
  and (cast(:process as text) is null or cast(:process as text) = any (d.processes))
  and (cast(:customer as text) is null or cast(:customer as text) = any (d.customers))
  and (cast(:signature_id as text) is null or d.signature_id = :signature_id)
"""

# The incidents of a slice that ended in a period, with what their diagnoses say.
ENDED = f"""
ended as (
    select i.*, d.signature_id, d.reported_at as diagnosed_report_at, d.completed_at,
           d.first_known_error, d.failure_point_right, d.scope_right, d.signature_right
    from measured_incident i
    left join measured_diagnosis d using (incident_id)
    where i.ended_at >= :start and i.ended_at < :end and {INCIDENT_IN_SLICE}
)
"""


# What incidents are charged with, where a component has no labour rate by the one that is bound as
# `labour_per_hour` and `labour_currency`.
CHARGES = "incident_charge(cast(:labour_per_hour as numeric), cast(:labour_currency as text))"


def of_signature_in_slice(alias: str) -> str:
    """Narrow rows that have a component and a signature (problems, fixes, workarounds).

    They are a process's or a customer's when an incident of their signature affected it.
    """
    return f"""
      (cast(:component as text) is null or {alias}.component = :component)
  and (cast(:signature_id as text) is null or {alias}.signature_id = :signature_id)
  and (cast(:process as text) is null and cast(:customer as text) is null or exists (
      select from measured_diagnosis d
      where d.signature_id = {alias}.signature_id
        and (cast(:process as text) is null or cast(:process as text) = any (d.processes))
        and (cast(:customer as text) is null or cast(:customer as text) = any (d.customers))
  ))
"""


def bound(period: Period, part: Slice) -> dict[str, Any]:
    """Give the values for the names above."""
    return {"start": period.start, "end": period.end, **bound_slice(part)}


def bound_labour(labour: Money | None) -> dict[str, Any]:
    """Give the labour rate of components that have none of their own."""
    return {
        "labour_per_hour": labour.amount if labour else None,
        "labour_currency": labour.currency if labour else None,
    }


def bound_slice(part: Slice) -> dict[str, Any]:
    """Give the values of a slice alone."""
    return {
        "component": part.component,
        "process": part.process,
        "customer": part.customer,
        "signature_id": part.signature_id,
    }
