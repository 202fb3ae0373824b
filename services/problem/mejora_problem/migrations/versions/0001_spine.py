"""The frame's tables and the problem service's own."""

from alembic import op

from mejora_service.schema import create_frame_v1, run_script

revision = "0001"
down_revision = None

# `body` is the snapshot (contracts) or what the rules keep of it; columns beside it are queried.
TABLES = """
-- What is known of each incident: intake's half and diagnosis's half, in whichever order they come.
create table occurrence (
    incident_id uuid primary key,
    signature_id text,
    reported_at timestamptz,
    high_since timestamptz,
    priority smallint,
    body jsonb not null
) with (fillfactor = 80);

-- The rules look at the ends of each of these orders, however many incidents lie between.
create index occurrence_by_report on occurrence (signature_id, reported_at, incident_id)
    where signature_id is not null;
create index occurrence_by_high on occurrence (signature_id, high_since, incident_id)
    where high_since is not null;
create index occurrence_by_priority on occurrence (signature_id, priority)
    where signature_id is not null;

-- One row per signature: its lock, and how many incidents it has.
create table signature (
    signature_id text primary key,
    incidents bigint not null default 0
) with (fillfactor = 50);

create table problem (
    problem_id uuid primary key,
    signature_id text not null unique references signature,
    state text not null,
    component text not null,
    by_hand jsonb,
    body jsonb not null
) with (fillfactor = 70);
create index problem_by_state on problem (state, problem_id);
create index problem_by_component on problem (component, problem_id);

create table action (
    action_id uuid primary key,
    problem_id uuid not null references problem,
    signature_id text not null,
    due_at timestamptz not null,
    done_at timestamptz,
    body jsonb not null
);
create index action_of_signature on action (signature_id, action_id);
create index action_due on action (due_at) where done_at is null;

create table fix (
    fix_id uuid primary key,
    problem_id uuid not null references problem,
    signature_id text not null,
    state text not null,
    component text not null,
    carried_by text not null,
    due_at timestamptz,
    observe_until timestamptz,
    body jsonb not null
);
create index fix_of_signature on fix (signature_id, fix_id);
create index fix_by_carrier on fix (component, carried_by);
create index fix_due on fix (due_at) where state = 'planned';
create index fix_observed on fix (observe_until) where state = 'observed';

-- Deployments that somebody told us of.
create table said_deployment (
    fix_id uuid not null references fix,
    deployed_at timestamptz not null,
    places text[] not null,
    said_by text not null,
    said_at timestamptz not null
);
create index said_deployment_of_fix on said_deployment (fix_id);

-- Changes that pipelines recorded: a fix that one of them carries may be planned later.
create table change (
    change_id uuid primary key,
    component text not null,
    version text not null,
    changed_at timestamptz not null,
    instances text[] not null
);
create index change_by_version on change (component, version);

create table workaround (
    workaround_id uuid primary key,
    signature_id text not null,
    version integer not null,
    state text not null,
    worked boolean not null,
    due_at timestamptz not null,
    body jsonb not null
);
create index workaround_of_signature on workaround (signature_id, workaround_id);
create index workaround_due on workaround (due_at) where state = 'applied';

-- Our copy of the catalogue; a removed entity keeps its version and has no body.
create table catalogue_entity (
    kind text not null,
    name text not null,
    version integer not null,
    body jsonb,
    primary key (kind, name)
);

-- Each step is taken once for each promised date.
create table escalation (
    promise_id uuid not null,
    due_at timestamptz not null,
    step text not null,
    problem_id uuid not null references problem,
    body jsonb not null,
    primary key (promise_id, due_at, step)
);
create index escalation_of_problem on escalation (problem_id);
"""


def upgrade() -> None:
    """Make all tables."""
    create_frame_v1(op)
    run_script(op, TABLES)
