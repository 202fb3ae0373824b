"""What was measured on, without naming the machine."""

import os
import platform
import re
from datetime import UTC, datetime
from importlib.metadata import version

import psutil

from bench.ground import Ground
from mejora.embedded.jars import class_path

_LIBRARIES = ("aiokafka", "asyncpg", "fastapi", "pydantic", "sqlalchemy", "uvicorn", "uvloop")


async def facts(ground: Ground) -> dict[str, str | int | float]:
    """Tell what the figures depend on."""
    return {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "cores": len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count() or 0,
        "memory_gib": round(psutil.virtual_memory().total / 2**30),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "postgresql": await ground.postgres_version(),
        "kafka": _kafka_version(),
        **{library: version(library) for library in _LIBRARIES},
    }


def _kafka_version() -> str:
    found = (re.fullmatch(r"kafka-clients-(.+)\.jar", jar.name) for jar in class_path())
    return next((match[1] for match in found if match), "unknown")
