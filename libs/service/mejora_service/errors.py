"""The errors that the services answer with, as problem documents (RFC 9457)."""

from http import HTTPStatus
from typing import ClassVar, Literal

from pydantic import BaseModel


class Problem(Exception):
    """An answer that says what is wrong and what to do.

    `detail` says what is wrong in this case, `advice` what the caller can do about it.
    """

    status: ClassVar[HTTPStatus] = HTTPStatus.INTERNAL_SERVER_ERROR

    def __init__(self, detail: str, *, advice: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(detail)
        self.detail, self.advice, self.headers = detail, advice, headers or {}


class ProblemDocument(BaseModel):
    """What is wrong with a request and what to do about it (RFC 9457)."""

    type: Literal["about:blank"]
    title: str
    status: int
    detail: str
    advice: str


class Malformed(Problem):
    """The request cannot be read at all."""

    status = HTTPStatus.BAD_REQUEST


class Unauthorised(Problem):
    """No key, or none that is known."""

    status = HTTPStatus.UNAUTHORIZED


class Forbidden(Problem):
    """The key is known and may not do this."""

    status = HTTPStatus.FORBIDDEN


class NotFound(Problem):
    """There is no such thing."""

    status = HTTPStatus.NOT_FOUND


class Conflict(Problem):
    """The thing's state does not allow this."""

    status = HTTPStatus.CONFLICT


class TooSlow(Problem):
    """The request did not come to its end in time."""

    status = HTTPStatus.REQUEST_TIMEOUT


class TooLarge(Problem):
    """The body is larger than what is taken."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE


class Invalid(Problem):
    """The request can be read and makes no sense."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


class TooMany(Problem):
    """More than the quota, or more than can be stored now."""

    status = HTTPStatus.TOO_MANY_REQUESTS


class Unavailable(Problem):
    """What this stands on cannot be reached now; the same request may be sent again."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
