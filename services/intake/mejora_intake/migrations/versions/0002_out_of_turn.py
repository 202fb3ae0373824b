"""Ends that came before what they end, and failures that go on when a silence is over."""

from alembic import op

from mejora_service.schema import run_script

revision = "0002"
down_revision = "0001"

_TABLES = """
-- Ends of failures of which nothing was failing when they came: messages overtake one another. A
-- row goes when what it ends has come, or after a day.
create table early_end (
    source text not null,
    fingerprint text not null,
    started_at timestamptz not null,
    ended_at timestamptz not null,
    received_at timestamptz not null,
    stored_at timestamptz not null default now(),
    primary key (source, fingerprint)
);

-- Failures that a silence kept from becoming incidents, each with the newest of its messages. A row
-- goes when its end is told, when it becomes an incident, or when the silence is over.
create table silenced_failure (
    source text not null,
    fingerprint text not null,
    silence_id uuid not null references silence,
    signal json not null,
    primary key (source, fingerprint)
);

create index silenced_failure_silence on silenced_failure (silence_id);
"""


def upgrade() -> None:
    run_script(op, _TABLES)
