"""What a whole text has in every case of a fault: its words reduced, and what belongs together."""

import re
from collections.abc import Iterable

from mejora_diagnosis.model.signature.masking import HOLE, Reductions, reduce_quoted, reduce_word

LONGEST = 2_000
"""Characters of a text that are looked at: a summary is a line, and work must have an end."""

_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
_DAY = r"(?:mon|tue|wed|thu|fri|sat|sun)(?:day|sday|nesday|rsday|urday)?"
_UNIT = (
    r"(?:[kmgtp]i?b(?:ytes?|its?)?(?:/s)?|bytes?|[kmg]?bps|[kmg]?hz|ms|msecs?|milliseconds?|us"
    r"|usecs?|microseconds?|ns|s|secs?|seconds?|mins?|minutes?|h|hours?|days?|b|%|percent)"
)
# Words that are one value together: dates, quantities with their unit, lists, what brackets repeat.
_TOGETHER = tuple(
    (re.compile(pattern, re.IGNORECASE), instead)
    for pattern, instead in (
        (
            rf"(?<![\w<])(?:{_DAY},?\s)?{_MONTH}\s<\*>(?:,?\s<\*>)*(?:\s(?:utc|gmt|[ap]m)\b)?",
            HOLE,
        ),  # Sun Feb 6 00:17:58 2020
        (rf"<\*>\s{_MONTH}(?:,?\s<\*>)+", HOLE),  # 6 Feb 2020
        (rf"(?<![\w<]){_DAY},?\s<\*>", HOLE),
        (r"(?<!\S)(?-i:[A-Z])[+-]?(?:\s(?-i:[A-Z])[+-]?)+(?!\S)", HOLE),  # links A C X+ X-
        (r"(?<!\S)[a-z][+-](?!\S)", HOLE),  # a direction: x+
        (rf"<\*>\s?{_UNIT}(?![\w/-])", HOLE),
        (r"(?<![^\s(\[=:,])[<>~≈≤≥]=?\s?(?=<\*>)", ""),  # less than a second
        (r"<\*>\s\((?:<\*>)?\)", HOLE),  # 1190 bytes (1.16 KB); an address () without a name
        (r"<\*>(?:[\s,;:./_\\|#-]*<\*>)+", HOLE),
        (r"([\[({])<\*>[\s\\,]*(?:<\*>[\s\\,]*)*([\])}])", r"\1<*>\2"),
    )
)
_LONGEST_REPEATED = 5
"""Words that are repeated together in a list: `node-1 <ok> node-2 <ok>`."""
_ALL_DIGITS_ALIKE = str.maketrans("123456789", "000000000")


def reduce_text(text: str, instances: Iterable[str] = ()) -> str:
    """Give the template of a text: what is the same in every case of the fault."""
    text = text[:LONGEST]
    for instance in sorted({it for it in instances if len(it) > 1}, key=len, reverse=True):
        text = re.sub(rf"(?<![\w<]){re.escape(instance)}(?!\w)", HOLE, text)
    # No rule tells one digit from another. With all alike, few words are new, so most are known.
    return _TEMPLATES[_reduce_words(text.translate(_ALL_DIGITS_ALIKE))]


def _reduce_words(text: str) -> str:
    return " ".join(map(_WORDS.__getitem__, text.split()))


def _bring_together(text: str) -> str:
    for _ in range(10):
        before = text
        text = reduce_quoted(text)
        for pattern, instead in _TOGETHER:
            text = pattern.sub(instead, text)
        text = _reduce_words(" ".join(_once(text.split())))
        if text == before:
            break
    return text


def _once(words: list[str]) -> list[str]:
    """Keep one of the like things in a row: a list may have any length."""
    for length in range(1, _LONGEST_REPEATED + 1):
        at = 0
        while at + 2 * length <= len(words):
            first = words[at : at + length]
            if first == words[at + length : at + 2 * length] and any(HOLE in it for it in first):
                del words[at : at + length]
            else:
                at += 1
    return words


_WORDS = Reductions(reduce_word, most=50_000)
_TEMPLATES = Reductions(_bring_together, most=20_000)
