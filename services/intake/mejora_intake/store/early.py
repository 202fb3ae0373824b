"""Ends that came before what they end."""

from collections.abc import Mapping
from datetime import timedelta

from mejora_events.sql import run
from mejora_events.store import Work
from mejora_intake.early import EarlyEnd
from mejora_intake.store.incidents import Failure
from mejora_intake.store.out_of_turn import named

_KEEP = """
insert into early_end (source, fingerprint, started_at, ended_at, received_at)
select * from unnest(cast(:sources as text[]), cast(:fingerprints as text[]),
                     cast(:started as timestamptz[]), cast(:ended as timestamptz[]),
                     cast(:received as timestamptz[]))
on conflict (source, fingerprint) do update
set started_at = excluded.started_at, ended_at = excluded.ended_at,
    received_at = excluded.received_at, stored_at = now()
"""

_DROP = """
delete from early_end where (source, fingerprint) in
    (select * from unnest(cast(:sources as text[]), cast(:fingerprints as text[])))
"""

_FORGET = "delete from early_end where stored_at < cast(:before as timestamptz)"

_AWAITED = timedelta(days=1)
"""For how long what an end ends is awaited."""


async def keep_early_ends(work: Work, known: Mapping[Failure, EarlyEnd | None]) -> None:
    """Keep the ends of failures, or let them go where there is none any more."""
    kept = {failure: end for failure, end in sorted(known.items()) if end is not None}
    gone = sorted(known.keys() - kept.keys())
    if gone:
        await run(work.conn, _DROP, **named(gone))
    if kept:
        await run(
            work.conn,
            _KEEP,
            **named(kept),
            started=[end.started_at for end in kept.values()],
            ended=[end.ended_at for end in kept.values()],
            received=[end.received_at for end in kept.values()],
        )


async def forget_early_ends(work: Work) -> None:
    """Let go what has been awaited in vain."""
    await run(work.conn, _FORGET, before=work.now - _AWAITED)
