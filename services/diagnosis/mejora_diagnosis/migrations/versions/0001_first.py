"""The tables of diagnosis."""

from alembic import op

from mejora_service.schema import create_frame_v1, run_script

revision = "0001"
down_revision = None

TABLES = """
-- Which catalogue is in force. `revision` names its content, so that it can be remembered by it.
-- Whoever diagnoses holds this row: incidents near in time must see each other, and one catalogue.
create table catalogue_state (
    only_row boolean primary key default true check (only_row),
    version bigint not null,
    revision uuid not null
);
insert into catalogue_state (version, revision) values (0, gen_random_uuid());

-- What can fail and who stands on it. A removed entity keeps its row, and so its count of versions.
create table catalogue_entity (
    kind text not null,
    name text not null,
    version integer not null,
    body jsonb not null,
    removed boolean not null default false,
    changed_at timestamptz not null,
    primary key (kind, name)
);

-- Incidents as the newest of their events says. Component and signature are settled by the first.
create table incident (
    incident_id uuid primary key,
    version integer not null,
    severity text not null,
    component text not null,
    signature_id text not null,
    restored_at timestamptz,
    restore_seconds double precision -- how long restoring took, the normal way only
);
create index incident_restored_by_signature on incident (signature_id, restored_at)
    include (restore_seconds) where restore_seconds is not null;
create index incident_restored_by_component on incident (component, restored_at)
    include (restore_seconds) where restore_seconds is not null;

-- Faults, and how many incidents of each have been diagnosed.
create table signature (
    signature_id text primary key,
    template text not null,
    incidents bigint not null
);

-- What failed in which minute: the earliest incident of each component and instance. However many
-- incidents a storm has, what a diagnosis must look at is bounded by the catalogue.
create table failing (
    component text not null,
    minute bigint not null, -- since 1970
    instance text not null, -- empty when the incident names none
    since timestamptz not null,
    incident_id uuid not null,
    primary key (component, minute, instance)
);
create index failing_by_minute on failing (minute);

create table diagnosis (
    diagnosis_id uuid primary key,
    incident_id uuid not null unique,
    signature_id text not null,
    component text not null,
    minute bigint not null, -- in which the incident started, since 1970
    severity text not null,
    failure_component text not null,
    scope_kind text not null,
    catalogue_version bigint not null, -- the one that it was established by
    body jsonb not null
);
create index diagnosis_by_signature on diagnosis (signature_id, diagnosis_id);
create index diagnosis_by_component on diagnosis (component, minute);

create table workaround (
    workaround_id uuid primary key,
    incident_id uuid not null,
    signature_id text not null,
    state text not null,
    description text not null,
    applied_at timestamptz not null,
    due_at timestamptz not null,
    overdue_since timestamptz,
    body jsonb not null
);
create index workaround_by_signature on workaround (signature_id, workaround_id);
create index workaround_by_incident on workaround (incident_id, workaround_id);
create index workaround_promised on workaround (due_at)
    where state = 'applied' and overdue_since is null;

-- Deployments and configuration changes that pipelines told us.
create table change (
    change_id uuid primary key,
    component text not null,
    changed_at timestamptz not null,
    body jsonb not null
);
create index change_by_time on change (changed_at);
create index change_by_component on change (component, change_id);

-- Problems, as the newest of their events says.
create table problem (
    problem_id uuid primary key,
    version integer not null,
    signature_id text not null,
    state text not null,
    title text not null,
    cause text
);
create index problem_by_signature on problem (signature_id);

-- Permanent fixes, as the newest of their events says.
create table fix (
    fix_id uuid primary key,
    version integer not null,
    problem_id uuid not null,
    signature_id text not null,
    state text not null,
    carried_by text not null,
    deployed_at timestamptz,
    verified_at timestamptz
);
create index fix_by_signature on fix (signature_id);
"""


def upgrade() -> None:
    """Make the frame's tables and this service's own."""
    create_frame_v1(op)
    run_script(op, TABLES)
