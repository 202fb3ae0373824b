"""`mejora audit`."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated

import asyncpg
import orjson
import typer
from rich.console import Console
from sqlalchemy.exc import SQLAlchemyError

from mejora.audit.ledger import LedgerUnreadable, read_ledger
from mejora.audit.looks import Outcome, reconcile
from mejora.audit.shown import as_json, show
from mejora.services import SERVICES

_COULD_NOT_LOOK = 2


class CouldNotLook(Exception):
    """A store cannot be looked into; the message says which and what to do."""


def audit(
    wait: Annotated[
        float,
        typer.Option(help="How many seconds something may be on its way before it counts.", min=0),
    ] = 10.0,
    accepted: Annotated[
        Path | None,
        typer.Option(help="Messages known to be accepted: source, id, incident_id; one a line."),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(help="The folder of the embedded form.", envvar="DATA", show_default="var"),
    ] = None,
    allow_parked: Annotated[
        bool, typer.Option(help="Records that wait for an operator do not count.")
    ] = False,
    in_json: Annotated[bool, typer.Option("--json", help="Print the outcome as JSON.")] = False,
) -> None:
    """Reconcile what was accepted with what every store holds, by id.

    Looks into the databases that MEJORA_INTAKE_DATABASE_URL, MEJORA_DIAGNOSIS_DATABASE_URL and so
    on name, else into those of the embedded form. Exits 0 when nothing is lost or doubled, 1 when
    something is, naming it, and 2 when it could not look.
    """
    try:
        lines = accepted.read_text().splitlines() if accepted else ()
        ledger = read_ledger(lines)
    except (OSError, UnicodeDecodeError, LedgerUnreadable) as error:
        raise _could_not_look(f"{accepted}: {error}") from error

    async def look() -> Outcome:
        async with _databases(data) as urls:
            return await reconcile(urls, ledger, wait_seconds=wait)

    try:
        outcome = asyncio.run(look())
    except (CouldNotLook, SQLAlchemyError, asyncpg.PostgresError, OSError) as error:
        raise _could_not_look(str(error)) from error
    if in_json:
        told = orjson.dumps(as_json(outcome, allow_parked=allow_parked), option=orjson.OPT_INDENT_2)
        sys.stdout.buffer.write(told + b"\n")
    else:
        show(outcome, Console(), allow_parked=allow_parked)
    raise typer.Exit(1 if outcome.standing(allow_parked=allow_parked) else 0)


def _could_not_look(why: str) -> typer.Exit:
    Console(stderr=True).print(f"The audit could not look: {why}", markup=False, soft_wrap=True)
    return typer.Exit(_COULD_NOT_LOOK)


@asynccontextmanager
async def _databases(data: Path | None) -> AsyncIterator[Mapping[str, str]]:
    """Give the address of each service's database."""
    names = {name: f"MEJORA_{name.upper()}_DATABASE_URL" for name in SERVICES}
    given = {name: os.environ[names[name]] for name in SERVICES if names[name] in os.environ}
    if not given:
        async with _embedded_databases(data or Path("var")) as urls:
            yield urls
    elif missing := [names[name] for name in SERVICES if name not in given]:
        raise CouldNotLook(f"{', '.join(missing)} must be set as well.")
    else:
        yield given


@asynccontextmanager
async def _embedded_databases(folder: Path) -> AsyncIterator[Mapping[str, str]]:
    """Use the PostgreSQL of the embedded form, and start it meanwhile if it is not up."""
    from mejora.embedded import EmbeddedServerError, PostgresServer

    if not (folder / "postgres" / "data").is_dir():
        raise CouldNotLook(
            f"there is no data in {folder}. Name the folder with --data, or the databases with "
            "MEJORA_INTAKE_DATABASE_URL and so on."
        )
    server = PostgresServer(folder / "postgres")
    try:
        try:
            await server.sql("select 1")
        except (OSError, asyncpg.PostgresError):
            await server.start()
        yield {name: server.url(name) for name in SERVICES}
    except EmbeddedServerError as error:
        raise CouldNotLook(str(error)) from error
    finally:
        await server.stop()
