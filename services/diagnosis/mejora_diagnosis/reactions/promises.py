"""What was promised to be gone and is not."""

from mejora_diagnosis.model.workarounds import fall_overdue
from mejora_diagnosis.store import workarounds
from mejora_events.contracts.workarounds import WorkaroundOverdue
from mejora_events.store import Work

_MOST_A_ROUND = 500


async def note_overdue(work: Work) -> None:
    """Note workarounds that should be gone by now; each once for each date promised."""
    late = await workarounds.hold_overdue(work.conn, work.now, _MOST_A_ROUND)
    overdue = [fall_overdue(workaround) for workaround in late]
    await workarounds.update(work.conn, overdue)
    for workaround in overdue:
        work.emit(
            WorkaroundOverdue(workaround=workaround),
            at=workaround.due_at,
            correlation=workaround.incident_id,
        )
