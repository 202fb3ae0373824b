"""Whatever comes and whatever people do, in any order: the laws of an incident's life hold.

Hypothesis makes up signals, reports, silences and commands and gives them to intake over HTTP on
a real PostgreSQL. Events stay in the outbox, since there is no broker.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any, ClassVar
from uuid import uuid4

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from mejora_events.clock import SetClock
from mejora_events.sql import from_json, rows
from mejora_intake.api.waking import wake_failures
from mejora_intake.model import FLAPPED
from support.servers import Postgres
from support.whole import Whole, a_whole

INCIDENTS = "/intake/v1/incidents"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
WINDOW_SECONDS = 300.0
NO_BROKER = "postgresql+asyncpg://nobody@127.0.0.1:9/none"
MONITORS = ("probe", "watch")
COUNTED = ("opened", "repeated", "reopened")
FAILING = ("reported", "acknowledged")

# What the timeline calls what events tell of.
TOLD_AS = {
    "reported": {"opened", "split"},
    "changed": {"repeated", "merged", "split"},
    "acknowledged": {"acknowledged"},
    "restored": {"restored", "restored (restore)", "restored (alternate)"},
    "reopened": {"reopened"},
    "closed": {"closed", "merged"},
}
TOLD_BY_NO_EVENT = {"comment", "silence over"}

_SIGNALS = """
select source, signal_id, fingerprint, disposition, incident_id, rule from signal
where component = any(cast(:components as text[]))
"""

_INCIDENTS = """
select incident_id from incident where component = any(cast(:components as text[]))
order by incident_id
"""

# Failures that are with an incident of which none of their signals is an occurrence.
_STRAYED = """
select source, fingerprint from failure f
where source = any(cast(:sources as text[])) and not exists (
    select from signal s
    where s.incident_id = f.incident_id and s.source = f.source and s.fingerprint = f.fingerprint
      and s.disposition = any(cast(:counted as text[])))
