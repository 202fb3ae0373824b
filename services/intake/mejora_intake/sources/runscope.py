"""Runscope's (BlazeMeter API Monitoring's) webhook: a test run that has ended.

Source: the product's documentation, webhook notifications. `result` is pass or fail; a run that
was cancelled or is still working tells nothing. The same test in another environment or from
another region is another failure.
"""

from collections.abc import Mapping
from typing import Any

from mejora_intake.model import Signal, SignalState
from mejora_intake.sources.kind import Kind, Message, NotUnderstood, Understood
from mejora_intake.sources.reading import (
    a_signal,
    any_time_of,
    digest,
    fields_of,
    first_of,
    list_of,
    mapping_of,
    picked,
)

_RESULTS = {
    "fail": SignalState.FIRING,
    "failed": SignalState.FIRING,
    "pass": SignalState.RESOLVED,
    "passed": SignalState.RESOLVED,
}


def read(message: Message) -> Understood:
    """Read a test run. Raises NotUnderstood when it has no result."""
    body = fields_of(message)
    result = first_of(body, "result").lower()
    if not result or not first_of(body, "test_id", "test_name", "test_run_id"):
        raise NotUnderstood("a Runscope webhook has `result` and `test_name`")
    if state := _RESULTS.get(result):
        return Understood([_signal(message, body, state)])
    return Understood(remarks=[f"a test run with the result {result[:200]!r}: no failure"])


def _signal(message: Message, body: Mapping[str, Any], state: SignalState) -> Signal:
    name = first_of(body, "test_name", "test_id")
    place = first_of(body, "region", "agent"), first_of(body, "environment_uuid")
    failed = [
        f"{first_of(step, 'method')} {first_of(step, 'url')}: "
        f"{first_of(step, 'response_status_code')}"
        for step in map(mapping_of, list_of(body.get("requests")))
        if first_of(step, "result").startswith("fail")
    ]
    verb = "passed" if state is SignalState.RESOLVED else "failed"
    return a_signal(
        message,
        fingerprint="/".join((first_of(body, "test_id") or digest(name), *place)),
        component=name,
        summary=f"{name} {verb}",
        description="\n".join(failed),
        state=state,
        started_at=any_time_of(body.get("started_at"), body.get("finished_at"))
        if state is SignalState.FIRING
        else None,
        ended_at=any_time_of(body.get("finished_at"), body.get("started_at")),
        told_at=first_of(body, "test_run_id"),
        labels=picked(body, "bucket_name", "environment_name", "region_name", "team_name"),
        links=(("test run", body.get("test_run_url")), ("test", body.get("test_url"))),
        body=body,
    )


KIND = Kind(
    name="runscope",
    title="Runscope (BlazeMeter API Monitoring)",
    expects="A connected service of the type Webhook with this address, in the tests' "
    "environments.",
    documentation="https://help.blazemeter.com/apidocs/api-monitoring/integrations_webhook_notifications.htm",
    read=read,
)
