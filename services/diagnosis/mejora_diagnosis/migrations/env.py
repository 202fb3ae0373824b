"""Alembic runs the migrations on the connection that the chassis hands in."""

from mejora_service.migrate import run_env

run_env()
