"""Checks the distributed form for real: `uv run python tests/distributed/check.py`.

Brings `docker-compose.yml` up with two instances of each service, sends failures through the
gateway, restarts every instance in turn meanwhile, and has `mejora audit` compare by id what was
accepted with what every database holds. Says what it sees, and ends with 1 where something is
wrong. Minutes on two cores; everything keeps running (`docker compose down` ends it).
"""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
from rich.console import Console

ROOT = Path(__file__).parents[2]
ADDRESS = "http://127.0.0.1:8080"
SERVICES = ("intake", "diagnosis", "problem", "improvement")
SHARED, CLIENTS, MOST_UNDER_RESTARTS = 400, 8, 20_000
RUN = uuid4().hex[:8]

say = Console(highlight=False, markup=False, soft_wrap=True).print

LABELS = {"alertname": "CheckoutDown", "service": "checkout", "severity": "critical"}
ALERTMANAGER = {  # its webhook's data structure, version 4
    "version": "4",
    "groupKey": '{}:{alertname="CheckoutDown"}',
    "status": "firing",
    "receiver": "mejora",
    "groupLabels": {"alertname": "CheckoutDown"},
    "commonLabels": LABELS,
    "commonAnnotations": {"summary": "Checkout answers nothing"},
    "externalURL": "http://alertmanager:9093",
    "alerts": [
        {
            "status": "firing",
            "labels": LABELS,
            "annotations": {"summary": "Checkout answers nothing"},
            "startsAt": "2026-03-01T12:00:00Z",
            "endsAt": "0001-01-01T00:00:00Z",
            "generatorURL": "http://prometheus:9090/graph",
            "fingerprint": f"checkout-{RUN}",
        }
    ],
}

READ_METRICS = """
import urllib.request
print(urllib.request.urlopen("http://127.0.0.1:8080/metrics", timeout=10).read().decode())
"""


class Wrong(Exception):
    """Something is not as it should be."""


def docker(*words: str, given: str | None = None, good: tuple[int, ...] = (0,)) -> str:
    """Run a command of Docker in the repository and give what it prints."""
    done = subprocess.run(
        ["docker", *words], cwd=ROOT, input=given, capture_output=True, text=True, check=False
    )
    if done.returncode not in good or (done.returncode and not done.stdout):
        raise Wrong(f"docker {' '.join(words)}:\n{done.stdout}{done.stderr}")
    return done.stdout


def instances(service: str) -> list[str]:
    """Give the ids of a service's containers."""
    return docker("compose", "ps", "--quiet", service).split()


def applied_by(container: str) -> tuple[int, int]:
    """Tell how many events took effect in an instance, and how many partitions it has."""
    lines = docker("exec", container, "python", "-c", READ_METRICS).splitlines()
    applied = [line.split()[-1] for line in lines if line.startswith("mejora_events_applied{")]
    return round(float(applied[0])), sum(line.startswith("mejora_consumer_lag{") for line in lines)


def taken_in(service: str) -> int:
    """Count the events that took effect in a service's database, each once."""
    psql = ("exec", "-T", "postgres", "psql", "-U", "postgres", "-At", service)
    return int(docker("compose", *psql, "-c", "select count(*) from inbox"))


async def until(what: Callable[[], Awaitable[Any]], seconds: float = 60.0) -> Any:
    """Ask until the answer is true."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if answer := await what():
            return answer
        await asyncio.sleep(0.5)
    raise Wrong(f"{what.__name__} did not come true within {seconds} s")


class Client:
    """Posts signals as a monitor does: the same again until it is accepted."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http
        self.accepted: list[str] = []
        """The ledger for the audit."""
        self.asked_again: dict[str, int] = {}

    async def post(self, path: str, body: Any, source: str) -> None:
        """Post until it is accepted, and note what was."""
        for _ in range(100):
            try:
                answer = await self.http.post(path, json=body)
                outcome = str(answer.status_code)
            except httpx.TransportError as error:
                outcome = type(error).__name__
            if outcome == "202":
                for signal in answer.json()["signals"]:
                    known = {k: signal[k] for k in ("id", "incident_id")}
                    self.accepted.append(json.dumps({"source": source, **known}))
                return
            if outcome not in {"502", "503", "504"} and not outcome.endswith("Error"):
                raise Wrong(f"{path}: {outcome} {answer.text}")
            self.asked_again[outcome] = self.asked_again.get(outcome, 0) + 1
            await asyncio.sleep(0.2)
        raise Wrong(f"{path} was not accepted in 100 attempts: {self.asked_again}")

    async def post_many(self, numbers: Iterator[int]) -> None:
        """Post a distinct failure for each number, several at a time."""

        async def post_some() -> None:
            for number in numbers:
                name = f"{RUN}-{number}"
                signal = {
                    "source": "check",
                    "id": name,
                    "fingerprint": name,
                    "component": f"component-{number % 7}",
                    "summary": f"The queue is full on host{number}",
                    "severity": "error",
                    "started_at": "2026-03-01T12:00:00Z",
                }
                await self.post("/intake/v1/signals", signal, "check")

        await asyncio.gather(*(post_some() for _ in range(CLIENTS)))


