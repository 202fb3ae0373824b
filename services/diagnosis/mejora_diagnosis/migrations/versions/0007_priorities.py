"""The matrix by which priorities are given, as operators set it."""

from alembic import op

from mejora_service.schema import run_script

revision = "0007"
down_revision = "0006"

TABLES = """
-- The newest is in force; without one it is the one that Mejora comes with (version 0).
create table priority_matrix (
    version bigint primary key,
    matrix jsonb not null, -- five rows by impact, each with five priorities by urgency
    set_by text not null,
    set_at timestamptz not null
);
"""


def upgrade() -> None:
    """Make the table."""
    run_script(op, TABLES)
