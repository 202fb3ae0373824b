"""Alembic's entry: the chassis hands in the connection."""

from mejora_service.migrate import run_env

run_env()
