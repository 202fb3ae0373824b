"""What failed in which way, how usual that is, and what was said of where it began."""

from alembic import op

from mejora_service.schema import run_script

revision = "0003"
down_revision = "0002"

TABLES = """
-- What failed counts by kind too: the text without who.
alter table failing add column kind text not null default '';
alter table failing alter column kind drop default;
alter table failing drop constraint failing_pkey;
alter table failing add primary key (component, minute, instance, kind);

-- The stretches of time in which anything failed, and which kinds did where.
create table failing_slot (slot bigint primary key);
create table habit (
    kind text not null,
    slot bigint not null,
    component text not null,
    primary key (kind, slot, component)
);

-- What a diagnosis said of where its cascade began, in short: another outcome revises it.
alter table diagnosis add column outcome text not null default '';
create index diagnosis_by_minute on diagnosis (minute);
"""


def upgrade() -> None:
    """Make the tables of habits, and note kinds and outcomes beside what is there."""
    run_script(op, TABLES)
