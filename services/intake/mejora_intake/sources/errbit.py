"""Errbit's webhook: a problem, which is a group of like errors of an application.

Source: the project's `app/models/notification_services/webhook_service.rb`; the body is `problem`
with the fields of its record, as JSON. A problem that is resolved says so and when.
"""

from mejora_intake.model import SignalState
from mejora_intake.sources.kind import Kind, Message, NotUnderstood, Understood
from mejora_intake.sources.reading import (
    a_signal,
    any_time_of,
    digest,
    fields_of,
    first_of,
    mapping_of,
    picked,
    time_of,
)


def read(message: Message) -> Understood:
    """Read a problem. Raises NotUnderstood when there is none."""
    body = fields_of(message)
    problem = mapping_of(body.get("problem"))
    if not problem:
        raise NotUnderstood("an Errbit webhook has `problem`")
    name = first_of(problem, "app_name", "app_id")
    kind, said = first_of(problem, "error_class"), first_of(problem, "message")
    is_over = problem.get("resolved") is True
    return Understood(
        [
            a_signal(
                message,
                fingerprint=first_of(problem, "_id", "id") or digest(name, kind, said),
                component=name,
                summary=": ".join(filter(None, (kind, said))),
                description=first_of(problem, "where"),
                state=SignalState.RESOLVED if is_over else SignalState.FIRING,
                started_at=any_time_of(problem.get("first_notice_at"), problem.get("created_at")),
                ended_at=time_of(problem.get("resolved_at")),
                told_at=f"{first_of(problem, 'notices_count')}/"
                f"{first_of(problem, 'last_notice_at')}/{is_over}",
                labels=picked(problem, "environment", "where", "notices_count"),
                links=(("Errbit", problem.get("url")), ("issue", problem.get("issue_link"))),
                body=body,
            )
        ]
    )


KIND = Kind(
    name="errbit",
    title="Errbit",
    expects="An application's notification service WebHook with this address.",
    documentation="https://github.com/errbit/errbit",
    read=read,
)
