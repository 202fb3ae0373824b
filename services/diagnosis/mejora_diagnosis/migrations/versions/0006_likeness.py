"""The words of problems, by which those that read like an incident are found."""

from alembic import op

from mejora_service.schema import run_script

revision = "0006"
down_revision = "0005"

TABLES = """
alter table problem add column terms text[] not null default '{}';

-- In which problems each term occurs.
create table problem_term (
    term text not null,
    problem_id uuid not null,
    primary key (term, problem_id)
);

-- In how many problems each term occurs; the empty one counts them all.
create table term (
    term text primary key,
    problems bigint not null
);
"""


def upgrade() -> None:
    """Make the tables; problems from before are taken in when they are next heard of."""
    run_script(op, TABLES)
