"""Catalogue documents: read in three forms, written in ours, and refused with advice."""

import json
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mejora_diagnosis.model.documents import (
    ReadDocument,
    UnreadableCatalogue,
    read_catalogue,
    read_catalogue_table,
    write_own,
)
from mejora_events.contracts.base import Money
from mejora_events.contracts.catalogue import (
    Component,
    ComponentKind,
    Contract,
    Customer,
    Entity,
    OwnerRole,
    Process,
)
from support.diagnosed import names, the_shop
from support.real_data import REAL_DATA

OURS = """\
components:
  - name: checkout
    kind: system
    owner: sales
    depends_on: [supplier-x]
    instances: 3
    criticality: 1
    cost_per_minute: 120 EUR
    alternates: [order by phone]
  - name: supplier-x
    kind: supplier
    handling_rate_per_hour: 80.5
processes:
  - {name: ordering, depends_on: [checkout], customers: [acme]}
roles:
  - {name: sales, superior: board}
  - {name: board}
customers:
  - {name: acme, title: Acme Ltd}
contracts:
  - {name: gold, customer: acme, processes: [ordering], renewal_on: 2027-01-01,
     worth_per_year: {amount: 90000, currency: USD}}
"""

BACKSTAGE = """\
apiVersion: backstage.io/v1alpha1
kind: Component
metadata:
  name: shop
  annotations:
    mejora/criticality: "1"
    mejora/aliases: shop-web, shop-api
spec:
  type: service
  owner: team-a
  system: store
  dependsOn: [resource:db, component:default/cart]
  consumesApis: [billing]
  providesApis: [shop]
---
apiVersion: backstage.io/v1alpha1
kind: API
metadata: {name: shop}
spec: {type: openapi, owner: user:jane}
---
apiVersion: backstage.io/v1alpha1
kind: API
metadata: {name: billing}
spec: {type: openapi, owner: group:team-a}
---
apiVersion: backstage.io/v1alpha1
kind: System
metadata: {name: store}
spec: {owner: group:default/team-a, domain: sales}
---
apiVersion: backstage.io/v1alpha1
kind: Domain
metadata: {name: sales}
spec: {owner: team-a}
---
apiVersion: backstage.io/v1alpha1
kind: Group
metadata: {name: team-a}
spec: {type: team, profile: {email: a@example.org}}
---
apiVersion: backstage.io/v1alpha1
kind: Resource
metadata: {name: db}
spec: {type: database, owner: team-a}
---
apiVersion: backstage.io/v1alpha1
kind: Location
metadata: {name: here}
"""


def entities(text: str) -> dict[tuple[str, str], Entity]:
    found = read_catalogue(text, is_json=False).entities
    return {(entity.kind, entity.name): entity for entity in found}


def faults(text: str, *, is_json: bool = False) -> list[str]:
    with pytest.raises(UnreadableCatalogue) as refused:
        read_catalogue(text, is_json=is_json)
    return [str(fault) for fault in refused.value.faults]


