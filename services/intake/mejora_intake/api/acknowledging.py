"""Acknowledging what a monitor calls by the name of the failure, since it knows no incident."""

from contextlib import suppress
from http import HTTPStatus

from fastapi import Request

from mejora_events.store import Work
from mejora_intake.api.commands import acknowledge_incident
from mejora_intake.model import NotNow
from mejora_intake.store import signals
from mejora_service.keys import Principal
from mejora_service.web import Command, runtime_of


async def acknowledge_failure(
    request: Request, principal: Principal, source: str, fingerprint: str
) -> None:
    """Say that somebody is on the newest incident of a failure.

    Changes nothing when the failure has none, or when it is acknowledged, restored or closed.
    """

    async def do(work: Work) -> None:
        failure = (source, fingerprint)
        current = (await signals.known(work.conn, (), {failure: ""})).standing.get(failure)
        if current is not None:
            with suppress(NotNow):
                note = f"as {source} says"
                await acknowledge_incident(work, current.incident_id, at=work.now, note=note)

    await Command(runtime_of(request), principal, HTTPStatus.ACCEPTED, None).run(do)
