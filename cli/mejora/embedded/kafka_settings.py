"""The settings of an embedded Kafka: durable, quick to start, and on 127.0.0.1 alone."""

import random
import socket
from collections.abc import Sequence
from dataclasses import dataclass

HOST = "127.0.0.1"
MAX_NODES_OF_A_COPY = 3

# Below the range from which systems take the ports of outgoing connections, so that none of those
# can come between choosing a port and listening on it.
_FREE_PORTS = range(20_000, 32_000)


@dataclass(frozen=True, slots=True)
class Node:
    """One node of a cluster and its two ports on 127.0.0.1."""

    number: int
    port: int
    controller_port: int


def is_free(port: int) -> bool:
    """Whether nobody listens on this port of 127.0.0.1."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on now, chosen by chance."""
    return next(port for port in random.sample(_FREE_PORTS, len(_FREE_PORTS)) if is_free(port))


def settings(node: Node, nodes: Sequence[Node]) -> str:
    """The properties file of one node. Paths are relative: the node runs in its own folder, whose
    name may then hold anything."""
    voters = ",".join(f"{each.number}@{HOST}:{each.controller_port}" for each in nodes)
    copies = min(len(nodes), MAX_NODES_OF_A_COPY)
    enough = max(1, copies - 1)
    values = {
        "process.roles": "broker,controller",
        "node.id": node.number,
        "controller.quorum.voters": voters,
        "listeners": f"BROKER://{HOST}:{node.port},CONTROLLER://{HOST}:{node.controller_port}",
        "advertised.listeners": f"BROKER://{HOST}:{node.port}",
        "listener.security.protocol.map": "BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "inter.broker.listener.name": "BROKER",
        "controller.listener.names": "CONTROLLER",
        "log.dirs": "data",
        "auto.create.topics.enable": "false",
        "default.replication.factor": copies,
        "min.insync.replicas": enough,
        "unclean.leader.election.enable": "false",
        # What is acknowledged survives a crash of Kafka; a power cut takes a second's worth.
        "log.flush.interval.ms": 1000,
        "log.flush.scheduler.interval.ms": 1000,
        "offsets.topic.replication.factor": copies,
        "offsets.topic.num.partitions": 8,
        "transaction.state.log.replication.factor": copies,
        "transaction.state.log.min.isr": enough,
        "transaction.state.log.num.partitions": 4,
        "share.coordinator.state.topic.replication.factor": copies,
        "share.coordinator.state.topic.min.isr": enough,
        "share.coordinator.state.topic.num.partitions": 4,
        "group.initial.rebalance.delay.ms": 0,
        # A node that comes back after a crash waits until its former self counts as gone.
        "broker.heartbeat.interval.ms": 500,
        "broker.session.timeout.ms": 3000,
        # Memory for compaction, taken at the start: enough for half a million keys a segment.
        "log.cleaner.dedupe.buffer.size": 16 * 1024 * 1024,
        "num.network.threads": 2,
        "num.io.threads": 4,
        "num.recovery.threads.per.data.dir": 2,
    }
    return "".join(f"{name}={value}\n" for name, value in values.items())
