"""Times as people write them."""

import re
from datetime import UTC, datetime, timedelta

from mejora_events.contracts.base import in_utc

_ZONES = {
    0: "UTC GMT UT Z WET",
    1: "BST CET WEST MEZ WAT",
    2: "CEST EET SAST MESZ CAT IDT",
    3: "EEST MSK EAT TRT",
    4: "GST",
    5: "PKT",
    5.5: "IST",
    7: "WIB ICT",
    8: "SGT HKT AWST",
    9: "JST KST",
    9.5: "ACST",
    10: "AEST",
    11: "AEDT",
    12: "NZST",
    13: "NZDT",
    -3: "BRT ART ADT",
    -4: "EDT AST CLT",
    -5: "EST CDT",
    -6: "CST MDT",
    -7: "MST PDT",
    -8: "PST AKDT",
}
_HOURS_EAST = {zone: hours for hours, zones in _ZONES.items() for zone in zones.split()}
_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_DAYS = r"\b(?:mon|tue|tues|wed|wednes|thu|thur|thurs|fri|sat|satur|sun)(?:day)?\b"

_CLOCK = re.compile(
    r"(?<![\d:.])(\d\d?):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?(?![\d:])(?:\s*([ap])\.?m\b\.?)?",
    re.IGNORECASE,
)
_OFFSET = re.compile(r"(?<!\w)(?:UTC|GMT)?([+-])(\d\d?):?(\d\d)?(?![\d/.-])")
_YEAR_FIRST = re.compile(r"(?<!\d)(\d{4})[-/.](\d\d?)[-/.](\d\d?)(?!\d)")
_YEAR_LAST = re.compile(r"(?<!\d)(\d\d?)[-/](\d\d?)[-/](\d{4})(?!\d)")
_WITH_DOTS = re.compile(r"(?<!\d)(\d\d?)\.(\d\d?)\.(\d{4})(?!\d)")
_NAMED = (
    re.compile(r"\b(?P<d>\d\d?)(?:st|nd|rd|th)?[ /-](?P<m>[a-z]{3,9})\.?[ /-](?P<y>\d{4})\b", re.I),
    re.compile(r"\b(?P<m>[a-z]{3,9})\.? (?P<d>\d\d?)(?:st|nd|rd|th)?,? (?P<y>\d{4})\b", re.I),
)


def spelled_time_of(text: str) -> datetime | None:
    """Read a time as people write it, with a zone's short name or its offset (by default UTC).

    `2025-03-24 17:28:40 EST`, `Fri Sep 06 20:02:15 UTC 2024`, `July 30, 2019 at 10:36 AM BST` or
    `Sun, 01 Mar 2026 12:50:00 +0100`. Where numbers alone tell the month and the day and the year
    stands last, the month is first, as in America, unless points part them, as in Germany.
    """
    clock = _CLOCK.search(text)
    if clock is None:
        return None
    text = f"{text[: clock.start()]} {text[clock.end() :]}"
    text, hours_east = _zone(text)
    text = " ".join(re.sub(rf"{_DAYS}|[()]|\bat\b|(?<=\d)T(?=\s|$)", " ", text, flags=re.I).split())
    date = _date(text.strip(" ,/-"))
    if date is None:
        return None
    hour, minute, second, fraction, half = clock.groups()
    try:
        day = datetime(*date, tzinfo=UTC)
        return in_utc(
            day
            + timedelta(
                hours=_of_the_day(int(hour), half) - hours_east,
                minutes=int(minute),
                seconds=int(second or 0),
                microseconds=int((fraction or "")[:6].ljust(6, "0")),
            )
        )
    except (ValueError, OverflowError):
        return None


def _of_the_day(hour: int, half: str | None) -> int:
    if hour > (12 if half else 23):
        raise ValueError("there is no such hour")
    return hour if half is None else hour % 12 + (12 if half in "pP" else 0)


def _zone(text: str) -> tuple[str, float]:
    """Give a text without its zone, and how many hours that lies east."""
    hours = None
    if found := _OFFSET.search(text):
        hours = int(found[2]) + int(found[3] or 0) / 60
        hours = -hours if found[1] == "-" else hours
        text = f"{text[: found.start()]} {text[found.end() :]}"
    words = text.replace("(", " ").replace(")", " ").split()
    zones = [zone for word in words if (zone := word.strip(",")) in _HOURS_EAST]
    if hours is None:
        hours = _HOURS_EAST[zones[0]] if zones else 0
    return " ".join(word for word in words if word.strip(",") not in zones), hours


def _date(text: str) -> tuple[int, int, int] | None:
    if found := _YEAR_FIRST.fullmatch(text):
        return int(found[1]), int(found[2]), int(found[3])
    if found := _YEAR_LAST.fullmatch(text):
        return int(found[3]), int(found[1]), int(found[2])
    if found := _WITH_DOTS.fullmatch(text):
        return int(found[3]), int(found[2]), int(found[1])
    for form in _NAMED:
        found = form.fullmatch(text.replace(" ,", ","))
        if found and (month := found["m"][:3].lower()) in _MONTHS:
            return int(found["y"]), _MONTHS.index(month) + 1, int(found["d"])
    return None
