"""What an audit found, for people and for programs."""

from collections import Counter
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from mejora.audit.findings import Finding, Kind
from mejora.audit.looks import Outcome

_MOST_LISTED = 50
_STYLES = {Kind.PARKED: "yellow", Kind.WAITING: "yellow"}


def show(outcome: Outcome, console: Console, *, allow_parked: bool) -> None:
    """Print the comparisons as a table, and a line for each finding."""
    table = Table(title="What was accepted, told and taken", title_justify="left")
    table.add_column("compared")
    table.add_column("how many", justify="right")
    for kind in Kind:
        table.add_column(kind.value, justify="right")
    standing = Counter((_check_of(outcome, f), f.kind) for f in outcome.findings)
    for check in outcome.checks:
        counts = [standing[(check.name, kind)] for kind in Kind]
        table.add_row(check.name, f"{check.compared:,}", *(f"{n:,}" if n else "" for n in counts))
    console.print(table)
    _list(console, outcome.findings)
    if outcome.under_way:
        console.print(f"{len(outcome.under_way):,} things are still on their way:")
        _list(console, outcome.under_way)
    wrong = len(outcome.standing(allow_parked=allow_parked))
    if wrong:
        console.print(f"[bold red]{wrong:,} things are not as they should be.[/]")
    else:
        console.print("[bold green]Nothing is lost and nothing is doubled.[/]")


def _check_of(outcome: Outcome, finding: Finding) -> str:
    return next((c.name for c in outcome.checks if finding in c.findings), "")


def _list(console: Console, findings: tuple[Finding, ...]) -> None:
    for finding in findings[:_MOST_LISTED]:
        style = _STYLES.get(finding.kind, "red")
        what = f"{finding.service}: {finding.thing} {finding.id}"
        detail = f" ({finding.detail})" if finding.detail else ""
        console.print(
            f"[{style}]{finding.kind.value:<9}[/] {escape(what + detail)}",
            soft_wrap=True,
            highlight=False,
        )
    if len(findings) > _MOST_LISTED:
        console.print(f"… and {len(findings) - _MOST_LISTED:,} more; --json lists all.")


def as_json(outcome: Outcome, *, allow_parked: bool) -> dict[str, Any]:
    """Give the whole outcome as JSON has it."""
    return {
        "clean": not outcome.standing(allow_parked=allow_parked),
        "looks": outcome.looks,
        "compared": {check.name: check.compared for check in outcome.checks},
        "findings": [_finding(finding) for finding in outcome.findings],
        "under_way": [_finding(finding) for finding in outcome.under_way],
    }


def _finding(finding: Finding) -> dict[str, str]:
    return {
        "kind": finding.kind.value,
        "service": finding.service,
        "thing": finding.thing,
        "id": finding.id,
        "detail": finding.detail,
    }
