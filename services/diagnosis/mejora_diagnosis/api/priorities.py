"""The matrix impact × urgency → priority over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field

from mejora_diagnosis.model.priority import BadMatrix, check_matrix
from mejora_diagnosis.store import catalogue, priorities
from mejora_diagnosis.store.priorities import SetMatrix
from mejora_events.contracts.base import Time
from mejora_events.contracts.diagnoses import Grade
from mejora_events.store import Work
from mejora_service.errors import Invalid, NotFound
from mejora_service.web import Command, Reading, administering, reading

router = APIRouter(tags=["priorities"])

Line = Annotated[tuple[Grade, ...], Field(min_length=5, max_length=5)]


class WantedMatrix(BaseModel):
    """Priorities by impact and urgency, all from 1 (the highest) to 5."""

    model_config = ConfigDict(extra="forbid")

    matrix: Annotated[tuple[Line, ...], Field(min_length=5, max_length=5)]
    """Five rows, by impact; in each five priorities, by urgency."""


class Matrix(BaseModel):
    """A matrix that is, or was, in force."""

    version: int
    """0 is the one that Mejora comes with."""
    matrix: tuple[tuple[int, ...], ...]
    set_by: str | None
    set_at: Time | None


@router.get("/v1/priorities")
async def get_priorities(
    query: Annotated[Reading, Depends(reading)],
    version: Annotated[int | None, Query(ge=0, le=2**63 - 1)] = None,
) -> Matrix:
    """Give the matrix by which priorities are given, or that of a version."""
    async with query.conn() as conn:
        newest = await priorities.in_force(conn)
        found = newest if version is None else await priorities.of_version(conn, version)
    if found is None:
        raise NotFound(
            f"No matrix has the version {version}.",
            advice=f"Versions 0 to {newest.priorities.version} are kept.",
        )
    return _shown(found)


@router.put("/v1/priorities")
async def put_priorities(
    wanted: WantedMatrix, command: Annotated[Command, Depends(administering)]
) -> Matrix:
    """Set the matrix; incidents are graded by it from now on, and again when they are revised."""
    try:
        check_matrix(wanted.matrix)
    except BadMatrix as error:
        raise Invalid(
            f"{error}.", advice="Let no higher impact or urgency give a lower priority."
        ) from error

    async def put(work: Work) -> Matrix:
        await catalogue.take_turn(work)
        now = await priorities.in_force(work.conn)
        if now.priorities.grades == wanted.matrix:
            return _shown(now)
        return _shown(await priorities.put(work, wanted.matrix))

    return await command.run(put)


def _shown(found: SetMatrix) -> Matrix:
    return Matrix(
        version=found.priorities.version,
        matrix=found.priorities.grades,
        set_by=found.set_by,
        set_at=found.set_at,
    )
