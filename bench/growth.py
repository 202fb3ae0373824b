"""`intake.growth`: whether a signal costs the same with a long history as with none."""

from contextlib import AsyncExitStack

from bench.figure import Figure
from bench.ground import Ground, plain
from bench.intake import a_batch_order
from bench.load import Delivery, in_own_process
from bench.scale import Scale

# History is made of rows that intake wrote itself, with other ids.
_INCIDENTS = """
insert into incident
select r.* from (select i from incident i limit 1) as one (i), generate_series(1, $1::integer) as n,
     lateral jsonb_populate_record(one.i, jsonb_build_object(
         'incident_id', gen_random_uuid(), 'fingerprint', 'past/' || n,
         'component', 'part-' || n % 500, 'state', 'closed')) as r
"""
_FAILURES = """
insert into failure (source, fingerprint, incident_id)
select source, fingerprint, incident_id from incident where starts_with(fingerprint, 'past/')
"""
_SNAPSHOTS = """
insert into incident_snapshot (incident_id, body)
select i.incident_id, one.body || jsonb_build_object(
    'incident_id', i.incident_id, 'fingerprint', i.fingerprint, 'component', i.component,
    'state', i.state, 'restored_at', i.reported_at, 'closed_at', i.reported_at)
from incident i, (select body from incident_snapshot limit 1) as one
where starts_with(i.fingerprint, 'past/')
"""
_DELIVERIES = """
insert into delivery
select r.* from (select d from delivery d limit 1) as one (d), failure i,
     generate_series(1, $1::integer) as n,
     lateral jsonb_populate_record(one.d, jsonb_build_object(
         'delivery_id', md5(i.incident_id || '/' || n), 'incident_id', i.incident_id)) as r
where starts_with(i.fingerprint, 'past/')
"""
_SIGNALS = """
insert into signal
select r.* from (select s from signal s limit 1) as one (s), delivery d,
     lateral jsonb_populate_record(one.s, jsonb_build_object(
         'signal_id', d.delivery_id, 'incident_id', d.incident_id)) as r
"""
_EACH = 10
"""Signals of an incident."""


async def growth(ground: Ground, scale: Scale) -> list[Figure]:
    """Durable signals a second into a store with a history, against a store with none."""
    figure = Figure(
        "intake.growth", "signals/s", "the same posts to a service whose store is empty", least=0.8
    )
    async with AsyncExitStack() as stack:
        await ground.without_topics()
        young = await stack.enter_async_context(ground.service("intake"))
        old = await stack.enter_async_context(ground.service("intake"))
        conn = await stack.enter_async_context(plain(old.database_url))
        for service in (young, old):
            await in_own_process(a_batch_order(scale, service, "first"))
        await conn.execute(_INCIDENTS, scale.past_signals // _EACH)
        await conn.execute(_FAILURES)
        await conn.execute(_SNAPSHOTS)
        await conn.execute(_DELIVERIES, _EACH)
        await conn.execute(_SIGNALS)
        await conn.execute("vacuum analyze")
        for number in range(scale.rounds):
            speeds: list[Delivery] = []
            for service in (young, old):
                order = a_batch_order(scale, service, f"growth{number}")
                speeds.append(await in_own_process(order))
            figure.add(limit=speeds[0].per_second, ours=speeds[1].per_second)
        figure.notes["signals before"] = scale.past_signals
        figure.notes["incidents before"] = scale.past_signals // _EACH
    return [figure]
