"""Signals that go from one incident to another."""

from collections.abc import Collection, Sequence
from datetime import datetime

from mejora_events.contracts.base import Origin, Severity
from mejora_events.ids import IncidentId
from mejora_events.sql import Row, rows, run
from mejora_events.store import Work
from mejora_intake.merging import Moved
from mejora_intake.model import Disposition, SignalState
from mejora_intake.store.incidents import Failure
from mejora_intake.store.signals import delivery_id_of

_COUNTED = [Disposition.OPENED.value, Disposition.REPEATED.value, Disposition.REOPENED.value]
"""What makes a signal an occurrence of its incident."""

_MOVE_ALL = """
update signal
set incident_id = :to_id, answered_incident_id = coalesce(answered_incident_id, incident_id)
where incident_id = :from_id
returning source, signal_id
"""

_MOVE_SOME = """
update signal
set incident_id = :to_id, answered_incident_id = coalesce(answered_incident_id, incident_id)
where incident_id = :from_id
  and (fingerprint = any(cast(:fingerprints as text[]))
       or (source, signal_id) in
          (select * from unnest(cast(:sources as text[]), cast(:signal_ids as text[]))))
returning source, signal_id, fingerprint, component, summary, state, severity, origin, started_at,
          ended_at, received_at, stored_at, disposition = any(cast(:counted as text[])) as counts
"""

# A message that comes again is answered with the incident that its first delivery is with now.
_READDRESS = """
update delivery set incident_id = :to_id
where delivery_id = any(cast(:delivery_ids as uuid[])) and incident_id = :from_id
"""

# Those failures of which no occurrence is left with an incident.
_GONE = """
select source, fingerprint
from unnest(cast(:sources as text[]), cast(:fingerprints as text[])) as f (source, fingerprint)
where not exists (
    select from signal s
    where s.incident_id = :incident_id and s.source = f.source and s.fingerprint = f.fingerprint
      and s.disposition = any(cast(:counted as text[])))
"""


async def move_all(work: Work, from_id: IncidentId, to_id: IncidentId) -> None:
    """Let all signals of an incident go to another; both are held."""
    moved = await rows(work.conn, _MOVE_ALL, from_id=from_id, to_id=to_id)
    await _readdress(work, moved, from_id, to_id)


async def move_some(
    work: Work,
    from_id: IncidentId,
    to_id: IncidentId,
    *,
    signals: Collection[tuple[str, str]],
    fingerprints: Collection[str],
) -> tuple[list[Moved], set[tuple[str, str]]]:
    """Let signals go to another incident, named by source and id or by their fingerprint.

    Gives them in the order in which they came, and the named ones that were not there.
    """
    found = await rows(
        work.conn,
        _MOVE_SOME,
        from_id=from_id,
        to_id=to_id,
        sources=[source for source, _ in signals],
        signal_ids=[signal_id for _, signal_id in signals],
        fingerprints=list(fingerprints),
        counted=_COUNTED,
    )
    await _readdress(work, found, from_id, to_id)
    missing = set(signals) - {(r["source"], r["signal_id"]) for r in found}
    missing |= {("", one) for one in set(fingerprints) - {r["fingerprint"] for r in found}}
    return [_moved(r) for r in sorted(found, key=_coming)], missing


async def failures_gone(
    work: Work, incident_id: IncidentId, failures: Collection[Failure]
) -> set[Failure]:
    """Tell of which failures no occurrence is left with an incident."""
    found = await rows(
        work.conn,
        _GONE,
        incident_id=incident_id,
        sources=[source for source, _ in failures],
        fingerprints=[fingerprint for _, fingerprint in failures],
        counted=_COUNTED,
    )
    return {(r["source"], r["fingerprint"]) for r in found}


async def _readdress(
    work: Work, moved: Sequence[Row], from_id: IncidentId, to_id: IncidentId
) -> None:
    delivery_ids = [delivery_id_of(r["source"], r["signal_id"]) for r in moved]
    if delivery_ids:
        await run(work.conn, _READDRESS, delivery_ids=delivery_ids, from_id=from_id, to_id=to_id)


def _coming(found: Row) -> tuple[datetime, datetime, datetime, str]:
    """Order signals by their coming; of those that came together, what ends one comes last."""
    return found["received_at"], found["stored_at"], found["started_at"], found["state"]


def _moved(found: Row) -> Moved:
    return Moved(
        source=found["source"],
        fingerprint=found["fingerprint"],
        component=found["component"],
        summary=found["summary"],
        state=SignalState(found["state"]),
        severity=Severity(found["severity"]),
        origin=Origin(found["origin"]),
        started_at=found["started_at"],
        ended_at=found["ended_at"],
        received_at=found["received_at"],
        counts=found["counts"],
    )
