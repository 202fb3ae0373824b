"""Intake is what its OpenAPI document says: Schemathesis asks everything that it describes."""

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from support.servers import Postgres
from support.whole import ADMIN_KEY, Whole, a_whole, an_address

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)
MOST_SECONDS = 120.0


@pytest.fixture
async def intake(postgres: Postgres) -> AsyncIterator[Whole]:
    async with a_whole(postgres, "intake") as whole:
        yield whole


async def test_intake_answers_as_its_openapi_document_says(intake: Whole, tmp_path: Path) -> None:
    async with an_address(intake) as address:
        schemathesis = await asyncio.create_subprocess_exec(
            Path(sys.executable).with_name("schemathesis"),
            *("run", f"{address}/intake/openapi.json", "--no-color"),
            *("--header", f"Authorization: Bearer {ADMIN_KEY}"),
            *("--checks", ",".join(CHECKS)),
            *("--phases", "examples,coverage,fuzzing", "--max-examples", "10"),
            *("--seed", "1", "--generation-deterministic"),
            *("--warnings", "off"),
            cwd=tmp_path,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            async with asyncio.timeout(MOST_SECONDS):
                said, _ = await schemathesis.communicate()
        finally:
            if schemathesis.returncode is None:
                schemathesis.kill()
                await schemathesis.wait()
    assert schemathesis.returncode == 0, said.decode(errors="replace")
