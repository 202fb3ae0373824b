"""`python -m bench.accuracy DATA`: measure what the folder allows, print it, keep it as JSON."""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import orjson
import typer

from bench.accuracy import failure_point, grouping, telecom
from bench.accuracy.faults import worsen
from bench.report import ACCURACY, RESULTS
from mejora.serving import run_until_signal

app = typer.Typer(pretty_exceptions_enable=False)


class Part(NamedTuple):
    """One thing that is measured."""

    measure: Callable[[Path], Awaitable[dict[str, Any] | None]]
    """Gives the figures as they are kept; None when the folder has nothing of the kind."""
    table: Callable[[dict[str, Any]], str]
    """Gives the figures as they are printed."""


PARTS: Mapping[str, Part] = {
    "grouping": Part(partial(grouping.measure, truth="structured"), grouping.table),
    "grouping_corrected": Part(
        partial(grouping.measure, truth="structured_corrected"), grouping.table
    ),
    "failure_point": Part(failure_point.measure, failure_point.table),
    "cascades": Part(telecom.measure, telecom.table),
    "failure_point_worse": Part(partial(failure_point.measure, alter=worsen), failure_point.table),
}
_ASKED_FOR_ONLY = {"failure_point_worse"}
"""Parts that are measured when they are named."""


@app.command()
def main(
    data: Annotated[Path, typer.Argument(help="A folder of the layout of ../shared/data.")],
    parts: Annotated[list[str] | None, typer.Argument(help=f"Some of: {', '.join(PARTS)}.")] = None,
    results: Annotated[Path, typer.Option(help="The file that keeps the figures.")] = (
        RESULTS / ACCURACY
    ),
) -> None:
    """Measure how often diagnosis is right; parts without data keep what was measured before."""

    wanted = parts or [name for name in PARTS if name not in _ASKED_FOR_ONLY]
    for name in wanted:
        if name not in PARTS:
            raise typer.BadParameter(f"There is no {name!r}: {', '.join(PARTS)}.")

    async def run() -> None:
        kept = orjson.loads(results.read_bytes()) if results.is_file() else {}
        for name in wanted:
            part = PARTS[name]
            figures = await part.measure(data)
            if figures is None:
                print(f"{name}: nothing in {data} to measure it by\n")
                continue
            kept[name] = figures
            print(f"{name}\n{part.table(figures)}\n")
        results.parent.mkdir(parents=True, exist_ok=True)
        results.write_bytes(
            orjson.dumps(kept, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
        )

    run_until_signal(run())


if __name__ == "__main__":
    app()
