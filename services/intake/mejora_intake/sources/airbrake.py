"""Airbrake's webhook: an error group that has a new notice; or a deployment.

Source: docs.airbrake.io, integrations, webhooks. The body is `error` (with its project, class,
message, environment and times) and `airbrake_error_url`; a deployment is `deploy`.
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
    severity_of,
    time_of,
)


def read(message: Message) -> Understood:
    """Read an error. Raises NotUnderstood when there is none."""
    body = fields_of(message)
    error = mapping_of(body.get("error")) or mapping_of(body.get("group"))
    if not error:
        if any("deploy" in str(name) for name in body):
            return Understood(remarks=["a deployment"])
        raise NotUnderstood("an Airbrake webhook has `error` and `airbrake_error_url`")
    project, notice = mapping_of(error.get("project")), mapping_of(error.get("last_notice"))
    name = first_of(project, "name", "id") or first_of(error, "project_id")
    kind, said = first_of(error, "error_class"), first_of(error, "error_message")
    ended_at = time_of(error.get("resolved_at"))
    is_over = error.get("resolved") is True or ended_at is not None
    return Understood(
        [
            a_signal(
                message,
                fingerprint=first_of(error, "id") or digest(name, kind, said),
                component=name,
                summary=": ".join(filter(None, (kind, said))),
                description=first_of(error, "file"),
                state=SignalState.RESOLVED if is_over else SignalState.FIRING,
                severity=severity_of(error.get("severity") or notice.get("severity")),
                started_at=any_time_of(
                    error.get("first_occurred_at"), error.get("last_occurred_at")
                ),
                ended_at=ended_at,
                told_at=f"{first_of(notice, 'id')}/{first_of(error, 'last_occurred_at')}/{is_over}",
                labels=picked(error, "environment", "file", "line_number", "times_occurred"),
                links=(
                    ("Airbrake", body.get("airbrake_error_url")),
                    ("request", notice.get("request_url")),
                ),
                body=body,
            )
        ]
    )


KIND = Kind(
    name="airbrake",
    title="Airbrake",
    expects="A project's integration WebHooks with this address.",
    documentation="https://docs.airbrake.io/docs/integrations/webhooks/",
    read=read,
)
