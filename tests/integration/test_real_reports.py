"""The incident log of a real service estate, told as its people told it: report by report."""

from typing import Any

import orjson
import pytest

from support.real_data import REAL_DATA
from support.servers import Postgres
from support.whole import Whole, a_whole, until

LOG = REAL_DATA / "incidents" / "jenkins_infra_status.jsonl"
SEVERITIES = {"down": "critical", "disrupted": "error", "notice": "info"}


def as_report(entry: dict[str, Any], number: int) -> dict[str, Any]:
    """Give an entry as a report, its times as its people wrote them."""
    report = {
        "id": f"entry-{number}",
        "summary": entry["title"],
        "description": entry.get("body", ""),
        "origin": "internal",
        "severity": SEVERITIES.get(entry.get("severity", ""), "unknown"),
        "started_at": entry["date"],
    }
    if entry.get("affected"):
        report["component"] = entry["affected"][0]
    if entry.get("resolvedWhen"):
        report["ended_at"] = entry["resolvedWhen"]
    return report


async def all_are_measured(whole: Whole, ended: int) -> bool:
    """Tell whether improvement knows of all that ended."""
    measured = await whole.get("/improvement/v1/indicators")
    return bool(measured["incidents"] == ended)


async def all_incidents(whole: Whole) -> list[dict[str, Any]]:
    found, cursor = [], None
    while True:
        page = await whole.get(
            "/intake/v1/incidents", limit=100, **({"cursor": cursor} if cursor else {})
        )
        found += page["items"]
        cursor = page["next"]
        if cursor is None:
            return found


@pytest.mark.skipif(not LOG.is_file(), reason="the real data is not there (MEJORA_REAL_DATA)")
async def test_each_entry_of_a_real_incident_log_is_an_incident(postgres: Postgres) -> None:
    entries = [orjson.loads(line) for line in LOG.read_bytes().splitlines() if line.strip()]
    async with a_whole(postgres, "intake", "improvement") as whole:
        for number, entry in enumerate(entries):
            answer = await whole.post("/intake/v1/reports", as_report(entry, number))
            assert answer["signals"][0]["disposition"] == "opened", answer
        incidents = await all_incidents(whole)
        assert len(incidents) == len(entries)
        assert all(incident["lost_seconds"] >= 0 for incident in incidents)
        restored = [i for i in incidents if i["restored_at"] is not None]
        assert all(i["restored_at"] >= i["started_at"] for i in restored)
        assert len(restored) == sum(bool(entry.get("resolvedWhen")) for entry in entries)
        await until(lambda: all_are_measured(whole, len(restored)))
        measured = (await whole.get("/improvement/v1/indicators"))["indicators"]
        durations = [one for one in measured.values() if one.get("kind") == "duration"]
        assert len(durations) >= 4
        for one in durations:
            assert one["invalid"] == 0
            assert one["median_seconds"] is None or one["median_seconds"] >= 0