async def one_failure_goes_through(client: Client) -> None:
    """A body of Alertmanager becomes known to every service."""
    key = {"label": "check", "scopes": ["ingest"], "source": "alertmanager"}
    issued = (await client.http.post("/intake/v1/keys", json=key)).raise_for_status().json()
    headers = {"Authorization": f"Bearer {issued['key']}"}
    async with httpx.AsyncClient(base_url=ADDRESS, headers=headers) as http:
        alertmanager = Client(http)
        await alertmanager.post("/intake/v1/hooks/alertmanager", ALERTMANAGER, "alertmanager")
    client.accepted += alertmanager.accepted
    incident = json.loads(alertmanager.accepted[0])["incident_id"]
    began = time.monotonic()

    async def get(path: str) -> list[Any]:
        items: list[Any] = (await client.http.get(path)).raise_for_status().json()["items"]
        return items

    async def everybody_knows() -> bool:
        diagnoses = await get("/diagnosis/v1/diagnoses")
        mine = [each for each in diagnoses if each["incident_id"] == incident]
        problems = {each["signature_id"] for each in await get("/problem/v1/problems?limit=200")}
        return bool(mine) and mine[0]["signature"]["signature_id"] in problems

    await until(everybody_knows)
    say(f"  diagnosed, and a problem for it, {time.monotonic() - began:.2f} s after the answer")


async def instances_share(client: Client) -> None:
    """Both instances of each service take events; each event takes effect in one of them."""
    readers = {service: instances(service) for service in SERVICES}
    took_before = {c: applied_by(c)[0] for found in readers.values() for c in found}
    before = {service: taken_in(service) for service in SERVICES}
    await client.post_many(iter(range(SHARED)))
    await asyncio.to_thread(audit, client)  # waits until nothing is under way
    for service, containers in readers.items():
        now = [applied_by(c) for c in containers]
        took = [applied - took_before[c] for (applied, _), c in zip(now, containers, strict=True)]
        held = taken_in(service) - before[service]
        say(f"  {service}: {took} events on {[p for _, p in now]} partitions, {held} in its store")
        if sum(took) != held:
            raise Wrong(f"{service}: an event took effect more than once, or never")
        if service != "intake" and not all(took):
            raise Wrong(f"{service}: one instance did nothing")


async def restarts_lose_nothing(client: Client) -> None:
    """Every instance of every service is restarted while signals come in."""
    over = asyncio.Event()

    def numbers() -> Iterator[int]:
        for number in range(SHARED, SHARED + MOST_UNDER_RESTARTS):
            if over.is_set():
                return
            yield number

    async def restart_each() -> None:
        try:
            for service in SERVICES:
                for container in await asyncio.to_thread(instances, service):
                    began = time.monotonic()
                    await asyncio.to_thread(docker, "stop", container)
                    stopped = time.monotonic() - began
                    state = docker("inspect", "--format", "{{.State.ExitCode}}", container).strip()
                    if state != "0":
                        raise Wrong(f"{service} ended with {state}")
                    await asyncio.to_thread(docker, "start", container)
                    await until(healthy(container))
                    await until(all_instances_ready)
                    say(f"  {service} {container[:6]}: stopped in order within {stopped:.1f} s")
        finally:
            over.set()

    def healthy(container: str) -> Callable[[], Awaitable[bool]]:
        async def is_healthy() -> bool:
            words = ("inspect", "--format", "{{.State.Health.Status}}", container)
            return (await asyncio.to_thread(docker, *words)).strip() == "healthy"

        return is_healthy

    async def all_instances_ready() -> bool:
        checks = (await client.http.get("/readyz")).json()["checks"]
        return all(check["instances_ready"] == 2 for check in checks.values())

    before = len(client.accepted)
    await asyncio.gather(client.post_many(numbers()), restart_each())
    say(f"  {len(client.accepted) - before} accepted; asked again: {client.asked_again or 'never'}")


def audit(client: Client) -> None:
    """Have what was accepted compared with what every database holds."""
    words = ("compose", "run", "--rm", "-T", "audit", "--json", "--wait", "60", "--accepted")
    told = json.loads(docker(*words, "/dev/stdin", given="\n".join(client.accepted), good=(0, 1)))
    if not told["clean"]:
        raise Wrong(json.dumps(told, indent=2))
    say(f"  the audit is clean; {len(client.accepted)} accepted by the gateway so far")


async def check() -> None:
    """Go through everything."""
    key = next(
        line.partition("=")[2]
        for line in (ROOT / ".env").read_text().splitlines()
        if line.startswith("MEJORA_ADMIN_KEY=")
    )
    say("up, with two instances of each service")
    scale = [word for service in SERVICES for word in ("--scale", f"{service}=2")]
    await asyncio.to_thread(docker, "compose", "up", "--detach", "--build", "--wait", *scale)
    headers = {"Authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(base_url=ADDRESS, headers=headers, timeout=30) as http:
        client = Client(http)
        say("one failure goes through")
        await one_failure_goes_through(client)
        say("two instances share the work")
        await instances_share(client)
        say("restarts under load")
        await restarts_lose_nothing(client)
        await asyncio.to_thread(audit, client)


if __name__ == "__main__":
    try:
        asyncio.run(check())
    except Wrong as wrong:
        sys.exit(f"Wrong: {wrong}")
