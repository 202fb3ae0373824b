"""How much texts are alike, and which former problems are offered."""

import json
from collections import Counter
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mejora_diagnosis.model.likeness import (
    ALL,
    LEAST_LIKENESS,
    MOST_SIMILAR,
    Candidate,
    Rarity,
    nearest,
    terms_of,
)
from mejora_events.ids import ProblemId
from support.real_data import REAL_DATA

STATUS = REAL_DATA / "incidents" / "jenkins_infra_status.jsonl"

words = st.text("abcde ", max_size=40).map(lambda text: terms_of(text))
RARITY = Rarity({ALL: 100, "the": 90, "pool": 2, "connec": 5, "refuse": 4, "slow": 30})


def test_endings_numbers_and_case_do_not_matter() -> None:
    assert terms_of("Connections refused at 10.0.0.1") == terms_of("connection REFUSES at <*>")
    assert terms_of("PaymentsSlow") == ("paymen", "slow")
    assert terms_of("Verbindung abgebrochen", "Verbindungen") == ("verbin", "abgebr")


@given(words, words)
def test_likeness_is_a_share_and_the_same_both_ways(
    one: tuple[str, ...], other: tuple[str, ...]
) -> None:
    likeness = RARITY.likeness(one, other)
    assert 0 <= likeness <= 1
    assert likeness == RARITY.likeness(other, one)
    assert RARITY.likeness(one, one) == pytest.approx(1 if one else 0)


def test_a_rare_word_in_common_says_more_than_a_frequent_one() -> None:
    text = ("the", "pool", "slow")
    assert RARITY.likeness(text, ("pool", "x")) > RARITY.likeness(text, ("slow", "x"))


def test_a_text_is_looked_up_by_its_rarest_words_that_are_known() -> None:
    assert RARITY.rarest(("the", "slow", "never", "pool")) == ["pool", "slow", "the"]


def test_few_are_offered_the_likest_first_and_of_equals_the_newest() -> None:
    same = [Candidate(ProblemId(UUID(int=n)), f"p{n}", None, ("pool",)) for n in range(1, 6)]
    far = Candidate(ProblemId(UUID(int=9)), "far", None, ("the", *"abcdefgh"))
    near = nearest(("pool", "the"), [*same, far], RARITY)
    assert [it.title for it in near] == ["p5", "p4", "p3"]
    assert len(near) == MOST_SIMILAR
    assert all(it.similarity >= LEAST_LIKENESS for it in near)


@pytest.mark.skipif(not STATUS.exists(), reason="the real data is not there (MEJORA_REAL_DATA)")
def test_the_nearest_text_is_mostly_about_the_same_service() -> None:
    """Of real incidents, each with its nearest former title; 18 % of all pairs share one."""
    told = sorted(map(json.loads, STATUS.read_text().splitlines()), key=lambda it: it["date"])
    counts: Counter[str] = Counter()
    former: list[Candidate] = []
    found = shares = 0
    for number, it in enumerate(told, 1):
        terms, services = terms_of(it["title"]), {str(name) for name in it.get("affected") or ()}
        near = nearest(terms, former, Rarity(counts))
        if near:
            found += 1
            before = told[near[0].problem_id.int - 1].get("affected") or ()
            shares += not services.isdisjoint(map(str, before))
        counts.update((ALL, *terms))
        former.append(Candidate(ProblemId(UUID(int=number)), it["title"], None, terms))
    assert found > len(told) * 0.75
    assert shares > found * 0.65
