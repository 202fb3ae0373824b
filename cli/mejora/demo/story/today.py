"""What happens now: a known error comes again, and a customer is faster than the monitor."""

import time

from mejora.demo.monitor import Alert
from mejora.demo.page import events, lasting, table
from mejora.demo.past import minutes, written
from mejora.demo.story.routes import OWNER, WORKAROUND, routes_alert
from mejora.demo.story.scene import Scene, expect
from mejora_events.contracts.base import Channel
from mejora_events.contracts.diagnoses import Diagnosis

_PROPOSALS = ("improvement.proposed", "workaround.overdue", "problem.escalated")
"""What time alone brings, and belongs to no step."""


def today(scene: Scene) -> None:
    """Tell of the two failures of today."""
    _again(scene)
    _cascade(scene)


def _again(scene: Scene) -> None:
    alert = routes_alert(scene, tour=41, seconds=49)
    began = time.monotonic()
    incident_id = scene.people.fire(alert)
    diagnosis = scene.people.diagnosis_of(incident_id)
    took = time.monotonic() - began
    known, advice = diagnosis.known_error, diagnosis.recommendation
    if known is None:
        expect(False, "the known error is recognised")
        return
    expect(advice.channel is Channel.ALTERNATE, f"the alternate channel is advised: {advice}")
    scene.people.acknowledge(incident_id)
    scene.people.apply_workaround(
        diagnosis, known.workaround, OWNER, scene.past.now + minutes(10 * 24 * 60)
    )
    happened = scene.client.news()
    incident = scene.client.get(f"/intake/v1/incidents/{incident_id}")
    expect(incident["channel"] == Channel.ALTERNATE, f"the service is carried: {incident}")
    scene.page.step(
        "Today: a known error comes again",
        "now",
        [
            ("told", f"Alertmanager, with a key that may do nothing else: “{alert.summary}”"),
            (
                "Mejora",
                f"Diagnosed {lasting(took)} after the message was sent: a known error, seen "
                f"{diagnosis.seen_before} times. Its workaround: “{WORKAROUND}”.",
            ),
            ("because", "; ".join(advice.reasons)),
            ("people", "Taken. The books on this patch have one more entry."),
            ("events", events(happened, without=_PROPOSALS)),
        ],
    )


def _cascade(scene: Scene) -> None:
    now = scene.past.now
    reported = scene.client.send(
        "/intake/v1/reports",
        {
            "component": "tracking-page",
            "summary": "The tracking page shows no parcels",
            "severity": "warning",
            "reporter": "Lumen Books",
            "started_at": written(now - minutes(2)),
        },
        key=scene.people.customer_key,
    )
    tracking_id = reported["signals"][0]["incident_id"]
    first = scene.people.diagnosis_of(tracking_id)
    scene.client.rest()
    alert = Alert(
        name="ConnectionsExhausted",
        component="orders-db",
        summary="Connections exhausted: 200 of 200 in use",
        severity="critical",
        since=now - minutes(3),
    )
    scene.open_incident = scene.people.fire(alert)
    cause = scene.people.diagnosis_of(scene.open_incident)

    def revised() -> Diagnosis | None:
        diagnosis = scene.people.diagnosis_of(tracking_id)
        return diagnosis if diagnosis.failure_point.component == "orders-db" else None

    second = scene.client.until("revision of the tracking page's failure point", revised)
    problem = scene.people.problem_of(cause.signature.signature_id)
    happened = scene.client.news()
    expect(first.failure_point.component == "tracking-page", "at first it began where it showed")
    shown = [
        ["tracking page", "first", first.failure_point.component, _owner(first)],
        ["tracking page", "revised", second.failure_point.component, _owner(second)],
        ["orders database", "first", cause.failure_point.component, _owner(cause)],
    ]
    scene.page.step(
        "Today: a customer is faster than the monitor",
        "now",
        [
            (
                "told",
                f"Lumen Books, with a key of their own: “{first.summary}”. A moment later "
                f"Alertmanager: “{alert.summary}” at {alert.component}.",
            ),
            ("Mejora", table(["incident", "diagnosis", "began at", "whose"], shown)),
            ("because", _where(second)),
            (
                "Mejora",
                f"One cause instead of two riddles. Priority {cause.priority}, so problem "
                f"“{problem.title}” is open at once: it hits {len(cause.affected.processes)} "
                f"business processes and {len(cause.affected.customers)} customers.",
            ),
            ("people", "Both incidents are left open: see at the end how you can take over."),
            ("events", events(happened, without=_PROPOSALS)),
        ],
    )


def _owner(diagnosis: Diagnosis) -> str:
    return diagnosis.owner or "nobody yet"


def _where(diagnosis: Diagnosis) -> str:
    return next(it.because for it in diagnosis.evidence if it.question == "Where did it begin?")