"""

_EVENTS = """
select key, headers ->> 'ce_type' as type, convert_from(value, 'UTF8') as value from outbox
where key = any(cast(:incident_ids as text[])) order by seq
"""

COMMANDS = ("acknowledge", "restore", "alternate", "reopen", "close", "comments")

told_minutes = st.sampled_from([None, None, -90.0, -5.0, -1.0, 0.0, 1.0, 60.0])
odd = st.sampled_from(["0001-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
moments = st.one_of(told_minutes, told_minutes, told_minutes, odd)
which = st.integers(0, 5)
"""Counted from the newest."""
a_told_signal = st.fixed_dictionaries(
    {
        "source": st.sampled_from(MONITORS),
        "fingerprint": st.sampled_from("ab"),
        "component": st.sampled_from([0, 0, 1]),
        "state": st.sampled_from(["firing", "firing", "firing", "resolved"]),
        "severity": st.sampled_from(["warning", "unknown", "critical"]),
        "origin": st.sampled_from(["internal"] * 5 + ["customer"]),
        "started_at": moments,
        "ended_at": moments,
    }
)


class Life(RuleBasedStateMachine):
    """Some components, whose failures nobody else knows."""

    intake: ClassVar[Whole]
    clock: ClassVar[SetClock]
    loop: ClassVar[asyncio.AbstractEventLoop]

    def __init__(self) -> None:
        super().__init__()
        self.name = uuid4().hex
        self.components = [f"{self.name} 0", f"{self.name} 1"]
        self.sent: list[dict[str, Any]] = []
        self.accepted: set[tuple[str, str]] = set()
        self.incidents: list[str] = []
        self.silence = ""
        self.parted: set[str] = set()
        """Incidents that people merged or split: their own failure may be with another."""
        self.shown: dict[str, Any] = {}
        """Incidents as they were last."""

    def do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(30)

    def post(self, path: str, body: Any) -> Any:
        """Post something that is done, or that the incident's state does not allow."""
        answer = self.do(self.intake.client.post(path, json=body))
        assert answer.is_success or answer.status_code in (409, 422), answer.text
        return answer.json() if answer.is_success else None

    def at(self, told: float | str | None) -> str | None:
        if told is None or isinstance(told, str):
            return told
        return (self.clock.now() + timedelta(minutes=told)).isoformat()

    def a_signal(self, told: dict[str, Any]) -> dict[str, Any]:
        return told | {
            "id": uuid4().hex,
            "source": f"{told['source']} {self.name}",
            "component": self.components[told["component"]],
            "summary": "It fails",
            "started_at": self.at(told["started_at"]),
            "ended_at": self.at(told["ended_at"]),
        }

    @rule(told=st.lists(a_told_signal, min_size=1, max_size=6), again=st.lists(which, max_size=2))
    def signals_come(self, told: list[dict[str, Any]], again: list[int]) -> None:
        new = [self.a_signal(one) for one in told]
        old = [newest(self.sent, n) for n in again if self.sent]
        self.take_in("/intake/v1/signals", old + new + new[:1])
        self.sent += new

    def take_in(self, path: str, body: Any) -> None:
        taken = self.post(path, body)
        assert taken is not None
        named = body if isinstance(body, list) else [body] * len(taken["signals"])
        for one, became in zip(named, taken["signals"], strict=True):
            assert became["rule"] and became["disposition"] != "rejected"
            self.accepted.add((one.get("source", "report"), became["id"]))

    @rule(
        component=st.sampled_from([0, 1]),
        staff=st.booleans(),
        started=told_minutes,
        ended=told_minutes,
    )
    def somebody_reports(
        self, component: int, staff: bool, started: float | None, ended: float | None
    ) -> None:
        report = {
            "component": self.components[component],
            "summary": "I cannot use it",
            "origin": "internal" if staff else "customer",
            "started_at": self.at(started),
            "ended_at": self.at(ended),
        }
        self.take_in("/intake/v1/reports", report)

    @precondition(lambda self: self.incidents)
    @rule(n=which, commands=st.lists(st.sampled_from(COMMANDS), min_size=1, max_size=3))
    def somebody_does(self, n: int, commands: list[str]) -> None:
        for command in commands:
            self.command(newest(self.incidents, n), command, None)

    @precondition(lambda self: self.incidents)
    @rule(n=which, command=st.sampled_from(COMMANDS), at=told_minutes)
    def somebody_did(self, n: int, command: str, at: float | None) -> None:
        self.command(newest(self.incidents, n), command, at)

    @precondition(lambda self: self.ended())
    @rule(n=which)
    def somebody_reopens(self, n: int) -> None:
        self.command(newest(self.ended(), n), "reopen", None)

    @precondition(lambda self: self.ended())
    @rule(n=which)
    def what_ended_fails_again(self, n: int) -> None:
        ended = self.shown[newest(self.ended(), n)]
        if ended["source"].endswith(self.name):
            signal = {name: ended[name] for name in ("source", "fingerprint", "component")}
            self.take_in("/intake/v1/signals", [signal | {"id": uuid4().hex, "summary": "Again"}])

    def ended(self) -> list[str]:
        return [one for one in self.incidents if self.shown[one]["state"] not in FAILING]

    def command(self, incident_id: str, command: str, at: float | None) -> None:
        path, body = command, {"note": "as it is", "at": self.at(at)}
        if command == "alternate":
            path, body = "restore", body | {"channel": "alternate"}
        if command == "comments":
            body = {"text": "somebody says something"}
        done = self.post(f"{INCIDENTS}/{incident_id}/{path}", body)
        if done is not None:
            told = "comment" if command == "comments" else path
            assert any(
                entry["what"].startswith(told) and entry["actor"].startswith("key:")
                for entry in done["timeline"]
            )

    @precondition(lambda self: self.incidents)
    @rule(n=which, into=which)
    def somebody_merges(self, n: int, into: int) -> None:
        one, other = (newest(self.incidents, k) for k in (n, into))
        if self.post(f"{INCIDENTS}/{one}/merge", {"into": other}) is not None:
            self.parted |= {one, other}

    @precondition(lambda self: self.incidents)
    @rule(n=which, by_fingerprint=st.booleans())
    def somebody_splits(self, n: int, by_fingerprint: bool) -> None:
        incident_id = newest(self.incidents, n)
        listed = self.do(self.intake.get(f"{INCIDENTS}/{incident_id}/signals"))["items"]
        if not listed:
            return
        one = listed[n % len(listed)]
        named = {"signals": [{"source": one["source"], "id": one["id"]}]}
        body: dict[str, Any] = {"fingerprints": [one["fingerprint"]]} if by_fingerprint else named
        done = self.post(f"{INCIDENTS}/{incident_id}/split", body)
        if done is not None:
            self.parted |= {incident_id, done["incident_id"]}

    @precondition(lambda self: not self.silence)
    @rule(component=st.sampled_from([0, 1]))
    def somebody_declares_a_silence(self, component: int) -> None:
        silence = {"components": [self.components[component]], "reason": "new disks"}
        done = self.post("/intake/v1/silences", silence | {"ends_at": self.at(30)})
        self.silence = done["silence_id"]

    @precondition(lambda self: self.silence)
    @rule()
    def somebody_ends_a_silence(self) -> None:
        self.post(f"/intake/v1/silences/{self.silence}/end", None)
        self.silence = ""
        self.do(self._wake())

    @rule(passing=st.sampled_from([1.0, 4.0, 6.0, 61.0]))
    def time_passes(self, passing: float) -> None:
        self.clock.at += timedelta(minutes=passing)

    async def _wake(self) -> None:
        async with self.intake.runtimes["intake"].store.begin(actor="mejora") as work:
            await wake_failures(work, flap_window_seconds=WINDOW_SECONDS)

    @invariant()
    def the_laws_hold(self) -> None:
        self.do(self._look())

    async def _look(self) -> None:
        async with self.intake.runtimes["intake"].store.read() as conn:
            signals = await rows(conn, _SIGNALS, components=self.components)
            found = await rows(conn, _INCIDENTS, components=self.components)
            self.incidents = [str(r["incident_id"]) for r in found]
            events = await rows(conn, _EVENTS, incident_ids=self.incidents)
            sources = [f"{one} {self.name}" for one in MONITORS]
            strayed = await rows(conn, _STRAYED, sources=sources, counted=COUNTED)
        assert not strayed
        incidents = [await self.intake.get(f"{INCIDENTS}/{one}") for one in self.incidents]
        self.all_is_kept_and_counts_add_up(signals, incidents)
        self.a_failure_is_open_once(incidents)
        told = defaultdict(list)
        for r in events:
            told[r["key"]].append((r["type"].split(".")[2], from_json(r["value"])["incident"]))
        for incident in incidents:
            no_time_runs_backwards(incident)
            a_flap_is_soon(incident)
            events_and_timeline_tell_alike(incident, told[incident["incident_id"]])
            self.history_stays(incident)

    def all_is_kept_and_counts_add_up(self, signals: Any, incidents: list[Any]) -> None:
        assert {(s["source"], s["signal_id"]) for s in signals} == self.accepted
        counted = Counter(str(s["incident_id"]) for s in signals if s["disposition"] in COUNTED)
        assert {
            i["incident_id"]: i["occurrences"] for i in incidents if i["occurrences"]
        } == counted
        acted = Counter(
            (s["source"], s["signal_id"]) for s in signals if "(silence " not in s["rule"]
        )
        assert max(acted.values(), default=0) <= 1

    def a_failure_is_open_once(self, incidents: list[Any]) -> None:
        open_ones = Counter(
            (i["source"], i["fingerprint"])
            for i in incidents
            if i["state"] in FAILING and i["incident_id"] not in self.parted
        )
        assert max(open_ones.values(), default=0) <= 1

    def history_stays(self, incident: Any) -> None:
        before = self.shown.get(incident["incident_id"], {"timeline": [], "closed_at": None})
        assert not entries_of(before) - entries_of(incident)
        if before["closed_at"] and before["version"] == incident["version"]:
            assert before["occurrences"] == incident["occurrences"], "a closed one absorbs nothing"
        self.shown[incident["incident_id"]] = incident


