"""A monitor's messages, in the form that Alertmanager sends them (webhook, version 4)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mejora.demo.past import written

_NOT_ENDED = "0001-01-01T00:00:00Z"


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert rule that found something."""

    name: str
    component: str
    summary: str
    severity: str
    since: datetime
    site: str | None = None
    """Where, if the component stands in several places."""

    def body(self, ended_at: datetime | None = None) -> dict[str, Any]:
        """Give the message: that it fires, or, with its end, that it is resolved."""
        status = "resolved" if ended_at else "firing"
        labels = {"alertname": self.name, "service": self.component, "severity": self.severity}
        if self.site:
            labels["site"] = self.site
        alert = {
            "status": status,
            "labels": labels,
            "annotations": {"summary": self.summary},
            "startsAt": written(self.since),
            "endsAt": written(ended_at) if ended_at else _NOT_ENDED,
            "generatorURL": f"http://prometheus.finch.example/graph?rule={self.name}",
        }
        return {
            "version": "4",
            "groupKey": f'{{}}:{{alertname="{self.name}"}}',
            "truncatedAlerts": 0,
            "status": status,
            "receiver": "mejora",
            "groupLabels": {"alertname": self.name},
            "commonLabels": labels,
            "commonAnnotations": alert["annotations"],
            "externalURL": "http://alertmanager.finch.example",
            "alerts": [alert],
        }
