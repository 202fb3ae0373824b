"""Where a failure began: the failing component with no failing dependency."""

from collections.abc import Iterable
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from mejora_diagnosis.model.cascade import (
    MOST_NAMED,
    Failing,
    Neighbourhood,
    News,
    minute_of,
    to_recheck,
)
from mejora_diagnosis.model.catalogue import Catalogue
from mejora_diagnosis.model.scope import NOTHING
from mejora_events.contracts.catalogue import Component
from mejora_events.ids import IncidentId
from support.diagnosed import at, the_shop

SHOP = Catalogue(the_shop())
WINDOW = 10


def failing(component: str, minutes: float = 0, number: int = 1, kind: str = "down") -> Failing:
    since = at(minutes)
    return Failing(component, since, IncidentId(UUID(int=number)), NOTHING, {kind: since})


def near(*found: Failing, catalogue: Catalogue = SHOP) -> Neighbourhood:
    return Neighbourhood(catalogue, found, WINDOW)


def test_alone_it_began_where_it_failed() -> None:
    beginning = near(failing("checkout")).beginning("checkout")
    assert beginning.component == "checkout"
    assert "nothing that it stands on failed" in beginning.because


def test_it_began_at_the_failing_dependency_even_across_one_that_nobody_watches() -> None:
    beginning = near(failing("checkout"), failing("db", 2)).beginning("checkout")
    assert beginning.component == "db"
    assert "checkout stands on db, which failed at 2026-03-02 09:02:00 UTC" in beginning.because
    assert "1 failing component stands on it" in beginning.because


def test_what_stands_on_it_or_beside_it_is_not_where_it_began() -> None:
    around = near(failing("cart"), failing("checkout"), failing("payment"), failing("wiki"))
    assert around.beginning("cart").component == "cart"


def test_of_two_possible_beginnings_the_first_to_fail_is_chosen_and_the_other_told() -> None:
    beginning = near(failing("checkout"), failing("cart", 3), failing("payment", 2)).beginning(
        "checkout"
    )
    assert beginning.component == "payment"
    assert beginning.undecided == ("cart", "checkout")
    assert "2 more could be it" in beginning.because


def test_in_a_ring_the_first_to_fail_is_where_it_began_for_all() -> None:
    ring = Catalogue(
        [Component(name="a", depends_on=("b",)), Component(name="b", depends_on=("a",))]
    )
    around = near(failing("a", 1), failing("b", 0), catalogue=ring)
    assert around.beginning("a").component == around.beginning("b").component == "b"


def test_an_unlisted_component_is_its_own_beginning() -> None:
    assert near(failing("x"), failing("db")).beginning("x").component == "x"


def test_the_cascade_names_the_other_incidents_the_beginning_first() -> None:
    around = near(
        failing("checkout", 0, 1), failing("cart", 0, 2), failing("db", 0, 3), failing("wiki", 0, 4)
    )
    point = around.failure_point("checkout", IncidentId(UUID(int=1)))
    assert point.component == "db"
    assert point.cascade == (UUID(int=3), UUID(int=2))
    assert point.pulled_down
    assert point.cascade_id == UUID(int=1)


def test_a_cascade_names_no_more_than_a_person_reads() -> None:
    many = [Component(name=f"c{n}", depends_on=("db",)) for n in range(100)]
    catalogue = Catalogue([Component(name="db"), *many])
    around = near(
        failing("db", 0, 999),
        *(failing(it.name, 1, n) for n, it in enumerate(many)),
        catalogue=catalogue,
    )
    assert len(around.failure_point("c7", IncidentId(UUID(int=7))).cascade) == MOST_NAMED


nodes = st.sampled_from("abcdefg")
catalogues = st.dictionaries(nodes, st.lists(nodes, max_size=3), max_size=7).map(
    lambda edges: Catalogue(
        [Component(name=name, depends_on=tuple(ends)) for name, ends in edges.items()]
    )
)
failures = st.dictionaries(nodes, st.integers(0, 9), min_size=1, max_size=7).map(
    lambda times: [failing(name, minutes, ord(name)) for name, minutes in times.items()]
)


