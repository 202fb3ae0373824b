"""`/intake/report`: a form for people, who need nothing but a browser and a key."""

from datetime import UTC, datetime
from http import HTTPStatus
from urllib.parse import parse_qs

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from pydantic import ValidationError

from mejora_events.contracts.access import Scope
from mejora_events.contracts.base import Origin, in_utc
from mejora_events.ids import new_id
from mejora_intake.api.admission import may_come
from mejora_intake.api.folding import Taken
from mejora_intake.api.form_page import POLICY, form_page, thanks_page
from mejora_intake.api.reports import ReportPosted, signals_of
from mejora_intake.api.taking import taken
from mejora_intake.model import Disposition
from mejora_service.errors import Forbidden, Problem, Unauthorised
from mejora_service.web import principal_with, require

router = APIRouter(include_in_schema=False)

_HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}

_MOST_FIELDS = 20

_FIELDS = {
    "component": "component",
    "summary": "happened",
    "site": "where",
    "affected_users": "affected",
    "reporter": "who",
    "id": "id",
}
"""By field of a report: the field of the form that it comes from."""

_MEND = {
    "component": "Say what you could not use, in at most 500 characters.",
    "happened": "Say what happened, the first line in at most 10,000 characters.",
    "where": "Say where you are in at most 500 characters.",
    "affected": "Give a number, or leave it empty.",
    "who": "Say who you are in at most 500 characters.",
    "id": "Open the form anew.",
}


_ANOTHER_KEY = "Ask whoever gave it to you for one that may report."


class NotYet(Exception):
    """The form is not filled in as it should be: what to mend, by field."""

    def __init__(self, mend: dict[str, str]) -> None:
        super().__init__(str(mend))
        self.mend = mend


@router.get("/report")
async def show_form() -> HTMLResponse:
    """Show the empty form; it names the report, so that sending it twice counts once."""
    return _page(form_page({"id": str(new_id())}))


@router.post("/report")
async def post_form(request: Request) -> HTMLResponse:
    """Take what a person says by the rules of `POST /v1/reports`; show its incident's number."""
    given: dict[str, str] = {}
    try:
        given = await _filled_in(request)
        became = await _report(request, given)
    except NotYet as error:
        return _page(form_page(given, error.mend), HTTPStatus.UNPROCESSABLE_ENTITY)
    except (Unauthorised, Forbidden) as error:
        return _page(form_page(given, {"key": f"{error.detail} {_ANOTHER_KEY}"}), error.status)
    except Problem as error:
        mend = {"": f"{error.detail} Send it again a little later: it counts once."}
        return _page(form_page(given, mend), error.status, error.headers)
    number = str(became.incident_id) if became.incident_id else None
    return _page(thanks_page(number, known=became.disposition is not Disposition.OPENED))


async def _report(request: Request, given: dict[str, str]) -> Taken:
    report = _report_of(given)
    if not given.get("key"):
        raise NotYet({"key": "Give the key that you were given for reports."})
    principal = await principal_with(request, given["key"])
    require(principal, Scope.INGEST, customer_aware=True)
    signals = signals_of(request, report, principal)
    may_come(request, principal, signals)
    (became,) = await taken(request, signals)
    return became


async def _filled_in(request: Request) -> dict[str, str]:
    """Read the fields of a form as browsers send them; raises NotYet."""
    body = (await request.body()).decode("utf-8", "replace")
    try:
        fields = parse_qs(body, keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError as error:
        raise NotYet({"": "This form cannot be read. Open it anew."}) from error
    return {name: values[-1].strip() for name, values in fields.items()}


def _report_of(given: dict[str, str]) -> ReportPosted:
    mend = {}
    first, _, rest = given.get("happened", "").partition("\n")
    try:
        started_at = _moment(given.get("since", ""))
    except (ValueError, OverflowError):
        started_at, mend["since"] = None, "Give a day and a time, or leave it empty."
    try:
        report = ReportPosted(
            component=given.get("component", ""),
            summary=first,
            description=rest,
            reporter=given.get("who", ""),
            site=given.get("where", ""),
            affected_users=_count(given.get("affected", "")),
            id=given.get("id") or str(new_id()),
            started_at=started_at,
            origin=Origin.INTERNAL if given.get("staff") else Origin.CUSTOMER,
        )
    except ValidationError as error:
        for one in error.errors():
            field = _FIELDS.get(str(one["loc"][0]), "happened")
            mend[field] = _MEND[field]
    if not given.get("component"):
        mend["component"] = _MEND["component"]
    if mend:
        raise NotYet(mend)
    return report


def _count(text: str) -> int | None:
    """Read how many; -1, which no report takes, where that is no number."""
    if not text:
        return None
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else -1


def _moment(text: str) -> datetime | None:
    """Read a moment as browsers give it: in UTC, as the form asks, unless it says otherwise."""
    if not text:
        return None
    moment = datetime.fromisoformat(text)
    return in_utc(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def _page(
    html: str, status: HTTPStatus = HTTPStatus.OK, headers: dict[str, str] | None = None
) -> HTMLResponse:
    return HTMLResponse(html, status, _HEADERS | (headers or {}))
