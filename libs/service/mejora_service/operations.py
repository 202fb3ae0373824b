"""Routes that every service has for its operators: dead letters and replays."""

from datetime import UTC, datetime, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict

from mejora_events import letters
from mejora_events.consumer import LetterNotFound
from mejora_events.contracts.access import Scope
from mejora_events.contracts.base import Time
from mejora_events.letters import DeadLetter
from mejora_events.replays import ask_for_replay
from mejora_service.errors import Invalid, NotFound
from mejora_service.paging import Page, PageQuery
from mejora_service.web import Command, Reading, administering, reading_with

router = APIRouter(tags=["operations"])


class Settled(BaseModel):
    """What a retry or a drop led to."""

    took_effect: int
    """Records of the key that took effect now."""


class ReplayWish(BaseModel):
    """Which topic to read again, and from when."""

    model_config = ConfigDict(extra="forbid")

    topic: str
    from_time: Time


class ReplayAsked(BaseModel):
    """A wish that the consumer follows within seconds."""

    replay_id: UUID


@router.get("/v1/dead-letters")
async def list_dead_letters(
    query: Annotated[Reading, Depends(reading_with(Scope.ADMIN))],
    page: Annotated[PageQuery, Depends()],
) -> Page[DeadLetter]:
    """List records that failed, and those that wait behind one on its key; newest first."""
    async with query.conn() as conn:
        found = await letters.listed(conn, after=page.after, limit=page.fetch)
    return page.of(found, id_of=lambda letter: letter.letter_id)


@router.post("/v1/dead-letters/{letter_id}/retry")
async def retry_dead_letter(
    letter_id: UUID, command: Annotated[Command, Depends(administering)]
) -> Settled:
    """Try a record again as it is, then what waits behind it."""
    try:
        done = await command.runtime.consumer.retry(letter_id, command.principal.name)
    except LetterNotFound as error:
        raise _no_letter(letter_id) from error
    return Settled(took_effect=done)


@router.post("/v1/dead-letters/{letter_id}/drop")
async def drop_dead_letter(
    letter_id: UUID, command: Annotated[Command, Depends(administering)]
) -> Settled:
    """Give a record up and go on with what waits behind it."""
    try:
        done = await command.runtime.consumer.drop(letter_id, command.principal.name)
    except LetterNotFound as error:
        raise _no_letter(letter_id) from error
    return Settled(took_effect=done)


@router.post("/v1/replays", status_code=202)
async def ask_replay(
    wish: ReplayWish, command: Annotated[Command, Depends(administering)]
) -> ReplayAsked:
    """Read a topic again from a time; what already took effect is passed over."""
    consumer = command.runtime.consumer
    if wish.topic not in consumer.topics:
        raise Invalid(
            f"{command.runtime.service.name} does not read {wish.topic!r}.",
            advice=f"It reads {', '.join(consumer.topics)}.",
        )
    remembered = timedelta(seconds=command.settings.retention_seconds)
    if wish.from_time < datetime.now(UTC) - remembered:
        raise Invalid(
            "What is older than the topics' retention cannot be told from what is new any more.",
            advice=f"Ask for a time within the last {remembered.days} days.",
        )
    replay_id = await command.run(
        lambda work: ask_for_replay(work, consumer.name, wish.topic, wish.from_time)
    )
    return ReplayAsked(replay_id=replay_id)


def _no_letter(letter_id: UUID) -> NotFound:
    return NotFound(
        f"No dead letter with the id {letter_id} waits here.",
        advice="List them with GET …/v1/dead-letters; one that waits behind another goes with it.",
    )
