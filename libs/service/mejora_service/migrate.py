"""Migrations (Alembic): applied at start, by one instance while the others wait."""

import asyncio
from pathlib import Path

from alembic import command, context
from alembic.config import Config
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncEngine

_ALONE = text("select pg_advisory_lock(hashtextextended('mejora-migrations', 0))")
_DONE = text("select pg_advisory_unlock(hashtextextended('mejora-migrations', 0))")

_one_here = asyncio.Lock()
"""Alembic keeps the migration that is being run in globals of the process."""


async def upgrade(engine: AsyncEngine, migrations: Path) -> None:
    """Bring a database to the newest version; safe when several instances start at once."""
    async with _one_here, engine.connect() as conn:
        await conn.execute(_ALONE)
        try:
            await conn.run_sync(_upgrade, migrations)
            await conn.commit()
        except BaseException:
            await conn.rollback()
            raise
        finally:
            await conn.execute(_DONE)
            await conn.commit()


def _upgrade(connection: Connection, migrations: Path) -> None:
    config = Config()
    config.set_main_option("script_location", str(migrations).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def run_env() -> None:
    """Run the migrations on the connection handed in: all that a service's `env.py` does."""
    context.configure(connection=context.config.attributes["connection"])
    with context.begin_transaction():
        context.run_migrations()
