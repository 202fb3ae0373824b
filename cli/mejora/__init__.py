"""Mejora's command line: up, serve, demo, audit, keys, events."""
