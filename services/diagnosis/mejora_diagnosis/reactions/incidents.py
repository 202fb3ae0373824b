"""What becomes of incidents after their report."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from mejora_diagnosis.model.catalogue import Catalogue
from mejora_diagnosis.model.signature import reduce_component, sign
from mejora_diagnosis.reactions.grading import note_regrouped
from mejora_diagnosis.store import catalogue, incidents, patterns
from mejora_diagnosis.store.incidents import Named
from mejora_events.contracts.incidents import Incident, IncidentEvent
from mejora_events.envelope import Event
from mejora_events.places import names_of_places
from mejora_events.store import Work


async def name_incidents(
    conn: AsyncConnection, known: Catalogue, found: Sequence[Incident]
) -> list[Named]:
    """Say what diagnosis calls each incident's component and fault; the turn must be taken."""
    components = [known.resolve(it.component) for it in found]
    templates = [
        (reduce_component(component), sign(component, it.summary, names_of_places(it.labels)))
        for component, it in zip(components, found, strict=True)
    ]
    signatures = await patterns.recognise(conn, templates)
    return [Named(*it) for it in zip(found, components, signatures, strict=True)]


async def take_incidents(work: Work, events: Sequence[Event[IncidentEvent]]) -> None:
    """Take over what became of incidents: how long restoring took is asked of the next ones."""
    known = await catalogue.take_turn(work)
    await note_regrouped(work, events, known.catalogue)
    found = [event.data.incident for event in events]
    settled = await incidents.standing(work.conn, {it.incident_id for it in found})
    unheard = [it for it in found if it.incident_id not in settled]
    if unheard:  # this came before its report
        await incidents.take(work.conn, await name_incidents(work.conn, known.catalogue, unheard))
    await incidents.take(
        work.conn,
        [
            Named(it, standing.component, standing.signature_of(it.summary))
            for it in found
            if (standing := settled.get(it.incident_id))
        ],
    )
