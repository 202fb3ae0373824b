"""Intake's tables and queries."""
