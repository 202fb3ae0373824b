"""The stage that all fault tests share, one after the other."""

import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from support.stage import Stage, a_stage


@pytest.fixture(scope="package")
async def stage() -> AsyncIterator[Stage]:
    """All services as processes, with a Kafka and a PostgreSQL of their own."""
    folder = Path(tempfile.mkdtemp(prefix="mejora-faults-"))
    try:
        async with a_stage(folder) as made:
            yield made
    finally:
        shutil.rmtree(folder, ignore_errors=True)
