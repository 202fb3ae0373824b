"""What failed is counted in sites and users too; what waits for people, and who signed in."""

from alembic import op

from mejora_service.schema import run_script

revision = "0008"
down_revision = "0007"

TABLES = """
-- Empty, or 0, where the incident does not say.
alter table failing add column site text not null default '';
alter table failing add column users bigint not null default 0;
alter table failing alter column site drop default;
alter table failing alter column users drop default;
alter table failing drop constraint failing_pkey;
alter table failing add primary key (component, minute, instance, site, kind);

-- What people look for among diagnoses: the most important that waits for answers.
alter table diagnosis add column priority smallint not null default 5;
alter table diagnosis add column owner text not null default '';
alter table diagnosis add column complete boolean not null default false;
update diagnosis
set priority = cast(body ->> 'priority' as smallint), owner = coalesce(body ->> 'owner', ''),
    complete = body ->> 'completed_at' is not null;
alter table diagnosis alter column priority drop default;
alter table diagnosis alter column owner drop default;
alter table diagnosis alter column complete drop default;
create index diagnosis_waiting on diagnosis (priority, diagnosis_id) include (owner)
    where not complete;

-- Who is signed in to the pages, by a token that only the browser holds, until when.
create table sign_in (
    token_sha256 text primary key,
    key_id uuid not null,
    ends_at timestamptz not null
);
create index sign_in_ends on sign_in (ends_at);
"""


def upgrade() -> None:
    """Let failures say site and users, which of old ones nobody knows; make what pages need."""
    run_script(op, TABLES)
