"""Signals, incidents, their timeline."""

from alembic import op

from mejora_service.schema import create_frame_v1, run_script

revision = "0001"
down_revision = None

_TABLES = """
-- What is decided by and listed by, of each incident. It is updated with almost every signal, so
-- its rows are small and leave room on their pages for the next version of themselves.
create table incident (
    incident_id uuid primary key,
    source text not null,
    fingerprint text not null,
    -- How often failures were handed on to another incident: what was looked at before is old then.
    ceded integer not null default 0,
    version integer not null,
    state text not null,
    component text not null,
    severity text not null,
    -- Who noticed first.
    origin text not null,
    channel text,
    reported_at timestamptz not null,
    restored_at timestamptz,
    occurrences bigint not null,
    -- Whether a verified fix has settled it: it closes as soon as it is restored.
    settled boolean not null default false,
    -- What diagnosis says of it.
    diagnosis_version integer not null default 0,
    signature_id text,
    priority smallint,
    owner text,
    stored_at timestamptz not null default now()
) with (fillfactor = 60);

create index incident_state on incident (state, incident_id);

create index incident_component on incident (component, incident_id);

-- What is open on a component, whoever wrote its name in which case.
create index incident_open on incident (lower(component))
    where state in ('reported', 'acknowledged');

create index incident_source on incident (source, incident_id);

create index incident_severity on incident (severity, incident_id);

create index incident_priority on incident (priority, incident_id) where priority is not null;

create index incident_owner on incident (owner, incident_id) where owner is not null;

create index incident_reported_at on incident (reported_at, incident_id);

create index incident_noticed_by_customer on incident (incident_id) where origin = 'customer';

-- The customers that an incident is known to concern, as their reports and labels name them, in
-- lower case.
create table incident_customer (
    customer text not null,
    incident_id uuid not null references incident on delete cascade,
    primary key (customer, incident_id)
);

create index incident_customer_incident on incident_customer (incident_id);

-- The newest incident of each failure: the one that was opened by it, or that it was found to be
-- part of. Handing one on takes the lock of the incident that it was with.
create table failure (
    source text not null,
    fingerprint text not null,
    incident_id uuid not null,
    primary key (source, fingerprint)
);

create index failure_incident on failure (incident_id);

-- Incidents in full, as their last event told them; but for `occurrences`, which go on counting.
create table incident_snapshot (
    incident_id uuid primary key references incident on delete cascade,
    body jsonb not null,
    -- What it is found by; more than so many characters of a text are not.
    words tsvector not null generated always as (to_tsvector('simple',
        left(body ->> 'component', 1000)
        || ' ' || left(body ->> 'summary', 20000)
        || ' ' || left(coalesce(body ->> 'description', ''), 20000)
        || ' ' || left(coalesce(body ->> 'labels', ''), 20000))) stored
);

create index incident_snapshot_words on incident_snapshot using gin (words);

-- Which messages were counted, and what became of them: a message that comes again counts once.
create table delivery (
    -- A hash of the source and of the message's id.
    delivery_id uuid primary key,
    disposition text not null,
    rule text not null,
    incident_id uuid,
    stored_at timestamptz not null default now()
);

create index delivery_stored_at on delivery using brin (stored_at);

-- The messages, by the day on which they were stored: what is older than is kept goes by days.
create table signal (
    source text not null,
    signal_id text not null,
    fingerprint text not null,
    component text not null,
    summary text not null,
    state text not null,
    severity text not null,
    origin text not null,
    started_at timestamptz not null,
    ended_at timestamptz,
    received_at timestamptz not null,
    disposition text not null,
    rule text not null,
    incident_id uuid,
    -- The incident that its sender was told of, where it has gone to another since.
    answered_incident_id uuid,
    body json not null,
    stored_at timestamptz not null default now()
) partition by range (stored_at);

create table signal_of_no_day partition of signal default;

create index signal_incident on signal (incident_id, received_at);

-- Up to when messages are no longer kept.
create table signal_retention (
    gone_before timestamptz not null
);

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

-- Counts the changes of silences and of the catalogue's copy: who knows the number knows whether to
-- look again. Whoever changes one of them holds this row, so that changes are seen in their order.
create table silence_revision (
    only_row boolean primary key default true check (only_row),
    revision bigint not null
);

insert into silence_revision (revision) values (0);

-- Maintenance windows and silences, those that are over too.
create table silence (
    silence_id uuid primary key,
    kind text not null,
    -- What it is about: all that is given must match, of a list any one.
    components text[] not null,
    processes text[] not null,
    labels jsonb not null,
    sources text[] not null,
    starts_at timestamptz not null,
    ends_at timestamptz not null,
    reason text not null,
    declared_by text not null,
    declared_at timestamptz not null,
    -- When somebody ended it before its time.
    ended_at timestamptz,
    ended_by text,
    -- Signals that it suppressed.
    suppressed bigint not null default 0,
    revision bigint not null
) with (fillfactor = 60);

create index silence_changed on silence (revision);

-- What components and business processes stand on, as the newest news of the catalogue says.
create table catalogue_part (
    kind text not null,
    name text not null,
    version integer not null,
    -- Its row stays, so that older news of it changes nothing.
    removed boolean not null,
    -- Names of components.
    depends_on text[] not null,
    aliases text[] not null,
    revision bigint not null,
    primary key (kind, name)
);

create index catalogue_part_changed on catalogue_part (revision);

-- What an operator has declared of sources: how they are read, recognised and trusted.
create table source (
    source_id uuid primary key,
    -- The name under which its signals are kept.
    name text not null,
    -- Its name as a path has it.
    path_name text not null unique,
    declaration json not null,
    -- What its messages are signed with; as it is, since signatures are computed with it.
    signing_secret text,
    -- Counts the changes.
    revision bigint not null default 1,
    changed_at timestamptz not null,
    changed_by text not null
);
"""


def upgrade() -> None:
    create_frame_v1(op)
    run_script(op, _TABLES)
