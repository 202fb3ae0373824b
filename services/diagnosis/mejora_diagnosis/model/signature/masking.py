"""What one word of a text has in every case of a fault: what may differ gives way to a hole.

Numbers, ids, hex, UUIDs, addresses, hosts, paths, files, times and the values of `key=value` share
one placeholder on purpose: an id made of digits only, by chance, must not look like another fault.
"""

import re
from collections.abc import Callable

HOLE = "<*>"


def words_of(text: str) -> frozenset[str]:
    """Give the words of a text."""
    return frozenset(text.split())


_CLOCK = r"\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?"
_ZONE = r"(?:(?:z|utc|gmt|[ap]m|[+-]\d{2}:?\d{2})(?![\w<]))?"
# Kubernetes draws the suffixes of its names from letters without vowels, so no word looks so.
_DRAWN = "[bcdfghjklmnpqrstvwxz0-9]"
# Ends of host names: of organisations and networks, and of countries where no word, file or
# attribute ends so (`mapred.job.id` is no host in Indonesia).
_TOP = (
    r"(?:com|net|org|edu|gov|info|biz|io|dev|app|cloud|local|localdomain|internal|intranet|lan"
    r"|corp|home|svc|ae|ar|au|bg|br|ca|ch|cl|cn|cz|de|dk|ee|es|eu|fi|fr|gr|hk|hr|hu|ie|il|ir|jp|kr"
    r"|lt|lu|lv|mx|nl|nz|om|pt|ro|ru|se|sg|si|sk|th|tr|tw|ua|uk|ve|vn|za)"
)
_FILE = (
    r"(?:exe|dll|sys|so|jar|war|ear|py|pl|sh|bat|ps1|c|cc|cpp|h|hpp|rs|go|java|js|ts|php|rb|log"
    r"|txt|cfg|conf|ini|json|xml|ya?ml|toml|properties|csv|tsv|tmp|bak|lock|pid|sock|db|sql|sqlite"
    r"|html?|css|png|jpe?g|gif|svg|pdf|docx?|xlsx?|zip|gz|bz2|xz|tgz|tar|rpm|deb|iso|img|bin|dat"
    r"|pem|crt|key)"
)
_LABELS = r"(?<![\w<.-])[a-z0-9_-]++(?:\.[a-z0-9_-]+)*\."

