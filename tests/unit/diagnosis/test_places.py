"""Which component of a cascade is the likeliest beginning: a small platform with instances."""

import random
from collections.abc import Iterable, Mapping
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mejora_diagnosis.model.cascade import KEPT_SLOTS, Failing, Found, Habits, Neighbourhood
from mejora_diagnosis.model.catalogue import Catalogue
from mejora_events.contracts.catalogue import Component
from mejora_events.ids import IncidentId
from support.diagnosed import at

WINDOW = 10
HOSTS = ("north", "south")
SERVICES = {"shop": ("stock", "mail"), "stock": (), "mail": ()}


def instances(service: str) -> list[str]:
    return [f"{service}/{number}" for number in range(4)]


def the_platform() -> list[Component]:
    """Three services of four instances each, on two hosts in turn."""
    parts = [
        Component(name=name, part_of=service, depends_on=(HOSTS[number % 2],))
        for service in SERVICES
        for number, name in enumerate(instances(service))
    ]
    services = [Component(name=name, depends_on=ends) for name, ends in SERVICES.items()]
    return [*services, *parts, *(Component(name=name) for name in HOSTS)]


PLATFORM = Catalogue(the_platform())

Seen = tuple[str, str, float]
"""A component, the kind of failure that it shows, and minutes after the beginning."""


def around(
    seen: Iterable[Seen], habits: Habits | None = None, catalogue: Catalogue = PLATFORM
) -> Neighbourhood:
    found = [
        Found(component, kind, at(minutes), IncidentId(UUID(int=number)), frozenset())
        for number, (component, kind, minutes) in enumerate(seen)
    ]
    return Neighbourhood(catalogue, Failing.gather(found), WINDOW, habits or Habits())


def first(seen: Iterable[Seen], habits: Habits | None = None) -> str:
    seen = list(seen)
    return around(seen, habits).cascade(seen[0][0]).places[0].component


def usual(kinds: Mapping[str, Iterable[str]], slots: int = 40) -> Habits:
    """What came up, at each of these components, in every slot that is remembered."""
    return Habits(
        slots,
        {kind: dict.fromkeys(components, (1 << slots) - 1) for kind, components in kinds.items()},
    )


def test_one_instance_that_stands_out_among_its_siblings_is_the_place() -> None:
    assert first([("stock/2", "memory", 0), ("stock/2", "slow", 0)]) == "stock/2"


def test_a_service_all_of_whose_instances_show_the_same_is_the_place_itself() -> None:
    seen = [(name, kind, 0.0) for name in instances("stock") for kind in ("memory", "cpu")]
    quiet = usual({"memory": [], "cpu": []})
    assert first(seen, quiet) == "stock"


def test_a_host_is_the_place_when_it_fails_and_what_runs_on_it_suffers() -> None:
    seen = [("north", "disk", 0.0), *((f"{it}/0", "slow", 1.0) for it in SERVICES)]
    assert first(seen) == "north"


def test_what_always_fails_is_not_the_place() -> None:
    seen = [("mail/0", "memory", 0.0), ("stock/1", "memory", 0.0), ("south", "disk", 0.0)]
    noisy = usual({"memory": ["mail/0"], "disk": ["south"]})
    assert first(seen, noisy) == "stock/1"


def test_an_instance_is_marked_as_pulled_down_by_its_service() -> None:
    seen = [(name, kind, 0.0) for name in instances("stock") for kind in ("memory", "cpu")]
    point = around(seen, usual({})).failure_point("stock/1", IncidentId(UUID(int=2)))
    assert (point.component, point.pulled_down) == ("stock", True)
    assert "at 4 of its 4 parts" in point.candidates[0].because


def test_what_was_forgotten_lately_does_not_count_as_rare() -> None:
    long_ago = Habits(KEPT_SLOTS, {"memory": {"mail/0": 0b11111 << (KEPT_SLOTS - 5)}})
    lately = Habits(KEPT_SLOTS, {"memory": {"mail/0": 0b11111}})
    for habits in (long_ago, lately):
        assert habits.usual(habits.of("memory")["mail/0"], 0.05, 1) > habits.usual(0, 0.05, 1)


def test_signs_that_agree_may_have_another_reason_and_more_so_while_little_is_known() -> None:
    """Of a hundred places that everything speaks for, about eighty are right."""
    seen = [("north", "disk", 0.0), *((f"{it}/0", "slow", 1.0) for it in SERVICES)]
    cold, warm = (around(seen, it).cascade("north").places[0] for it in (None, usual({})))
    assert cold.component == warm.component == "north"
    assert cold.probability < 0.6 < warm.probability < 0.9


components = st.sampled_from([it.name for it in PLATFORM.components.values()])
sightings = st.lists(
    st.tuples(components, st.sampled_from(["slow", "memory", "disk"]), st.integers(0, 9)),
    min_size=1,
    max_size=12,
    unique_by=lambda it: it[:2],
)


@given(sightings, st.randoms(use_true_random=False))
def test_neither_order_nor_names_matter(seen: list[Seen], chance: random.Random) -> None:
    """All components and kinds get other names, and come in another order."""
    places = around(seen).cascade(seen[0][0]).places

    new = [f"x{number:02}" for number in range(len(PLATFORM.components))]
    chance.shuffle(new)
    names = dict(zip(PLATFORM.components, new, strict=True))
    renamed = Catalogue(
        it.model_copy(
            update={
                "name": names[it.name],
                "depends_on": tuple(names[end] for end in it.depends_on),
                "part_of": names[it.part_of] if it.part_of else None,
            }
        )
        for it in PLATFORM.components.values()
    )
    other = [(names[component], f"k-{kind[::-1]}", minutes) for component, kind, minutes in seen]
    chance.shuffle(other)
    found = around(other, catalogue=renamed).cascade(names[seen[0][0]]).places

    strengths = {names[it.component]: it.strength for it in places}
    assert {it.component: it.strength for it in found} == pytest.approx(strengths)


@given(sightings)
def test_probabilities_are_at_most_one_together(seen: list[Seen]) -> None:
    places = around(seen).cascade(seen[0][0]).places
    assert 0 <= sum(it.probability for it in places) <= 1
