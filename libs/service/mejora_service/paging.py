"""Lists come in pages, newest first, with an opaque cursor and `Link: rel="next"` (RFC 8288)."""

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Annotated, Generic, TypeVar
from uuid import UUID

from fastapi import Query, Request, Response
from pydantic import BaseModel

from mejora_service.errors import Invalid

ItemT = TypeVar("ItemT")


class Page(BaseModel, Generic[ItemT]):
    """A page of a list; `next` is the cursor of the page that follows, if there is one."""

    items: list[ItemT]
    next: str | None = None


class PageQuery:
    """What a caller asks for: how many, and after which."""

    def __init__(
        self,
        request: Request,
        response: Response,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
        cursor: Annotated[str | None, Query(max_length=200)] = None,
    ) -> None:
        self.limit = limit
        self.after = _read(cursor) if cursor else None
        self._request, self._response = request, response

    @property
    def fetch(self) -> int:
        """Tell how many rows to fetch: one more than is shown tells whether a page follows."""
        return self.limit + 1

    def of(self, items: Sequence[ItemT], id_of: Callable[[ItemT], UUID]) -> Page[ItemT]:
        """Make the page of the rows fetched, and its `Link` header."""
        shown = list(items[: self.limit])
        following = _write(id_of(shown[-1])) if len(items) > self.limit else None
        if following:
            url = self._request.url.include_query_params(cursor=following)
            self._response.headers["Link"] = f'<{url}>; rel="next"'
        return Page[ItemT](items=shown, next=following)


def _write(after: UUID) -> str:
    return base64.urlsafe_b64encode(after.bytes).decode().rstrip("=")


def _read(cursor: str) -> UUID:
    try:
        return UUID(bytes=base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, ValueError) as error:
        raise Invalid(
            f"{cursor!r} is no cursor.",
            advice="Take the cursor from `next` of the page before, or leave it out.",
        ) from error
