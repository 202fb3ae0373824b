"""Diagnoses come graded: which of their answers proved right."""

from alembic import op

from mejora_service.schema import run_script

revision = "0002"
down_revision = "0001"

COLUMNS = """
alter table measured_diagnosis
    add column failure_point_right boolean, -- null while the truth is not known
    add column scope_right boolean,
    add column signature_right boolean,
    drop column first_failure_point;
alter table measured_problem drop column true_failure_point;
"""


def upgrade() -> None:
    """Make the columns; what they take the place of was graded here."""
    run_script(op, COLUMNS)