class TestOurForm:
    def test_it_has_a_list_for_each_kind(self) -> None:
        found = entities(OURS)
        checkout = found["component", "checkout"]
        supplier = found["component", "supplier-x"]
        gold = found["contract", "gold"]
        assert isinstance(checkout, Component)
        assert isinstance(supplier, Component)
        assert isinstance(gold, Contract)
        assert checkout.cost_per_minute is not None
        assert checkout.cost_per_minute == Money(amount=Decimal(120), currency="EUR")
        assert checkout.alternates == ("order by phone",)
        assert supplier.component_kind is ComponentKind.SUPPLIER
        assert gold.renewal_on == "2027-01-01"
        assert gold.worth_per_year is not None
        assert gold.worth_per_year.currency == "USD"
        assert found["role", "sales"] == OwnerRole(name="sales", superior="board")

    def test_json_says_the_same(self) -> None:
        written = write_own(read_catalogue(OURS, is_json=False).entities)
        again = read_catalogue(json.dumps(written), is_json=True)
        assert {(e.kind, e.name): e for e in again.entities} == entities(OURS)

    def test_nothing_may_be_sent_by_mistake_to_take_all_away(self) -> None:
        assert "it is empty" in faults("")[0]
        assert "it is empty" in faults("# only a remark\n")[0]
        assert read_catalogue("components: []", is_json=False).entities == ()

    @pytest.mark.parametrize(
        ("text", "line", "entity", "says"),
        [
            ("components:\n- name: a\n  dependson: [b]\n", 3, "component 'a'", "'depends_on'?"),
            ("components:\n- {name: a,\n   criticality: 9}\n", 3, "component 'a'", "criticality"),
            ("components:\n- {nam: a}\n", 2, "component without a name", "did you mean 'name'?"),
            ("components:\n- [1]\n", 2, "component at components.0", "it is no mapping"),
            ("components:\n- name: 12\n", 2, "component without a name", "in quotes"),
            ("customers:\n\nprocesses: 3\n", 3, "processes", "it is no list"),
            ("conponents: []\n", 1, "the document", "did you mean 'components'?"),
            ("components:\n- name: a\n- name: a\n", 3, "component 'a'", "on line 2 too"),
            ("components:\n- {name: a, depends_on: [b]}\n", 2, "component 'a'", "component 'b'"),
            ("processes:\n- {name: p, customers: [c]}\n", 2, "process 'p'", "customer 'c'"),
            ("contracts:\n- {name: k, customer: c}\n", 2, "contract 'k'", "customer 'c'"),
            ("roles:\n- {name: r, superior: r}\n", 2, "role 'r'", "its own superior"),
            ("components:\n- {name: a, part_of: b}\n", 2, "component 'a'", "component 'b'"),
            (
                "components:\n- {name: a, part_of: b}\n- {name: b, part_of: a}\n",
                2,
                "component 'a'",
                "a part of itself",
            ),
            ("components:\n- {name: a, instances: 0}\n", 2, "component 'a'", "count at least one"),
            ("components:\n- {name: a, users: 0}\n", 2, "component 'a'", "users: "),
            (
                "customers: [{name: c}]\ncontracts:\n- {name: k, customer: c, renewal_on: soon}\n",
                3,
                "contract 'k'",
                "2027-01-31",
            ),
            (
                "components:\n- {name: a, aliases: [b]}\n- {name: b}\n",
                2,
                "component 'a'",
                "another component's name",
            ),
            ("components:\n- name: [\n", 3, "the document", "mend it there"),
            ("just text", 1, "the document", "it is no mapping"),
        ],
    )
    def test_a_fault_names_line_and_entity_and_says_what_to_do(
        self, text: str, line: int, entity: str, says: str
    ) -> None:
        (fault, *_) = faults(text)
        assert fault.startswith(f"line {line}, {entity}: ")
        assert says in fault
        assert "; " in fault

    def test_all_faults_are_told_at_once(self) -> None:
        found = faults("components:\n- name: a\n  x: 1\n- name: b\n  instances: many\n")
        assert [fault.split(",")[0] for fault in found] == ["line 3", "line 5"]

    @pytest.mark.parametrize("text", ["[" * 100_000 + "]" * 100_000, "- " * 30_000 + "a"])
    def test_what_has_no_bottom_is_refused(self, text: str) -> None:
        assert "nested too deeply" in faults(text)[0]

    def test_what_aliases_blow_up_is_refused(self) -> None:
        levels = "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12))
        (fault,) = faults(f"a0: &a0 [x]\n{levels}")
        assert "refers to itself too often" in fault

    def test_an_alias_of_one_value_is_fine(self) -> None:
        found = entities("components:\n- {name: a, owner: &us them}\n- {name: b, owner: *us}\n")
        assert found["component", "b"] == Component(name="b", owner="them")

    def test_nor_is_json_without_a_bottom_taken(self) -> None:
        assert "nested too deeply" in faults("[" * 100_000, is_json=True)[0]

    def test_in_json_a_fault_names_line_and_entity_too(self) -> None:
        (fault,) = faults(
            '{"components": [\n\t{"name": "a"},\n\t{"name": "b",\n\t "criticality": 0}]}',
            is_json=True,
        )
        assert fault.startswith("line 4, component 'b': criticality: ")
        (fault,) = faults('[{"apiVersion": "b"},\n {"kind": "API"}]', is_json=True)[1:]
        assert fault.startswith("line 2, entity without a name")
        (fault,) = faults(
            '{"components": [{"name": "\\ud83d\\ude00", "criticality": 0}]}', is_json=True
        )  # YAML does not read this
        assert fault.startswith("component '😀': criticality: ")
        for text in ("\\u0000", "\\ud800"):
            body = f'{{"customers": [{{"name": "a", "title": "{text}"}}]}}'
            (fault,) = faults(body, is_json=True)
            assert "NUL" in fault
        assert faults('{"components": [', is_json=True)[0].startswith("line 1, the document")

    def test_an_owner_who_is_no_role_is_worth_a_remark(self) -> None:
        found = read_catalogue("components:\n- {name: a, owner: them}\n", is_json=False)
        assert "role 'them'" in str(found.remarks[0])


