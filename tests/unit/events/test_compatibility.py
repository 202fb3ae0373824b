"""A contract may change only so that every reader reads every writer, of whatever age."""

from copy import deepcopy
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import Field

from mejora_events.compatibility import full, full_transitive, unreadable
from mejora_events.contracts import TYPES, Topic
from mejora_events.contracts.base import EventData, Money, Time, Value
from mejora_events.documents.schemas import read_schema, written_schema
from support.contracts import data_of

NAME = "mejora.order.placed.v1"


class Size(StrEnum):
    """How large."""

    SMALL = "small"
    LARGE = "large"


class Card(Value):
    """Paid by card."""

    kind: Literal["card"] = "card"
    number: str


class Cash(Value):
    """Paid in cash."""

    kind: Literal["cash"] = "cash"
    amount: Money


class Part(Value):
    """A part, made of parts."""

    name: str
    parts: tuple["Part", ...] = ()


class OrderPlaced(EventData):
    """Somebody ordered something."""

    TYPE: ClassVar[str] = NAME
    TOPIC: ClassVar[str] = "mejora.orders"

    order: str
    size: Size
    count: Annotated[int, Field(ge=1, le=9)]
    paid: Annotated[Card | Cash, Field(discriminator="kind")]
    part: Part
    labels: dict[str, str] = {}
    placed_at: Time
    note: Annotated[str, Field(max_length=80)] | None = None
    weight: float = 0.0
    form: Literal["order"] = "order"

    def key(self) -> str:
        return self.order


SCHEMA = written_schema(Topic("mejora.orders", "order", "shop", (OrderPlaced,)), OrderPlaced)


def with_change(path: str, change: Any) -> dict[str, Any]:
    """Give the schema with one place of it set to something else, or taken out."""
    changed = deepcopy(SCHEMA)
    *steps, last = path.split("/")
    place: Any = changed
    for step in steps:
        place = place[int(step)] if isinstance(place, list) else place[step]
    if change is ...:
        del place[last]
    else:
        place[last] = deepcopy(change)
    return changed


def required(*names: str) -> list[str]:
    return [name for name in SCHEMA["required"] if name not in names]


def said(old: Any, new: Any) -> list[str]:
    return [f"{finding.path}: {finding.what}" for finding in full(NAME, old, new)]


WITHOUT_ORDER = with_change("required", required("order"))
del WITHOUT_ORDER["properties"]["order"]

