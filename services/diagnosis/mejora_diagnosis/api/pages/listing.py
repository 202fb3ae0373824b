"""The list: what waits for answers, the most important first; or all, the newest first."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from mejora_diagnosis.api.pages.rendering import page
from mejora_diagnosis.api.pages.signing_in import signed_in, to_sign_in
from mejora_diagnosis.store import catalogue, diagnoses
from mejora_events.contracts.diagnoses import Diagnosis
from mejora_service.web import connection, runtime_of

router = APIRouter()

_A_PAGE = 25
MOST_ROLES = 200
"""Roles that can be chosen; others can be written into the address."""
NOBODY = "-"
"""Stands for "no owner" where a role is chosen."""


@router.get("/")
async def show_list(
    request: Request,
    owner: Annotated[str, Query(max_length=500)] = "",
    show: Annotated[str, Query(max_length=10)] = "waiting",
    after: Annotated[str, Query(max_length=50)] = "",
) -> Response:
    """Show what waits for answers, or all."""
    who = await signed_in(request)
    if who is None:
        return to_sign_in(request)
    runtime = runtime_of(request)
    wanted = None if not owner else "" if owner == NOBODY else owner.replace("\x00", "")
    last = _last_shown(after)
    async with connection(runtime) as conn:
        if show == "all":
            found = await diagnoses.listed(
                conn, after=last and last[1], limit=_A_PAGE + 1, owner=wanted
            )
        else:
            found = await diagnoses.waiting(conn, owner=wanted, after=last, limit=_A_PAGE + 1)
        roles = await catalogue.roles(conn, MOST_ROLES)
        ever = bool(found) or await diagnoses.any_made(conn)
    return page(
        request,
        "list",
        who=who,
        diagnoses=found[:_A_PAGE],
        following=_name(found[_A_PAGE - 1]) if len(found) > _A_PAGE else None,
        first=last is None,
        everything=show == "all",
        owner=owner,
        nobody=NOBODY,
        roles=sorted({*roles, *({owner} if wanted else ())}),
        ever=ever,
        now=runtime.clock.now(),
    )


def _name(diagnosis: Diagnosis) -> str:
    return f"{diagnosis.priority}.{diagnosis.diagnosis_id}"


def _last_shown(after: str) -> tuple[int, UUID] | None:
    """Read which was shown last; what cannot be read begins anew."""
    priority, _, diagnosis_id = after.partition(".")
    try:
        return (int(priority), UUID(diagnosis_id)) if priority in "12345" else None
    except ValueError:
        return None
