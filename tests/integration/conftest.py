"""Grounds to prove the frame on: `ground` on the log in PostgreSQL, `each_ground` on either."""

from collections.abc import AsyncIterator

import pytest

from mejora_events.transports import connect
from support.ground import Ground, a_ground


@pytest.fixture
async def ground(database: str) -> AsyncIterator[Ground]:
    """A ground whose events go through the log in PostgreSQL."""
    transport = connect(database, partitions=3)
    try:
        async with a_ground(database, transport) as one:
            yield one
    finally:
        await transport.close()


@pytest.fixture(params=["kafka", "postgres"])
def broker_address(request: pytest.FixtureRequest, database: str) -> str:
    """The address of either broker."""
    if request.param == "kafka":
        return f"kafka://{request.getfixturevalue('kafka').bootstrap}"
    return database


@pytest.fixture
async def each_ground(database: str, broker_address: str) -> AsyncIterator[Ground]:
    """A ground on Kafka, and again one on the log in PostgreSQL."""
    transport = connect(broker_address, partitions=3)
    try:
        async with a_ground(database, transport) as one:
            yield one
    finally:
        await transport.close()
