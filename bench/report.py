"""The table, and the files in `bench/results`."""

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson
from rich.console import Console
from rich.table import Table

from bench.figure import Figure

RESULTS = Path(__file__).parent / "results"

ACCURACY = "accuracy.json"
"""Written by `make accuracy`, which measures how often diagnosis is right."""
_LATEST = "latest.json"
_HEADINGS = ("figure", "unit", "limit", "ours", "ratio", "from–to", "want")
_LEGEND = "ratio: ours ÷ limit, the median of the rounds; ↑ more is better, ↓ less is"
_PAGE = """# The last results

Written by `make bench`; what the figures are and how to read them is in
[docs/benchmarks.md](../../docs/benchmarks.md).

| {headings} | measured |
| --- | --- | --: | --: | --: | --: | --- | --- |
{rows}

{legend}.

{details}

The last run was on {machine}.
"""


def show(figures: Sequence[Figure], console: Console) -> None:
    """Print the figures: medians, and how far the rounds' ratios reach; details beneath."""
    shown = [figure.as_json() for figure in figures]
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    for heading in _HEADINGS:
        right = heading in ("limit", "ours", "ratio", "from–to")
        table.add_column(heading, justify="right" if right else "left", no_wrap=True)
    for figure, one in zip(figures, shown, strict=True):
        *cells, want = _cells(one)
        colour = "green" if figure.holds else "red"
        table.add_row(*cells, want if figure.least is None else f"[{colour}]{want}[/]")
    console.print(table)
    for line in (_LEGEND, *_details(shown)):
        wrapped = textwrap.fill(line, console.width - 1, subsequent_indent="  ")
        console.print(wrapped, style="dim", highlight=False, markup=False)


def keep(
    measured: Mapping[str, Sequence[Figure]],
    facts: Mapping[str, str | int | float],
    results: Path = RESULTS,
) -> None:
    """Write a file for each measurement, `latest.json` with all of this run, and a page of all."""
    results.mkdir(parents=True, exist_ok=True)
    for name, figures in measured.items():
        _write(results / f"{name}.json", facts, figures)
    _write(results / _LATEST, facts, [f for figures in measured.values() for f in figures])
    _write_page(results)


def _write(path: Path, facts: Mapping[str, str | int | float], figures: Sequence[Figure]) -> None:
    content = {"machine": facts, "figures": [figure.as_json() for figure in figures]}
    path.write_bytes(orjson.dumps(content, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))


def _write_page(results: Path) -> None:
    """Write what all files say, each with the day of its own run."""
    others = (_LATEST, ACCURACY)
    files = [path for path in sorted(results.glob("*.json")) if path.name not in others]
    runs = [orjson.loads(path.read_bytes()) for path in files]
    rows = [
        f"| {' | '.join((*_cells(one), run['machine']['measured_at'][:10]))} |"
        for run in runs
        for one in run["figures"]
    ]
    machine = orjson.loads((results / _LATEST).read_bytes())["machine"]
    page = _PAGE.format(
        headings=" | ".join(_HEADINGS),
        rows="\n".join(rows),
        legend=_LEGEND,
        details="\n".join(
            f"- {line}" for line in _details([f for r in runs for f in r["figures"]])
        ),
        machine=", ".join(f"{k}: {v}" for k, v in machine.items() if k != "measured_at"),
    )
    (results / "README.md").write_text(page, encoding="utf-8")


def _cells(figure: Mapping[str, Any]) -> tuple[str, ...]:
    """Give a figure's row, under `_HEADINGS`."""
    ratio = figure["ratio"]
    direction = "↓" if figure["better"] == "lower" else "↑"
    return (
        figure["name"],
        figure["unit"],
        _number(figure["limit"]["median"]),
        _number(figure["ours"]["median"]),
        _number(ratio["median"]),
        f"{_number(ratio['least'], 2)}–{_number(ratio['most'], 2)}" if figure["rounds"] > 1 else "",
        f"≥ {figure['at_least']:g}" if "at_least" in figure else direction,
    )


def _details(figures: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Say what the limits are, and what else was noted."""
    for limit_is in dict.fromkeys(figure["limit_is"] for figure in figures):
        named = ", ".join(figure["name"] for figure in figures if figure["limit_is"] == limit_is)
        yield f"limit of {named}: {limit_is}"
    for figure in figures:
        if notes := ", ".join(f"{name} {value}" for name, value in figure["notes"].items()):
            yield f"{figure['name']}: {notes}"


def _number(value: float, digits: int = 3) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.{digits}g}"