@given(catalogues, failures, st.randoms())
def test_the_order_in_which_failures_are_heard_of_does_not_matter(
    catalogue: Catalogue, found: list[Failing], chance: object
) -> None:
    shuffled = list(found)
    chance.shuffle(shuffled)  # type: ignore[attr-defined] # Hypothesis types it as object
    one, other = near(*found, catalogue=catalogue), near(*shuffled, catalogue=catalogue)
    for it in found:
        assert one.beginning(it.component) == other.beginning(it.component)


@given(catalogues, failures)
def test_a_beginning_is_failing_and_can_have_pulled_it_down(
    catalogue: Catalogue, found: list[Failing]
) -> None:
    around = near(*found, catalogue=catalogue)
    names = {it.component for it in found}
    for name in names:
        start = around.beginning(name).component
        assert start in names
        assert catalogue.stands_on(name, start)


@given(catalogues, failures)
def test_probabilities_of_a_cascade_are_at_most_one_together(
    catalogue: Catalogue, found: list[Failing]
) -> None:
    around = near(*found, catalogue=catalogue)
    for it in found:
        places = around.cascade(it.component).places
        assert sum(place.probability for place in places) <= 1
        assert [place.probability for place in places] == sorted(
            (place.probability for place in places), reverse=True
        )


class TestRechecks:
    def test_news_rechecks_what_stands_on_it_near_it(self) -> None:
        found = to_recheck(SHOP, [News("db", 100, None, None)], WINDOW)
        spans = {it.component: (it.first_minute, it.last_minute) for it in found}
        assert spans == dict.fromkeys(("db", "cart", "payment", "checkout"), (90, 110))

    def test_what_goes_on_failing_rechecks_nothing_that_took_it_into_account(self) -> None:
        (recheck, *_) = to_recheck(SHOP, [News("cart", 100, 99, 99)], WINDOW)
        assert (recheck.first_minute, recheck.last_minute) == (110, 110)

    def test_an_unlisted_component_rechecks_nobody_else(self) -> None:
        found = to_recheck(SHOP, [News("x", 100, None, None)], WINDOW)
        assert [it.component for it in found] == ["x"]

    def test_another_instance_rechecks_the_scope_of_its_component(self) -> None:
        found = to_recheck(SHOP, [News("db", 100, 99, None)], WINDOW)
        assert {it.component: it.first_minute for it in found}["db"] == 90


@given(catalogues, st.lists(st.tuples(nodes, st.integers(0, 40)), min_size=1, max_size=12))
def test_rechecking_on_news_comes_to_what_looking_at_all_at_once_would(
    catalogue: Catalogue, told: Iterable[tuple[str, int]]
) -> None:
    """One incident after the other, in any order; each is placed, and placed again on news."""
    heard: dict[tuple[str, int], Failing] = {}
    said: dict[tuple[str, int], str] = {}

    def beginning(component: str, minute: int) -> str:
        around: dict[str, Failing] = {}
        for it in sorted(heard.values(), key=lambda it: it.since):
            if abs(minute_of(it.since) - minute_of(at(minute))) <= WINDOW:
                around.setdefault(it.component, it)
        return near(*around.values(), catalogue=catalogue).beginning(component).component

    for number, (component, minute) in enumerate(told):
        key = component, minute
        if key not in heard:
            before = [m for c, m in heard if c == component and m < minute]
            heard[key] = failing(component, minute, number)
            news = News(component, minute, max(before, default=None), None)
            for recheck in to_recheck(catalogue, [news], WINDOW):
                for name, when in list(said):
                    if (
                        name == recheck.component
                        and recheck.first_minute <= when <= recheck.last_minute
                    ):
                        said[name, when] = beginning(name, when)
        said[key] = beginning(component, minute)

    assert said == {(name, when): beginning(name, when) for name, when in said}
