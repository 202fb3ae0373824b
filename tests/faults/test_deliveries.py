"""Records that come twice, that cannot be used, or that come while a service stops."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from aiokafka import AIOKafkaProducer

from mejora.audit import Kind
from mejora.services import SERVICES
from mejora_events.contracts import TOPICS, Keep
from support.stage import Stage, metric
from support.whole import until


async def test_records_that_are_all_written_twice_take_effect_once(stage: Stage) -> None:
    for service in stage.services.values():
        await service.wish(twice=True)
    before = await _repeated(stage)

    async def many_repeated() -> bool:
        after = await _repeated(stage)
        return all(after[name] >= before[name] + 50 for name in SERVICES)

    async with stage.load.running():
        await until(many_repeated, seconds=60)
    await stage.assert_nothing_lost_or_doubled()
    for service in stage.services.values():
        await service.wish(twice=False)


async def test_topics_that_are_read_again_from_their_beginning_change_nothing(
    stage: Stage,
) -> None:
    repeated = await _repeated(stage)
    received = {
        name: (await stage.ask(name, "select count(*) as n from inbox"))[0]["n"]
        for name in SERVICES
    }
    before_all = datetime.now(UTC) - timedelta(hours=1)
    for name in SERVICES:
        for topic in _topics_of(name):
            wish = {"topic": topic, "from_time": before_all.isoformat()}
            await stage.call("POST", name, "/v1/replays", wish)

    async def all_again() -> bool:
        after = await _repeated(stage)
        return all(after[name] >= repeated[name] + received[name] for name in SERVICES)

    await until(all_again, seconds=60)
    await stage.assert_nothing_lost_or_doubled()


async def test_a_poison_record_holds_up_its_key_alone_until_it_is_dropped(stage: Stage) -> None:
    listening = ("diagnosis", "problem", "improvement")
    incident_id = await _an_open_incident(stage)
    await _write(
        stage,
        "mejora.incidents",
        incident_id,
        {"ce_type": "mejora.incident.changed.v1", "ce_id": "0197e3a0-0000-7000-8000-000000000001"},
        b'{"incident": "it is none"}',
    )
    await until(lambda: _letters(stage, listening, 1))

    await stage.call("POST", "intake", f"/v1/incidents/{incident_id}/acknowledge", {})
    async with stage.load.running():
        await asyncio.sleep(1)
    await until(lambda: _letters(stage, listening, 2))

    outcome = await stage.audit(wait_seconds=5)
    assert {finding.kind for finding in outcome.findings} == {Kind.PARKED}
    assert not outcome.standing(allow_parked=True)
    assert all(incident_id in finding.detail for finding in outcome.findings)

    for name in listening:
        letters = (await stage.call("GET", name, "/v1/dead-letters"))["items"]
        dead = next(letter for letter in letters if letter["state"] == "dead")
        path = f"/v1/dead-letters/{dead['letter_id']}"
        assert (await stage.call("POST", name, f"{path}/retry"))["took_effect"] == 0
        dropped = await stage.call("POST", name, f"{path}/drop")
        assert dropped["took_effect"] == len(letters) - 1
    await stage.assert_nothing_lost_or_doubled()


async def test_records_that_failed_take_effect_when_what_was_wrong_is_mended(stage: Stage) -> None:
    await stage.change("problem", "alter table occurrence rename to occurrence_away")
    try:
        await stage.load.send(3)
        await until(lambda: _letters(stage, ("problem",), 1))
    finally:
        await stage.change("problem", "alter table occurrence_away rename to occurrence")
    await stage.audit(wait_seconds=3)

    while letters := (await stage.call("GET", "problem", "/v1/dead-letters"))["items"]:
        dead = next(letter for letter in letters if letter["state"] == "dead")
        path = f"/v1/dead-letters/{dead['letter_id']}/retry"
        assert (await stage.call("POST", "problem", path))["took_effect"] > 0
    await stage.assert_nothing_lost_or_doubled()


async def test_services_that_are_asked_to_stop_finish_what_they_have_begun(stage: Stage) -> None:
    async with stage.load.running():
        await asyncio.sleep(1)
        for name, service in stage.services.items():
            service.terminate()
            assert await service.ended() == 0, service.tail()
            await stage.up(name)
        await asyncio.sleep(1)
    await stage.assert_nothing_lost_or_doubled()
    # What was finished was committed, so that nothing came again.
    assert sum((await _repeated(stage)).values()) == 0


async def _repeated(stage: Stage) -> dict[str, float]:
    """Tell how many records came again, since each service started."""
    return {
        name: await metric(service, "mejora_events_repeated")
        for name, service in stage.services.items()
    }


def _topics_of(name: str) -> list[str]:
    """Name the topics that a service reads and that keep all records for a time."""
    service = SERVICES[name]
    settings = service.settings(
        database_url="postgresql+asyncpg://nobody@127.0.0.1/none", broker_url="kafka://127.0.0.1:1"
    )
    read = {contract.TOPIC for contract in service.reactions(settings)}
    return [t.name for t in TOPICS if t.name in read and t.keep is Keep.FOR_A_TIME]


async def _an_open_incident(stage: Stage) -> str:
    found = await stage.call("GET", "intake", "/v1/incidents?state=reported&limit=1")
    incident_id: str = found["items"][0]["incident_id"]
    return incident_id


async def _write(stage: Stage, topic: str, key: str, headers: dict[str, str], value: bytes) -> None:
    """Write a record as a stranger would who has access to the broker."""
    envelope = {
        "ce_specversion": "1.0",
        "ce_source": "/mejora/intake",
        "ce_time": "2026-03-01T12:00:00Z",
        "content-type": "application/json",
        **headers,
    }
    producer = AIOKafkaProducer(bootstrap_servers=stage.kafka.bootstrap)
    await producer.start()
    try:
        await producer.send_and_wait(
            topic,
            value,
            key.encode(),
            headers=[(name, text.encode()) for name, text in envelope.items()],
        )
    finally:
        await producer.stop()


async def _letters(stage: Stage, names: tuple[str, ...], count: int) -> bool:
    """Tell whether each of the services keeps so many letters that are not settled."""
    sql = "select count(*) as n from dead_letter where state <> 'dropped'"
    kept: list[Any] = [(await stage.ask(name, sql))[0]["n"] for name in names]
    return all(n >= count for n in kept)
