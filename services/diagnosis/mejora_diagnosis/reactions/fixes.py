"""Permanent fixes are remembered; one that is verified ends the workarounds of its fault.

It also proves where the fault was, and so grades its diagnoses, until it is no longer held true.
"""

from collections.abc import Sequence
from datetime import datetime

from mejora_diagnosis.model.workarounds import retire
from mejora_diagnosis.reactions.grading import grade_faults
from mejora_diagnosis.store import catalogue, problems, workarounds
from mejora_events.contracts.fixes import FixEvent, FixRegressed, FixVerified
from mejora_events.contracts.workarounds import WorkaroundRetired
from mejora_events.envelope import Event
from mejora_events.store import Work


async def take_fixes(work: Work, events: Sequence[Event[FixEvent]]) -> None:
    """Take over what is known of permanent fixes."""
    await catalogue.take_turn(work)
    await problems.take_fixes(work.conn, [event.data.fix for event in events])


async def take_verified(work: Work, events: Sequence[Event[FixVerified]]) -> None:
    """Take over that fixes are verified, end what they make needless, grade what they prove."""
    known = await catalogue.take_turn(work)
    await take_fixes(work, events)
    await _retire_workarounds(work, events)
    causes = {event.data.fix.signature_id: event for event in events}
    await grade_faults(work, known.catalogue, causes)


async def take_regressed(work: Work, events: Sequence[Event[FixRegressed]]) -> None:
    """Take over that fixes did not hold; what they seemed to prove is no longer so."""
    known = await catalogue.take_turn(work)
    await take_fixes(work, events)
    causes = {event.data.fix.signature_id: event for event in events}
    await grade_faults(work, known.catalogue, causes)


async def _retire_workarounds(work: Work, events: Sequence[Event[FixVerified]]) -> None:
    """End the workarounds that were applied before a fix of their fault was verified."""
    causes = {event.data.fix.signature_id: event for event in events}
    await workarounds.hold_faults(work.conn, causes.keys())
    retired = []
    for workaround in await workarounds.hold_applied(work.conn, causes.keys()):
        cause = causes[workaround.signature_id]
        verified_at = _verified_at(cause)
        if workaround.applied_at <= verified_at:
            reason = f"{cause.data.fix.carried_by} was verified"
            ended = retire(workaround, verified_at, cause.data.fix.problem_id, reason)
            retired.append(ended)
            work.emit(
                WorkaroundRetired(workaround=ended, reason=reason),
                at=verified_at,
                cause=cause,
            )
    await workarounds.update(work.conn, retired)


def _verified_at(event: Event[FixVerified]) -> datetime:
    return event.data.fix.verified_at or event.time