def newest(known: list[Any], n: int) -> Any:
    return known[-1 - n % len(known)]


def entries_of(incident: Any) -> Counter[tuple[str, ...]]:
    return Counter(tuple(entry.values()) for entry in incident["timeline"])


def a_flap_is_soon(incident: Any) -> None:
    back_at = None
    for entry in incident["timeline"]:
        at = datetime.fromisoformat(entry["at"])
        if entry["what"] == "reopened" and entry["note"].startswith(FLAPPED):
            assert back_at is not None and at - back_at < timedelta(seconds=WINDOW_SECONDS)
        if entry["what"].startswith("restored"):
            back_at = at


def no_time_runs_backwards(incident: Any) -> None:
    assert incident["lost_seconds"] >= 0
    assert (incident["failing_since"] is not None) == (incident["state"] in FAILING)
    for earlier, later in (
        ("started_at", "restored_at"),
        ("reported_at", "acknowledged_at"),
        ("restored_at", "closed_at"),
        ("started_at", "failing_since"),
    ):
        if incident[earlier] and incident[later]:
            assert incident[later] >= incident[earlier], (earlier, later, incident)


def events_and_timeline_tell_alike(incident: Any, events: list[tuple[str, Any]]) -> None:
    entries = [e for e in incident["timeline"] if e["what"] not in TOLD_BY_NO_EVENT]
    assert all(entry["actor"] for entry in incident["timeline"])
    assert len(entries) == len(events), (entries, [name for name, _ in events])
    whats = Counter(entry["what"] for entry in entries)
    for name, _ in events:
        what = next((w for w in TOLD_AS[name] if whats[w] > 0), None)
        assert what is not None, (name, entries)
    versions = [told["version"] for _, told in events]
    assert versions == sorted(set(versions)), versions
    newest = events[-1][1]
    for name, value in newest.items():
        if name != "occurrences":
            assert incident[name] == value, (name, events[-1][0])
    lost = [told["lost_seconds"] for _, told in events]
    assert all(later >= earlier for earlier, later in pairwise(lost))


async def test_whatever_happens_the_laws_of_an_incident_s_life_hold(postgres: Postgres) -> None:
    Life.clock, Life.loop = SetClock(NOON), asyncio.get_running_loop()
    async with a_whole(postgres, "intake", broker_url=NO_BROKER, clock=Life.clock) as whole:
        Life.intake = whole
        await asyncio.to_thread(
            run_state_machine_as_test,
            Life,
            settings=settings(
                max_examples=30,
                stateful_step_count=25,
                deadline=None,
                derandomize=True,
                suppress_health_check=list(HealthCheck),
            ),
        )
