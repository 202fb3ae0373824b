"""What the monitor and the operators do, each by one request."""

from datetime import datetime
from typing import Any

from mejora.demo.client import Client
from mejora.demo.faults import DemoFailed
from mejora.demo.monitor import Alert
from mejora.demo.past import minutes, written
from mejora_events.contracts.diagnoses import Diagnosis
from mejora_events.contracts.problems import Problem

_HOOK = "/intake/v1/hooks/alertmanager"


class People:
    """The monitor and the people of Finch Parcels, with a key for each."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.desk_key = self._key("duty desk", ["operate", "read"])
        self.monitor_key = self._key("alertmanager", ["ingest"], source="alertmanager")
        self.customer_key = self._key("Lumen Books", ["ingest", "read"], customer="lumen-books")

    def _key(self, label: str, scopes: list[str], **ties: str) -> str:
        issued = self._client.send("/intake/v1/keys", {"label": label, "scopes": scopes, **ties})
        key: str = issued["key"]
        return key

    def fire(self, alert: Alert, received_at: datetime | None = None) -> str:
        """Let the monitor say that something fails; give the incident that this opened.

        With `received_at` it is history, which only somebody who may operate can import.
        """
        if received_at:
            answer = self._client.send(
                _HOOK, alert.body(), params={"received_at": written(received_at)}
            )
        else:
            answer = self._client.send(_HOOK, alert.body(), key=self.monitor_key)
        (signal,) = answer["signals"]
        if signal["disposition"] != "opened":
            raise DemoFailed(f"{alert.name} opened no incident: {signal}")
        incident_id: str = signal["incident_id"]
        return incident_id

    def resolve(self, alert: Alert, ended_at: datetime) -> None:
        """Let the monitor say that it is over."""
        params = {"received_at": written(ended_at + minutes(1))}
        answer = self._client.send(_HOOK, alert.body(ended_at), params=params)
        (signal,) = answer["signals"]
        if signal["disposition"] != "restored":
            raise DemoFailed(f"The end of {alert.name} restored nothing: {signal}")

    def acknowledge(self, incident_id: str, at: datetime | None = None) -> None:
        """Say that somebody is on it."""
        self._operate(f"/intake/v1/incidents/{incident_id}/acknowledge", **_at(at))

    def restore(self, incident_id: str, at: datetime, note: str, channel: str = "restore") -> None:
        """Say that the service level is back."""
        path = f"/intake/v1/incidents/{incident_id}/restore"
        self._operate(path, channel=channel, note=note, **_at(at))

    def answer(self, diagnosis: Diagnosis, by: str, at: datetime, **answers: str | None) -> None:
        """Answer what only people know; None: it cannot be known."""
        given = [
            {"question": key, "answer": answer} if answer else {"question": key, "unknowable": True}
            for key, answer in answers.items()
        ]
        path = f"/diagnosis/v1/diagnoses/{diagnosis.diagnosis_id}/answers"
        self._operate(path, answers=given, answered_by=by, answered_at=written(at))

    def apply_workaround(
        self,
        diagnosis: Diagnosis,
        description: str,
        owner: str,
        due_at: datetime,
        at: datetime | None = None,
    ) -> str:
        """Serve the customer another way meanwhile."""
        path = f"/diagnosis/v1/diagnoses/{diagnosis.diagnosis_id}/workaround"
        when = {"applied_at": written(at)} if at else {}
        applied = self._operate(
            path, description=description, owner=owner, due_at=written(due_at), **when
        )
        workaround_id: str = applied["workaround_id"]
        return workaround_id

    def _operate(self, path: str, **body: Any) -> Any:
        return self._client.send(path, body, key=self.desk_key)

    def on_problem(self, problem: Problem, what: str, **body: Any) -> Any:
        """Work on a problem: its root cause, its actions, its permanent fixes."""
        return self._operate(f"/problem/v1/problems/{problem.problem_id}/{what}", **body)

    def tell(self, path: str, **body: Any) -> Any:
        """Tell Mejora something else as the duty desk."""
        return self._operate(path, **body)

    def diagnosis_of(self, incident_id: str) -> Diagnosis:
        """Give an incident's diagnosis as soon as there is one."""

        def find() -> Diagnosis | None:
            found = self._client.items("/diagnosis/v1/diagnoses", incident_id=incident_id)
            return Diagnosis.model_validate(found[0]) if found else None

        return self._client.until(f"diagnosis of the incident {incident_id}", find)

    def problem_of(self, signature_id: str) -> Problem:
        """Give the problem of a fault as soon as there is one."""

        def find() -> Problem | None:
            for item in self._client.items("/problem/v1/problems", limit=200):
                if item["signature_id"] == signature_id:
                    return Problem.model_validate(item)
            return None

        return self._client.until(f"problem of the fault {signature_id}", find)


def _at(at: datetime | None) -> dict[str, str]:
    return {"at": written(at)} if at else {}