def a_component(
    name: str,
    *,
    kind: str = "Component",
    spec: str = "type: service",
    annotations: str = "",
    where: str = "default",
    more: str = "tags: []",
) -> str:
    """An entity of Backstage in a document of its own."""
    return (
        f"---\napiVersion: backstage.io/v1alpha1\nkind: {kind}\n"
        f"metadata: {{name: {name}, namespace: {where}, annotations: {{{annotations}}}, {more}}}\n"
        f"spec: {{{spec}}}\n"
    )


def a_group(name: str, spec: str = "type: team") -> str:
    """A group of Backstage in a document of its own."""
    return a_component(name, kind="Group", spec=spec)


class TestBackstage:
    def test_entities_become_components_roles_and_processes(self) -> None:
        found = entities(BACKSTAGE)
        assert found["component", "shop"] == Component(
            name="shop",
            owner="team-a",
            depends_on=("db", "cart", "billing"),
            criticality=1,
            aliases=("shop-web", "shop-api"),
        )
        assert found["component", "store"] == Component(
            name="store", owner="team-a", depends_on=("shop",)
        )
        assert found["process", "sales"] == Process(
            name="sales", owner="team-a", depends_on=("store",)
        )
        assert found["role", "team-a"] == OwnerRole(name="team-a", contact="a@example.org")

    def test_a_component_and_its_api_may_share_a_name(self) -> None:
        assert entities(BACKSTAGE)["component", "api:shop"] == Component(
            name="api:shop", depends_on=("shop",)
        )

    def test_a_person_is_no_owner_and_what_is_elsewhere_joins_as_unlisted(self) -> None:
        found = read_catalogue(BACKSTAGE, is_json=False)
        said = " ".join(map(str, found.remarks))
        assert "its owner is a person" in said
        assert "'cart'" in said
        assert "'location'" in said
        cart = entities(BACKSTAGE)["component", "cart"]
        assert cart == Component(name="cart", component_kind=ComponentKind.UNLISTED)

    def test_a_subcomponent_is_a_part_and_how_many_there_are_is_annotated(self) -> None:
        found = entities(
            a_component("app", annotations="mejora/sites: 3, mejora/users: '4000'")
            + a_component("app-ui", spec="subcomponentOf: App, owner: Team-A")
            + a_group("team-a")
        )
        assert found["component", "app"] == Component(name="app", sites=3, users=4_000)
        assert found["component", "app-ui"] == Component(
            name="app-ui", part_of="app", owner="team-a"
        )

    def test_a_reference_takes_kind_and_namespace_from_where_it_stands(self) -> None:
        found = entities(
            a_component("web", spec="dependsOn: [db, API:billing], owner: ops/night", where="shop")
            + a_component("db", kind="Resource", where="shop")
            + a_component("billing", kind="API")
            + a_component("db", spec="dependencyOf: ['component:shop/web']")
        )
        assert found["component", "shop/web"] == Component(
            name="shop/web", depends_on=("shop/db", "shop/billing", "db"), owner="ops/night"
        )
        assert found["component", "billing"] == Component(name="billing")

    def test_what_is_written_at_the_other_end_counts_too(self) -> None:
        found = entities(
            a_group("board", spec="children: [team-a]")
            + a_group("team-a")
            + a_component("sales", kind="Domain")
            + a_component("online", kind="Domain", spec="subdomainOf: sales")
            + a_component("shop", kind="System", spec="domain: online")
        )
        assert found["role", "team-a"] == OwnerRole(name="team-a", superior="board")
        assert found["process", "sales"] == Process(name="sales", depends_on=("shop",))

    def test_a_link_to_a_runbook_is_one(self) -> None:
        link = "links: [{url: https://a, title: Dashboard}, {url: https://b, type: Runbook}]"
        found = entities(a_component("app", more=link))
        assert found["component", "app"] == Component(name="app", runbook="https://b")

    def test_a_fault_names_the_line_in_the_stream(self) -> None:
        (fault,) = faults(BACKSTAGE.replace('"1"', '"high"'))
        assert fault.startswith("line 1, component 'shop': criticality: ")
        (fault,) = faults("apiVersion: backstage.io/v1alpha1\nkind: Component\n")
        assert "metadata.name" in fault


def test_an_edge_list_is_a_catalogue() -> None:
    found = read_catalogue(
        '{"services": ["a", "b"], "dependencies": [{"from": "a", "to": "c"}]}', is_json=True
    )
    assert sorted(names(found.entities)) == ["a", "b", "c"]
    (fault,) = faults("services: [a]\ndependencies:\n- {from: a}\n")
    assert fault.startswith("line 3, dependencies[0]: it is no edge")


labels = st.text(min_size=1, max_size=12).filter(lambda it: it.strip() == it and it.isprintable())


