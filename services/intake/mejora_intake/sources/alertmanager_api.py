"""Prometheus' alerts as it posts them to Alertmanager's API: a bare list of alerts.

Source: prometheus.io, Alertmanager's clients and its OpenAPI description (`/api/v2/alerts`; the
older `/api/v1/alerts` takes the same list). Prometheus sends every firing alert again and again
with an `endsAt` that lies some minutes ahead, and after it is over with an `endsAt` in the past:
an alert is resolved when its `endsAt` has passed. There is no fingerprint: the labels identify an
alert.
"""

from mejora_intake.sources.alertmanager import understood_of
from mejora_intake.sources.kind import Kind, Message, NotUnderstood, Understood


def read(message: Message) -> Understood:
    """Read a list of alerts; one that is no alert is remarked on and loses no other.

    Raises NotUnderstood when it is no list.
    """
    alerts = message.json()
    if not isinstance(alerts, list):
        raise NotUnderstood("what is posted to Alertmanager's API is a list of alerts")
    return understood_of(message, {"alerts": alerts})


KIND = Kind(
    name="alertmanager_api",
    title="Prometheus (as to Alertmanager's API)",
    expects="Prometheus itself, without an Alertmanager between: under `alerting`, `alertmanagers` "
    "with `path_prefix: /intake` and an `authorization` with a key, since it appends the rest of "
    "the path itself. Any other client of `/api/v2/alerts` or `/api/v1/alerts` does as well.",
    documentation="https://prometheus.io/docs/alerting/latest/clients/",
    read=read,
)
