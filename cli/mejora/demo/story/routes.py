"""Route planning lives on a patch; and what happens once is not yet a problem."""

from dataclasses import dataclass
from typing import Any

from mejora.demo.monitor import Alert
from mejora.demo.page import day, events, lasting, moment, money
from mejora.demo.past import minutes, written
from mejora.demo.story.scene import Scene, expect
from mejora_events.contracts.diagnoses import Diagnosis
from mejora_events.contracts.problems import OpenedBecause

OWNER = "Route Planning Owner"
WORKAROUND = "drive yesterday's routes"


@dataclass(frozen=True, slots=True)
class _Time:
    """One of the times that it failed; durations are minutes since it began."""

    days_ago: int
    tour: int
    seconds: int
    restored: int


_TIMES = (
    _Time(118, 214, 41, 96),
    _Time(101, 87, 38, 47),
    _Time(84, 132, 52, 33),
    _Time(63, 209, 44, 38),
    _Time(41, 54, 47, 29),
    _Time(27, 178, 39, 35),
    _Time(12, 96, 55, 31),
)


_EACH_TIME = ("incident.acknowledged", "incident.restored")
"""What every one of so many incidents goes through, and would only be noise."""


def routes_alert(scene: Scene, tour: int, seconds: int, days_ago: int | None = None) -> Alert:
    """Give the alert of the fault; without a day it has just begun."""
    since = scene.past.at(days_ago, "06:04") if days_ago else scene.past.now - minutes(4)
    return Alert(
        name="RoutesNotReady",
        component="route-planning",
        summary=f"Routes of tour {tour} are not ready: map-data answered after {seconds} s",
        severity="error",
        since=since,
    )


def routes_on_a_patch(scene: Scene) -> None:
    """Tell of a complaint that stays alone, and of the fault that lives on a patch."""
    _once(scene)
    first = _reported(scene, _TIMES[0])
    _patch_it(scene)
    _find_cause(scene, first)
    for it in _TIMES[2:]:
        _reported(scene, it, channel="alternate")
    _tell(scene, first)


def _once(scene: Scene) -> None:
    since = scene.past.at(75, "11:20")
    answer = scene.client.send(
        "/intake/v1/reports",
        {
            "component": "delivery-notices",
            "summary": "The text messages about the delivery came three hours late",
            "reporter": "Nordic Seeds, by phone",
            "started_at": written(since),
            "ended_at": written(since + minutes(170)),
            "received_at": written(since + minutes(110)),
        },
    )
    incident_id = answer["signals"][0]["incident_id"]
    diagnosis = scene.people.diagnosis_of(incident_id)
    happened = scene.client.news()
    problems = scene.client.items("/problem/v1/problems", limit=200)
    signature_id = diagnosis.signature.signature_id
    expect(
        all(problem["signature_id"] != signature_id for problem in problems),
        "one incident of low priority opens no problem",
    )
    scene.page.step(
        "Not everything becomes a problem",
        moment(since),
        [
            ("told", f"Nordic Seeds, by phone: “{diagnosis.summary}”"),
            (
                "Mejora",
                f"An incident of priority {diagnosis.priority} that has not come back: nobody is "
                "sent to look for a cause. But a customer noticed it first, and that is counted.",
            ),
            ("events", events(happened)),
        ],
    )


def _reported(scene: Scene, it: _Time, channel: str = "restore") -> Diagnosis:
    alert = routes_alert(scene, it.tour, it.seconds, it.days_ago)
    incident_id = scene.people.fire(alert, alert.since + minutes(3))
    diagnosis = scene.people.diagnosis_of(incident_id)
    scene.people.acknowledge(incident_id, alert.since + minutes(8))
    restored_at = alert.since + minutes(it.restored)
    if channel == "restore":
        scene.people.resolve(alert, restored_at)
    else:
        scene.people.restore(incident_id, restored_at, f"again: {WORKAROUND}", channel)
    return diagnosis


