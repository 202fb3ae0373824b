"""`python -m bench [names] [--quick]`: measure, print the table, write `bench/results`."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from bench.measurements import MEASUREMENTS, measure
from bench.report import RESULTS, keep, show
from bench.scale import FULL, QUICK
from mejora.serving import run_until_signal

app = typer.Typer(pretty_exceptions_enable=False)


@app.command()
def main(
    names: Annotated[
        list[str] | None, typer.Argument(help=f"Some of: {', '.join(MEASUREMENTS)}.")
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="See that all runs; the figures mean nothing.")
    ] = False,
    results: Annotated[
        Path | None, typer.Option(help="Where the files go; a quick run writes none unless told.")
    ] = None,
) -> None:
    """Measure the hot paths, each against a limit measured in the same run."""
    wanted = names or list(MEASUREMENTS)
    for name in wanted:
        if name not in MEASUREMENTS:
            raise typer.BadParameter(f"There is no {name!r}: {', '.join(MEASUREMENTS)}.")
    console = Console()

    async def run() -> None:
        measured, facts = await measure(wanted, QUICK if quick else FULL, console.log)
        show([figure for figures in measured.values() for figure in figures], console)
        if results or not quick:
            keep(measured, facts, results or RESULTS)

    run_until_signal(run())


if __name__ == "__main__":
    app()
