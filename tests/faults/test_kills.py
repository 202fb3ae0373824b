"""`kill -9` before and after each commit and each acknowledgement, in every service."""

import asyncio
import signal
from collections.abc import Mapping
from pathlib import Path

import pytest

from support.kill_points import POINTS
from support.processes import ServiceProcess
from support.stage import Stage, metric
from support.whole import until

TAKING = [point for point in POINTS if point.startswith("taking.")]
COMMANDS = [point for point in POINTS if point.startswith("command.")]
OTHERS = [point for point in POINTS if point not in (*TAKING, *COMMANDS)]

POINTS_OF: Mapping[str, list[str]] = {
    # Each begins elsewhere, so that in one round no two are killed at the same point.
    "intake": [*TAKING, *OTHERS],
    "diagnosis": [*COMMANDS, *OTHERS],
    "problem": [*OTHERS[3:], *COMMANDS, *OTHERS[:3]],
    "improvement": [*OTHERS[6:], *COMMANDS, *OTHERS[:6]],
}


def rounds() -> list[dict[str, str]]:
    """Deal the points out: in each round every service is killed at one of its own."""
    return [
        {service: points[turn] for service, points in POINTS_OF.items() if turn < len(points)}
        for turn in range(max(map(len, POINTS_OF.values())))
    ]


def test_every_service_is_killed_at_every_point_that_it_passes() -> None:
    killed = {(service, point) for one in rounds() for service, point in one.items()}
    passed = {(service, point) for service in POINTS_OF for point in (*COMMANDS, *OTHERS)}
    passed |= {("intake", point) for point in TAKING}
    passed -= {("intake", point) for point in COMMANDS}  # the load gives intake no commands
    assert killed == passed


@pytest.mark.parametrize("points", rounds(), ids=lambda points: " ".join(points.values()))
async def test_killed_there_and_started_again_everything_goes_on_from_where_it_was(
    stage: Stage, points: Mapping[str, str]
) -> None:
    async with stage.load.running():
        for service, point in points.items():
            await stage.services[service].wish(kill=point, passes=2)
        await asyncio.gather(*(_killed_and_back(stage, *it) for it in points.items()))
    await stage.assert_nothing_lost_or_doubled()


async def test_of_two_instances_one_is_killed_and_the_other_carries_on(
    stage: Stage, tmp_path: Path
) -> None:
    async with stage.second_instances(tmp_path) as seconds, stage.load.running():
        await until(lambda: _both_consume(stage, seconds))
        for name, service in seconds.items():
            await service.wish(
                kill="taking.committed" if name == "intake" else "reaction.committed"
            )
        codes = await asyncio.gather(*(service.ended() for service in seconds.values()))
        assert codes == [-signal.SIGKILL] * len(seconds)
    await stage.assert_nothing_lost_or_doubled()


async def _both_consume(stage: Stage, seconds: Mapping[str, ServiceProcess]) -> bool:
    """Tell whether each instance's share of the partitions has brought it events."""
    applied = [
        await metric(service, "mejora_events_applied")
        for service in (*stage.services.values(), *seconds.values())
    ]
    return all(applied)


async def _killed_and_back(stage: Stage, name: str, point: str) -> None:
    service = stage.services[name]
    assert await service.ended() == -signal.SIGKILL, service.tail()
    assert f"killed at {point}\n" in service.log.read_text()
    await stage.up(name)
