"""Clients that others wrote, unchanged, against intake: what they send ends as an incident."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml
from opentelemetry._logs import SeverityNumber
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from pagerduty import EventsApiV2Client
from pagerduty.errors import HttpError

from mejora.embedded.kafka_settings import free_port
from support.certificates import a_certificate
from support.programs import Program, alertmanager, needs, prometheus, read_topic
from support.servers import Kafka, Postgres
from support.whole import Whole, a_whole, an_address, until


@pytest.fixture(scope="module")
async def intake(postgres: Postgres) -> AsyncIterator[Whole]:
    async with a_whole(postgres, "intake") as whole:
        yield whole


@pytest.fixture(scope="module")
async def address(intake: Whole) -> AsyncIterator[str]:
    """The address of intake, as a client is told it."""
    async with an_address(intake) as it:
        yield f"{it}/intake"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return a_certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
async def safe_address(intake: Whole, certificate: Path) -> AsyncIterator[str]:
    """The address of intake over TLS, without which PagerDuty's client speaks to nobody."""
    async with an_address(intake, certificate) as it:
        yield it


def pagerduty_at(address: str, certificate: Path, routing_key: str) -> EventsApiV2Client:
    """Give PagerDuty's client, which is told another address and nothing else."""
    trusting = ssl.create_default_context(cafile=certificate)
    return EventsApiV2Client(routing_key, base_url=f"{address}/intake", verify=trusting)


async def a_key(intake: Whole, label: str, **ties: str) -> str:
    """Issue a key that can do nothing but post."""
    wanted = {"label": label, "scopes": ["ingest"], **ties}
    key: str = (await intake.post("/intake/v1/keys", wanted))["key"]
    return key


async def incident_of(intake: Whole, component: str, state: str) -> Any:
    """Wait for the one incident of a component to be in a state."""

    async def found() -> Any:
        listed = await intake.get("/intake/v1/incidents", component=component)
        assert len(listed["items"]) <= 1, "one failure is one incident"
        return next((it for it in listed["items"] if it["state"] == state), None)

    return await until(found)


def watching(folder: Path, service: str, port: int) -> dict[str, Any]:
    """Give Prometheus' settings to watch a service, with a rule that fails when it is down."""
    rules = folder / "rules.yml"
    rule = {
        "alert": "TargetDown",
        "expr": "up == 0",
        "labels": {"severity": "critical"},
        "annotations": {"summary": "{{ $labels.service }} does not answer"},
    }
    rules.write_text(yaml.safe_dump({"groups": [{"name": "targets", "rules": [rule]}]}))
    watched = {"targets": [f"127.0.0.1:{port}"], "labels": {"service": service}}
    return {
        "rule_files": [str(rules)],
        "scrape_configs": [{"job_name": "tills", "static_configs": [watched]}],
    }


