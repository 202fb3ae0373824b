"""The numbers: indicators, what failures cost, what was promised and kept, the debt ledger."""

from collections.abc import Iterator, Mapping
from typing import Any

from mejora.demo.page import day, facts, lasting, money, monies, percent, table
from mejora.demo.story.scene import Scene, expect

_DURATIONS = {
    "time_to_detect": "time to detect",
    "time_to_acknowledge": "time to acknowledge",
    "time_to_diagnose": "time to diagnose",
    "time_to_restore": "time to restore",
    "time_to_permanent_fix": "time to permanent fix",
}
_SHARES = {
    "internal_detection_share": "noticed inside",
    "recurrence_share": "seen before",
    "alternate_channel_share": "alternate channel",
    "known_error_share": "known error",
    "fixed_for_good_share": "fixed for good",
    "fix_success_share": "fixes that held",
}


def count_up(scene: Scene) -> None:
    """Tell what came of it all, in figures."""
    answer = scene.client.get("/improvement/v1/indicators")
    figures = answer["indicators"]
    expect(figures["fix_success_share"]["value"] == 1.0, "the one fix that was judged held")
    expect(figures["time_to_permanent_fix"]["count"] == 1, "one problem is fixed for good")
    scene.page.heading("Indicators", f"{day(answer['start'])} to {day(answer['end'])}")
    scene.page.say(
        table(
            ["indicator", "from", "to", ">cases", ">median", ">90 % within"],
            _durations(figures),
        )
    )
    scene.page.gap()
    scene.page.say(table(["share", ">value", "which is"], _shares(figures)))
    scene.page.gap()
    scene.page.say(
        table(
            ["failures noticed", ">incidents", ">lost service", ">cost", "of which"],
            _costs(figures["cost_of_failure"]),
        )
    )
    scene.page.gap()
    scene.page.say(
        table(
            ["contract", "process", ">promised", ">measured", "kept"],
            _availability(figures["availability"]),
        )
    )
    _ledger(scene)


def _durations(figures: Mapping[str, Any]) -> Iterator[list[str]]:
    for name, title in _DURATIONS.items():
        figure = figures[name]
        yield [
            title,
            figure["starts"],
            figure["ends"],
            str(figure["count"]),
            lasting(figure["median_seconds"]),
            lasting(figure["p90_seconds"]),
        ]


def _shares(figures: Mapping[str, Any]) -> Iterator[list[str]]:
    for name, title in _SHARES.items():
        figure = figures[name]
        counted = f"{figure['numerator']} of {figure['denominator']}: {figure['counted']}"
        yield [title, percent(figure["value"]), counted]


def _costs(figure: Mapping[str, Any]) -> Iterator[list[str]]:
    for side, title in (("internal", "inside first"), ("external", "by a customer first")):
        cost = figure[side]
        yield [
            title,
            str(cost["incidents"]),
            lasting(cost["lost_seconds"]),
            monies(cost["total"]),
            f"lost service {monies(cost['lost_service'])}, handling {monies(cost['handling'])}, "
            f"penalties {monies(cost['penalties'])}",
        ]


def _availability(figure: Mapping[str, Any]) -> Iterator[list[str]]:
    for served in figure["items"]:
        if served["contract"] is None or served["process"] is None:
            continue
        yield [
            served["contract"],
            served["process"],
            f"{served['promised_share']:.1%}",
            f"{served['value']:.3%}",
            "yes" if served["kept"] else "[red]no[/red]",
        ]


def _ledger(scene: Scene) -> None:
    ledger = scene.client.get("/problem/v1/debt")
    expect(len(ledger["items"]) == 1, f"one fault lives on a patch: {ledger['items']}")
    scene.page.heading("Patch debt", f"{ledger['past_break_even']} past break-even")
    for entry in ledger["items"]:
        rate, cost = entry["recurrence_rate"], entry["rate"]
        cost_range = f"{money(cost['low'])} to {money(cost['high'])}"
        rate_range = f"{rate['low']:.1f} to {rate['high']:.1f}"
        rows = [
            ["fault", f"{entry['component']}: {entry['title']}"],
            ["owner", entry["owner"]],
            [
                "workaround",
                f"“{entry['workarounds'][0]['description']}”, since {day(entry['since'])} "
                f"({lasting(entry['age_seconds'])})",
            ],
            [
                "promised",
                f"to be gone by {day(entry['promised_at'])}, a day that was moved "
                f"{entry['promise_moves']} times",
            ],
            ["principal", f"{money(entry['principal']['value'])}: what the permanent fix costs"],
            [
                "interest",
                f"{money(entry['interest']['value'])}: what {entry['recurrences']} recurrences "
                f"have cost ({_parts(entry['parts'])})",
            ],
            [
                "rate",
                f"{money(cost['per_month'])} a month ({cost_range}), from "
                f"{rate['per_month']:.1f} expected recurrences a month ({rate_range}); both "
                "ranges with 90 % probability",
            ],
            [
                "break-even",
                f"passed on {day(entry['break_even']['day'])}: since then, not fixing it has cost "
                "more than fixing it",
            ],
        ]
        scene.page.say(facts(rows))


def _parts(parts: Mapping[str, Any]) -> str:
    names = {"lost_service": "lost service", "handling": "handling", "penalties": "penalties"}
    return ", ".join(f"{title} {money(parts[name]['value'])}" for name, title in names.items())
