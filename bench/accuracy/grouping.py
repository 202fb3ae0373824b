"""How well signatures group texts: grouping accuracy over log files whose true groups are known.

A text is right if and only if the texts of its group are exactly those of its true group (Zhu et
al., "Tools and Benchmarks for Automated Log Parsing", ICSE-SEIP 2019). The texts come one after the
other, as incidents do, and what counts is the signature that each was given when it came.
"""

import csv
from collections import defaultdict
from collections.abc import Hashable, Sequence
from pathlib import Path

from mejora_diagnosis.model.signature import sign

AVERAGE = "average"


async def measure(data: Path, truth: str) -> dict[str, float] | None:
    """Give the grouping accuracy of each system that has the truth asked for, and their average.

    `truth` names the files: `structured` has the groups that published figures are measured by,
    `structured_corrected` the reviewed ones.
    """
    files = sorted((data / "loghub").glob(f"*/*_{truth}.csv"))
    figures = {path.parent.name: _of_file(path) for path in files}
    if not figures:
        return None
    return {**figures, AVERAGE: round(sum(figures.values()) / len(figures), 4)}


def table(figures: dict[str, float]) -> str:
    """Give a line for each system, and the average last."""
    width = max(map(len, figures))
    return "\n".join(f"  {name:<{width}}  {value:.4f}" for name, value in figures.items())


def grouping_accuracy(given: Sequence[Hashable], true: Sequence[Hashable]) -> float:
    """Give the share of texts whose group is exactly their true group."""
    ours, theirs = _groups(given), _groups(true)
    right = sum(len(group) for group in ours.values() if theirs[true[group[0]]] == group)
    return right / len(given)


def _groups(names: Sequence[Hashable]) -> dict[Hashable, list[int]]:
    groups = defaultdict(list)
    for number, name in enumerate(names):
        groups[name].append(number)
    return groups


def _of_file(path: Path) -> float:
    with path.open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    system = path.parent.name
    given = [sign(system, line["Content"]).signature_id for line in lines]
    return round(grouping_accuracy(given, [line["EventId"] for line in lines]), 4)
