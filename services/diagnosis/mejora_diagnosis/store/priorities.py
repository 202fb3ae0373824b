"""The matrices by which priorities were given; the newest is in force."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from mejora_diagnosis.model.priority import DEFAULT_MATRIX, Matrix, PriorityMatrix
from mejora_events.sql import Row, as_json, from_json, row
from mejora_events.store import Work

_NEWEST = "select * from priority_matrix order by version desc limit 1"

_OF_VERSION = "select * from priority_matrix where version = :version"

_ADD = """
insert into priority_matrix (version, matrix, set_by, set_at)
select coalesce(max(version), 0) + 1, cast(:matrix as jsonb), :set_by, :set_at
from priority_matrix
returning *
"""


@dataclass(frozen=True, slots=True)
class SetMatrix:
    """A matrix with who set it when; nobody did that which Mejora comes with."""

    priorities: PriorityMatrix
    set_by: str | None = None
    set_at: datetime | None = None


async def in_force(conn: AsyncConnection) -> SetMatrix:
    """Give the matrix by which priorities are given."""
    found = await row(conn, _NEWEST)
    return _read(found) if found else SetMatrix(DEFAULT_MATRIX)


async def of_version(conn: AsyncConnection, version: int) -> SetMatrix | None:
    """Give the matrix that was in force as a version."""
    if version == DEFAULT_MATRIX.version:
        return SetMatrix(DEFAULT_MATRIX)
    found = await row(conn, _OF_VERSION, version=version)
    return _read(found) if found else None


async def put(work: Work, matrix: Matrix) -> SetMatrix:
    """Set another matrix; the turn must have been taken."""
    found = await row(work.conn, _ADD, matrix=as_json(matrix), set_by=work.actor, set_at=work.now)
    if found is None:
        raise LookupError("an insert gave no row")
    return _read(found)


def _read(found: Row) -> SetMatrix:
    grades = tuple(tuple(line) for line in from_json(found["matrix"]))
    return SetMatrix(PriorityMatrix(grades, found["version"]), found["set_by"], found["set_at"])
