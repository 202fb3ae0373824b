"""What the catalogue answers, and what replaces what."""

from hypothesis import given
from hypothesis import strategies as st

from mejora_diagnosis.model.catalogue import Catalogue
from mejora_diagnosis.model.replacing import Kept, key_of, replace
from mejora_events.contracts.catalogue import (
    Component,
    ComponentKind,
    Contract,
    Customer,
    Entity,
    Process,
)
from support.diagnosed import the_shop

SHOP = Catalogue(the_shop())


def test_impact_goes_upwards_to_processes_customers_and_contracts() -> None:
    affected = SHOP.affected("db")
    assert affected.processes == ("ordering",)
    assert affected.customers == ("acme",)
    assert affected.contracts == ("acme-gold",)
    assert SHOP.dependents("db") == ("cart", "checkout", "payment")
    assert SHOP.dependencies("checkout") == ("cart", "db", "payment")


def test_nobody_stands_on_the_wiki() -> None:
    assert SHOP.affected("wiki").processes == ()
    assert SHOP.dependents("wiki") == ()


def test_a_ring_of_dependencies_has_an_answer() -> None:
    ring = Catalogue(
        [
            Component(name="a", depends_on=("b",)),
            Component(name="b", depends_on=("a",)),
            Process(name="p", depends_on=("a",)),
        ]
    )
    assert ring.affected("b").processes == ("p",)
    assert ring.dependents("a") == ("b",)


def test_a_contract_without_processes_covers_all_of_its_customer() -> None:
    catalogue = Catalogue(
        [
            Component(name="a"),
            Process(name="p", depends_on=("a",), customers=("c",)),
            Customer(name="c"),
            Contract(name="whole", customer="c"),
        ]
    )
    assert catalogue.affected("a").contracts == ("whole",)


def test_monitors_may_call_a_component_otherwise() -> None:
    assert SHOP.resolve("db") == "db"
    assert SHOP.resolve("postgres-main") == "db"
    assert SHOP.resolve("DB") == "db"
    assert SHOP.resolve("db:5432") == "db"
    assert SHOP.resolve("something else") == "something else"


def test_what_nobody_described_is_unlisted_and_without_owner() -> None:
    unknown = SHOP.component("unheard-of")
    assert unknown.component_kind is ComponentKind.UNLISTED
    assert unknown.owner is None
    assert not SHOP.lists("unheard-of")
    assert SHOP.affected("unheard-of").customers == ()


names = st.sampled_from("abcdef")
components = st.builds(Component, name=names, criticality=st.integers(1, 5))
customers = st.builds(Customer, name=names, title=st.sampled_from(["", "x"]))
catalogues = st.lists(components | customers, max_size=8, unique_by=key_of)


def after(kept: dict[tuple[str, str], Kept], wanted: list[Entity]) -> dict[tuple[str, str], Kept]:
    replacement = replace(kept, wanted)
    kept = dict(kept)
    for entity, version in replacement.changed:
        kept[key_of(entity)] = Kept(entity, version)
    for key, version in replacement.removed:
        kept[key] = Kept(kept[key].entity, version, removed=True)
    return kept


@given(st.lists(catalogues, min_size=1, max_size=4))
def test_after_a_replacement_the_catalogue_is_what_was_wanted(history: list[list[Entity]]) -> None:
    kept: dict[tuple[str, str], Kept] = {}
    for wanted in history:
        before, kept = kept, after(kept, wanted)
        assert {key for key, it in kept.items() if not it.removed} == {key_of(e) for e in wanted}
        assert all(kept[key].version >= it.version for key, it in before.items())
        again = replace(kept, wanted)
        assert (again.changed, again.removed) == ((), ())
        assert again.unchanged == len(wanted)


def test_an_unlisted_component_outlives_a_catalogue_that_does_not_name_it() -> None:
    unlisted = Component(name="x", component_kind=ComponentKind.UNLISTED)
    kept = {key_of(unlisted): Kept(unlisted, 1)}
    assert replace(kept, []).removed == ()
    assert replace(kept, [Component(name="y", aliases=("x",))]).removed == (
        (("component", "x"), 2),
    )
    listed = Component(name="x", owner="them")
    assert replace(kept, [listed]).changed == ((listed, 2),)


def test_what_stands_on_what_is_not_worked_out_again_where_no_dependency_changes() -> None:
    owned = [it.model_copy(update={"owner": "x"}) if it.name == "db" else it for it in the_shop()]
    assert Catalogue(owned, 2, SHOP).reach is SHOP.reach
    without = [it for it in the_shop() if it.name != "wiki"]
    assert Catalogue(without, 2, SHOP).reach is not SHOP.reach