FORBIDDEN: dict[str, tuple[dict[str, Any], str, str]] = {
    # what is changed: (the other schema, what is said of it as the new one, and as the old one)
    "required field": (
        WITHOUT_ORDER,
        "order: a required field was removed",
        "order: a required field was added",
    ),
    "required": (
        with_change("required", required("order")),
        "order: was required and is optional now",
        "order: was optional and is required now",
    ),
    "type": (
        with_change("properties/order/type", "integer"),
        "order: the type was changed from string to integer",
        "order: the type was changed from integer to string",
    ),
    "wider type": (
        with_change("properties/count/type", "number"),
        "count: the type was widened from integer to number",
        "count: the type was narrowed from number to integer",
    ),
    "any type": (
        with_change("properties/placed_at", {}),
        "placed_at: the type was widened from string to anything",
        "placed_at: the type was narrowed from anything to string",
    ),
    "enumeration value": (
        with_change("$defs/Size/enum", ["small", "large", "huge"]),
        'size: enumeration value "huge" was added',
        'size: enumeration value "huge" was removed',
    ),
    "enumeration": (
        with_change("$defs/Size", {"type": "string"}),
        'size: the type was widened from one of "small", "large" to string',
        'size: the type was narrowed from string to one of "small", "large"',
    ),
    "enumeration of one": (
        with_change("$defs/Size", {"const": "small", "type": "string"}),
        'size: enumeration value "large" was removed',
        'size: enumeration value "large" was added',
    ),
    "constant": (
        with_change("properties/form/const", "offer"),
        'form: the constant was changed from "order" to "offer"',
        'form: the constant was changed from "offer" to "order"',
    ),
    "ceiling": (
        with_change("properties/count/maximum", 8),
        "count: the constraint `maximum` was tightened from 9 to 8",
        "count: the constraint `maximum` was loosened from 8 to 9",
    ),
    "floor": (
        with_change("properties/count/minimum", ...),
        "count: the constraint `minimum` was loosened from 1 to none",
        "count: the constraint `minimum` was tightened from none to 1",
    ),
    "length in a union": (
        with_change("properties/note/anyOf/0/maxLength", 20),
        "note: the constraint `maxLength` was tightened from 80 to 20",
        "note: the constraint `maxLength` was loosened from 20 to 80",
    ),
    "pattern": (
        with_change("$defs/Money/properties/currency/pattern", "^[a-z]{3}$"),
        "paid[kind=cash].amount.currency: the constraint `pattern` was changed from"
        ' "^[A-Z]{3}$" to "^[a-z]{3}$"',
        "paid[kind=cash].amount.currency: the constraint `pattern` was changed from"
        ' "^[a-z]{3}$" to "^[A-Z]{3}$"',
    ),
    "format": (
        with_change("properties/placed_at/format", ...),
        'placed_at: the constraint `format` was loosened from "date-time" to none',
        'placed_at: the constraint `format` was tightened from none to "date-time"',
    ),
    "nullable": (
        with_change("properties/weight", {"anyOf": [{"type": "number"}, {"type": "null"}]}),
        "weight: union variant null was added",
        "weight: union variant null was removed",
    ),
    "union variant": (
        with_change("properties/paid/oneOf", [{"$ref": "#/$defs/Card"}]),
        "paid: union variant object (kind=cash) was removed",
        "paid: union variant object (kind=cash) was added",
    ),
    "inside a union variant": (
        with_change("$defs/Card/properties/number/type", "integer"),
        "paid[kind=card].number: the type was changed from string to integer",
        "paid[kind=card].number: the type was changed from integer to string",
    ),
    "inside a recursive model": (
        with_change("$defs/Part/properties/name/type", "integer"),
        "part.name: the type was changed from string to integer",
        "part.name: the type was changed from integer to string",
    ),
    "elements of an array": (
        with_change("$defs/Part/properties/parts/items", {"type": "string"}),
        "part.parts[]: the type was changed from object (Part) to string",
        "part.parts[]: the type was changed from string to object (Part)",
    ),
    "values of a mapping": (
        with_change("properties/labels/additionalProperties/type", "number"),
        "labels{}: the type was changed from string to number",
        "labels{}: the type was changed from number to string",
    ),
    "topic": (
        with_change("x-topic", "mejora.sales"),
        "the whole: `x-topic` was changed from 'mejora.orders' to 'mejora.sales'",
        "the whole: `x-topic` was changed from 'mejora.sales' to 'mejora.orders'",
    ),
    "key": (
        with_change("x-key", "customer"),
        "the whole: `x-key` was changed from 'order' to 'customer'",
        "the whole: `x-key` was changed from 'customer' to 'order'",
    ),
}

RENAMED = with_change("$defs/Piece", {**SCHEMA["$defs"]["Part"], "title": "Piece"})
del RENAMED["$defs"]["Part"]
RENAMED["properties"]["part"] = {"$ref": "#/$defs/Piece"}
RENAMED["$defs"]["Piece"]["properties"]["parts"] = {
    "type": "array",
    "items": {"$ref": "#/$defs/Piece"},
}

ALLOWED: dict[str, dict[str, Any]] = {
    "nothing": deepcopy(SCHEMA),
    "an optional field": with_change("properties/gift", {"type": "boolean", "default": False}),
    "an optional field inside": with_change(
        "$defs/Money/properties/rate", {"anyOf": [{"type": "number"}, {"type": "null"}]}
    ),
    "the lack of an optional field": with_change("properties/labels", ...),
    "the prose": with_change("description", "Somebody wanted something."),
    "a field's prose": with_change("properties/order/description", "Its number."),
    "a default": with_change("properties/weight/default", 1.0),
    "the order of an enumeration": with_change("$defs/Size/enum", ["large", "small"]),
    "the order of a union": with_change(
        "properties/paid/oneOf", [{"$ref": "#/$defs/Cash"}, {"$ref": "#/$defs/Card"}]
    ),
    "the name of a model": RENAMED,
    "a model written in place": with_change("properties/size", SCHEMA["$defs"]["Size"]),
}


