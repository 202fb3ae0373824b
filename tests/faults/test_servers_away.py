"""The broker or a store is away under load: services go on, and catch up by themselves."""

import asyncio
from functools import partial

from support.stage import Stage, metric
from support.whole import until

AWAY_SECONDS = 20.0


async def waiting(stage: Stage, service: str) -> int:
    """Tell how many events wait in a service's outbox."""
    found = await stage.ask(service, "select count(*) as events from outbox")
    return int(found[0]["events"])


async def test_a_broker_that_does_not_answer_stops_nobody_from_being_accepted(stage: Stage) -> None:
    async with stage.load.running(clients=2, pause_seconds=0.1):
        stage.kafka.pause()
        await asyncio.sleep(AWAY_SECONDS / 2)
        accepted, grown = len(stage.load.accepted), await waiting(stage, "intake")
        assert grown > 0
        await asyncio.sleep(AWAY_SECONDS / 2)
        assert await waiting(stage, "intake") > grown
        assert len(stage.load.accepted) > accepted
        assert await metric(stage.services["intake"], "mejora_outbox_oldest_seconds") > 1
        for name, service in stage.services.items():
            checks = (await stage.call("GET", name, "/readyz"))["checks"]
            assert checks[name]["relay"] in ("ready", "waiting for the broker"), service.tail()
        checks = (await stage.call("GET", "intake", "/readyz"))["checks"]
        assert checks["intake"]["relay"] == "waiting for the broker"
        stage.kafka.resume()
        await until(lambda: _drained(stage), seconds=60)
    await stage.assert_nothing_lost_or_doubled()


async def test_a_broker_that_is_killed_and_started_again_is_found_again(stage: Stage) -> None:
    async with stage.load.running(clients=2, pause_seconds=0.1):
        await stage.kafka.kill()
        before = len(stage.load.accepted)
        await until(lambda: _accepted_more(stage, before + 50))
        assert await waiting(stage, "intake") > 0
        await stage.kafka.start()
        await until(lambda: _drained(stage), seconds=60)
    await stage.assert_nothing_lost_or_doubled()


async def test_a_store_that_crashes_and_recovers_keeps_what_was_answered(stage: Stage) -> None:
    async with stage.load.running():
        for _ in range(2):
            before = len(stage.load.accepted)
            await stage.postgres.restart(immediate=True)
            await until(partial(_accepted_more, stage, before + 50))
    assert stage.load.sent_again > 0
    await stage.assert_nothing_lost_or_doubled()


async def _accepted_more(stage: Stage, than: int) -> bool:
    return len(stage.load.accepted) > than


async def _drained(stage: Stage) -> bool:
    """Tell whether intake's outbox has no event older than a moment."""
    sql = "select 1 from outbox where written_at < now() - interval '2 seconds' limit 1"
    return not await stage.ask("intake", sql)
