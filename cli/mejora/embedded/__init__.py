"""Real servers beside us, from Python wheels alone: PostgreSQL and Apache Kafka.

The embedded form, the tests and the benchmarks use them wherever no address of a server is given
(`docs/decisions/0002-kafka-and-postgresql-from-wheels.md`).
"""

from mejora.embedded.kafka import KafkaCluster, KafkaServer
from mejora.embedded.postgres import PostgresServer
from mejora.embedded.process import EmbeddedServerError

__all__ = ["EmbeddedServerError", "KafkaCluster", "KafkaServer", "PostgresServer"]