# What names one thing among its like: ids and addresses. Taken out of texts and of components.
_IDENTITIES = (
    r"(?<![\w<])[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}(?!\w)",  # UUID
    r"(?<![\w:<])(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2}(?![\w:])",  # address of a network card
    r"(?<![\w:<.])(?:[0-9a-f]{1,4}:){7}[0-9a-f]{1,4}(?:/\d+)?(?![\w:])",  # IPv6 in full
    r"(?<![\w:<.])(?=[0-9a-f:]*\d)(?:[0-9a-f]{1,4}(?::[0-9a-f]{1,4})*)?::"
    r"(?:[0-9a-f]{1,4}(?::[0-9a-f]{1,4})*)?(?:/\d+)?(?![\w:])",  # IPv6, shortened
    r"(?<![\w<:])(?=[a-f:]*\d)(?:[0-9a-f]{0,4}:){4,}[0-9a-f]{1,4}(?![\w:])",  # IPv6 behind a colon
    r"(?<![\w.<])\d{1,3}(?:\.\d{1,3}){3}(?::\d+|/\d+)?(?![\w.]*\w)",  # IPv4, with port or mask
    rf"(?<=[\w>])-{_DRAWN}{{8,10}}-{_DRAWN}{{5}}(?![\w-])",  # end of a pod's name
    r"(?<![\w<])[-+]?0x[0-9a-f]+(?!\w)",  # hex that says so
    r"(?<![\w<])[-+]?(?:[0-9a-f]{8,}|(?=[a-f]*\d)[0-9a-f]{6,})(?!\w)",  # hex that does not
)
# What else differs from case to case in a text: places and times.
_PLACES_AND_TIMES = (
    r"(?<![\w+.-])[a-z][a-z0-9+.-]*+://[^\s\"'<>]+",  # address of a page or service
    r"(?<![\w.+-])[\w.+-]++@[\w-]+(?:\.[\w-]+)+",  # mail address
    rf"(?<![\w<])\d{{4}}[-/.]\d{{1,2}}[-/.]\d{{1,2}}(?:[t:_]{_CLOCK})?{_ZONE}(?![\w-])",  # date
    rf"(?<![\w<:]){_CLOCK}{_ZONE}(?![\w:])",  # time of day
    r"(?<![\w<>*./\\-])(?:[a-z]:[\\/]|\\\\|~?/)[\w.@%+=~:\\/-]*\w[\w.@%+=~:\\/*-]*+",  # path
    rf"{_LABELS}{_TOP}(?:[:/]\d+)?(?![\w.-]*\w)",  # host
    rf"{_LABELS}{_FILE}(?:[:(]\d+\)?)?(?![\w.-]*\w|\()",  # file, with line
    r"(?<![\w<.-])(?=[\w.-]*[a-z])(?-i:[a-z0-9_-]++(?:\.[a-z0-9_-]++)++):\d{2,5}(?![\w:.])",
    r"(?<![\w<.-])[a-z_$][\w$-]*+(?:\.[\w$-]++){2,}+:\d+(?![\w:.])",  # class.method:line
    r"(?<![\w<.-])(?=[\w-]*[a-z])[a-z0-9_-]++:\d{4,5}(?![\w:.])",  # host:port
)
_IDENTITY = re.compile("|".join(_IDENTITIES), re.IGNORECASE)
_HOLES = re.compile("|".join((*_PLACES_AND_TIMES, *_IDENTITIES)), re.IGNORECASE)
_NUMBER = re.compile(r"(?<![\w<])[-+]?\d[\d.,]*(?<![.,])(?:\s?%)?(?![\w%])")
_WITH_DIGIT = re.compile(r"[^\W_]*\d[^\W_]*")
_WORD_THEN_DIGITS = re.compile(r"([^\W\d_]+)\d+")
_HOLES_IN_A_ROW = re.compile(r"<\*>(?:[\s,;:./_-]*<\*>)+")
# A sign, a minus within an id, a mark before a number: #7, *64, @0x1f.
_SIGN = re.compile(r"(?<![\w<>)\]}])[-+]+<\*>|(?<=_)-<\*>|(?<!\S)[*#@]<\*>")
# An id of several parts: task_<*>_<*>; a host whose first label is a number.
_PARTS = re.compile(r"[\w*<>~-]*<\*>[\w~]*[-_~][\w~-]*<\*>[\w*<>~-]*")
_DOTTED = re.compile(
    r"(?<![\w<>.-])(?=[a-z0-9_.-]*<\*>)(?:[a-z0-9_-]|<\*>)++(?:\.(?:[a-z0-9_-]|<\*>)++){2,}+"
    r"(?![\w<$]|\.\w)"
)
_TRUTH = re.compile(
    r"(?<![\w<.-])(?:true|false)(?![\w-])|(?<=[=:])(?:null|none|nil)(?![\w-])", re.IGNORECASE
)
_VALUE = re.compile(
    r"(?<=\w)=([\"']?)(?![=>])(?:<\*>|[^\s,;=(){}\[\]\"'<>|&])+"
    r"(?:\{[^\s{}]*\}|\([^\s()]*\)|\[[^\s\[\]]*\])?"
)
_QUOTED_VALUE = re.compile(r"(?<=\w)=([\"'])(?!<\*>\1)[^\"'=]{1,80}\1")
# Most words need no more than a look.
_ALL_HOLE = re.compile(r"[-+]?\d+|[0-9a-f]{8,}", re.IGNORECASE | re.ASCII)
_LIKE_NO_WORD = re.compile(r"[a-f]{8,}|true|false", re.IGNORECASE)
_KEY = re.compile(r"\w{1,60}$")
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")
_TELLING = words_of(
    "err error errno msg message reason cause event action status stat state result type kind level"
    " severity code exception alert alertname check condition problem fault failure method op"
    " operation command cmd phase"
)
"""Keys whose values say what is wrong, and not where."""


class Reductions(dict[str, str]):
    """Remembers what pieces of text were reduced to, as many as fit."""

    def __init__(self, reduce: Callable[[str], str], most: int) -> None:
        super().__init__()
        self._reduce = reduce
        self._most = most

    def __missing__(self, piece: str) -> str:
        """Reduce a piece that is new."""
        if len(self) >= self._most:
            self.clear()
        reduced = self[piece] = self._reduce(piece)
        return reduced


def reduce_word(word: str) -> str:
    """Give what a word, as it stands between spaces, has in every case."""
    if _ALL_HOLE.fullmatch(word):
        return HOLE
    if word.isalpha() and not _LIKE_NO_WORD.fullmatch(word):
        return word
    for _ in range(6):
        before = word
        word = _reduce_digits(_HOLES.sub(HOLE, word))
        word = _DOTTED.sub(HOLE, _PARTS.sub(HOLE, _SIGN.sub(HOLE, word)))
        word = _VALUE.sub(_reduce_value, _TRUTH.sub(HOLE, word))
        if word in (before, HOLE):
            break
    return word


def reduce_quoted(text: str) -> str:
    """Take out values between quotes, which may have spaces."""
    return _QUOTED_VALUE.sub(lambda it: _reduce_value(it, it[1]), text)


def reduce_identities(name: str) -> str:
    """Take ids, addresses and numbers out of the name of a component."""
    return _HOLES_IN_A_ROW.sub(HOLE, _reduce_digits(_IDENTITY.sub(HOLE, name)))


def _reduce_digits(text: str) -> str:
    return _WITH_DIGIT.sub(_keep_letters, _NUMBER.sub(HOLE, text))


def _keep_letters(found: re.Match[str]) -> str:
    """Keep the letters that a word with digits begins with (sda1, node3); else nothing of it."""
    word = _WORD_THEN_DIGITS.fullmatch(found[0])
    return f"{word[1]}{HOLE}" if word else HOLE


def _reduce_value(found: re.Match[str], closing: str = "") -> str:
    key = _KEY.search(found.string, max(0, found.start() - 60), found.start())
    if key is not None and _HUMP.sub("_", key[0]).lower().rpartition("_")[2] in _TELLING:
        return found[0]
    return f"={found[1]}{HOLE}{closing}"
