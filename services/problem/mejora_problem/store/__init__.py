"""The problem service's tables: SQL with a sentence each, and the few functions that run it."""
