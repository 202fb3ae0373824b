"""A service is what its OpenAPI document says: Schemathesis asks everything that it describes."""

import asyncio
import sys
from pathlib import Path

import pytest

from support.diagnosed import an_incident, reported, tell
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


@pytest.mark.parametrize("name", ["intake", "diagnosis"])
async def test_a_service_answers_as_its_openapi_document_says(
    postgres: Postgres, name: str, tmp_path: Path
) -> None:
    async with a_whole(postgres, name) as whole, an_address(whole) as address:
        if name == "diagnosis":
            await name_what_is_there(whole, tmp_path)
        schemathesis = await asyncio.create_subprocess_exec(
            Path(sys.executable).with_name("schemathesis"),
            *("run", f"{address}/{name}/openapi.json", "--no-color"),
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


async def name_what_is_there(whole: Whole, folder: Path) -> None:
    """Let what is asked be about a diagnosis and a workaround that are there."""
    await whole.client.put(
        "/diagnosis/v1/catalogue", json={"components": [{"name": "db", "instances": 2}]}
    )
    await tell(whole.runtimes["diagnosis"].store, reported(an_incident(1, "unheard-of")))
    (diagnosis,) = (await whole.get("/diagnosis/v1/diagnoses"))["items"]
    workaround = await whole.post(
        f"/diagnosis/v1/diagnoses/{diagnosis['diagnosis_id']}/workaround",
        {"description": "by hand", "owner": "operations", "due_at": "2126-01-01T00:00:00Z"},
    )
    (folder / "schemathesis.toml").write_text(
        "[parameters]\n"
        f'"path.diagnosis_id" = "{diagnosis["diagnosis_id"]}"\n'
        f'"path.workaround_id" = "{workaround["workaround_id"]}"\n'
    )
