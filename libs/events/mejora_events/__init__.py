"""The events of Mejora: contracts, envelope, transports, outbox, inbox and consumer.

Other services need three names to read Mejora's events, `connect`, `Subscription` and a contract:
see docs/consuming-events.md.
"""
