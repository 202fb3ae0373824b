"""What failed is counted in sites and users too, not in instances alone."""

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
"""


def upgrade() -> None:
    """Let each row say its site and users; of what is there neither is known."""
    run_script(op, TABLES)
