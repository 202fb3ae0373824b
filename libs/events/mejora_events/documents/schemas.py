"""A JSON Schema (2020-12) of each event type's data."""

from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, JsonSchemaValue
from pydantic_core import core_schema

from mejora_events.contracts import Topic
from mejora_events.contracts.base import EventData

DIALECT = "https://json-schema.org/draft/2020-12/schema"


class _Generator(GenerateJsonSchema):
    """Pydantic's generator without what says nothing to those outside."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        """Leave out titles such as "Incident Id", which repeat the field's name."""
        return False

    def tagged_union_schema(self, schema: core_schema.TaggedUnionSchema) -> JsonSchemaValue:
        """Leave out OpenAPI's `discriminator`, which AsyncAPI takes for something else."""
        generated = super().tagged_union_schema(schema)
        generated.pop("discriminator", None)
        return generated

    def field_is_required(
        self,
        field: core_schema.ModelField | core_schema.DataclassField | core_schema.TypedDictField,
        total: bool,
    ) -> bool:
        """Promise that constants are written: they tell the variants of a union apart."""
        schema: Any = field["schema"]
        while schema["type"] in ("default", "nullable"):
            schema = schema["schema"]
        if self.mode == "serialization" and schema["type"] == "literal":
            return True
        return super().field_is_required(field, total)


def written_schema(topic: Topic, contract: type[EventData]) -> JsonSchemaValue:
    """Describe what is written: the schema that is published."""
    generated = _generate(contract, "serialization")
    parts = {name: generated.pop(name) for name in ("$defs",) if name in generated}
    return {
        "$schema": DIALECT,
        "$id": f"urn:mejora:events:{contract.TYPE}",
        "title": generated.pop("title"),
        "description": generated.pop("description"),
        "x-topic": topic.name,
        "x-key": topic.key,
        **generated,
        **parts,
    }


def read_schema(contract: type[EventData]) -> JsonSchemaValue:
    """Describe what our own readers take, which may be more than is written."""
    return _generate(contract, "validation")


def _generate(contract: type[EventData], mode: JsonSchemaMode) -> JsonSchemaValue:
    return contract.model_json_schema(mode=mode, schema_generator=_Generator)
