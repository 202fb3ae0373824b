"""The feed, the measurements that indicators are counted from, and the improvement register."""

from alembic import op

from mejora_service.schema import create_frame_v1, run_script

revision = "0001"
down_revision = None

# Every event, once. Rows are read in the order (xid, seq), and only those of transactions older
# than every open one, so that a late commit is never missed: docs/decisions has the reasons.
_FEED = """
create table feed (
    xid xid8 not null default pg_current_xact_id(),
    seq bigint generated always as identity,
    event_id uuid not null,
    source text not null,
    type text not null,
    subject text not null,
    occurred_at timestamptz not null,
    body json not null,
    primary key (xid, seq)
);
create unique index feed_keeps_an_event_once on feed (event_id, source);
create index feed_of_subject on feed (subject, xid, seq);
create index feed_of_type on feed (type, xid, seq);
"""

# Projections of the other services' snapshots, newest version wins. Columns are what indicators
# need; times are when things happened.
_MEASUREMENTS = """
create table measured_incident (
    incident_id uuid primary key,
    version integer not null,
    component text not null,
    origin text not null,
    started_at timestamptz not null,
    reported_at timestamptz not null,
    acknowledged_at timestamptz,
    restored_at timestamptz,
    closed_at timestamptz,
    ended_at timestamptz generated always as (coalesce(restored_at, closed_at)) stored,
    channel text,
    lost_seconds double precision not null
);
create index measured_incident_ended_at on measured_incident (ended_at);
create index measured_incident_started_at on measured_incident (started_at);

create table measured_diagnosis (
    incident_id uuid primary key,
    version integer not null,
    signature_id text not null,
    reported_at timestamptz not null,
    completed_at timestamptz,
    failure_point text not null,
    pulled_down boolean not null,
    processes text[] not null,
    customers text[] not null,
    cost_per_minute numeric,
    cost_currency text,
    contracts text[] not null,
    first_version integer,
    first_failure_point text,
    first_known_error boolean
);
create index measured_diagnosis_of_signature on measured_diagnosis (signature_id, reported_at);

create table measured_workaround (
    workaround_id uuid primary key,
    version integer not null,
    incident_id uuid not null,
    signature_id text not null,
    component text not null,
    applied_at timestamptz not null,
    due_at timestamptz not null,
    failed_at timestamptz,
    retired_at timestamptz
);
create index measured_workaround_of_incident on measured_workaround (incident_id);
create index measured_workaround_of_signature on measured_workaround (signature_id, applied_at);

create table measured_problem (
    problem_id uuid primary key,
    version integer not null,
    state text not null,
    signature_id text not null,
    title text not null,
    component text not null,
    owner text,
    opened_at timestamptz not null,
    true_failure_point text,
    actions json not null
);
create index measured_problem_opened_at on measured_problem (opened_at);
create index measured_problem_of_signature on measured_problem (signature_id, opened_at);

create table measured_fix (
    fix_id uuid primary key,
    version integer not null,
    problem_id uuid not null,
    state text not null,
    signature_id text not null,
    component text not null,
    estimated_cost numeric,
    cost_currency text,
    planned_at timestamptz not null,
    due_at timestamptz,
    deployed_at timestamptz,
    verified_at timestamptz,
    regressed_at timestamptz
);
create index measured_fix_of_problem on measured_fix (problem_id);
create index measured_fix_of_signature on measured_fix (signature_id, planned_at);
create index measured_fix_verified_at on measured_fix (verified_at);
create index measured_fix_regressed_at on measured_fix (regressed_at);

create table component_rate (
    name text primary key,
    version integer not null,
    removed boolean not null,
    cost_per_minute numeric,
    cost_currency text,
    handling_per_hour numeric,
    handling_currency text
);

create table contract (
    name text primary key,
    version integer not null,
    removed boolean not null,
    customer text,
    processes text[] not null,
    availability_promised double precision,
    penalty_per_minute numeric,
    penalty_currency text
);
"""

# What each incident is charged with: lost service, handling, penalties (model/costs.py says why).
# A minute without the failure point is priced as on the day of the diagnosis, or else as now;
# handling by the component's labour rate, or else by the one given. It is a plain query, which
# PostgreSQL unfolds where it is used.
_CHARGES = """
create view incident_price as
select d.incident_id, d.signature_id, d.failure_point, d.pulled_down, d.contracts,
       coalesce(d.cost_per_minute, r.cost_per_minute) as per_minute,
       case when d.cost_per_minute is null then r.cost_currency else d.cost_currency end
           as currency,
       r.handling_per_hour, r.handling_currency
from measured_diagnosis d
left join component_rate r on r.name = d.failure_point and not r.removed;

create function incident_charge (labour_per_hour numeric, labour_currency text)
returns table (incident_id uuid, part text, pulled_down boolean, currency text, amount numeric)
language sql stable
as $$
    select i.incident_id, 'lost_service', p.pulled_down, p.currency,
           cast(i.lost_seconds as numeric) / 60 * p.per_minute
    from measured_incident i
    join incident_price p using (incident_id)
    where p.per_minute is not null
    union all
    select i.incident_id, 'handling', false,
           case when p.handling_per_hour is null then labour_currency
                else p.handling_currency end,
           extract(epoch from i.restored_at - i.acknowledged_at) / 3600
               * coalesce(p.handling_per_hour, labour_per_hour)
    from measured_incident i
    join incident_price p using (incident_id)
    where coalesce(p.handling_per_hour, labour_per_hour) is not null
      and i.restored_at > i.acknowledged_at
    union all
    select i.incident_id, 'penalty', p.pulled_down, c.penalty_currency,
           cast(i.lost_seconds as numeric) / 60 * c.penalty_per_minute
    from measured_incident i
    join incident_price p using (incident_id)
    cross join lateral unnest(p.contracts) as affected (name)
    join contract c on c.name = affected.name
    where c.penalty_per_minute is not null and not c.removed
$$;
"""

_REGISTER = """
create table improvement (
    improvement_id uuid primary key,
    version integer not null,
    state text not null,
    problem_id uuid,
    proposed_by text not null,
    body jsonb not null
);
create index improvement_of_problem on improvement (problem_id);
"""


def upgrade() -> None:
    """Make the first tables."""
    create_frame_v1(op)
    for script in (_FEED, _MEASUREMENTS, _CHARGES, _REGISTER):
        run_script(op, script)
