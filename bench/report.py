"""The table, and the files in `bench/results`."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import orjson
from rich.console import Console
from rich.table import Table

from bench.figure import Figure, Spread

RESULTS = Path(__file__).parent / "results"


def show(figures: Sequence[Figure], console: Console) -> None:
    """Print the figures: medians, and from the least to the most beside them."""
    table = Table(title="ours ÷ a limit measured beside it", title_justify="left")
    for heading in ("figure", "unit", "limit", "ours", "ratio", "must be", "besides"):
        right = heading in ("limit", "ours", "ratio", "must be")
        table.add_column(heading, justify="right" if right else "left")
    for figure in figures:
        must = "" if figure.least is None else f"≥ {figure.least:g}"
        colour = "green" if figure.holds else "red"
        table.add_row(
            figure.name,
            figure.unit,
            _told(Spread.of(figure.limit)),
            _told(Spread.of(figure.ours)),
            _told(figure.ratio),
            f"[{colour}]{must}[/]" if must else "",
            ", ".join(f"{name} {value}" for name, value in figure.notes.items()),
        )
    console.print(table)
    for limit_is in dict.fromkeys(figure.limit_is for figure in figures):
        named = ", ".join(figure.name for figure in figures if figure.limit_is == limit_is)
        console.print(f"  limit of {named}: {limit_is}", style="dim")


def _told(spread: Spread) -> str:
    least, most = _number(spread.least), _number(spread.most)
    return f"{_number(spread.median)} ({least} to {most})"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def keep(
    measured: Mapping[str, Sequence[Figure]],
    facts: Mapping[str, str | int | float],
    results: Path = RESULTS,
) -> None:
    """Write a file for each measurement, and `latest.json` with all of this run."""
    results.mkdir(parents=True, exist_ok=True)
    for name, figures in measured.items():
        _write(results / f"{name}.json", facts, figures)
    _write(results / "latest.json", facts, [f for figures in measured.values() for f in figures])


def _write(path: Path, facts: Mapping[str, str | int | float], figures: Sequence[Figure]) -> None:
    content = {"machine": facts, "figures": [figure.as_json() for figure in figures]}
    path.write_bytes(orjson.dumps(content, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
