"""Failures that silences kept from becoming incidents."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from msgspec import NODEFAULT, structs
from pydantic import create_model

from mejora_events.sql import rows, run
from mejora_events.store import Work
from mejora_intake.model import Signal
from mejora_intake.store.incidents import Failure
from mejora_intake.store.out_of_turn import hold_failures, named

_KEEP = """
insert into silenced_failure (source, fingerprint, silence_id, signal)
select source, fingerprint, silence_id, cast(signal as json)
from unnest(cast(:sources as text[]), cast(:fingerprints as text[]),
            cast(:silence_ids as uuid[]), cast(:signals as text[]))
     as n (source, fingerprint, silence_id, signal)
on conflict (source, fingerprint) do update
set silence_id = excluded.silence_id, signal = excluded.signal
"""

_DROP = """
delete from silenced_failure where (source, fingerprint) in
    (select * from unnest(cast(:sources as text[]), cast(:fingerprints as text[])))
"""

# What went on until its silence was over, some at a time.
_OVER = """
select f.source, f.fingerprint
from silence s join silenced_failure f using (silence_id)
where least(s.ends_at, s.ended_at) <= cast(:now as timestamptz)
limit 1000
"""

_TAKE_OUT = """
delete from silenced_failure f using silence s
where (f.source, f.fingerprint) in
    (select * from unnest(cast(:sources as text[]), cast(:fingerprints as text[])))
  and s.silence_id = f.silence_id and least(s.ends_at, s.ended_at) <= cast(:now as timestamptz)
returning f.silence_id, cast(f.signal as text) as signal
"""

_FIELDS: dict[str, Any] = {
    field.name: (field.type, ... if field.default is NODEFAULT else field.default)
    for field in structs.fields(Signal)
}
_AsKept = create_model("_AsKept", **_FIELDS)
"""A signal as JSON."""

Silenced = Mapping[Failure, tuple[UUID, Signal] | None]
"""By failure: the silence and the newest message; None where there is no more to it."""


async def keep_silenced(work: Work, known: Silenced) -> None:
    """Keep what silences keep from becoming incidents, and let go what has."""
    kept = {failure: one for failure, one in sorted(known.items()) if one is not None}
    gone = sorted(known.keys() - kept.keys())
    if gone:
        await run(work.conn, _DROP, **named(gone))
    if kept:
        await run(
            work.conn,
            _KEEP,
            **named(kept),
            silence_ids=[silence_id for silence_id, _ in kept.values()],
            signals=[_written(signal) for _, signal in kept.values()],
        )


async def take_over(work: Work) -> list[tuple[UUID, Signal]]:
    """Take out the failures that went on until their silence was over: with its newest message.

    They are held.
    """
    over = [(r["source"], r["fingerprint"]) for r in await rows(work.conn, _OVER, now=work.now)]
    if not over:
        return []
    await hold_failures(work, over)
    found = await rows(work.conn, _TAKE_OUT, **named(over), now=work.now)
    return [(r["silence_id"], _read(r["signal"])) for r in found]


def _written(signal: Signal) -> str:
    return _AsKept(**structs.asdict(signal)).model_dump_json()


def _read(text: str) -> Signal:
    return Signal(**dict(_AsKept.model_validate_json(text)))
