"""What failed when is forgotten once it can no longer matter."""

from alembic import op

from mejora_service.schema import run_script

revision = "0009"
down_revision = "0008"

TABLES = """
-- When a stretch of time was last heard of: what is told late is kept for a while too.
alter table failing_slot add column noted_at timestamptz not null default now();
alter table failing_slot alter column noted_at drop default;
create index habit_by_slot on habit (slot);
"""


def upgrade() -> None:
    """Note when stretches of time are heard of; those from before count as heard of now."""
    run_script(op, TABLES)
