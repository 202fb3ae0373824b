"""Reading a topic again from a time: what already took effect is known by the inbox.

Meant for a store that was brought back from a backup: its inbox is as old as the rest of it, so
that reading again from the backup's time brings back exactly what is missing.
"""

import logging
from datetime import datetime
from uuid import UUID

from mejora_events.ids import new_id
from mejora_events.sql import STORE_ERRORS, rows, run
from mejora_events.store import Store, Work
from mejora_events.transports.base import Subscriber

log = logging.getLogger(__name__)

_ASK = """
insert into replay (replay_id, consumer, topic, from_time, asked_at, asked_by)
values (:replay_id, :consumer, :topic, :from_time, :now, :actor)
"""

# Wishes of the last day; each member follows them for the partitions that it has.
_OPEN = """
select replay_id, topic, from_time, done_partitions from replay
where consumer = :consumer and asked_at > now() - interval '1 day'
order by replay_id
"""

_DONE = """
update replay set done_partitions = done_partitions || cast(:partitions as integer[])
where replay_id = :replay_id
"""


async def ask_for_replay(work: Work, consumer: str, topic: str, from_time: datetime) -> UUID:
    """Wish that a consumer read a topic again from a time; its members follow within seconds."""
    replay_id = new_id()
    await run(
        work.conn,
        _ASK,
        replay_id=replay_id,
        consumer=consumer,
        topic=topic,
        from_time=from_time,
        now=work.now,
        actor=work.actor,
    )
    return replay_id


async def follow_replays(store: Store, consumer: str, subscriber: Subscriber) -> None:
    """Go back in the partitions assigned here for which a wish is open.

    Raises TransportUnavailable. While the store is away, wishes wait.
    """
    try:
        await _follow(store, consumer, subscriber)
    except STORE_ERRORS as error:
        log.warning("replays wait: %r", error)


async def _follow(store: Store, consumer: str, subscriber: Subscriber) -> None:
    async with store.read() as conn:
        wishes = await rows(conn, _OPEN, consumer=consumer)
    for wish in wishes:
        mine = {p for topic, p in subscriber.assigned() if topic == wish["topic"]}
        if not mine - set(wish["done_partitions"]):
            continue
        went_back = await subscriber.seek_to_time(wish["topic"], wish["from_time"])
        async with store.begin(actor=consumer) as work:
            await run(work.conn, _DONE, replay_id=wish["replay_id"], partitions=list(went_back))
        log.info("replaying %s from %s", wish["topic"], wish["from_time"])