class TestBothDirections:
    @pytest.mark.parametrize("change", FORBIDDEN)
    def test_a_forbidden_change_is_found_at_its_place(self, change: str) -> None:
        changed, forwards, _ = FORBIDDEN[change]
        assert said(SCHEMA, changed) == [forwards]

    @pytest.mark.parametrize("change", FORBIDDEN)
    def test_taking_it_back_is_forbidden_too(self, change: str) -> None:
        changed, _, backwards = FORBIDDEN[change]
        assert said(changed, SCHEMA) == [backwards]

    @pytest.mark.parametrize("change", ALLOWED)
    def test_an_allowed_change_may_come_and_go(self, change: str) -> None:
        assert said(SCHEMA, ALLOWED[change]) == []
        assert said(ALLOWED[change], SCHEMA) == []

    def test_a_finding_names_the_type_and_says_what_to_do(self) -> None:
        changed, *_ = FORBIDDEN["type"]
        (finding,) = full_transitive(NAME, [SCHEMA], changed)
        assert str(finding) == (
            "mejora.order.placed.v1: order: the type was changed from string to integer"
            " (against version 1); leave it and publish mejora.order.placed.v2 beside it"
        )

    def test_a_field_that_was_made_required_wants_a_default(self) -> None:
        (finding,) = full(NAME, WITHOUT_ORDER, SCHEMA)
        assert finding.advice.startswith("give it a default, or")

    def test_a_keyword_that_is_not_understood_is_refused(self) -> None:
        changed = with_change("properties/order/not", {"const": "none"})
        assert said(SCHEMA, changed) == [
            "order: uses `not`, which the compatibility check does not judge"
        ]

    def test_a_schema_that_refuses_unknown_fields_lets_none_be_added(self) -> None:
        closed = with_change("additionalProperties", False)
        more = {**closed, "properties": {**closed["properties"], "gift": {"type": "boolean"}}}
        assert said(SCHEMA, closed) == []
        assert said(closed, more) == [
            "gift: the published schema refuses undeclared fields (`additionalProperties`)"
        ]

    def test_a_mapping_does_not_become_a_model(self) -> None:
        model = {"type": "object", "properties": {"host": {"type": "integer"}}}
        changed = with_change("properties/labels", model)
        assert "labels.host: the type was changed from string to integer" in said(SCHEMA, changed)


class TestTransitivity:
    def test_a_name_does_not_come_back_with_another_meaning(self) -> None:
        first = with_change("properties/gift", {"type": "boolean"})
        second = deepcopy(SCHEMA)
        third = with_change("properties/gift", {"type": "string"})
        assert full_transitive(NAME, [second], third) == []
        (finding,) = full_transitive(NAME, [first, second], third)
        assert finding.path == "gift"
        assert finding.against == (1,)

    def test_one_break_with_many_versions_is_said_once(self) -> None:
        second = with_change("properties/gift", {"type": "boolean"})
        changed = with_change("properties/order/type", "integer")
        (finding,) = full_transitive(NAME, [SCHEMA, second], changed)
        assert finding.against == (1, 2)


class TestOwnReaders:
    @pytest.mark.parametrize("event_type", sorted(TYPES))
    def test_each_contract_reads_what_it_writes(self, event_type: str) -> None:
        contract = TYPES[event_type]
        topic = Topic(contract.TOPIC, "key", "writer", (contract,))
        written = written_schema(topic, contract)
        assert unreadable(event_type, written, read_schema(contract)) == []

    def test_one_that_does_not_is_found(self) -> None:
        reader = with_change("properties/order", {"type": "integer"})
        (finding,) = unreadable(NAME, SCHEMA, reader)
        assert finding.what == "it writes string and reads integer"


