"""What of each snapshot is measured: the columns that indicators are counted from.

Each function gives one row of the table `measured_<what>`, named as its columns are.
"""

from typing import Any

from mejora_events.contracts.base import Money
from mejora_events.contracts.catalogue import (
    CatalogueEntityChanged,
    CatalogueEntityRemoved,
    Component,
    Contract,
)
from mejora_events.contracts.diagnoses import (
    Diagnosis,
    DiagnosisEstablished,
    DiagnosisEvent,
    Mark,
)
from mejora_events.contracts.fixes import Fix
from mejora_events.contracts.incidents import Incident
from mejora_events.contracts.problems import Problem
from mejora_events.contracts.workarounds import Workaround

Row = dict[str, Any]


def of_incident(incident: Incident) -> Row:
    """Give what is measured of an incident."""
    return {
        "incident_id": incident.incident_id,
        "version": incident.version,
        "component": incident.component,
        "origin": incident.origin,
        "started_at": incident.started_at,
        "reported_at": incident.reported_at,
        "acknowledged_at": incident.acknowledged_at,
        "restored_at": incident.restored_at,
        "closed_at": incident.closed_at,
        "channel": incident.channel,
        "lost_seconds": incident.lost_seconds,
    }


def of_diagnosis(diagnosis: Diagnosis) -> Row:
    """Give what is measured of a diagnosis.

    `pulled_down`: the failure began elsewhere and is charged to an incident there.
    """
    point, grading = diagnosis.failure_point, diagnosis.grading
    return {
        "incident_id": diagnosis.incident_id,
        "version": diagnosis.version,
        "signature_id": diagnosis.signature.signature_id,
        "reported_at": diagnosis.reported_at,
        "completed_at": diagnosis.completed_at,
        "failure_point": point.component,
        "pulled_down": point.component != diagnosis.component and bool(point.cascade),
        "processes": diagnosis.affected.processes,
        "customers": diagnosis.affected.customers,
        "contracts": diagnosis.affected.contracts,
        "failure_point_right": _right(grading.failure_point) if grading else None,
        "scope_right": _right(grading.scope) if grading else None,
        "signature_right": _right(grading.signature) if grading else None,
        **_price("cost_per_minute", "cost_currency", diagnosis.cost_per_minute),
    }


def of_first_diagnosis(event: DiagnosisEvent) -> Row | None:
    """Give what the first diagnosis said, before anybody could know better."""
    if not isinstance(event, DiagnosisEstablished):
        return None
    return {
        "incident_id": event.diagnosis.incident_id,
        "first_version": event.diagnosis.version,
        "first_known_error": event.diagnosis.known_error is not None,
    }


def of_workaround(workaround: Workaround) -> Row:
    """Give what is measured of a workaround."""
    return {
        "workaround_id": workaround.workaround_id,
        "version": workaround.version,
        "incident_id": workaround.incident_id,
        "signature_id": workaround.signature_id,
        "component": workaround.component,
        "applied_at": workaround.applied_at,
        "due_at": workaround.due_at,
        "failed_at": workaround.failed_at,
        "retired_at": workaround.retired_at,
    }


def of_problem(problem: Problem) -> Row:
    """Give what is measured of a problem and of its plan."""
    return {
        "problem_id": problem.problem_id,
        "version": problem.version,
        "state": problem.state,
        "signature_id": problem.signature_id,
        "title": problem.title,
        "component": problem.component,
        "owner": problem.owner,
        "opened_at": problem.opened_at,
        "actions": [
            {"due_at": action.due_at, "done_at": action.done_at} for action in problem.actions
        ],
    }


def of_fix(fix: Fix) -> Row:
    """Give what is measured of a permanent fix."""
    return {
        "fix_id": fix.fix_id,
        "version": fix.version,
        "problem_id": fix.problem_id,
        "state": fix.state,
        "signature_id": fix.signature_id,
        "component": fix.component,
        "planned_at": fix.planned_at,
        "due_at": fix.due_at,
        "deployed_at": fix.deployed_at,
        "verified_at": fix.verified_at,
        "regressed_at": fix.regressed_at,
        **_price("estimated_cost", "cost_currency", fix.estimated_cost),
    }


def of_component(event: CatalogueEntityChanged | CatalogueEntityRemoved) -> Row | None:
    """Give what a component's failures cost; None for other entities."""
    if isinstance(event, CatalogueEntityRemoved):
        return _removed(event) if event.kind == "component" else None
    entity = event.entity
    if not isinstance(entity, Component):
        return None
    return {
        "name": entity.name,
        "version": event.version,
        "removed": False,
        **_price("cost_per_minute", "cost_currency", entity.cost_per_minute),
        **_price("handling_per_hour", "handling_currency", entity.handling_rate_per_hour),
    }


def of_contract(event: CatalogueEntityChanged | CatalogueEntityRemoved) -> Row | None:
    """Give what was promised to a customer; None for other entities."""
    if isinstance(event, CatalogueEntityRemoved):
        return {**_removed(event), "processes": ()} if event.kind == "contract" else None
    entity = event.entity
    if not isinstance(entity, Contract):
        return None
    return {
        "name": entity.name,
        "version": event.version,
        "removed": False,
        "customer": entity.customer,
        "processes": entity.processes,
        "availability_promised": entity.availability_promised,
        **_price("penalty_per_minute", "penalty_currency", entity.penalty_per_minute),
    }


def _right(mark: Mark | None) -> bool | None:
    return None if mark is None else mark is Mark.RIGHT


def _removed(event: CatalogueEntityRemoved) -> Row:
    return {"name": event.name, "version": event.version, "removed": True}


def _price(amount: str, currency: str, money: Money | None) -> Row:
    return {
        amount: money.amount if money else None,
        currency: money.currency if money else None,
    }
