"""How the story looks in a terminal: steps, tables, and figures in words, at 100 columns."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from mejora.demo.client import Happened

WIDTH = 100
_LABEL_WIDTH = 9

Told = str | Text | RenderableType


class Page:
    """The terminal, or a file that its output goes to."""

    def __init__(self) -> None:
        console = Console(highlight=False)
        console.width = min(console.width, WIDTH) if console.is_terminal else WIDTH
        self._console = console
        self._steps = 0

    def say(self, told: Told) -> None:
        """Write a paragraph or a table."""
        self._console.print(Padding(told, (0, 0, 0, 1), expand=False))

    def gap(self) -> None:
        """Leave a line empty."""
        self._console.print()

    def line(self, told: str) -> None:
        """Write a line that is never broken, so that it can be copied whole."""
        self._console.print(Text(told), soft_wrap=True)

    def heading(self, title: str, aside: str = "") -> None:
        """Begin a part of the story."""
        line = Text.assemble(("── ", "cyan"), (title, "bold"), " ")
        end = f" {aside} ──" if aside else ""
        line.append("─" * max(2, self._console.width - line.cell_len - len(end)), "cyan")
        line.append(end, "cyan")
        self._console.print()
        self._console.print(line, overflow="crop", no_wrap=True)

    def step(self, title: str, aside: str, rows: Sequence[tuple[str, Told]]) -> None:
        """Tell a step: rows of a label and what there is to say."""
        self._steps += 1
        self.heading(f"{self._steps}  {title}", aside)
        grid = Table.grid(padding=(0, 1))
        grid.add_column(width=_LABEL_WIDTH, style="cyan", justify="right")
        grid.add_column(ratio=1)
        for label, told in rows:
            grid.add_row(label, told)
        self._console.print(Padding(grid, (0, 1, 0, 0), expand=False))


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    """Give a table without noise: a heading and lines; `>` before a name puts figures right."""
    written = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=False)
    for column in columns:
        right = column.startswith(">")
        written.add_column(column.removeprefix(">"), justify="right" if right else "left")
    for row in rows:
        written.add_row(*row)
    return written


def facts(rows: Iterable[Sequence[str]]) -> Table:
    """Give a table of names and what they are."""
    written = Table.grid(padding=(0, 2, 0, 0))
    written.add_column(style="dim")
    written.add_column()
    for row in rows:
        written.add_row(*row)
    return written


def events(happened: Sequence[Happened], *, without: Iterable[str] = ()) -> Text:
    """Tell which events carried a step: each chain with what caused what, in order of time."""
    left_out = set(without)
    shown = [event for event in happened if event.type not in left_out]
    ids = {event.event_id for event in shown}
    caused = defaultdict[str, list[Happened]](list)
    for event in shown:
        if event.caused_by in ids:
            caused[event.caused_by or ""].append(event)
    roots = sorted((it for it in shown if it.caused_by not in ids), key=lambda it: it.time)
    chains = Counter(_chain(root, caused) for root in roots)
    return Text("; ".join(_times(chain, count) for chain, count in chains.items()), style="green")


def _chain(root: Happened, caused: Mapping[str, Sequence[Happened]]) -> str:
    """Write what an event led to, wave by wave."""
    told, wave = [], [root]
    while wave:
        types = Counter(event.type for event in wave)
        told.append(" + ".join(_times(name, count) for name, count in sorted(types.items())))
        wave = [event for cause in wave for event in caused.get(cause.event_id, ())]
    return " → ".join(told)


def _times(told: str, count: int) -> str:
    if count == 1:
        return told
    return f"{count} × ({told})" if " → " in told else f"{count} × {told}"


def day(time: datetime | str) -> str:
    """Write a day: 6 May 2026."""
    time = _time(time)
    return f"{time.day} {time:%b %Y}"


def moment(time: datetime | str) -> str:
    """Write a moment: 6 May 2026, 08:14."""
    return f"{day(time)}, {_time(time):%H:%M}"


def _time(time: datetime | str) -> datetime:
    return datetime.fromisoformat(time) if isinstance(time, str) else time


def lasting(seconds: float | None) -> str:
    """Write how long something lasts, as a person would: 48 min, 1 h 36 min, 95 days."""
    if seconds is None:
        return "–"
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 48 * 60:
        hours, rest = divmod(minutes, 60)
        return f"{hours} h {rest} min" if rest else f"{hours} h"
    return f"{seconds / 86_400:.0f} days"


def money(given: Mapping[str, Any] | None) -> str:
    """Write an amount: 5,200 EUR."""
    if given is None:
        return "–"
    return f"{float(given['amount']):,.0f} {given['currency']}"


def monies(given: Sequence[Mapping[str, Any]]) -> str:
    """Write amounts in several currencies."""
    return " and ".join(money(it) for it in given) or "–"


def percent(value: float | None) -> str:
    """Write a share."""
    return "–" if value is None else f"{value:.0%}"
