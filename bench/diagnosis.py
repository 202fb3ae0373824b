"""`diagnosis.impact` and `diagnosis.seen_before`: what a diagnosis looks up, at full size."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from itertools import islice
from random import Random
from statistics import median

from sqlalchemy.ext.asyncio import create_async_engine

from bench.figure import Figure
from bench.ground import Ground, plain
from bench.scale import Scale
from mejora_diagnosis.app import SERVICE
from mejora_diagnosis.model.catalogue import Catalogue
from mejora_diagnosis.store import catalogue, history, problems
from mejora_diagnosis.store.history import Asked
from mejora_events.contracts.catalogue import Component
from mejora_events.contracts.problems import OpenedBecause, Problem, ProblemState
from mejora_events.ids import IncidentId, ProblemId, new_id
from mejora_events.store import Store
from mejora_service.migrate import upgrade

_DAY_ONE = datetime(2026, 1, 1, tzinfo=UTC)
_BATCH = 10
"""Incidents that are diagnosed together: what comes in a tenth of a second at a hundred each."""
_RECENT_SECONDS = 86_400.0


async def impact(_ground: Ground, scale: Scale) -> list[Figure]:
    """Components a second that are asked for all that stands on them and all they stand on."""
    figure = Figure(
        "diagnosis.impact",
        "components/s",
        "two walks over a dict of neighbours, made ready in both directions",
        least=1.0,
    )
    random = Random(7)
    components = _components(scale, random)
    began = time.perf_counter()
    worked_out = Catalogue(components)
    figure.notes["ms to work the catalogue out"] = round((time.perf_counter() - began) * 1_000)
    down = {it.name: it.depends_on for it in components}
    up: dict[str, list[str]] = {name: [] for name in down}
    for name, ends in down.items():
        for end in ends:
            up[end].append(name)
    for _ in range(scale.rounds):
        asked = random.sample([it.name for it in components], scale.components // 50)
        walked = _timed(lambda name: (_walk(up, name), _walk(down, name)), asked)
        ours = _timed(
            lambda name: (worked_out.dependents(name), worked_out.dependencies(name)), asked
        )
        figure.add(limit=1 / median(walked), ours=1 / median(ours))
        figure.notes["ms of the slowest"] = round(max(ours) * 1_000, 1)
    figure.notes["components"] = scale.components
    figure.notes["edges"] = sum(map(len, down.values()))
    return [figure]


def _components(scale: Scale, random: Random) -> list[Component]:
    """Make a graph with a few circles in it: most edges lead to what has a higher number."""
    numbers = range(scale.components)
    ends: dict[int, set[int]] = {number: set() for number in numbers}
    for _ in range(scale.components * 5):
        one, other = random.sample(numbers, 2)
        forward = random.random() < 0.9999
        ends[min(one, other) if forward else max(one, other)].add(
            max(one, other) if forward else min(one, other)
        )
    return [
        Component(name=f"part-{number}", depends_on=tuple(f"part-{end}" for end in sorted(found)))
        for number, found in ends.items()
    ]


def _walk(neighbours: Mapping[str, Iterable[str]], start: str) -> list[str]:
    seen, ahead = {start}, [start]
    while ahead:
        for name in neighbours[ahead.pop()]:
            if name not in seen:
                seen.add(name)
                ahead.append(name)
    return sorted(seen)


def _timed(ask: Callable[[str], object], names: Sequence[str]) -> list[float]:
    took = []
    for name in names:
        began = time.perf_counter()
        ask(name)
        took.append(time.perf_counter() - began)
    return took


async def seen_before(ground: Ground, scale: Scale) -> list[Figure]:
    """Incidents a second whose past is looked up, with many former problems, against few."""
    figure = Figure(
        "diagnosis.seen_before",
        "incidents/s",
        f"the same with {scale.few_problems} former problems",
        least=0.5,
    )
    random = Random(7)
    words = ["".join(random.choices("abcdefghijklmnoprstuvwxyz", k=6)) for _ in range(5_000)]

    def text() -> str:  # as in any language: few words are everywhere, most are rare
        return " ".join(random.choices(words, [1 / place for place in range(1, 5_001)], k=8))

    async with AsyncExitStack() as stack:
        stores = []
        for count in (scale.few_problems, scale.many_problems):
            url = await ground.database()
            engine = create_async_engine(url)
            stack.push_async_callback(engine.dispose)
            await upgrade(engine, SERVICE.migrations)
            store = Store(engine, SERVICE.name)
            await _fill(store, iter([_problem(number, text()) for number in range(count)]))
            async with plain(url) as conn:
                await conn.execute("vacuum analyze")
            stores.append(store)
        for _ in range(scale.rounds):
            asked = [
                [_asked(text(), number) for number in range(_BATCH)] for _ in range(scale.lookups)
            ]
            few, many = [await _look_back(store, asked) for store in stores]
            figure.add(limit=_BATCH / few, ours=_BATCH / many)
    figure.notes["former problems"] = scale.many_problems
    figure.notes["incidents at a time"] = _BATCH
    return [figure]


async def _fill(store: Store, told: Iterator[Problem]) -> None:
    while batch := list(islice(told, 2_000)):
        async with store.begin(actor="bench") as work:
            await catalogue.take_turn(work)
            await problems.take_problems(work.conn, await problems.news_of(work.conn, batch))


def _problem(number: int, text: str) -> Problem:
    opened_at = _DAY_ONE + timedelta(minutes=number)
    return Problem(
        problem_id=ProblemId(new_id(opened_at)),
        version=1,
        state=ProblemState.OPEN,
        signature_id=f"fault-{number}",
        template=text,
        component=f"part-{number % 500}",
        title=text,
        priority=3,
        opened_at=opened_at,
        opened_because=OpenedBecause.BY_HAND,
        incidents=1,
    )


def _asked(text: str, number: int) -> Asked:
    return Asked(
        incident_id=IncidentId(new_id(_DAY_ONE)),
        signature_id=f"new-{number}",
        template=text,
        component=f"part-{number}",
        started_at=_DAY_ONE,
        reported_at=_DAY_ONE,
    )


async def _look_back(store: Store, batches: Sequence[Sequence[Asked]]) -> float:
    """Give the median of the seconds that a batch takes."""
    took = []
    for asked in batches:
        async with store.begin(actor="bench") as work:
            began = time.perf_counter()
            await history.known(work.conn, asked, _RECENT_SECONDS)
            took.append(time.perf_counter() - began)
    return median(took)