@asynccontextmanager
async def answering(port: int) -> AsyncIterator[None]:
    """Be the service that is watched, and up."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\ndrawers 1\n")
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(answer, "127.0.0.1", port):
        yield


async def until_it_counts(program: Program, name: str, least: float) -> None:
    async def counted() -> bool:
        return await program.figure(name) >= least

    await until(counted)


@needs("prometheus")
async def test_prometheus_posts_here_as_it_would_to_an_alertmanager(
    intake: Whole, address: str, tmp_path: Path
) -> None:
    key, port = await a_key(intake, "prometheus", source="prometheus"), free_port()
    here = {
        "path_prefix": "/intake",
        "authorization": {"credentials": key},
        "static_configs": [{"targets": [address.split("/")[2]]}],
    }
    alerting = {"alertmanagers": [here]}
    watched = watching(tmp_path, "till", port)
    async with prometheus(tmp_path, alerting=alerting, **watched) as watcher:
        opened = await incident_of(intake, "till", "reported")
        said = await watcher.figure("prometheus_notifications_sent_total")
        await until_it_counts(watcher, "prometheus_notifications_sent_total", said + 2)
        async with answering(port):
            restored = await incident_of(intake, "till", "restored")
        assert await watcher.figure("prometheus_notifications_errors_total") == 0

    assert opened["summary"] == "till does not answer"
    assert (opened["source"], opened["severity"]) == ("prometheus", "critical")
    assert opened["labels"]["job"] == "tills"
    assert restored["incident_id"] == opened["incident_id"]
    assert restored["occurrences"] == 1, "what is said again is the same message"
    assert restored["lost_seconds"] > 0


@needs("prometheus", "prometheus-alertmanager")
async def test_an_alertmanager_posts_here_by_a_webhook(
    intake: Whole, address: str, tmp_path: Path
) -> None:
    key, port = await a_key(intake, "alertmanager", source="alertmanager"), free_port()
    webhook = {
        "url": f"{address}/v1/hooks/alertmanager",
        "send_resolved": True,
        "http_config": {"authorization": {"credentials": key}},
    }
    route = {"receiver": "mejora", "group_wait": "1s", "group_interval": "1s"}
    receivers = [{"name": "mejora", "webhook_configs": [webhook]}]
    async with alertmanager(tmp_path, route=route, receivers=receivers) as manager:
        alerting = {"alertmanagers": [{"static_configs": [{"targets": [manager.address]}]}]}
        watched = watching(tmp_path, "scales", port)
        async with prometheus(tmp_path, alerting=alerting, **watched):
            opened = await incident_of(intake, "scales", "reported")
            async with answering(port):
                restored = await incident_of(intake, "scales", "restored")
        assert await manager.figure("alertmanager_notifications_failed_total") == 0

    assert (opened["source"], opened["summary"]) == ("alertmanager", "scales does not answer")
    assert "Alertmanager" in {link["text"] for link in opened["links"]}
    assert (restored["incident_id"], restored["occurrences"]) == (opened["incident_id"], 1)


async def test_pagerdutys_client_triggers_acknowledges_and_resolves(
    intake: Whole, safe_address: str, certificate: Path
) -> None:
    key = await a_key(intake, "the duty desk")
    with pagerduty_at(safe_address, certificate, key) as pagerduty:
        named = await asyncio.to_thread(
            pagerduty.trigger,
            "The drawer is stuck",
            "drawer",
            dedup_key="drawer/1",
            severity="error",
            custom_details={"opened": "never"},
            links=[{"href": "https://shop.example/drawer", "text": "the drawer"}],
        )
        assert named == "drawer/1"
        reported = await incident_of(intake, "drawer", "reported")
        assert await asyncio.to_thread(pagerduty.acknowledge, named) == named
        assert await asyncio.to_thread(pagerduty.acknowledge, named) == named, "said twice"
        acknowledged = await incident_of(intake, "drawer", "acknowledged")
        assert await asyncio.to_thread(pagerduty.resolve, named) == named
        restored = await incident_of(intake, "drawer", "restored")
        assert await asyncio.to_thread(pagerduty.acknowledge, "nobody's") == "nobody's"

    assert (reported["severity"], reported["links"][0]["text"]) == ("error", "the drawer")
    assert acknowledged["acknowledged_by"] == "key:the duty desk"
    assert restored["incident_id"] == acknowledged["incident_id"] == reported["incident_id"]


async def test_a_key_that_pagerdutys_client_was_given_by_us_resolves_too(
    intake: Whole, safe_address: str, certificate: Path
) -> None:
    key = await a_key(intake, "pager")
    with pagerduty_at(safe_address, certificate, key) as pagerduty:
        named = await asyncio.to_thread(pagerduty.trigger, "The bell is silent", "bell")
        assert named
        await incident_of(intake, "bell", "reported")
        await asyncio.to_thread(pagerduty.resolve, named)
        await incident_of(intake, "bell", "restored")


async def test_a_change_event_is_accepted_and_is_no_failure(
    intake: Whole, safe_address: str, certificate: Path
) -> None:
    change = {
        "summary": "A new printer",
        "source": "printer",
        "timestamp": "2026-03-01T12:00:00Z",
    }
    key = await a_key(intake, "pager")
    with pagerduty_at(safe_address, certificate, key) as pagerduty:
        await asyncio.to_thread(pagerduty.send_change_event, change)
    assert (await intake.get("/intake/v1/incidents", component="printer"))["items"] == []


@pytest.mark.parametrize("scope", [None, "read"])
async def test_a_wrong_routing_key_is_refused_as_pagerdutys_client_understands(
    intake: Whole, safe_address: str, certificate: Path, scope: str | None
) -> None:
    key = "nobody's"
    if scope:
        wanted = {"label": "a reader", "scopes": [scope]}
        key = (await intake.post("/intake/v1/keys", wanted))["key"]
    with (
        pagerduty_at(safe_address, certificate, key) as pagerduty,
        pytest.raises(HttpError) as refused,
    ):
        await asyncio.to_thread(pagerduty.trigger, "The lamp is out", "lamp")
    response = refused.value.response
    assert response is not None
    assert response.status_code == 400
    answer = response.json()
    assert answer["status"] == "invalid event"
    assert "key" in answer["errors"][0]
    assert "invalid event" in str(refused.value), "whoever runs the client reads why"


async def test_an_exception_logged_with_opentelemetry_becomes_an_incident_of_its_service(
    intake: Whole, address: str
) -> None:
    exporter = OTLPLogExporter(
        endpoint=f"{address}/v1/hooks/opentelemetry",
        headers={"X-Mejora-Key": await a_key(intake, "the shop's services")},
    )
    service = Resource.create({"service.name": "checkout", "service.version": "1.7"})
    provider = LoggerProvider(service, shutdown_on_exit=False)
    provider.add_log_record_processor(BatchLogRecordProcessor(exporter))
    logger = provider.get_logger("shop.payments")
    for attempt in (1, 2):
        try:
            raise ConnectionError(f"attempt {attempt}: the bank does not answer")
        except ConnectionError as error:
            logger.emit(severity_number=SeverityNumber.ERROR, body="not paid", exception=error)
    logger.emit(severity_number=SeverityNumber.INFO, body="all paid")
    await asyncio.to_thread(provider.shutdown)

    incident = await incident_of(intake, "checkout", "reported")
    assert (incident["source"], incident["severity"]) == ("opentelemetry", "error")
    assert (incident["summary"], incident["occurrences"]) == ("not paid", 2)
    assert incident["labels"]["exception.type"] == "ConnectionError"
    assert incident["labels"]["service.version"] == "1.7"
    assert "the bank does not answer" in incident["description"]


@needs("kcat")
async def test_kcat_reads_what_came_of_a_message(
    postgres: Postgres, kafka: Kafka, certificate: Path
) -> None:
    async with (
        a_whole(postgres, "intake", broker_url=f"kafka://{kafka.bootstrap}") as intake,
        an_address(intake, certificate) as it,
    ):
        key = await a_key(intake, "pager")
        with pagerduty_at(it, certificate, key) as pagerduty:
            named = await asyncio.to_thread(pagerduty.trigger, "The oven is cold", "oven")
            await asyncio.to_thread(pagerduty.acknowledge, named)
            await asyncio.to_thread(pagerduty.resolve, named)
        incident = await incident_of(intake, "oven", "restored")

        async def published() -> Any:
            shown = await read_topic(kafka.bootstrap, "mejora.incidents")
            records = [orjson.loads(line) for line in shown.splitlines()]
            about = [one for one in records if one["key"] == incident["incident_id"]]
            return about if len(about) == 3 else None

        records = await until(published)

    headers = [dict(zip(one["headers"][::2], one["headers"][1::2], strict=True)) for one in records]
    assert [one["ce_type"] for one in headers] == [
        "mejora.incident.reported.v1",
        "mejora.incident.acknowledged.v1",
        "mejora.incident.restored.v1",
    ]
    assert {one["content-type"] for one in headers} == {"application/json"}
    assert {one["ce_specversion"] for one in headers} == {"1.0"}
    told = [orjson.loads(one["payload"])["incident"] for one in records]
    assert [one["state"] for one in told] == ["reported", "acknowledged", "restored"]
    assert {one["summary"] for one in told} == {"The oven is cold"}
    assert told[2]["lost_seconds"] == incident["lost_seconds"]
