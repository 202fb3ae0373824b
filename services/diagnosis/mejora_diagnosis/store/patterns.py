"""Which signature each template was given, and what the templates of a fault have in common."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from mejora_diagnosis.model.signature import Pattern, Patterns, keys_of
from mejora_events.contracts.diagnoses import Signature
from mejora_events.sql import rows, run

MOST_NEAR = 100
"""Patterns that share a key with a new template and are compared with it, the last learned first.

Of what is older the templates keep their names; only what is new no longer joins it.
"""

_NAMED = """
select t.template_id, t.signature_id, p.text
from template t left join pattern p using (signature_id)
where t.template_id = any(cast(:template_ids as text[]))
"""

_NEAR = """
select near.signature_id, near.family, near.text
from unnest(cast(:keys as text[])) as k (key)
cross join lateral (
    (select signature_id, family, text, learned from pattern
     where first_key = k.key order by learned desc limit :most)
    union
    (select signature_id, family, text, learned from pattern
     where last_key = k.key order by learned desc limit :most)
) as near
group by near.signature_id, near.family, near.text
order by max(near.learned), near.signature_id
"""

_NAME = """
insert into template (template_id, signature_id)
select * from unnest(cast(:template_ids as text[]), cast(:signature_ids as text[])) as t (id, name)
order by t.id
"""

_LEARN = """
insert into pattern (signature_id, family, text, first_key, last_key)
select * from unnest(cast(:signature_ids as text[]), cast(:families as text[]),
                     cast(:texts as text[]), cast(:first_keys as text[]),
                     cast(:last_keys as text[])) as p (id)
order by p.id
on conflict (signature_id) do update
set text = excluded.text, first_key = excluded.first_key, last_key = excluded.last_key,
    learned = nextval('pattern_learned')
"""


async def recognise(
    conn: AsyncConnection, templates: Sequence[tuple[str, Signature]]
) -> list[Signature]:
    """Name the faults of templates, each with its family of components, in this order.

    What is learned from new ones is kept; the turn must have been taken (`catalogue.take_turn`).
    """
    named = await _named(conn, templates)
    new = [it for it in templates if it[1].signature_id not in named]
    known = await _near(conn, new) if new else []
    patterns = Patterns(named, known)
    recognised = [patterns.recognise(family, template) for family, template in templates]
    if new:
        await _keep(conn, patterns)
    return recognised


async def _named(
    conn: AsyncConnection, templates: Sequence[tuple[str, Signature]]
) -> dict[str, Signature]:
    """Give the signatures of templates that were named, by the ids that those have themselves."""
    texts = {it.signature_id: it.template for _, it in templates}
    return {
        it["template_id"]: Signature(
            signature_id=it["signature_id"], template=it["text"] or texts[it["template_id"]]
        )
        for it in await rows(conn, _NAMED, template_ids=list(texts))
    }


async def _near(conn: AsyncConnection, templates: Sequence[tuple[str, Signature]]) -> list[Pattern]:
    keys = {key for family, it in templates for key in keys_of(family, it.template)}
    found = await rows(conn, _NEAR, keys=sorted(keys), most=MOST_NEAR)
    return [Pattern(it["signature_id"], it["family"], it["text"]) for it in found]


async def _keep(conn: AsyncConnection, patterns: Patterns) -> None:
    await run(
        conn,
        _NAME,
        template_ids=list(patterns.newly_named),
        signature_ids=[it.signature_id for it in patterns.newly_named.values()],
    )
    learned = list(patterns.learned.values())
    if not learned:
        return
    await run(
        conn,
        _LEARN,
        signature_ids=[it.signature_id for it in learned],
        families=[it.family for it in learned],
        texts=[it.text for it in learned],
        first_keys=[it.keys[0] for it in learned],
        last_keys=[it.keys[1] for it in learned],
    )
