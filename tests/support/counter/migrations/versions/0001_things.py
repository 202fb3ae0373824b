"""Things, and how often something was heard of each."""

from alembic import op

from mejora_service.schema import create_frame_v1, run_script

revision = "0001"
down_revision = None

_TABLES = """
create table thing (
    id uuid primary key,
    name text not null,
    by text not null,
    created_at timestamptz not null
);
create table heard (
    name text primary key,
    times integer not null
);
"""


def upgrade() -> None:
    """Make the tables."""
    create_frame_v1(op)
    run_script(op, _TABLES)
