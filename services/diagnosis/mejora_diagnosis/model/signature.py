"""What makes two incidents the same fault, across sources and hosts.

The text is reduced to a template: what may differ from one case to the next (numbers, ids, hex,
UUIDs, addresses, hosts, paths, times, units) gives way to one placeholder. All kinds of it share
the placeholder on purpose: an id made of digits only, by chance, must not look like another fault.
The component is reduced likewise to its family, so that db-01 and db-02:9100 are one.
"""

import re
from collections.abc import Iterable
from hashlib import blake2b

from mejora_events.contracts.diagnoses import Signature

HOLE = "<*>"

_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
_CLOCK = r"\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?"
_ZONE = r"(?:\s?(?:z|utc|gmt|[ap]m|[+-]\d{2}:?\d{2})(?![\w<]))?"
# Kubernetes draws the suffixes of its names from letters without vowels, so no word looks so.
_DRAWN = "[bcdfghjklmnpqrstvwxz2456789]"
_TOP = r"(?:com|net|org|io|dev|app|cloud|local|localdomain|internal|intranet|lan|corp|home|svc)"

# What names one thing among its like: ids and addresses. Taken out of texts and of components.
_IDENTITIES = (
    r"(?<![\w<])[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}(?!\w)",  # UUID
    r"(?<![\w:<])(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2}(?![\w:])",  # address of a network card
    r"(?<![\w:<.])(?:[0-9a-f]{1,4}:){7}[0-9a-f]{1,4}(?:/\d+)?(?![\w:])",  # IPv6 in full
    r"(?<![\w:<.])(?=[0-9a-f:]*\d)(?:[0-9a-f]{1,4}(?::[0-9a-f]{1,4})*)?::"
    r"(?:[0-9a-f]{1,4}(?::[0-9a-f]{1,4})*)?(?:/\d+)?(?![\w:])",  # IPv6, shortened
    r"(?<![\w.<])\d{1,3}(?:\.\d{1,3}){3}(?::\d+|/\d+)?(?![\w.]*\w)",  # IPv4, with port or mask
    rf"(?<=[\w>])-{_DRAWN}{{8,10}}-{_DRAWN}{{5}}(?![\w-])",  # end of a pod's name
    r"(?<![\w<])0x[0-9a-f]+(?!\w)",  # hex that says so
    r"(?<![\w<])[0-9a-f]{8,}(?!\w)",  # hex that does not
)
# What else differs from case to case in a text: places and times.
_PLACES_AND_TIMES = (
    r"(?<![\w+.-])[a-z][a-z0-9+.-]*+://[^\s\"'<>]+",  # address of a page or service
    r"(?<![\w.+-])[\w.+-]++@[\w-]+(?:\.[\w-]+)+",  # mail address
    rf"(?<![\w<])\d{{4}}[-/]\d{{1,2}}[-/]\d{{1,2}}(?:[t\s]+{_CLOCK})?{_ZONE}",  # date, with time
    rf"(?<![\w<]){_MONTH}\s+\d{{1,2}}(?:,?\s+\d{{4}})?(?:\s+{_CLOCK})?(?!\w)",  # Feb 6 00:17:58
    rf"(?<![\w<])\d{{1,2}}\s+{_MONTH}(?:\s+\d{{4}})?(?:\s+{_CLOCK})?(?!\w)",  # 6 Feb 2020
    rf"(?<![\w<:]){_CLOCK}{_ZONE}(?![\w:])",  # time of day
    r"(?<![\w<>*./\\-])(?:[a-z]:\\|\\\\|~?/)[\w.@%+=~:\\/-]*\w[\w.@%+=~:\\/-]*+",  # path
    rf"(?<![\w<.-])[a-z0-9_-]++(?:\.[a-z0-9_-]+)*\.{_TOP}(?::\d+)?(?![\w.-]*\w)",  # host
    r"(?<![\w<.-])(?=[\w-]*[a-z])[a-z0-9_-]++(?:\.[a-z0-9_-]++)*+:\d{4,5}(?![\w:.])",  # host:port
)
_HOLES = re.compile("|".join((*_PLACES_AND_TIMES, *_IDENTITIES)), re.IGNORECASE)
_IDENTITY = re.compile("|".join(_IDENTITIES), re.IGNORECASE)
_NUMBER = re.compile(r"(?<![\w<])[-+]?\d[\d.,]*(?<![.,])(?:\s?%)?(?![\w%])")
_WITH_DIGIT = re.compile(r"[^\W_]*\d[^\W_]*")
_WORD_THEN_DIGITS = re.compile(r"([^\W\d_]+)\d+")
_HOLES_IN_A_ROW = re.compile(r"<\*>(?:[\s,;:./_-]*<\*>)+")
_SPACES = re.compile(r"\s+")

LONGEST = 2_000
"""Characters of a text that are looked at: a summary is a line, and work must have an end."""

_PORT = re.compile(r":\d+$")
_ADDRESS = re.compile(r"^(?:\d{1,3}(?:\.\d{1,3}){3}|\[?[0-9a-f:]*:[0-9a-f:]+\]?)$", re.IGNORECASE)


def sign(component: str, text: str, instances: Iterable[str] = ()) -> Signature:
    """Recognise the fault that a text tells of, at a component.

    `instances` are names that the sender itself gave as places (host, pod, address): where they
    occur in the text, they are taken out too, however much they look like words.
    """
    template = reduce_text(text, instances)
    family = reduce_component(component)
    digest = blake2b(f"{family}\n{template}".lower().encode(), digest_size=8)
    return Signature(signature_id=digest.hexdigest(), template=template)


def reduce_text(text: str, instances: Iterable[str] = ()) -> str:
    """Give the template of a text: what is the same in every case of the fault."""
    text = text[:LONGEST]
    for instance in sorted({it for it in instances if len(it) > 1}, key=len, reverse=True):
        text = re.sub(rf"(?<![\w<]){re.escape(instance)}(?!\w)", HOLE, text)
    return _reduce_numbers(_HOLES.sub(HOLE, _SPACES.sub(" ", text).strip()))


def reduce_component(name: str) -> str:
    """Give the family of a component: its name without what tells its instances apart."""
    return _reduce_numbers(_IDENTITY.sub(HOLE, machine_name(name))).lower()


def machine_name(name: str) -> str:
    """Give the name of a machine without port and, where it is one of a row, without domain."""
    bare = name.strip()
    if bare.count(":") == 1 or "]:" in bare:
        bare = _PORT.sub("", bare)
    if _ADDRESS.match(bare):
        return bare.strip("[]")
    first, dot, _ = bare.partition(".")
    return first if dot and any(letter.isdigit() for letter in first) else bare


def _reduce_numbers(text: str) -> str:
    text = _WITH_DIGIT.sub(_reduce_word, _NUMBER.sub(HOLE, text))
    return _HOLES_IN_A_ROW.sub(HOLE, text)


def _reduce_word(found: re.Match[str]) -> str:
    """Keep the letters that a word with digits begins with (sda1, node3); else nothing of it."""
    word = _WORD_THEN_DIGITS.fullmatch(found[0])
    return f"{word[1]}{HOLE}" if word else HOLE
