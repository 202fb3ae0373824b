"""What monitors and people send, with a memory of exactly what was accepted.

What got no answer is sent again, the same under the same id, until it is answered.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import uuid4

import httpx

from mejora.audit import Accepted

SOURCE = "load"
_NOT_NOW = {429, 502, 503, 504}
_SEND_AGAIN_SECONDS = 0.1
_COMPONENTS = [f"shop-{name}" for name in ("cart", "search", "payments", "mail", "stock", "login")]
_TEXTS = [
    "Requests time out after {n} ms",
    "Disk {n} % full",
    "Connection refused by 10.0.0.{n}",
    "Queue holds {n} messages",
    "Certificate ends in {n} days",
    "{n} workers restarted",
]


@dataclass
class Load:
    """Sends signals and commands to services, whatever becomes of those meanwhile."""

    addresses: Mapping[str, Sequence[str]]
    """Of each service's instances; any of them may be asked."""
    key: str
    accepted: list[Accepted] = field(default_factory=list)
    created: dict[str, set[str]] = field(default_factory=dict)
    """By kind: the ids of what commands were answered to have made."""
    sent_again: int = 0
    """How many requests had no answer and were sent again."""
    _random: random.Random = field(default_factory=lambda: random.Random(7))
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    @asynccontextmanager
    async def running(
        self, *, clients: int = 4, pause_seconds: float = 0.02
    ) -> AsyncIterator[None]:
        """Send while the block runs; what was sent by its end is still answered."""
        stopping = asyncio.Event()
        async with (
            httpx.AsyncClient(
                headers={"Authorization": f"Bearer {self.key}"}, timeout=20
            ) as client,
            asyncio.TaskGroup() as group,
        ):
            for _ in range(clients):
                group.create_task(self._signals(client, stopping, pause_seconds))
            group.create_task(self._commands(client, stopping))
            try:
                yield
            finally:
                stopping.set()

    async def send(self, messages: int) -> None:
        """Send so many posts of signals, one after the other."""
        async with self._client() as client:
            for _ in range(messages):
                await self._post_signals(client)

    def _client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(headers={"Authorization": f"Bearer {self.key}"}, timeout=20)

    async def _signals(
        self, client: httpx.AsyncClient, stopping: asyncio.Event, pause_seconds: float
    ) -> None:
        while not stopping.is_set():
            await self._post_signals(client)
            await asyncio.sleep(pause_seconds)

    async def _post_signals(self, client: httpx.AsyncClient) -> None:
        body = [self._signal() for _ in range(self._random.choice((1, 1, 2, 5)))]
        # Some monitors are impatient and send the same again before they are answered.
        posts = [self._post(client, body) for _ in range(self._random.choice((1,) * 9 + (2,)))]
        await asyncio.gather(*posts)

    async def _post(self, client: httpx.AsyncClient, body: Sequence[Mapping[str, Any]]) -> None:
        answer = await self._until_answered(client, "intake", "/v1/signals", body, {})
        assert answer.status_code == 202, answer.text
        shown = answer.json()["signals"]
        assert [one["id"] for one in shown] == [one["id"] for one in body]
        self.accepted += [
            Accepted(source=SOURCE, id=one["id"], incident_id=one["incident_id"]) for one in shown
        ]

    def _signal(self) -> dict[str, Any]:
        number = next(self._numbers)
        # The failures of a while are few; later ones are others.
        failure = number // 40 * 20 + self._random.randrange(20)
        resolved = self._random.random() < 0.25
        now = datetime.now(UTC)
        signal = {
            "source": SOURCE,
            "id": f"s{number}",
            "fingerprint": f"f{failure}",
            "component": _COMPONENTS[failure % len(_COMPONENTS)],
            "summary": _TEXTS[failure // 7 % len(_TEXTS)].format(n=failure),
            "severity": self._random.choice(("critical", "error", "warning", "info")),
            "started_at": now.isoformat(),
            "labels": {"host": f"host-{failure % 3}"},
        }
        if resolved:
            signal |= {"state": "resolved", "ended_at": now.isoformat()}
        return signal

    async def _commands(self, client: httpx.AsyncClient, stopping: asyncio.Event) -> None:
        while not stopping.is_set():
            await self._propose(client)
            await self._work_around(client)
            await self._fix(client)
            await asyncio.sleep(0.3)

    async def _propose(self, client: httpx.AsyncClient) -> None:
        body = {"title": "Fewer failures", "why": "They cost", "indicator": "incidents_per_month"}
        await self._command(client, "improvement", "/v1/improvements", body, "improvement_id")

    async def _work_around(self, client: httpx.AsyncClient) -> None:
        found = await self._asked(client, "diagnosis", "/v1/diagnoses?limit=1")
        for diagnosis in found["items"]:
            body = {
                "description": "Serve from the cache",
                "owner": "operations",
                "due_at": (datetime.now(UTC) + timedelta(days=7)).isoformat(),
            }
            path = f"/v1/diagnoses/{diagnosis['diagnosis_id']}/workaround"
            await self._command(client, "diagnosis", path, body, "workaround_id")

    async def _fix(self, client: httpx.AsyncClient) -> None:
        found = await self._asked(client, "problem", "/v1/problems?limit=5")
        if not found["items"]:
            return
        problem = self._random.choice(found["items"])
        path = f"/v1/problems/{problem['problem_id']}"
        cause = {"statement": "The pool is too small", "cause_class": "capacity"}
        await self._command(client, "problem", f"{path}/root-cause", cause)
        plan = {
            "description": "A larger pool",
            "carried_by": f"v{next(self._numbers)}",
            "owner": "platform",
            "estimated_cost": {"amount": "1000"},
        }
        fix = await self._command(client, "problem", f"{path}/fixes", plan, "fix_id")
        await self._command(client, "problem", f"/v1/fixes/{fix['fix_id']}/deployed", {})

    async def _command(
        self,
        client: httpx.AsyncClient,
        service: str,
        path: str,
        body: Any,
        makes: str | None = None,
    ) -> dict[str, Any]:
        """Give a command, once however often it is sent, and remember what it made."""
        headers = {"Idempotency-Key": str(uuid4())}
        answer = await self._until_answered(client, service, path, body, headers)
        assert answer.is_success, f"{path}: {answer.status_code} {answer.text}"
        shown: dict[str, Any] = answer.json()
        if makes:
            self.created.setdefault(makes, set()).add(shown[makes])
        return shown

    async def _asked(self, client: httpx.AsyncClient, service: str, path: str) -> Any:
        answer = await self._until_answered(client, service, path, None, {})
        assert answer.is_success, f"{path}: {answer.status_code} {answer.text}"
        return answer.json()

    async def _until_answered(
        self,
        client: httpx.AsyncClient,
        service: str,
        path: str,
        body: Any,
        headers: Mapping[str, str],
    ) -> httpx.Response:
        method = "GET" if body is None else "POST"
        while True:
            url = f"{self._random.choice(self.addresses[service])}/{service}{path}"
            try:
                answer = await client.request(method, url, json=body, headers=headers)
                if answer.status_code not in _NOT_NOW:
                    return answer
            except httpx.TransportError:
                pass
            self.sent_again += 1
            await asyncio.sleep(_SEND_AGAIN_SECONDS)