def _find_cause(scene: Scene, first: Diagnosis) -> None:
    problem = scene.people.problem_of(first.signature.signature_id)
    expect(problem.opened_because is OpenedBecause.HIGH_PRIORITY, "priority 2 opens it at once")
    scene.people.on_problem(
        problem,
        "root-cause",
        statement="The map supplier answers 50 requests a second, and at six we send 400",
        cause_class="supplier",
        five_whys=[
            {
                "why": "Why are routes not ready?",
                "because": "The map supplier answers late at six.",
            },
            {
                "why": "Why does it answer late?",
                "because": "We ask for all tours at once, beyond what our contract allows.",
            },
        ],
        failure_point="route-planning",
        established_at=written(scene.past.at(97, "15:00")),
    )
    scene.people.on_problem(
        problem,
        "fixes",
        description="Plan the tours in portions during the night",
        carried_by="route-planning 7.0",
        component="route-planning",
        owner=OWNER,
        estimated_cost={"amount": "5200", "currency": "EUR"},
        planned_at=written(scene.past.at(90, "09:00")),
    )
    scene.client.rest()


def _patch_it(scene: Scene) -> None:
    """Apply the workaround that has been in use since, and move its promise twice."""
    it = _TIMES[1]
    alert = routes_alert(scene, it.tour, it.seconds, it.days_ago)
    incident_id = scene.people.fire(alert, alert.since + minutes(3))
    diagnosis = scene.people.diagnosis_of(incident_id)
    scene.people.acknowledge(incident_id, alert.since + minutes(8))
    workaround_id = scene.people.apply_workaround(
        diagnosis,
        WORKAROUND,
        OWNER,
        scene.past.at(70, "18:00"),
        alert.since + minutes(it.restored),
    )
    for moved_days_ago, due_days_ago in ((72, 30), (31, 9)):
        scene.people.tell(
            f"/diagnosis/v1/workarounds/{workaround_id}/promise",
            due_at=written(scene.past.at(due_days_ago, "18:00")),
            reason="route-planning 7.0 is put off",
            at=written(scene.past.at(moved_days_ago, "12:00")),
        )
    scene.client.rest()


def _tell(scene: Scene, first: Diagnosis) -> None:
    scene.client.rest()
    problem = scene.people.problem_of(first.signature.signature_id)
    path = f"/problem/v1/problems/{problem.problem_id}"

    def escalated() -> Any:
        shown = scene.client.get(path)
        return shown if shown["escalations"] else None

    def proposed() -> Any:
        improvements = scene.client.items("/improvement/v1/improvements", state="proposed")
        about = str(problem.problem_id)
        return next((it for it in improvements if it["problem_id"] == about), None)

    shown = scene.client.until("escalation of the overdue workaround", escalated)
    proposal = scene.client.until("proposal to be rid of the problem", proposed)
    happened = scene.client.news()
    debt, asked = shown["debt"], shown["escalations"][-1]
    patch = debt["workarounds"][0]
    expect(debt["break_even"]["passed"], f"the debt is past its break-even: {debt['break_even']}")
    expect(patch["overdue"] and patch["promise_moves"] == 2, f"the promise is broken: {patch}")
    scene.page.step(
        "A fault that lives on a patch",
        f"{day(shown['first_incident_at'])} to {day(shown['last_incident_at'])}",
        [
            (
                "told",
                f"Alertmanager, {shown['incidents']} times: “{first.summary}” (and others like it)",
            ),
            (
                "Mejora",
                f"Priority {first.priority}, so the problem opened at the first of them. "
                f"{_evidence(first, 'How important is it?')}.",
            ),
            (
                "people",
                f"The cause is known: {_lower(shown['root_cause']['statement'])}. A permanent fix "
                f"is planned ({money(debt['principal']['value'])}) and put off: “{WORKAROUND}” has "
                f"carried the service for {lasting(patch['age_seconds'])}, and the day by which "
                f"that must be gone was moved {patch['promise_moves']} times.",
            ),
            (
                "Mejora",
                f"That day was {day(patch['promised_at'])}: it is overdue. The "
                f"{asked['escalated_to']} is asked, and two days later the superior role.",
            ),
            (
                "",
                "It keeps the books on the patch, as on a loan: the permanent fix would cost "
                f"{money(debt['principal']['value'])}; living without it has cost "
                f"[bold]{money(debt['interest']['value'])}[/bold] in {debt['recurrences']} "
                f"recurrences. Since {day(debt['break_even']['day'])} not fixing it has cost more "
                "than fixing it.",
            ),
            (
                "",
                f"So it puts “{proposal['title']}” on the register of improvements by itself.",
            ),
            ("events", events(happened, without=_EACH_TIME)),
        ],
    )


def _evidence(diagnosis: Diagnosis, question: str) -> str:
    because = next(it.because for it in diagnosis.evidence if it.question == question)
    return because[0].upper() + because[1:]


def _lower(sentence: str) -> str:
    return sentence[0].lower() + sentence[1:]
