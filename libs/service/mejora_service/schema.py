"""The frame's tables, for a service's first migration."""

from typing import Any

from mejora_events.tables import FRAME_V1

_CHASSIS_V1 = (
    # This service's copy of who may; a revocation may come before what it revokes.
    """
    create table access_key (
        key_id uuid primary key,
        secret_sha256 text unique,
        scopes text[] not null default '{}',
        label text not null default '',
        source text,
        customer text,
        issued_at timestamptz,
        revoked_at timestamptz
    )
    """,
    # Answers to commands that carried an Idempotency-Key, kept for a day.
    """
    create table idempotency_key (
        key_id uuid not null,
        idempotency_key text not null,
        request_sha256 text not null,
        status integer,
        answer jsonb,
        answered_at timestamptz not null default now(),
        primary key (key_id, idempotency_key)
    )
    """,
    "create index idempotency_key_answered_at on idempotency_key (answered_at)",
)


def create_frame_v1(op: Any) -> None:
    """Make the tables of outbox, inbox, letters, keys and answers. `op` is Alembic's."""
    for statement in (*FRAME_V1, *_CHASSIS_V1):
        op.execute(statement)


def run_script(op: Any, script: str) -> None:
    """Run the statements of a script, each ending with a semicolon at a line's end."""
    for statement in script.split(";\n"):
        if statement.strip():
            op.execute(statement.strip().removesuffix(";"))
