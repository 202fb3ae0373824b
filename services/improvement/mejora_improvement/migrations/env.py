"""Alembic's entry: the chassis runs the migrations."""

from mejora_service.migrate import run_env

run_env()
