"""Which templates are the same fault: learned from those that have come before.

Two templates are one fault when they have the same shape and differ only where names stand:
behind words like `user` or `from`, in dotted or pathlike names, in ids that are part letters. They
must have more in common than differs. The pattern of a fault has holes where its templates
differed. A template keeps the name that it was first given, whatever is learned later.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b

from mejora_diagnosis.model.signature.masking import HOLE, words_of
from mejora_events.contracts.diagnoses import Signature

_PIECE = re.compile(r"(?:[^\s=,;:()\[\]{}\"'<>|?!]|<\*>)+|[=,;:()\[\]{}\"'<>|?!]")
_NAMED_BEHIND = words_of(
    "user username account host hostname group name named called client peer class domain"
    " customer tenant"
)
_PLACED_BEHIND = words_of("for from to by on in at of")
_LEADING_ON = words_of("from to at via by with")
"""Words that may follow such a name; any other word says that none stood there."""
_TELLING_ON = words_of(
    "is was are were has have had does did do can could will would may must not no on in for of and"
    " or but so as because since after before during until when while where that who which takes"
    " took goes went comes came gets got gives gave loses lost finds found sends sent"
)
"""Words that tell on of somebody or something that was named."""
_STATES = words_of(
    "is was are were has have had not no be been down up full slow offline online missing busy dead"
    " lost high low unavailable unreachable unhealthy degraded hot cold empty corrupt broken"
    " invalid unknown out and or with without"
)
"""Words that say what is wrong, and that no name is likely to be."""
_STATE = re.compile(
    r"\w{3}(?:ed|ing|ED|ING)$"
    r"|(?:^|[a-z.$])(?:Exception|Error|Failure|Fault|Timeout|Warning|Alert)s?$"
    r"|^(?:exception|error|failure|fault|timeout|warning|alert)s?$"
)
_COMPOUND = re.compile(r"\w[./$@_~+\\-]\w")
_LETTERS_THEN_HOLE = re.compile(r"[^\W\d_]+<\*>")


@dataclass(frozen=True, slots=True)
class Pattern:
    """What the templates of a fault have in common."""

    signature_id: str
    family: str
    text: str

    @property
    def keys(self) -> tuple[str, str]:
        """Give the two keys of which one must be shared with a template of the same fault."""
        return keys_of(self.family, self.text)


class Patterns:
    """What is known of faults, and what is learned meanwhile."""

    def __init__(
        self, named: Mapping[str, Signature] | None = None, known: Iterable[Pattern] = ()
    ) -> None:
        """`named` are the signatures of templates, by the ids that those have by themselves."""
        self._named = dict(named or {})
        self._by_key: defaultdict[str, dict[str, Pattern]] = defaultdict(dict)
        self.learned: dict[str, Pattern] = {}
        """Patterns that are new or have become more general, by signature."""
        self.newly_named: dict[str, Signature] = {}
        """Templates that were named, by the ids that they have by themselves."""
        for pattern in known:
            self._keep(pattern)

    def recognise(self, family: str, template: Signature) -> Signature:
        """Name the fault of a template (as `sign` gives it) at a family of components."""
        named = self._named.get(template.signature_id)
        return named if named is not None else self._learn(family, template)

    def _learn(self, family: str, template: Signature) -> Signature:
        pieces = _PIECE.findall(template.template)
        keys = keys_of(family, template.template)
        near = {it.signature_id: it for key in keys for it in self._by_key[key].values()}
        likeness, nearest = max(
            ((_likeness(_PIECE.findall(it.text), pieces), it) for it in near.values()),
            key=lambda found: found[0],
            default=(0, None),
        )
        if nearest is None or not likeness:
            pattern = Pattern(template.signature_id, family, template.template)
        else:
            pattern = Pattern(nearest.signature_id, family, _generalise(nearest.text, pieces))
        if pattern != nearest:
            self._keep(pattern)
            self.learned[pattern.signature_id] = pattern
        signature = Signature(signature_id=pattern.signature_id, template=pattern.text)
        self._named[template.signature_id] = signature
        self.newly_named[template.signature_id] = signature
        return signature

    def _keep(self, pattern: Pattern) -> None:
        for key in pattern.keys:
            self._by_key[key][pattern.signature_id] = pattern


def keys_of(family: str, text: str) -> tuple[str, str]:
    """Give two keys of a text: of those that can be one fault, at least one is the same.

    They stand for the family, the number of pieces, and the first or the last of those.
    """
    pieces = _PIECE.findall(text.lower()) or [""]
    return _key(family, pieces, "first", pieces[0]), _key(family, pieces, "last", pieces[-1])


def _key(family: str, pieces: Sequence[str], place: str, piece: str) -> str:
    digest = blake2b(f"{family}\n{len(pieces)} {place} {piece}".encode(), digest_size=8)
    return digest.hexdigest()


def _generalise(text: str, pieces: Sequence[str]) -> str:
    """Put holes where a pattern and the pieces of another template differ."""
    made, end = [], 0
    for found, piece in zip(_PIECE.finditer(text), pieces, strict=True):
        same = found[0].lower() == piece.lower()
        made += [text[end : found.start()], found[0] if same else HOLE]
        end = found.end()
    return "".join(made) + text[end:]


def _likeness(one: Sequence[str], other: Sequence[str]) -> int:
    """Tell how alike two templates are; 0 when they are two faults."""
    if len(one) != len(other):
        return 0
    same, differing, wanted = 0, 0, 2
    for at, (a, b) in enumerate(zip(one, other, strict=True)):
        if a.lower() == b.lower():
            same += HOLE not in a and any(map(str.isalpha, a))
            continue
        doubt = _doubt(one, other, at)
        if doubt is None:
            return 0
        differing += 1
        wanted += 1 + doubt
    return max(1, 1_000 + same - 2 * differing) if same >= wanted else 0


def _doubt(one: Sequence[str], other: Sequence[str], at: int) -> int | None:
    """Tell how many more words must be the same if a difference is one of names; None: never."""
    a, b = one[at], other[at]
    if _is_name(a) and _is_name(b) and not (_is_letters(a) and _is_letters(b)):
        if HOLE in a and HOLE in b:
            return 0
        if at and _following(one, at) not in "=(:":
            return 0
    if not at or _following(one, at) in "=(" or one[at - 1] != other[at - 1]:
        return None
    if not (_is_value(a) and _is_value(b)):
        return None
    before = one[at - 1].lower()
    if before in _NAMED_BEHIND:
        return 0 if _goes_on(_following(one, at)) else None
    placed = before in _PLACED_BEHIND and _ends_a_place(_following(one, at))
    return 1 if placed and _is_placed(before, a) and _is_placed(before, b) else None


def _following(pieces: Sequence[str], at: int) -> str:
    return pieces[at + 1] if at + 1 < len(pieces) else " "


def _is_letters(piece: str) -> bool:
    return _LETTERS_THEN_HOLE.fullmatch(piece) is not None


def _is_name(piece: str) -> bool:
    """Tell a name by its form: part of it differs, or it is made of several words."""
    if HOLE in piece:
        return True
    code = piece.replace("_", "").isupper()
    return not code and not _STATE.search(piece) and _COMPOUND.search(piece) is not None


def _is_value(piece: str) -> bool:
    """Tell whether a piece can be a name where one is expected."""
    if HOLE in piece:
        return True
    said = piece.lower() in _STATES or _STATE.search(piece)
    return not said and any(map(str.isalnum, piece))


def _ends_a_place(following: str) -> bool:
    """Tell `for anna from home`, where a name stands, from `for read access`, where none does."""
    word = following[0].isalpha() and HOLE not in following
    return not word or following.lower() in _LEADING_ON


def _goes_on(following: str) -> bool:
    """Tell `host anna is full`, where a name stands, from `host memory usage`, where none does."""
    word = following.lower()
    return _ends_a_place(following) or word in _TELLING_ON or bool(_STATE.search(word))


def _is_placed(before: str, piece: str) -> bool:
    """Tell a name behind a preposition from a state in code, and from a verb: `to start`."""
    verb = before == "to" and piece.isalpha() and piece.islower()
    return not (verb or _is_code(piece))


def _is_code(piece: str) -> bool:
    """Tell the names of states in code: FAILED, NEW."""
    return len(piece) > 1 and HOLE not in piece and piece.isupper()
