"""The contracts as documents for those who do not use this library.

From the one list of topics and types (`mejora_events.contracts`) are generated and committed:

- `schemas/<type>.json`: a JSON Schema of each event type's data, as it is written;
- `schemas/history/<type>/<n>.json`: every version of it that was ever published;
- `asyncapi.yaml`: topics, keys, writers, headers and types as an AsyncAPI 3.0 document.

`python -m mejora_events.documents write` brings them up to date, `check` exits 1 when they are not
or when a contract changed so that somebody could no longer read it.
"""