LEAVES = st.sampled_from(
    [
        {},
        {"type": "null"},
        {"type": "integer"},
        {"type": "number"},
        {"type": "integer", "minimum": 0},
        {"type": "integer", "minimum": 1, "maximum": 2},
        {"type": "string"},
        {"type": "string", "maxLength": 1},
        {"type": "string", "enum": ["a", "b"]},
        {"type": "string", "const": "a"},
    ]
)


def objects(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    fields = st.dictionaries(st.sampled_from("xy"), inner, max_size=2)
    return fields.flatmap(
        lambda properties: st.fixed_dictionaries(
            {
                "type": st.just("object"),
                "properties": st.just(properties),
                "required": st.lists(st.sampled_from(sorted(properties)), unique=True)
                if properties
                else st.just([]),
            },
            optional={"additionalProperties": st.just(False) | inner},
        )
    )


SCHEMAS = st.recursive(
    LEAVES,
    lambda inner: (
        objects(inner)
        | st.fixed_dictionaries({"type": st.just("array"), "items": inner})
        | st.fixed_dictionaries({"anyOf": st.lists(inner, min_size=2, max_size=2)})
    ),
    max_leaves=4,
)

ANYTHING = st.none() | st.integers() | st.text(max_size=2) | st.just({"x": 1}) | st.just([1])


def written_by(schema: Any) -> st.SearchStrategy[Any]:
    """Give what a writer writes by a schema: no fields but those that it declares."""
    if "anyOf" in schema:
        return st.one_of([written_by(variant) for variant in schema["anyOf"]])
    match schema.get("type"):
        case "null":
            return st.none()
        case "integer":
            return st.integers(schema.get("minimum"), schema.get("maximum"))
        case "number":
            return st.integers() | st.floats(allow_nan=False, allow_infinity=False)
        case "string" if "enum" in schema or "const" in schema:
            return st.sampled_from(schema.get("enum") or [schema["const"]])
        case "string":
            return st.text(max_size=schema.get("maxLength", 3))
        case "array":
            return st.lists(written_by(schema["items"]), max_size=2)
        case "object":
            return object_written_by(schema)
    return ANYTHING


def object_written_by(schema: Any) -> st.SearchStrategy[Any]:
    fields = {name: written_by(field) for name, field in schema["properties"].items()}
    declared = st.fixed_dictionaries(
        {name: field for name, field in fields.items() if name in schema["required"]},
        optional={name: field for name, field in fields.items() if name not in schema["required"]},
    )
    if not schema.get("additionalProperties", False) and schema.get("additionalProperties") != {}:
        return declared
    others = st.dictionaries(
        st.sampled_from("xyz"), written_by(schema["additionalProperties"]), max_size=2
    )
    return st.tuples(others, declared).map(
        lambda parts: (
            {name: value for name, value in parts[0].items() if name not in fields} | parts[1]
        )
    )


class TestSoundness:
    """What the comparison lets pass, a validator lets pass too."""

    @given(chosen=st.data(), written=SCHEMAS, reader=SCHEMAS)
    @settings(max_examples=400, deadline=None)
    def test_no_finding_means_that_all_that_is_written_validates(
        self, chosen: st.DataObject, written: Any, reader: Any
    ) -> None:
        if unreadable(NAME, written, reader) == []:
            Draft202012Validator(reader).validate(chosen.draw(written_by(written)))

    @given(schema=SCHEMAS)
    @settings(deadline=None)
    def test_every_schema_is_compatible_with_itself(self, schema: Any) -> None:
        assert full(NAME, schema, deepcopy(schema)) == []

    @pytest.mark.parametrize("change", ALLOWED)
    @given(data=data_of(OrderPlaced))
    @settings(max_examples=10, deadline=None)
    def test_data_of_today_validates_after_an_allowed_change(
        self, change: str, data: EventData
    ) -> None:
        Draft202012Validator(ALLOWED[change]).validate(data.model_dump(mode="json"))
