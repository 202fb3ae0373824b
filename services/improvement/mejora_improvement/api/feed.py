"""`GET /v1/events`: every event as CloudEvents JSON, in pages or live."""

import asyncio
from collections.abc import AsyncIterator
from time import monotonic
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query, Request
from pydantic import BaseModel
from starlette.responses import Response, StreamingResponse

from mejora_events.faults import store_is_away
from mejora_improvement.model.feed import BadCursor, Position
from mejora_improvement.store import feed
from mejora_improvement.store.feed import Entry, Stretch, Wanted
from mejora_service.errors import Invalid
from mejora_service.web import Reading, reading

router = APIRouter(tags=["event feed"])

EVENT_STREAM = "text/event-stream"
LIVE_BATCH = 500


class FeedPage(BaseModel):
    """A stretch of the feed; `next` is always there, so that a reader can go on from it."""

    items: list[dict[str, Any]]
    """CloudEvents 1.0 in the JSON format, oldest first."""
    next: str


@router.get(
    "/v1/events",
    response_model=None,
    responses={200: {"model": FeedPage, "content": {EVENT_STREAM: {}}}},
)
async def read_events(
    request: Request,
    query: Annotated[Reading, Depends(reading)],
    cursor: Annotated[str | None, Query(max_length=100)] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    types: Annotated[list[str] | None, Query(alias="type", max_length=50)] = None,
    subject: Annotated[str | None, Query(max_length=500)] = None,
    accept: Annotated[str, Header()] = "*/*",
    last_event_id: Annotated[str | None, Header(max_length=100)] = None,
) -> Response:
    """Give events behind a cursor, oldest first; without one, from the beginning.

    With `Accept: text/event-stream` the events are followed live: each comes with its cursor as
    `id`, and `Last-Event-ID` goes on behind it. `type` may be given several times.
    """
    wanted = Wanted(tuple(types or ()), subject)
    if EVENT_STREAM in accept:
        follower = _follow(query, wanted, _position(last_event_id or cursor))
        return StreamingResponse(
            follower, media_type=EVENT_STREAM, headers={"Cache-Control": "no-store"}
        )
    async with query.conn() as conn:
        stretch = await feed.read(conn, wanted, _position(cursor), limit)
    following = request.url.include_query_params(cursor=stretch.behind.as_cursor())
    return Response(
        _as_page(stretch),
        media_type="application/json",
        headers={"Link": f'<{following}>; rel="next"'},
    )


async def _follow(query: Reading, wanted: Wanted, after: Position | None) -> AsyncIterator[str]:
    """Give what is in the feed, then what comes, until the reader goes or the service stops."""
    settings = query.settings
    said_at = monotonic()
    yield f"retry: {settings.feed_retry_seconds * 1000:.0f}\n\n"
    while query.runtime.ready:
        try:
            async with query.conn() as conn:
                stretch = await feed.read(conn, wanted, after, LIVE_BATCH)
        except Exception as error:
            if store_is_away(error):
                return
            raise
        after = stretch.behind
        for entry in stretch.entries:
            yield _as_server_sent(entry)
        if stretch.entries:
            said_at = monotonic()
            continue
        if monotonic() - said_at > settings.feed_heartbeat_seconds:
            said_at = monotonic()
            yield ": still here\n\n"
        await asyncio.sleep(settings.feed_poll_seconds)


def _as_server_sent(entry: Entry) -> str:
    return f"id: {entry.position.as_cursor()}\ndata: {entry.body}\n\n"


def _as_page(stretch: Stretch) -> str:
    items = ",".join(entry.body for entry in stretch.entries)
    return f'{{"items":[{items}],"next":"{stretch.behind.as_cursor()}"}}'


def _position(cursor: str | None) -> Position | None:
    if cursor is None:
        return None
    try:
        return Position.of_cursor(cursor)
    except BadCursor as error:
        raise Invalid(
            f"{error}.",
            advice="Take the cursor from `next` or an event's `id`, or leave it out to begin anew.",
        ) from error
