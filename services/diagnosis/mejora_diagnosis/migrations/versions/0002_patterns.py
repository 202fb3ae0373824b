"""What was learned of which templates are the same fault."""

from alembic import op

from mejora_service.schema import run_script

revision = "0002"
down_revision = "0001"

TABLES = """
-- The signature that a template was given when it first came, and keeps. A template goes by the
-- id that it has by itself: the digest of the component's family and its text.
create table template (
    template_id text primary key,
    signature_id text not null
);
insert into template (template_id, signature_id) select signature_id, signature_id from signature;

-- What the templates of a fault have in common. Of two that can be the same fault, one key is the
-- same: that of the first or that of the last piece.
create sequence pattern_learned;
create table pattern (
    signature_id text primary key,
    family text not null,
    text text not null,
    first_key text not null,
    last_key text not null,
    learned bigint not null default nextval('pattern_learned') -- when it was learned, or changed
);
create index pattern_by_first on pattern (first_key, learned);
create index pattern_by_last on pattern (last_key, learned);
"""


def upgrade() -> None:
    """Make the tables."""
    run_script(op, TABLES)
