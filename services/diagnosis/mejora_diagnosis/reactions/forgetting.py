"""What failed when is forgotten once it can no longer matter (decision 20)."""

from datetime import timedelta

from mejora_diagnosis.model.cascade import NEEDED_SLOTS
from mejora_diagnosis.store import habits
from mejora_events.store import Work

KEPT_AFTER_NEWS = timedelta(days=1)
"""How long a stretch of time is kept after it was last heard of, however old: history that is
imported comes in many batches."""


async def forget_failing(work: Work, *, window_minutes: int) -> None:
    """Forget a part of what can no longer matter; the rest comes with the next rounds."""
    await habits.forget(
        work.conn,
        kept_slots=NEEDED_SLOTS,
        noted_before=work.now - KEPT_AFTER_NEWS,
        window_minutes=window_minutes,
    )
