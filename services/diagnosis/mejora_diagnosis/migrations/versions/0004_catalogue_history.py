"""Every version of the catalogue is kept, so that an old diagnosis can be explained by its own."""

from alembic import op

from mejora_service.schema import run_script

revision = "0004"
down_revision = "0003"

TABLES = """
-- The versions that were in force, each with the revision that names its content.
create table catalogue_version (
    version bigint primary key,
    revision uuid not null,
    made_at timestamptz not null
);
insert into catalogue_version (version, revision, made_at)
select version, revision, now() from catalogue_state;

-- What each entity was like from a version of the catalogue on.
create table catalogue_history (
    kind text not null,
    name text not null,
    catalogue_version bigint not null,
    body jsonb, -- null: it is no longer there
    primary key (kind, name, catalogue_version)
);
insert into catalogue_history (kind, name, catalogue_version, body)
select e.kind, e.name, s.version, e.body from catalogue_entity e, catalogue_state s
where not e.removed;
"""


def upgrade() -> None:
    """Make the tables; what was before the version in force is not known."""
    run_script(op, TABLES)
