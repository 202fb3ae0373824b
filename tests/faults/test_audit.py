"""The audit is worth nothing unless it finds what is wrong: rows are taken out and doubled here."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import orjson
import pytest
from typer.testing import CliRunner, Result

from mejora.audit import Kind, reconcile
from mejora.main import app
from support.stage import Stage, change
from support.whole import until


@dataclass(frozen=True, slots=True)
class Broken:
    """A store that was tampered with, and what an audit should say of it."""

    what: str
    service: str
    pick: str
    """Chooses the row, and gives the id that is to be named."""
    statements: tuple[str, ...]
    found: Kind


BROKEN = [
    Broken(
        "a signal taken out",
        "intake",
        "select signal_id as id from signal where disposition = 'repeated' limit 1",
        ("delete from signal where signal_id = :id",),
        Kind.LOST,
    ),
    Broken(
        "a signal doubled",
        "intake",
        "select signal_id as id from signal limit 1",
        ("insert into signal select * from signal where signal_id = :id",),
        Kind.DOUBLED,
    ),
    Broken(
        "a signal moved to another incident",
        "intake",
        "select signal_id as id from signal where incident_id is not null limit 1",
        (
            """
            update signal set incident_id = (
                select incident_id from incident i where i.incident_id <> signal.incident_id limit 1
            ) where signal_id = :id
            """,
        ),
        Kind.DIFFERENT,
    ),
    Broken(
        "an incident taken out",
        "intake",
        "select incident_id as id from incident limit 1",
        (
            "delete from timeline where incident_id = cast(:id as uuid)",
            "delete from incident where incident_id = cast(:id as uuid)",
        ),
        Kind.LOST,
    ),
    Broken(
        "an incident doubled",
        "intake",
        "select gen_random_uuid() as id",
        (
            """
            insert into incident
            select (jsonb_populate_record(i, jsonb_build_object('incident_id', given.id))).*
            from (select cast(:id as uuid) as id) given, incident i limit 1
            """,
        ),
        Kind.LOST,
    ),
    Broken(
        "an event that nobody told",
        "intake",
        "select event_id as id from journal where type = 'mejora.incident.reported.v1' limit 1",
        ("delete from journal where event_id = cast(:id as uuid)",),
        Kind.UNKNOWN,
    ),
    Broken(
        "an event told twice",
        "diagnosis",
        "select event_id as id from journal limit 1",
        ("insert into journal select * from journal where event_id = cast(:id as uuid)",),
        Kind.DOUBLED,
    ),
    Broken(
        "an event left in the outbox",
        "problem",
        "select cast('ffffffff-0000-7000-8000-000000000001' as uuid) as id",
        (
            """
            insert into outbox (event_id, topic, key, headers, value)
            values (cast(:id as uuid), 'mejora.fixes', 'k',
                    '{"ce_type": "mejora.fix.planned.v1"}', '{}')
            """,
        ),
        Kind.WAITING,
    ),
    Broken(
        "an event never received",
        "improvement",
        "select event_id as id from feed where type = 'mejora.diagnosis.established.v1' limit 1",
        ("delete from inbox where ce_id = cast(:id as uuid)",),
        Kind.LOST,
    ),
    Broken(
        "an event received from nobody",
        "diagnosis",
        "select cast('ffffffff-0000-7000-8000-000000000002' as uuid) as id",
        ("insert into inbox values ('diagnosis', '/mejora/problem', cast(:id as uuid))",),
        Kind.UNKNOWN,
    ),
    Broken(
        "a diagnosis taken out",
        "diagnosis",
        "select incident_id as id from diagnosis limit 1",
        ("delete from diagnosis where incident_id = cast(:id as uuid)",),
        Kind.LOST,
    ),
    Broken(
        "a diagnosis doubled",
        "diagnosis",
        "select incident_id as id from diagnosis limit 1",
        (
            "alter table diagnosis drop constraint diagnosis_incident_id_key",
            "alter table diagnosis drop constraint diagnosis_pkey",
            "insert into diagnosis select * from diagnosis where incident_id = cast(:id as uuid)",
        ),
        Kind.DOUBLED,
    ),
    Broken(
        "a copy of an incident taken out",
        "problem",
        "select incident_id as id from occurrence limit 1",
        ("delete from occurrence where incident_id = cast(:id as uuid)",),
        Kind.LOST,
    ),
    Broken(
        "a copy of an incident left behind",
        "improvement",
        "select incident_id as id from measured_incident where version > 1 limit 1",
        ("update measured_incident set version = 1 where incident_id = cast(:id as uuid)",),
        Kind.DIFFERENT,
    ),
    Broken(
        "a problem taken out",
        "problem",
        """
        select problem_id as id from problem
        where problem_id not in (select problem_id from fix) limit 1
        """,
        (
            "delete from escalation where problem_id = cast(:id as uuid)",
            "delete from problem where problem_id = cast(:id as uuid)",
        ),
        Kind.LOST,
    ),
    Broken(
        "a problem that counts an incident twice",
        "problem",
        "select problem_id as id from problem limit 1",
        (
            """
            update problem
            set body = jsonb_set(body, '{incidents}',
                                 to_jsonb(cast(body ->> 'incidents' as integer) + 1))
            where problem_id = cast(:id as uuid)
            """,
        ),
        Kind.DOUBLED,
    ),
    Broken(
        "a copy of a problem that nobody owns",
        "diagnosis",
        "select gen_random_uuid() as id",
        (
            """
            insert into problem (problem_id, version, signature_id, state, title)
            values (cast(:id as uuid), 1, 's', 'open', 't')
            """,
        ),
        Kind.UNKNOWN,
    ),
    Broken(
        "a copy of a fix left behind",
        "diagnosis",
        "select fix_id as id from fix where version > 1 limit 1",
        ("update fix set version = 1 where fix_id = cast(:id as uuid)",),
        Kind.DIFFERENT,
    ),
    Broken(
        "a copy of a workaround taken out",
        "improvement",
        "select workaround_id as id from measured_workaround limit 1",
        ("delete from measured_workaround where workaround_id = cast(:id as uuid)",),
        Kind.LOST,
    ),
    Broken(
        "an event taken out of the feed",
        "improvement",
        "select event_id as id from feed limit 1",
        ("delete from feed where event_id = cast(:id as uuid)",),
        Kind.LOST,
    ),
    Broken(
        "an event doubled in the feed",
        "improvement",
        "select event_id as id from feed limit 1",
        (
            "drop index feed_keeps_an_event_once",
            """
            insert into feed (event_id, source, type, subject, occurred_at, body)
            select event_id, source, type, subject, occurred_at, body
            from feed where event_id = cast(:id as uuid)
            """,
        ),
        Kind.DOUBLED,
    ),
    Broken(
        "a component taken out of a copy of the catalogue",
        "problem",
        "select name as id from catalogue_entity limit 1",
        ("delete from catalogue_entity where name = :id",),
        Kind.LOST,
    ),
    Broken(
        "a key taken out",
        "diagnosis",
        "select key_id as id from access_key limit 1",
        ("delete from access_key where key_id = cast(:id as uuid)",),
        Kind.LOST,
    ),
]


@pytest.fixture(scope="module")
async def stage_at_rest(stage: Stage) -> AsyncIterator[Stage]:
    """A stage on which a small run has settled and whose services are stopped meanwhile."""
    async with stage.load.running():
        await until(partial(_is_enough, stage), seconds=60)
    await stage.assert_nothing_lost_or_doubled()
    for service in stage.services.values():
        service.terminate()
    await asyncio.gather(*(service.ended() for service in stage.services.values()))
    yield stage
    await stage.up()


async def _is_enough(stage: Stage) -> bool:
    """Tell whether enough was sent for every kind of row to be there."""
    made = stage.load.created
    return len(stage.load.accepted) > 150 and len(made.get("fix_id", ())) > 1


@pytest.mark.parametrize("broken", BROKEN, ids=lambda broken: broken.what.replace(" ", "-"))
async def test_what_was_tampered_with_is_found_and_named(
    stage_at_rest: Stage, broken: Broken
) -> None:
    stage = stage_at_rest
    name = str((await stage.ask(broken.service, broken.pick))[0]["id"])
    async with stage.copy(broken.service) as url:
        await change(url, *broken.statements, id=name)
        outcome = await reconcile({**stage.urls, broken.service: url}, stage.load.accepted)
    assert outcome.standing(allow_parked=True)
    assert any(f.kind is broken.found and name in f.id for f in outcome.findings), outcome.findings


async def test_the_command_says_by_its_exit_code_whether_all_is_well(
    stage_at_rest: Stage, tmp_path: Path
) -> None:
    stage, ledger = stage_at_rest, tmp_path / "accepted.ndjson"
    ledger.write_text("".join(f"{one.model_dump_json()}\n" for one in stage.load.accepted))

    clean = await _audit(stage.urls, "--accepted", str(ledger))
    assert clean.exit_code == 0, clean.output
    assert "Nothing is lost and nothing is doubled." in clean.output

    never = {"source": "load", "id": "never-sent", "incident_id": None}
    ledger.write_text(ledger.read_text() + orjson.dumps(never).decode())
    lost = await _audit(stage.urls, "--wait", "0", "--accepted", str(ledger))
    assert lost.exit_code == 1
    assert "never-sent" in lost.output

    told = await _audit(stage.urls, "--wait", "0", "--accepted", str(ledger), "--json")
    assert told.exit_code == 1
    outcome = orjson.loads(told.stdout)
    assert (outcome["clean"], len(outcome["findings"])) == (False, 1)
    assert (outcome["findings"][0]["kind"], outcome["findings"][0]["id"]) == (
        "lost",
        "load never-sent",
    )


async def test_an_audit_that_could_not_look_says_so(stage_at_rest: Stage, tmp_path: Path) -> None:
    stage = stage_at_rest
    ledger = tmp_path / "accepted.ndjson"
    ledger.write_text('{"source": "load"}\n')
    nowhere = {**stage.urls, "problem": stage.postgres.url("nowhere")}

    for answer in (
        await _audit(stage.urls, "--accepted", str(ledger)),
        await _audit(nowhere),
        await _audit({"intake": stage.urls["intake"]}),
        await _audit({}, "--data", str(tmp_path)),
    ):
        assert answer.exit_code == 2, answer.output
        assert "could not look" in answer.output


async def test_the_data_of_the_embedded_form_is_audited_by_its_folder(stage_at_rest: Stage) -> None:
    folder = stage_at_rest.postgres.folder.parent
    assert (await _audit({}, "--data", str(folder))).exit_code == 0


async def _audit(urls: Mapping[str, str], *arguments: str) -> Result:
    environment = {f"MEJORA_{name.upper()}_DATABASE_URL": url for name, url in urls.items()}
    runner = CliRunner(env=environment)
    return await asyncio.to_thread(runner.invoke, app, ["audit", *arguments])
