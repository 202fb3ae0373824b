"""The rules by which reports are told apart: what fails now, and accounts of what failed."""

from datetime import datetime

from mejora_intake.sources.reading import digest


def failure_reported(
    component: str, summary: str, *, entry: str, started_at: datetime | None
) -> str:
    """Name the failure that a report is about: its fingerprint.

    Who says what fails now, in the same words as somebody else, speaks of the same failure. Who
    says when it started as well gives an account of one failure. Another account is one of another
    failure, however alike their words: each entry of a log of incidents has its own id, and
    without an id it is the start that tells them apart. An entry that is told again, now with its
    end, is still the same.
    """
    if started_at is None:
        return digest(component.lower(), summary.lower())
    if entry:
        return digest("entry", entry)
    return digest(component.lower(), summary.lower(), started_at.isoformat())
