"""Fixtures that all tests share: the servers, fresh databases, and a count of who used what."""

from collections import Counter
from collections.abc import AsyncIterator

import pytest
from sqlalchemy.ext.asyncio import create_async_engine

from mejora_events.store import Store
from support.servers import Kafka, Postgres, a_kafka, a_postgres

_ran_on: Counter[str] = Counter()
_came_from: dict[str, str] = {}


@pytest.fixture(scope="session")
async def postgres() -> AsyncIterator[Postgres]:
    """A real PostgreSQL."""
    async with a_postgres() as server:
        _came_from["PostgreSQL"] = server.came_from
        yield server


@pytest.fixture(scope="session")
async def kafka() -> AsyncIterator[Kafka]:
    """A real Apache Kafka."""
    async with a_kafka() as server:
        _came_from["Apache Kafka"] = server.came_from
        yield server


@pytest.fixture
async def database(postgres: Postgres) -> AsyncIterator[str]:
    """The address of a fresh, empty database."""
    url = await postgres.create_database()
    yield url
    await postgres.drop_database(url)


def a_store(url: str, service: str = "test") -> Store:
    """A store on a database, whose engine the caller disposes of."""
    return Store(create_async_engine(url), service)


def pytest_runtest_call(item: pytest.Item) -> None:
    """Count which tests run on which real server."""
    params = getattr(getattr(item, "callspec", None), "params", {})
    used = {*getattr(item, "fixturenames", ()), *map(str, params.values())}
    for name, fixture in (("PostgreSQL", "postgres"), ("Apache Kafka", "kafka")):
        if "stage" in used:  # it has servers of its own, to torment them
            _came_from.setdefault(name, "the wheels")
        if {fixture, "stage"} & used:
            _ran_on[name] += 1


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many tests ran on which broker and store."""
    for name in sorted(_came_from):
        terminalreporter.write_line(
            f"{_ran_on[name]} tests ran on a real {name} (from {_came_from[name]})"
        )
