"""Mejora as those outside see it: its HTTP paths, its feed of events, and when it has come to rest.

What happens after a request happens by events, in other services, a moment later. So the demo
never sleeps for a while and hopes: it asks until nothing is on its way any more.
"""

import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

import httpx

from mejora.demo.faults import DemoFailed

SERVICES = ("intake", "diagnosis", "problem", "improvement")

_DEADLINE_SECONDS = 90.0
_LOOK_SECONDS = 0.04
_CALM_LOOKS = 2
"""So many equal looks in a row, without anything waiting, count as rest."""
_METRIC = re.compile(
    r"^mejora_(events_applied|events_parked|outbox_events|consumer_lag)\{([^}]*)\} (\S+)$",
    re.MULTILINE,
)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Happened:
    """An event of the feed."""

    event_id: str
    type: str
    """Without `mejora.` before and `.v1` behind."""
    time: datetime
    """When what it says happened."""
    caused_by: str | None
    data: Mapping[str, Any]


class Client:
    """Somebody with a key."""

    def __init__(self, address: str, key: str) -> None:
        self.address, self.key = address, key
        self._http = httpx.Client(base_url=address, timeout=60.0, headers=_with(key))
        self._cursor: str | None = None

    def get(self, path: str, **params: Any) -> Any:
        """Ask; raises DemoFailed unless the answer is good."""
        return self._answered(self._http.get(path, params=params))

    def send(
        self,
        path: str,
        body: Any = None,
        *,
        method: str = "POST",
        key: str | None = None,
        params: Mapping[str, Any] | None = None,
    ) -> Any:
        """Tell something, as somebody else if a key is given; raises DemoFailed if refused."""
        headers = _with(key) if key else None
        answer = self._http.request(method, path, json=body, params=params, headers=headers)
        return self._answered(answer)

    def put_yaml(self, path: str, document: str) -> Any:
        """Put a document in YAML."""
        headers = {"Content-Type": "application/yaml"}
        return self._answered(self._http.put(path, content=document.encode(), headers=headers))

    def _answered(self, answer: httpx.Response) -> Any:
        if answer.is_success:
            return answer.json()
        asked = f"{answer.request.method} {answer.request.url}"
        raise DemoFailed(f"{asked} was answered with {answer.status_code}: {answer.text}")

    def items(self, path: str, **params: Any) -> list[Any]:
        """Give the first page of a list."""
        return list(self.get(path, **params)["items"])

    def until(self, what: str, find: Callable[[], T | None]) -> T:
        """Ask again and again until it is found; raises DemoFailed when that takes too long."""
        deadline = time.monotonic() + _DEADLINE_SECONDS
        while (found := find()) is None:
            if time.monotonic() > deadline:
                raise DemoFailed(f"After {_DEADLINE_SECONDS:.0f} s there was still no {what}.")
            time.sleep(_LOOK_SECONDS)
        return found

    def news(self) -> list[Happened]:
        """Give the events that have come since this was asked last, when all has come to rest."""
        self.rest()
        events: list[Happened] = []
        while True:
            page = self.get(
                "/improvement/v1/events",
                limit=500,
                **({"cursor": self._cursor} if self._cursor else {}),
            )
            self._cursor = page["next"]
            if not page["items"]:
                return events
            events += [_happened(it) for it in page["items"]]

    def rest(self) -> None:
        """Wait until no service has anything to send or to read any more."""
        looks: list[object] = []

        def calm() -> bool | None:
            looks.append(self._at_rest())
            latest = looks[-_CALM_LOOKS:]
            calm = len(latest) == _CALM_LOOKS and latest[0] is not None
            return True if calm and all(look == latest[0] for look in latest) else None

        self.until("rest: events are still on their way", calm)

    def _at_rest(self) -> Mapping[str, float] | None:
        """Give how many events each service has applied, or None while some are on their way."""
        applied = {}
        for service in SERVICES:
            lags = 0
            for name, value in self._gauges(service):
                if name == "events_parked" and value:
                    raise DemoFailed(f"{service} could not take an event; see its dead letters.")
                if name in ("outbox_events", "consumer_lag") and value:
                    return None
                lags += name == "consumer_lag"
                if name == "events_applied":
                    applied[service] = value
            if not lags:
                return None  # it does not read yet
        return applied

    def _gauges(self, service: str) -> Iterator[tuple[str, float]]:
        text = self._http.get(f"/{service}/metrics").text
        for name, labels, value in _METRIC.findall(text):
            if f'service="{service}"' in labels:
                yield name, float(value)


def _with(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def _happened(event: Mapping[str, Any]) -> Happened:
    return Happened(
        event_id=event["id"],
        type=event["type"].removeprefix("mejora.").removesuffix(".v1"),
        time=datetime.fromisoformat(event["time"]),
        caused_by=event.get("causationid"),
        data=event["data"],
    )
