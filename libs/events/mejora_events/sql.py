"""SQL stands by itself: `rows`, `row` and `run` run it, with values bound by name.

`copy` adds many rows: what a statement would take apart and put together again goes in as it is.

SQLAlchemy pools connections and begins, commits and rolls back; within a transaction, statements
go to asyncpg straight, since passing them through takes as long again as what asyncpg does.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from typing import Any, Protocol, cast

import asyncpg
import orjson
from pydantic import BaseModel
from sqlalchemy import TextClause, text
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

STORE_ERRORS = (SQLAlchemyError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError)
"""All that a statement may raise."""


class Row(Protocol):
    """A row, by the names of its columns."""

    def __getitem__(self, column: str) -> Any: ...

    def keys(self) -> Iterable[str]:
        """Give the columns' names."""
        ...

    def values(self) -> Iterable[Any]:
        """Give what they hold."""
        ...


_DIALECT = PGDialect_asyncpg()  # type: ignore[no-untyped-call]


@lru_cache(maxsize=1024)
def _statement(sql: str) -> TextClause:
    return text(sql)


@lru_cache(maxsize=1024)
def _for_driver(sql: str) -> tuple[str, tuple[str, ...]]:
    """Give a statement as asyncpg takes it, and the names of its values in their order."""
    compiled = text(sql).compile(dialect=_DIALECT)
    return str(compiled), tuple(compiled.positiontup or ())


async def _driver(conn: AsyncConnection) -> asyncpg.Connection | None:
    """Give asyncpg's connection, when nothing is to be begun before a statement any more.

    SQLAlchemy tells the server of a transaction with its first statement only. It is told here, by
    what SQLAlchemy itself would call then; when that fails, SQLAlchemy meets the same failure with
    the statement, and knows what to do about it.
    """
    sync = conn.sync_connection
    if sync is None or sync.invalidated:
        return None
    driver = sync.connection.driver_connection
    if driver is None or driver.is_in_transaction():
        return driver
    if sync.get_execution_options().get("isolation_level") == "AUTOCOMMIT":
        return driver
    if not sync.in_transaction():
        return None
    adapter: Any = sync.connection.dbapi_connection
    with suppress(Exception):
        await adapter._start_transaction()
    return driver if driver.is_in_transaction() else None


async def rows(conn: AsyncConnection, sql: str, **params: object) -> Sequence[Row]:
    """Give all rows of a query."""
    driver = await _driver(conn)
    if driver is None:
        return (await conn.execute(_statement(sql), params)).mappings().all()
    statement, names = _for_driver(sql)
    try:
        found = await driver.fetch(statement, *(params[name] for name in names))
    except Exception:
        await _see_whether_lost(conn, driver)
        raise
    return cast("Sequence[Row]", found)


async def row(conn: AsyncConnection, sql: str, **params: object) -> Row | None:
    """Give the first row of a query, if there is one."""
    found = await rows(conn, sql, **params)
    return found[0] if found else None


async def run(conn: AsyncConnection, sql: str, **params: object) -> int:
    """Run a command and tell how many rows it touched."""
    driver = await _driver(conn)
    if driver is None:
        return (await conn.execute(_statement(sql), params)).rowcount
    statement, names = _for_driver(sql)
    try:
        done = await driver.execute(statement, *(params[name] for name in names))
    except Exception:
        await _see_whether_lost(conn, driver)
        raise
    touched = done.rpartition(" ")[2]  # "INSERT 0 5", "UPDATE 5", "CREATE TABLE"
    return int(touched) if touched.isdigit() else -1


async def copy(
    conn: AsyncConnection, table: str, columns: Sequence[str], records: Iterable[Sequence[object]]
) -> None:
    """Add rows to a table by COPY, each with a value for every column; all are added, or none."""
    driver = await _driver(conn)
    if driver is None:
        await conn.execute(_statement("select 1"))  # begins the transaction, or says why not
        driver = await _driver(conn)
    if driver is None:
        raise asyncpg.InterfaceError("the connection was lost")
    try:
        await driver.copy_records_to_table(table, columns=columns, records=records)
    except Exception:
        await _see_whether_lost(conn, driver)
        raise


async def _see_whether_lost(conn: AsyncConnection, driver: asyncpg.Connection) -> None:
    """Let SQLAlchemy find out that the server is gone: it lets all connections of the pool go."""
    if driver.is_closed():
        await conn.execute(_statement("select 1"))


def break_off(conn: AsyncConnection) -> None:
    """End a connection at once: what waits for an answer on it meets a lost connection."""
    sync = conn.sync_connection
    if sync is None or sync.closed or sync.invalidated:
        return
    driver = sync.connection.driver_connection
    if driver is not None:
        driver.terminate()


def as_json(value: BaseModel | Mapping[str, Any] | Sequence[Any]) -> str:
    """Give a value as JSON text, to be bound as `cast(:name as jsonb)`."""
    if isinstance(value, BaseModel):
        return value.model_dump_json()
    return orjson.dumps(value, default=str).decode()


def from_json(value: Any) -> Any:
    """Give back what a json column holds, decoded or not."""
    return orjson.loads(value) if isinstance(value, str | bytes) else value
