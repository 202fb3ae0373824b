"""What a silence kept from becoming incidents, and what goes on when it is over."""

from mejora_events.store import Work
from mejora_intake.api.folding import take_signals
from mejora_intake.elsewhere import SeenPlaces
from mejora_intake.model import Disposition
from mejora_intake.store import timeline
from mejora_intake.store.remembered import silences_in
from mejora_intake.store.silenced import take_over
from mejora_intake.store.timeline import Note


async def wake_failures(work: Work, *, flap_window_seconds: float) -> None:
    """Take the newest messages of failures that went on until their silence was over.

    Each counts as if its monitor had sent it again now: many tell of a change only, and what broke
    while nobody was to be bothered would be seen by nobody.
    """
    over = await take_over(work)
    if not over:
        return
    silences = await silences_in(work.conn)
    taken = await take_signals(
        work,
        [signal for _, signal in over],
        flap_window_seconds=flap_window_seconds,
        silences=silences,
        seen_places=SeenPlaces(),
    )
    notes = [
        Note(
            became.incident_id,
            work.now,
            "silence over",
            "mejora",
            f"it went on when silence {silence_id} was over",
        )
        for (silence_id, _), became in zip(over, taken, strict=True)
        if became.incident_id is not None
        and became.disposition is not Disposition.SUPPRESSED
        and not became.repeated_delivery
    ]
    await timeline.note(work, notes)
