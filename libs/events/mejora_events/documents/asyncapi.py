"""One AsyncAPI 3.0 document of all topics: asyncapi.com/docs/reference/specification/v3.0.0."""

from collections.abc import Sequence
from importlib.metadata import version
from inspect import cleandoc
from typing import Any

from mejora_events.contracts import Topic
from mejora_events.contracts.base import EventData

Node = dict[str, Any]

KAFKA_BINDING = "0.5.0"
TRACE = r"^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$"

ABOUT = (
    "What Mejora says about failures on their way to permanent improvements: facts in the past"
    " tense, one writer per topic. CloudEvents 1.0 over the Kafka protocol binding in binary mode:"
    " the record's value is the data, its attributes are headers, its key is the partition key."
)

HEADERS: Node = {
    "type": "object",
    "description": "A CloudEvent's attributes (binary mode) and its W3C trace context.",
    "required": [
        *("ce_specversion", "ce_id", "ce_source", "ce_type", "ce_time", "ce_subject"),
        "content-type",
    ],
    "properties": {
        "ce_specversion": {"type": "string", "const": "1.0"},
        "ce_id": {
            "type": "string",
            "format": "uuid",
            "description": "With `ce_source` it names the event; the same again is a repetition.",
        },
        "ce_source": {
            "type": "string",
            "format": "uri-reference",
            "description": "The service that wrote the event.",
        },
        "ce_type": {"type": "string", "description": "The event type."},
        "ce_time": {
            "type": "string",
            "format": "date-time",
            "description": "When it happened, UTC.",
        },
        "ce_subject": {"type": "string", "description": "What the event is about: the key."},
        "content-type": {"type": "string", "const": "application/json"},
        "ce_correlationid": {
            "type": "string",
            "description": "The incident or problem that the chain is about.",
        },
        "ce_causationid": {
            "type": "string",
            "description": "The id of the event that caused this one.",
        },
        "traceparent": {
            "type": "string",
            "pattern": TRACE,
            "description": "The W3C trace context of the hop that wrote the record.",
        },
        "ce_traceparent": {
            "type": "string",
            "pattern": TRACE,
            "description": "The W3C trace context in which the chain began.",
        },
    },
}


def asyncapi(topics: Sequence[Topic], schemas: str) -> Node:
    """Describe the topics; `schemas` is the folder of the types' schemas, as the document sees it.

    The schemas are referred to, not repeated. They keep to what AsyncAPI's own schema object
    (a superset of JSON Schema draft 07) and 2020-12 read alike.
    """
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "The events of Mejora",
            "version": version("mejora-events"),
            "description": ABOUT,
        },
        "defaultContentType": "application/json",
        "channels": {_short(topic): _channel(topic) for topic in topics},
        "operations": {
            name: operation for topic in topics for name, operation in _operations(topic)
        },
        "components": {
            "messages": {
                contract.TYPE: _message(topic, contract, schemas)
                for topic in topics
                for contract in topic.types
            },
            "schemas": {"CloudEventHeaders": HEADERS},
            "correlationIds": {
                "chain": {
                    "description": "The incident or problem that the chain is about.",
                    "location": "$message.header#/ce_correlationid",
                }
            },
        },
    }


def _short(topic: Topic) -> str:
    return topic.name.removeprefix("mejora.")


def _writer(topic: Topic) -> str:
    return f"the {topic.writer} service" if _is_service(topic.writer) else topic.writer


def _is_service(writer: str) -> bool:
    return " " not in writer  # dead letters are written by "the consumer that failed"


def _channel(topic: Topic) -> Node:
    return {
        "address": topic.name,
        "summary": f"Written by {_writer(topic)}; the key is the {topic.key}.",
        "messages": {
            contract.TYPE: {"$ref": f"#/components/messages/{contract.TYPE}"}
            for contract in topic.types
        },
        "bindings": {
            "kafka": {
                "topic": topic.name,
                "topicConfiguration": {"cleanup.policy": [topic.keep.value]},
                "bindingVersion": KAFKA_BINDING,
            }
        },
    }


def _operations(topic: Topic) -> list[tuple[str, Node]]:
    short = _short(topic)
    about: Node = {
        "channel": {"$ref": f"#/channels/{short}"},
        "messages": [
            {"$ref": f"#/channels/{short}/messages/{contract.TYPE}"} for contract in topic.types
        ],
    }
    reads = "Whoever needs them reads them, in a consumer group of their own."
    return [
        (f"send-{short}", {"action": "send", "summary": f"Written by {_writer(topic)}.", **about}),
        (f"receive-{short}", {"action": "receive", "summary": reads, **about}),
    ]


def _message(topic: Topic, contract: type[EventData], schemas: str) -> Node:
    fixed: Node = {"ce_type": {"const": contract.TYPE}}
    if _is_service(topic.writer):
        fixed["ce_source"] = {"const": f"/mejora/{topic.writer}"}
    return {
        "name": contract.TYPE,
        "title": contract.__name__,
        "summary": cleandoc(contract.__doc__ or "").partition("\n\n")[0].replace("\n", " "),
        "contentType": "application/json",
        "headers": {
            "allOf": [
                {"$ref": "#/components/schemas/CloudEventHeaders"},
                {"type": "object", "properties": fixed},
            ]
        },
        "payload": {"$ref": f"{schemas}/{contract.TYPE}.json"},
        "correlationId": {"$ref": "#/components/correlationIds/chain"},
        "bindings": {
            "kafka": {
                "key": {"type": "string", "description": f"The {topic.key}."},
                "bindingVersion": KAFKA_BINDING,
            }
        },
    }
