"""Which former problems read like a text; the work does not depend on how many there are."""

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from mejora_diagnosis.model.likeness import ALL, Candidate, Rarity, nearest
from mejora_events.contracts.diagnoses import SimilarProblem
from mejora_events.ids import ProblemId
from mejora_events.sql import rows, run

_NEWEST_OF_A_TERM = 10
"""Problems that are looked at for each term, the newest: a bound on the work."""
_MOST_COMPARED = 8
"""Problems whose whole text is compared, those with the weightiest terms in common."""

_COUNTS = "select term, problems from term where term = any(cast(:terms as text[]))"

# The problems that have the most of some weighed terms of each text, with all of their own terms.
_CANDIDATES = """
with sharing as (
    select asked.text, found.problem_id, sum(asked.weight) as weight
    from unnest(cast(:texts as text[]), cast(:terms as text[]),
                cast(:weights as double precision[])) as asked (text, term, weight)
    cross join lateral (
        select problem_id from problem_term where term = asked.term
        order by problem_id desc
        limit :newest
    ) as found
    group by asked.text, found.problem_id
), ranked as (
    select text, problem_id,
           row_number() over (partition by text order by weight desc, problem_id desc) as place
    from sharing
)
select r.text, p.problem_id, p.title, p.cause, p.terms
from ranked r
join problem p using (problem_id)
where r.place <= :most and p.signature_id <> r.text
"""

_FORGET = """
with gone as (
    delete from problem_term
    where problem_id = any(cast(:problem_ids as uuid[]))
    returning term
), fewer as (
    select term, count(*) as problems from gone group by term order by term
)
update term set problems = term.problems - fewer.problems
from fewer where term.term = fewer.term
"""

_KEEP = """
with kept as (
    insert into problem_term (term, problem_id)
    select *
    from unnest(cast(:terms as text[]), cast(:problem_ids as uuid[])) as t (term, problem_id)
    returning term
)
insert into term (term, problems)
select term, count(*) from kept group by term order by term
on conflict (term) do update set problems = term.problems + excluded.problems
"""


async def reword(conn: AsyncConnection, terms: Mapping[ProblemId, Sequence[str]]) -> None:
    """Take in by which terms problems are found from now on; the turn must have been taken."""
    await run(conn, _FORGET, problem_ids=list(terms))
    pairs = [(term, problem_id) for problem_id, listed in terms.items() for term in (ALL, *listed)]
    await run(
        conn,
        _KEEP,
        terms=[term for term, _ in pairs],
        problem_ids=[problem_id for _, problem_id in pairs],
    )


async def similar(
    conn: AsyncConnection, texts: Mapping[str, Sequence[str]]
) -> dict[str, tuple[SimilarProblem, ...]]:
    """Find the former problems that read like each of some faults, given by their terms."""
    if not texts:
        return {}
    rarity = await _rarity(conn, (term for terms in texts.values() for term in terms))
    asked = [(text, term) for text, terms in texts.items() for term in rarity.rarest(terms)]
    if not asked:
        return {}
    found: dict[str, list[Candidate]] = {}
    for it in await rows(
        conn,
        _CANDIDATES,
        texts=[text for text, _ in asked],
        terms=[term for _, term in asked],
        weights=[rarity.weight(term) for _, term in asked],
        newest=_NEWEST_OF_A_TERM,
        most=_MOST_COMPARED,
    ):
        candidate = Candidate(it["problem_id"], it["title"], it["cause"], tuple(it["terms"]))
        found.setdefault(it["text"], []).append(candidate)
    told = (term for listed in found.values() for it in listed for term in it.terms)
    rarity = await _rarity(conn, (*told, *(term for text in found for term in texts[text])))
    return {text: nearest(texts[text], listed, rarity) for text, listed in found.items()}


async def _rarity(conn: AsyncConnection, terms: Iterable[str]) -> Rarity:
    listed = sorted({ALL, *terms})
    found = await rows(conn, _COUNTS, terms=listed)
    return Rarity({it["term"]: it["problems"] for it in found})
