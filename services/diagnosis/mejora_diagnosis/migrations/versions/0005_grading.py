"""What turned out to be true, by which diagnoses are graded."""

from alembic import op

from mejora_service.schema import run_script

revision = "0005"
down_revision = "0004"

TABLES = """
-- What people said of one incident; what they did not speak of is null.
create table told_truth (
    incident_id uuid primary key,
    failure_point text,
    scope text,
    same_fault boolean, -- whether its signature is that of its fault
    told_by text not null,
    told_at timestamptz not null
);

-- Incidents that were merged into another one, or split off it.
create table regrouping (
    incident_id uuid not null,
    other_id uuid not null,
    merged boolean not null, -- else it was split off
    regrouped_at timestamptz not null,
    primary key (incident_id, merged)
);
create index regrouping_by_other on regrouping (other_id);

alter table problem
    add column true_failure_point text,
    add column true_scope text,
    add column cause_established_at timestamptz;
alter table fix add column component text;
"""


def upgrade() -> None:
    """Make the tables."""
    run_script(op, TABLES)
