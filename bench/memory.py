"""`memory`: how much of it each service has needed at most."""

import re
from pathlib import Path

import psutil

from bench.figure import Figure
from bench.ground import Ground, Running
from bench.scale import Scale
from bench.whole import the_whole


async def memory(ground: Ground, scale: Scale) -> list[Figure]:
    """MiB that each service has held at most, after what `chain.*` has put through it.

    When those were not measured before, a round of incidents goes through first.
    """
    async with the_whole(ground) as whole, ground.bare() as process:
        posted = await whole.post_at_once("remembered", scale.chained)
        await whole.settled(posted.incidents)
        bare = _peak_mib(process)
        figures = []
        for name, service in whole.services.items():
            figure = Figure(
                f"memory.{name}",
                "MiB",
                "a bare FastAPI process: one route, uvicorn, nothing of Mejora",
                lower_is_better=True,
            )
            figure.add(limit=bare, ours=_peak_mib(service))
            figures.append(figure)
        return figures


def _peak_mib(running: Running) -> float:
    """Tell the most memory that a process has had resident; where only Linux tells, what it has."""
    status = Path(f"/proc/{running.pid}/status")
    if status.exists() and (peak := re.search(r"VmHWM:\s+(\d+) kB", status.read_text())):
        return int(peak[1]) / 1024
    resident: int = psutil.Process(running.pid).memory_info().rss
    return resident / 2**20