@example(["\\u0000"], 1)
@given(st.lists(labels, unique_by=str.lower, max_size=6), st.integers(1, 5))
def test_what_is_written_is_read_back(found: list[str], criticality: int) -> None:
    chain = [
        Component(name=name, depends_on=(below,), criticality=criticality)
        for name, below in pairwise(found)
    ]
    last = [Component(name=found[-1])] if found else []
    customers = [Customer(name=name, title=name) for name in found]
    wanted: list[Entity] = [*chain, *last, *customers]
    again = read_catalogue(json.dumps(write_own(wanted)), is_json=True)
    assert {(e.kind, e.name): e for e in again.entities} == {(e.kind, e.name): e for e in wanted}


def test_the_shop_is_a_catalogue() -> None:
    read: ReadDocument = read_catalogue(json.dumps(write_own(the_shop())), is_json=True)
    assert len(read.entities) == len(the_shop())


def depends_on(document: ReadDocument) -> dict[str, set[str]]:
    return {it.name: set(it.depends_on) for it in document.entities if isinstance(it, Component)}


def test_a_graph_says_by_its_labels_who_stands_on_whom() -> None:
    edges = [
        ("web", "web-0", "has_instance"),
        ("web-0", "web", "instance_of"),
        ("web-1", "web", "Instance of"),
        ("node-1", "web-0", "hosts"),
        ("web-0", "node-1", "hosted_on"),
        ("web", "db", "control_flow"),
    ]
    graph = {
        "nodes": [{"id": "web", "type": "Service"}, {"id": "db"}, {"id": 7}],
        "edges": [{"source": one, "target": two, "label": how} for one, two, how in edges],
    }
    read = read_catalogue(json.dumps(graph), is_json=True)
    assert depends_on(read) == {
        "web": {"web-0", "web-1", "db"},
        "web-0": {"node-1"},
        "web-1": set(),
        "node-1": set(),
        "db": set(),
        "7": set(),
    }
    instances = {it.name: it.instances for it in read.entities if isinstance(it, Component)}
    assert (instances["web"], instances["db"]) == (2, None)


def test_without_direction_each_end_stands_on_the_other() -> None:
    graph = {"directed": False, "nodes": [], "edges": [{"source": 1, "target": 2}]}
    both = {"1": {"2"}, "2": {"1"}}
    assert depends_on(read_catalogue(json.dumps(graph), is_json=True)) == both
    assert depends_on(read_catalogue_table("device_a,device_b\n1,2\n")) == both


@pytest.mark.parametrize(
    "table",
    [
        "from,to\nweb,db\n",
        "Source;Target\n".replace(";", ",") + "web,db\n\n",
        "since,callee,caller\n2020,db,web\n",
        "component,depends_on,relation\nweb,db,calls\n",
        "source,target,label\ndb,web,hosts\n",
        '"from","to"\r\n"web","db"\r\n',
    ],
)
def test_a_table_of_edges_is_a_catalogue(table: str) -> None:
    assert depends_on(read_catalogue_table(table)) == {"web": {"db"}, "db": set()}


@pytest.mark.parametrize(
    ("table", "fault"),
    [
        ("web,db\n", "line 1, the table: its header"),
        ("", "line 1, the table: its header"),
        ("from,to\n", "there is no edge in it"),
        ("from,to\nweb,db\nweb,\n", "line 3, the edge: one of its ends is empty"),
        ("from,to\nweb\n", "line 2, the edge: one of its ends is empty"),
    ],
)
def test_a_table_that_is_none_is_told_with_its_line(table: str, fault: str) -> None:
    with pytest.raises(UnreadableCatalogue) as refused:
        read_catalogue_table(table)
    assert fault in str(refused.value.faults[0])


@given(st.text(max_size=200))
def test_whatever_is_sent_as_a_table_is_read_or_told_what_is_wrong(text: str) -> None:
    try:
        assert read_catalogue_table(f"from,to\n{text}").entities
    except UnreadableCatalogue as error:
        assert error.faults


@pytest.mark.skipif(not REAL_DATA.exists(), reason="the real data is not there (MEJORA_REAL_DATA)")
def test_real_graphs_are_read() -> None:
    (graph,) = (REAL_DATA / "rca" / "faults").glob("*/*-KG.json")
    assert len(read_catalogue(graph.read_text(), is_json=True).entities) == 60
    links = (REAL_DATA / "rca" / "telecom_alarms" / "topology_edges.csv").read_text()
    assert len(read_catalogue_table(links).entities) == 45
    sizes = {
        path.stem: len(read_catalogue(path.read_text(), is_json=True).entities)
        for path in (REAL_DATA / "topology").glob("*.json")
    }
    assert sizes == {"online-boutique": 13, "opentelemetry-demo": 26}
