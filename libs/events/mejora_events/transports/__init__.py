"""The two transports and the one face that they share."""

from mejora_events.errors import SettingsError
from mejora_events.transports.base import Batch, Producer, Subscriber, Transport
from mejora_events.transports.kafka import KafkaTransport
from mejora_events.transports.postgres import PostgresTransport

__all__ = ["Batch", "Producer", "Subscriber", "Transport", "connect"]

_WEEK_SECONDS = 7 * 86_400.0


def connect(
    address: str,
    *,
    client: str = "mejora",
    partitions: int = 6,
    replication_factor: int = 1,
    retention_seconds: float = _WEEK_SECONDS,
) -> Transport:
    """Give the transport of an address; it is not opened yet.

    `kafka://host:port[,host:port…]` is Apache Kafka; `postgresql+asyncpg://…` is the durable log
    in that PostgreSQL database. Raises SettingsError for anything else.
    """
    scheme, separator, rest = address.partition("://")
    if separator and scheme == "kafka":
        return KafkaTransport(
            rest,
            client=client,
            partitions=partitions,
            replication_factor=replication_factor,
            retention_seconds=retention_seconds,
        )
    if separator and scheme == "postgresql+asyncpg":
        return PostgresTransport(address, partitions=partitions)
    raise SettingsError(
        "this is no address of a broker; write kafka://host:port or "
        "postgresql+asyncpg://user@host/database"  # what was given may hold a password
    )
