"""How much two texts are about the same thing, judged by the words that few others have.

A text is the set of its words, each cut to its first six letters: in most languages that takes the
endings off (McNamee and Mayfield, "Character n-gram tokenization for European language text
retrieval", 2004, find it about as good as a stemmer made for the language). A word weighs the
more the fewer problems have it (inverse document frequency), and likeness is the cosine of the two
sets: 1 for the same words, 0 for none in common.
"""

import math
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from mejora_events.contracts.diagnoses import SimilarProblem
from mejora_events.ids import ProblemId

LEAST_LIKENESS = 0.3
"""Below this, what two texts have in common is mostly chance."""
MOST_SIMILAR = 3
"""How many problems are offered."""
RAREST_TERMS = 6
"""By how many of its terms a text is looked up: the rarest tell it best, and are the cheapest."""
MOST_TERMS = 60
"""How many terms of a text are looked at."""
ALL = ""
"""The term that every problem has: how many have it is how many there are."""

_LONGEST_TERM = 6
_LONGEST_TEXT = 2_000
_WORD = re.compile(r"[^\W\d_]{2,}")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")


def terms_of(*texts: str) -> tuple[str, ...]:
    """Give the terms of texts, each once, in their order."""
    words = (
        word[:_LONGEST_TERM]
        for text in texts
        for word in _WORD.findall(_CAMEL.sub(" ", text[:_LONGEST_TEXT]).lower())
    )
    return tuple(dict.fromkeys(words))[:MOST_TERMS]


class Rarity:
    """How much terms weigh, by how many problems have them."""

    def __init__(self, problems: Mapping[str, int]) -> None:
        self._problems = problems
        self._all = max(1, problems.get(ALL, 0))
        self._squares = {term: self.weight(term) ** 2 for term in problems}
        self._unheard_of = math.log(1 + self._all) ** 2

    def weight(self, term: str) -> float:
        """Weigh a term; one that no problem has weighs as one that a single problem has."""
        return math.log(1 + self._all / max(1, self._problems.get(term, 0)))

    def rarest(self, terms: Iterable[str]) -> list[str]:
        """Choose the terms by which a text is looked up: those that some problem has."""
        known = [term for term in terms if self._problems.get(term)]
        return sorted(known, key=lambda term: (self._problems[term], term))[:RAREST_TERMS]

    def likeness(self, one: Collection[str], other: Collection[str]) -> float:
        """Tell how much two texts are alike, from 0 to 1."""
        norms = self._square(one) * self._square(other)
        if norms == 0:
            return 0.0
        return min(1.0, self._square(set(one).intersection(other)) / math.sqrt(norms))

    def _square(self, terms: Iterable[str]) -> float:
        return math.fsum(self._squares.get(term, self._unheard_of) for term in terms)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A problem that has a rare term in common with a text."""

    problem_id: ProblemId
    title: str
    cause: str | None
    terms: tuple[str, ...]


def nearest(
    terms: Collection[str], candidates: Iterable[Candidate], rarity: Rarity
) -> tuple[SimilarProblem, ...]:
    """Give the problems that are most like a text, the likest first; of equals the newest."""
    likenesses = [(rarity.likeness(terms, it.terms), it) for it in candidates]
    alike = [(likeness, it) for likeness, it in likenesses if likeness >= LEAST_LIKENESS]
    alike.sort(key=lambda found: (found[0], found[1].problem_id), reverse=True)
    return tuple(
        SimilarProblem(
            problem_id=it.problem_id, title=it.title, cause=it.cause, similarity=round(likeness, 3)
        )
        for likeness, it in alike[:MOST_SIMILAR]
    )
