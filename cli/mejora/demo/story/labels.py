"""Label printing fails again and again, until its cause is found, removed, and proved gone."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from rich.text import Text

from mejora.demo.client import Happened
from mejora.demo.monitor import Alert
from mejora.demo.page import day, events, lasting, moment, money, table
from mejora.demo.past import Past, minutes, written
from mejora.demo.story.scene import Scene, expect
from mejora_events.contracts.base import Channel
from mejora_events.contracts.diagnoses import Diagnosis
from mejora_events.contracts.fixes import Fix, FixState
from mejora_events.contracts.improvements import Improvement, Verdict, Window
from mejora_events.contracts.problems import OpenedBecause, Problem, ProblemState

OWNER = "Label Printing Owner"
_WORKAROUND = "print at the neighbouring depot"
_VERSION = "4.2.0"
_DEPLOYED_DAYS_AGO = 130


@dataclass(frozen=True, slots=True)
class _Time:
    """One of the times that it failed; durations are minutes since it began."""

    days_ago: int
    clock: str
    depot: str
    jobs: int
    noticed: int
    acknowledged: int
    restored: int


_TIMES = (
    _Time(200, "08:12", "depot-east", 47, 4, 11, 48),
    _Time(187, "08:31", "depot-west", 63, 5, 9, 92),
    _Time(176, "08:05", "depot-east", 51, 3, 10, 21),
    _Time(160, "08:22", "depot-north", 44, 4, 7, 12),
    _Time(149, "08:40", "depot-east", 72, 4, 8, 13),
    _Time(139, "08:17", "depot-south", 58, 3, 6, 11),
)


def labels_fixed_for_good(scene: Scene) -> None:
    """Tell of label printing, from the first alarm to what the fix was worth."""
    peak = scene.past.now + minutes(21 * 24 * 60)
    _first(scene)
    problem = _second(scene)
    _third(scene, peak)
    _cause(scene, problem, peak)
    _known_error(scene, peak)
    fix = _fixed(scene, problem, peak)
    _worth(scene, problem, fix)


def _alert(past: Past, it: _Time) -> Alert:
    return Alert(
        name="LabelJobsWait",
        component="label-printing",
        summary=f"Label jobs at {it.depot} wait longer than 10 min, {it.jobs} in the queue",
        severity="warning",
        since=past.at(it.days_ago, it.clock),
        site=it.depot,
    )


def _reported(scene: Scene, it: _Time) -> tuple[Alert, Diagnosis]:
    """Let it fail once more, and let somebody be on it."""
    alert = _alert(scene.past, it)
    incident_id = scene.people.fire(alert, alert.since + minutes(it.noticed))
    diagnosis = scene.people.diagnosis_of(incident_id)
    scene.people.acknowledge(incident_id, alert.since + minutes(it.acknowledged))
    return alert, diagnosis


def _says(alert: Alert) -> str:
    return f"Alertmanager: “{alert.summary}”"


_ASKED = (
    "Who is affected?",
    "Where did it begin?",
    "Is it bounded or generalised?",
    "Who owns it?",
    "How important is it?",
    "Was it seen before?",
)


def _first(scene: Scene) -> None:
    it = _TIMES[0]
    alert, diagnosis = _reported(scene, it)
    answered = alert.since + minutes(30)
    scene.people.answer(
        diagnosis,
        OWNER,
        answered,
        what_happened="The print queue of the depot was full",
        how=None,
        who_else="Nobody: the other depots print",
        what_changed="Nothing that we know of",
    )
    scene.people.resolve(alert, alert.since + minutes(it.restored))
    happened = scene.client.news()
    shown = [
        [it.question, it.answer, it.because] for it in diagnosis.evidence if it.question in _ASKED
    ]
    advice = diagnosis.recommendation
    expect(diagnosis.seen_before == 0, "the first incident is new")
    expect(advice.channel is Channel.RESTORE, f"restoring is tried first: {advice}")
    scene.page.step(
        "A failure comes in, and is diagnosed",
        moment(alert.since),
        [
            ("told", _says(alert)),
            ("Mejora", table(["question", "answer", "because"], shown)),
            ("advice", f"restore it the normal way: {'; '.join(advice.reasons)}"),
            (
                "people",
                f"What only people know stays open and goes to the {OWNER}, who answers "
                f"{len(diagnosis.open_questions)} questions. After {lasting(it.restored * 60)} the "
                "monitor says that labels print again.",
            ),
            ("events", events(happened)),
        ],
    )


def _second(scene: Scene) -> Problem:
    it = _TIMES[1]
    alert, diagnosis = _reported(scene, it)
    scene.people.resolve(alert, alert.since + minutes(it.restored))
    happened = scene.client.news()
    problem = scene.people.problem_of(diagnosis.signature.signature_id)
    expect(diagnosis.seen_before == 1, f"the fault was seen before: {diagnosis.seen_before}")
    expect(problem.opened_because is OpenedBecause.SECOND_INCIDENT, "the second one opens it")
    scene.page.step(
        "It comes back, and becomes a problem",
        moment(alert.since),
        [
            ("told", _says(alert)),
            (
                "Mejora",
                "Another depot, other numbers, the same fault. It was seen before, so from now on "
                "it is a [bold]problem[/bold]: somebody has to look for the cause.",
            ),
            (
                "because",
                f"both incidents read “{diagnosis.signature.template}”, and the second incident of "
                "a fault opens its problem, whatever its priority",
            ),
            ("people", f"Restored by hand after {lasting(it.restored * 60)}."),
            ("events", events(happened)),
        ],
    )
    return problem


def _third(scene: Scene, peak: datetime) -> None:
    it = _TIMES[2]
    alert, diagnosis = _reported(scene, it)
    advice = diagnosis.recommendation
    expect(advice.channel is Channel.ALTERNATE, f"the alternate channel is advised: {advice}")
    at = alert.since + minutes(it.restored)
    scene.people.apply_workaround(diagnosis, _WORKAROUND, OWNER, peak, at)
    happened = scene.client.news()
    scene.page.step(
        "The customer is served another way meanwhile",
        moment(alert.since),
        [
            ("told", _says(alert)),
            (
                "Mejora",
                f"Do not wait for the repair, take the alternate channel: “{advice.alternate}”.",
            ),
            ("because", "; ".join(advice.reasons)),
            (
                "people",
                f"Done: labels leave the depot {lasting(it.restored * 60)} after it began. But a "
                f"workaround is a patch, so it gets an owner ({OWNER}) and a day by which it must "
                f"be gone: {day(peak)}, before the peak season.",
            ),
            ("events", events(happened)),
        ],
    )


_WHYS = (
    ("Why do label jobs wait?", "The depot's print queue is full before nine."),
    ("Why is it full?", "It takes 400 jobs an hour, and mornings now bring up to 700."),
    ("Why does it take only 400?", "That limit is as old as the depot and was never raised."),
    ("Why was it never raised?", "Nothing compares limits with bookings when a shop joins."),
    ("Why not?", "The procedure for taking on a shop has no capacity check."),
)


def _cause(scene: Scene, problem: Problem, peak: datetime) -> None:
    found_at = scene.past.at(171, "14:00")
    scene.people.on_problem(
        problem,
        "root-cause",
        statement="Taking on a shop includes no check whether the print queues can carry it",
        cause_class="procedure",
        five_whys=[{"why": why, "because": because} for why, because in _WHYS],
        cause_and_effect=[
            {"cause_class": "procedure", "causes": ["no capacity check when a shop joins"]},
            {"cause_class": "capacity", "causes": ["a queue set for 400 labels an hour"]},
            {"cause_class": "system", "causes": ["no alarm before the queue is full"]},
        ],
        failure_point="label-printing",
        established_at=written(found_at),
    )
    for description, owner, done_days_ago in (
        ("Check the print queues whenever a shop joins", "Depot Operations Owner", 158),
        ("Raise an alarm when a print queue is 80 % full", "Platform Owner", 152),
    ):
        action = scene.people.on_problem(
            problem, "actions", description=description, owner=owner, due_at=written(peak)
        )
        scene.people.on_problem(
            problem,
            f"actions/{action['action_id']}/done",
            done_at=written(scene.past.at(done_days_ago, "16:00")),
        )
    happened = scene.client.news()
    now = scene.people.problem_of(problem.signature_id)
    expect(now.state is ProblemState.KNOWN_ERROR, f"it is a known error now: {now.state}")
    whys = Text("\n").join(
        Text.assemble("  " * depth, why, " ", (because, "italic"))
        for depth, (why, because) in enumerate(_WHYS)
    )
    scene.page.step(
        "Why? Five times",
        moment(found_at),
        [
            ("people", whys),
            (
                "Mejora",
                "Keeps this as structure: a cause of the class “procedure” (a cause is a system, a "
                "procedure, training, capacity, a supplier or something external, never a person), "
                f"and {len(now.actions)} actions with owners and dates, both done since.",
            ),
            (
                "",
                "The problem is a [bold]known error[/bold] now: its cause is known, and a "
                "workaround has carried it.",
            ),
            ("events", events(happened)),
        ],
    )


def _known_error(scene: Scene, peak: datetime) -> None:
    for count, it in enumerate(_TIMES[3:], 1):
        alert, diagnosis = _reported(scene, it)
        known = diagnosis.known_error
        expect(known is not None, "the known error is recognised when it is reported")
        if known is not None:
            expect((known.tried, known.worked) == (count, count), f"{count} of {count}: {known}")
        at = alert.since + minutes(it.restored)
        scene.people.apply_workaround(diagnosis, _WORKAROUND, OWNER, peak, at)
    happened = scene.client.news()
    first, last = _TIMES[3], _TIMES[-1]
    before = " and ".join(lasting(it.restored * 60) for it in _TIMES[:2])
    after = ", ".join(lasting(it.restored * 60) for it in _TIMES[3:])
    scene.page.step(
        "Three more times, and each time it is recognised",
        f"{day(scene.past.at(first.days_ago, first.clock))} to "
        f"{day(scene.past.at(last.days_ago, last.clock))}",
        [
            (
                "Mejora",
                "Names the known error and its workaround in the first diagnosis, with its record: "
                "it worked 1 of 1 times, 2 of 2, 3 of 3.",
            ),
            ("people", f"Labels leave after {after}, instead of {before} before it was known."),
            ("events", events(happened)),
        ],
    )


def _fixed(scene: Scene, problem: Problem, peak: datetime) -> Fix:
    planned_at = scene.past.at(146, "10:00")
    deployed_at = scene.past.at(_DEPLOYED_DAYS_AGO, "19:30")
    scene.people.on_problem(
        problem,
        "fixes",
        description="The print queue grows with the bookings of the day before",
        carried_by=_VERSION,
        component="label-printing",
        owner=OWNER,
        estimated_cost={"amount": "6500", "currency": "EUR"},
        planned_at=written(planned_at),
        due_at=written(peak),
    )
    scene.people.tell(
        "/diagnosis/v1/changes",
        component="label-printing",
        version=_VERSION,
        description="Queue size follows bookings",
        changed_by="delivery pipeline",
        changed_at=written(deployed_at),
    )
    happened = scene.client.news()
    shown = scene.client.get(f"/problem/v1/problems/{problem.problem_id}")
    fix = Fix.model_validate(shown["fixes"][0])
    expect(shown["state"] == ProblemState.RESOLVED, f"the problem is resolved: {shown['state']}")
    expect(fix.state is FixState.VERIFIED, f"the fix is verified: {fix.state}")
    _tell_fix(scene, fix, happened)
    return fix


def _tell_fix(scene: Scene, fix: Fix, happened: Sequence[Happened]) -> None:
    proof, until = fix.proof, fix.observe_until
    if proof is None or until is None or fix.deployed_at is None or fix.verified_at is None:
        expect(False, f"a verified fix has its proof: {fix}")
        return
    ended = {event.type for event in happened}
    for wanted in ("fix.verified", "problem.resolved", "workaround.retired", "incident.closed"):
        expect(wanted in ended, f"{wanted} was told of")
    began = [event for event in happened if event.type in _BEGINNING]
    rest = [event for event in happened if event.type not in _BEGINNING]
    window = (until - fix.deployed_at).total_seconds()
    scene.page.step(
        "A permanent fix is deployed",
        moment(fix.deployed_at),
        [
            (
                "people",
                f"Planned on {day(fix.planned_at)}: “{fix.description}”, as label-printing "
                f"{fix.carried_by}, for about {_amount(fix)}. The pipeline tells of every change "
                "it makes; this is the one that carries the fix.",
            ),
            (
                "Mejora",
                f"Counts it as deployed, and announces that same day: [bold]{lasting(window)} "
                "without a recurrence[/bold] would be proof.",
            ),
            (
                "because",
                f"it came back {proof.incidents_before} times in the "
                f"{lasting(proof.exposure_before_seconds)} from the first time to the deployment; "
                "the rarer a fault, the longer its silence must be",
            ),
            ("events", events(began)),
        ],
    )
    scene.page.step(
        "The proof: it held",
        moment(fix.verified_at),
        [
            (
                "Mejora",
                "The window has passed in silence: the fix is [bold]verified[/bold]. By that the "
                "problem is resolved, its workarounds are retired and its incidents closed.",
            ),
            ("because", proof.reason),
            ("events", events(rest)),
        ],
    )


_BEGINNING = ("fix.planned", "change.recorded", "fix.deployed")


def _amount(fix: Fix) -> str:
    return money(fix.estimated_cost.model_dump(mode="json") if fix.estimated_cost else None)


def _worth(scene: Scene, problem: Problem, fix: Fix) -> None:
    deployed = written(fix.deployed_at) if fix.deployed_at else ""
    proposed = scene.people.tell(
        "/improvement/v1/improvements",
        title="Labels that print in the morning",
        why="Hartmann Optics was promised the same day, and paid for our print queue",
        indicator="incidents_per_month",
        problem_id=str(problem.problem_id),
        owner=OWNER,
        target=0.2,
        proposed_at=deployed,
    )
    path = f"/improvement/v1/improvements/{proposed['improvement_id']}"
    scene.people.tell(f"{path}/approve", approved_at=deployed)
    measured = scene.people.tell(f"{path}/measure")
    improvement = Improvement.model_validate(measured)
    worth = "Hartmann Optics renewed the same-day contract, 180,000 EUR a year"
    scene.people.tell(f"{path}/realise", worth=worth)
    happened = scene.client.news()
    before, after, why = improvement.baseline, improvement.result, improvement.comparison
    expect(improvement.verdict is Verdict.IMPROVED, f"it got better: {improvement.verdict}")
    if before is None or after is None or why is None:
        expect(False, "an improvement that was measured has both its windows")
        return
    scene.page.step(
        "What it was worth",
        f"{day(after.start)} to {day(after.end)}",
        [
            (
                "Mejora",
                f"Measures before and after: {before.value or 0:.1f} incidents a month in the 90 "
                f"days before, {after.value or 0:.1f} in the {lasting(_seconds(after))} since. "
                f"Verdict: [bold]{improvement.verdict}[/bold].",
            ),
            ("because", why.reason),
            ("people", f"{worth}."),
            ("events", events(happened)),
        ],
    )


def _seconds(window: Window) -> float:

    return (window.end - window.start).total_seconds()
