"""Signals, incidents, their timeline."""

from alembic import op

from mejora_service.schema import create_frame_v1, run_script

revision = "0001"
down_revision = None

_TABLES = """
create table incident (
    incident_id uuid primary key,
    source text not null,
    fingerprint text not null,
    -- Whether this is the newest incident of its source and fingerprint.
    is_current boolean not null,
    state text not null,
    component text not null,
    severity text not null,
    reported_at timestamptz not null,
    -- Whether a verified fix has settled it: it closes as soon as it is restored.
    settled boolean not null default false,
    -- What diagnosis says of it.
    diagnosis_version integer not null default 0,
    signature_id text,
    priority smallint,
    owner text,
    body jsonb not null
);

create unique index incident_current on incident (source, fingerprint) where is_current;

create index incident_state on incident (state, incident_id);

create index incident_component on incident (component, incident_id);

create table signal (
    source text not null,
    signal_id text not null,
    fingerprint text not null,
    state text not null,
    severity text not null,
    started_at timestamptz not null,
    ended_at timestamptz,
    received_at timestamptz not null,
    disposition text not null,
    rule text not null,
    incident_id uuid,
    body json not null,
    primary key (source, signal_id)
);

create index signal_incident on signal (incident_id, received_at);

create table timeline (
    entry_id uuid primary key,
    incident_id uuid not null references incident,
    at timestamptz not null,
    recorded_at timestamptz not null,
    what text not null,
    actor text not null,
    note text not null default ''
);

create index timeline_incident on timeline (incident_id, entry_id);
"""


def upgrade() -> None:
    create_frame_v1(op)
    run_script(op, _TABLES)
