"""SQL stands by itself: these three run it, with values bound by name."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import orjson
from pydantic import BaseModel
from sqlalchemy import RowMapping, TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection


@lru_cache(maxsize=1024)
def _statement(sql: str) -> TextClause:
    return text(sql)


async def rows(conn: AsyncConnection, sql: str, **params: object) -> Sequence[RowMapping]:
    """Give all rows of a query."""
    return (await conn.execute(_statement(sql), params)).mappings().all()


async def row(conn: AsyncConnection, sql: str, **params: object) -> RowMapping | None:
    """Give the first row of a query, if there is one."""
    return (await conn.execute(_statement(sql), params)).mappings().first()


async def run(conn: AsyncConnection, sql: str, **params: object) -> int:
    """Run a command and tell how many rows it touched."""
    return (await conn.execute(_statement(sql), params)).rowcount


def as_json(value: BaseModel | Mapping[str, Any] | Sequence[Any]) -> str:
    """Give a value as JSON text, to be bound as `cast(:name as jsonb)`."""
    if isinstance(value, BaseModel):
        return value.model_dump_json()
    return orjson.dumps(value, default=str).decode()


def from_json(value: Any) -> Any:
    """Give back what a json column holds, decoded or not."""
    return orjson.loads(value) if isinstance(value, str | bytes) else value
