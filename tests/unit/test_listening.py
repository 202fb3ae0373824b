"""Each service listens to what the design says, to all of it, and to nothing that it writes."""

import pytest

from mejora.services import SERVICES
from mejora_events.contracts import TOPICS
from mejora_events.contracts.access import AccessKeyIssued, AccessKeyRevoked
from mejora_events.contracts.base import EventData
from mejora_events.contracts.fixes import FixVerified
from mejora_events.reactions import Reactions
from mejora_service.settings import load

TOPICS_HEARD_WHOLE = {
    "intake": {"mejora.diagnoses", "mejora.catalogue"},
    "diagnosis": {"mejora.incidents", "mejora.problems", "mejora.fixes"},
    "problem": {
        "mejora.incidents",
        "mejora.diagnoses",
        "mejora.workarounds",
        "mejora.catalogue",
        "mejora.changes",
    },
    "improvement": {topic.name for topic in TOPICS} - {"mejora.access"},
}


def reactions_of(name: str) -> Reactions:
    service = SERVICES[name]
    settings = load(service.settings, database_url="postgresql+asyncpg://x", broker_url="kafka://x")
    return service.reactions(settings)


@pytest.mark.parametrize("name", list(SERVICES))
def test_a_topic_that_a_service_listens_to_is_heard_with_all_its_types(name: str) -> None:
    heard = set(reactions_of(name))
    for topic in TOPICS:
        if topic.name in TOPICS_HEARD_WHOLE[name]:
            missed: set[type[EventData]] = set(topic.types) - heard
            assert not missed, f"{name} passes over {sorted(t.TYPE for t in missed)}"


@pytest.mark.parametrize("name", list(SERVICES))
def test_no_service_reacts_to_what_it_wrote_itself(name: str) -> None:
    if name == "improvement":
        return  # it keeps every event for the feed, its own too
    own = {contract for topic in TOPICS if topic.writer == name for contract in topic.types}
    assert not own & set(reactions_of(name))


def test_intake_hears_that_a_fix_was_verified() -> None:
    assert FixVerified in reactions_of("intake")


@pytest.mark.parametrize("name", list(SERVICES))
def test_keys_are_the_chassis_business(name: str) -> None:
    assert not {AccessKeyIssued, AccessKeyRevoked} & set(reactions_of(name))
