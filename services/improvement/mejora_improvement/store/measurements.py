"""Measurements: the newest snapshot of everything, reduced to what indicators need."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from mejora_events.sql import as_json, run
from mejora_improvement.model.measures import Row


def _newest_wins(table: str, identity: str, columns: str) -> str:
    """Give the command that keeps rows of a table unless it holds a newer version of them.

    Rows are taken in the order of their identity, so that two instances cannot block each other.
    """
    names = columns.split()
    listed = ", ".join(names)
    return f"""
    insert into {table} ({identity}, version, {listed})
    select {identity}, version, {listed}
    from json_populate_recordset(cast(null as {table}), cast(:rows as json))
    order by {identity}
    on conflict ({identity}) do update
    set version = excluded.version, {", ".join(f"{name} = excluded.{name}" for name in names)}
    where {table}.version < excluded.version
    """


INCIDENTS = _newest_wins(
    "measured_incident",
    "incident_id",
    "component origin started_at reported_at acknowledged_at restored_at closed_at channel "
    "lost_seconds",
)
DIAGNOSES = _newest_wins(
    "measured_diagnosis",
    "incident_id",
    "signature_id reported_at completed_at failure_point pulled_down processes customers contracts "
    "cost_per_minute cost_currency failure_point_right scope_right signature_right",
)
WORKAROUNDS = _newest_wins(
    "measured_workaround",
    "workaround_id",
    "incident_id signature_id component applied_at due_at failed_at retired_at",
)
PROBLEMS = _newest_wins(
    "measured_problem",
    "problem_id",
    "state signature_id title component owner opened_at actions",
)
FIXES = _newest_wins(
    "measured_fix",
    "fix_id",
    "problem_id state signature_id component estimated_cost cost_currency planned_at due_at "
    "deployed_at verified_at regressed_at",
)
COMPONENTS = _newest_wins(
    "component_rate",
    "name",
    "removed cost_per_minute cost_currency handling_per_hour handling_currency",
)
CONTRACTS = _newest_wins(
    "contract",
    "name",
    "removed customer processes availability_promised penalty_per_minute penalty_currency",
)

# Notes what the first diagnosis of an incident said; the row is there, in this or a newer version.
FIRST_DIAGNOSES = """
update measured_diagnosis d
set first_version = f.first_version, first_known_error = f.first_known_error
from json_populate_recordset(cast(null as measured_diagnosis), cast(:rows as json)) f
where d.incident_id = f.incident_id
  and (d.first_version is null or d.first_version > f.first_version)
"""


async def keep(conn: AsyncConnection, command: str, measured: Sequence[Row]) -> None:
    """Keep what was measured, by one of the commands above."""
    if measured:
        await run(conn, command, rows=as_json(measured))
