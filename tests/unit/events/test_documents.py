"""The documents that outsiders read the events by."""

import json
from pathlib import Path
from typing import Any, ClassVar

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from mejora_events.contracts import TOPICS, TYPES, Keep, Topic
from mejora_events.contracts.base import EventData, Money
from mejora_events.documents.__main__ import main
from mejora_events.documents.files import HOME, check, write
from support.contracts import data_of

COMMITTED = HOME / "schemas"


def validator(event_type: str) -> Draft202012Validator:
    schema = json.loads((COMMITTED / f"{event_type}.json").read_text())
    return Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)


def as_written(data: EventData) -> Any:
    return json.loads(data.model_dump_json())


class Noted(EventData):
    """Something was noted."""

    TYPE: ClassVar[str] = "mejora.sample.noted.v1"
    TOPIC: ClassVar[str] = "mejora.samples"

    note: str
    """What was noted."""
    worth: Money | None = None

    def key(self) -> str:
        return self.note


class NotedMore(Noted):
    """Something was noted, and by whom."""

    by: str = ""


class NotedOtherwise(EventData):
    """Something was noted in another form."""

    TYPE: ClassVar[str] = Noted.TYPE
    TOPIC: ClassVar[str] = Noted.TOPIC

    note: int

    def key(self) -> str:
        return str(self.note)


def samples(*types: type[EventData]) -> list[Topic]:
    return [Topic("mejora.samples", "note", "sampler", types)]


class TestSchemas:
    @pytest.mark.parametrize("event_type", sorted(TYPES))
    def test_is_a_json_schema_with_a_name_a_title_and_a_description(self, event_type: str) -> None:
        schema = json.loads((COMMITTED / f"{event_type}.json").read_text())
        Draft202012Validator.check_schema(schema)
        assert schema["$id"] == f"urn:mejora:events:{event_type}"
        assert schema["title"]
        assert schema["description"]

    @pytest.mark.parametrize("event_type", sorted(TYPES))
    @given(chosen=st.data())
    @settings(max_examples=25, deadline=None)
    def test_whatever_is_written_validates(self, event_type: str, chosen: st.DataObject) -> None:
        data = chosen.draw(data_of(TYPES[event_type]))
        validator(event_type).validate(as_written(data))

    @pytest.mark.parametrize("event_type", sorted(TYPES))
    @given(chosen=st.data())
    @settings(max_examples=10, deadline=None)
    def test_whatever_is_written_is_read_as_it_was(
        self, event_type: str, chosen: st.DataObject
    ) -> None:
        data = chosen.draw(data_of(TYPES[event_type]))
        assert TYPES[event_type].model_validate_json(data.model_dump_json()) == data

    def test_a_time_without_a_zone_does_not_validate(self) -> None:
        data = {"key_id": "0198c0de-0000-7000-8000-000000000000", "revoked_at": "2026-01-01 00:00"}
        errors = list(validator("mejora.access.key-revoked.v1").iter_errors(data))
        assert [list(error.path) for error in errors] == [["revoked_at"]]

    def test_what_stands_below_a_field_describes_it(self, tmp_path: Path) -> None:
        write(tmp_path, samples(Noted))
        schema = json.loads((tmp_path / "schemas/mejora.sample.noted.v1.json").read_text())
        assert schema["properties"]["note"]["description"] == "What was noted."


class TestAsyncApi:
    document = yaml.safe_load((HOME / "asyncapi.yaml").read_text())

    def resolve(self, reference: str) -> Any:
        assert reference.startswith("#/")
        found = self.document
        for step in reference[2:].split("/"):
            found = found[step]
        return found

    def test_tells_each_topic_with_its_types_and_how_long_it_keeps_them(self) -> None:
        channels = self.document["channels"]
        assert [channel["address"] for channel in channels.values()] == [t.name for t in TOPICS]
        for channel, topic in zip(channels.values(), TOPICS, strict=True):
            kafka = channel["bindings"]["kafka"]
            assert list(channel["messages"]) == [contract.TYPE for contract in topic.types]
            assert kafka["topicConfiguration"] == {"cleanup.policy": [topic.keep.value]}

    def test_each_reference_inside_it_leads_somewhere(self) -> None:
        def references(node: Any) -> list[str]:
            if isinstance(node, dict):
                own = [node["$ref"]] if "$ref" in node else []
                return own + [found for value in node.values() for found in references(value)]
            return (
                [found for one in node for found in references(one)]
                if isinstance(node, list)
                else []
            )

        for reference in references(self.document):
            if reference.startswith("#"):
                self.resolve(reference)
            else:
                assert (HOME / reference).is_file()

    def test_each_topic_is_sent_and_received_with_messages_of_its_own_channel(self) -> None:
        operations = self.document["operations"].values()
        for action in ("send", "receive"):
            of_action = [one for one in operations if one["action"] == action]
            assert len(of_action) == len(TOPICS)
            for operation in of_action:
                channel = operation["channel"]["$ref"]
                assert all(m["$ref"].startswith(f"{channel}/") for m in operation["messages"])

    def test_each_message_has_the_headers_of_binary_mode_and_a_key(self) -> None:
        headers = self.document["components"]["schemas"]["CloudEventHeaders"]
        assert {"ce_specversion", "ce_id", "ce_source", "ce_type", "content-type"} <= set(
            headers["required"]
        )
        for name, message in self.document["components"]["messages"].items():
            common, own = message["headers"]["allOf"]
            assert self.resolve(common["$ref"]) is headers
            assert own["properties"]["ce_type"]["const"] == name
            assert message["bindings"]["kafka"]["key"]["type"] == "string"


class TestPage:
    page = (HOME.parents[1] / "docs/events.md").read_text()

    @pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
    def test_names_each_topic_with_its_key_its_writer_and_its_types(self, topic: Topic) -> None:
        types = " ".join(
            f"`{contract.TYPE.removeprefix('mejora.').removesuffix('.v1')}`"
            for contract in topic.types
        )
        kept = "for a time" if topic.keep is Keep.FOR_A_TIME else "newest of each key"
        row = f"| `{topic.name}` | {topic.key} | {topic.writer} | {types} | {kept} |"
        assert row in self.page


class TestFiles:
    def test_the_committed_documents_are_those_of_the_contracts(self) -> None:
        assert check(HOME) == []

    def test_writing_twice_writes_the_same(self, tmp_path: Path) -> None:
        def contents() -> dict[Path, str]:
            return {path: path.read_text() for path in tmp_path.rglob("*") if path.is_file()}

        write(tmp_path)
        first = contents()
        write(tmp_path)
        assert contents() == first
        assert check(tmp_path) == []

    def test_a_missing_and_a_stale_and_a_strange_file_are_found(self, tmp_path: Path) -> None:
        write(tmp_path, samples(Noted))
        schema = tmp_path / "schemas/mejora.sample.noted.v1.json"
        schema.write_text(schema.read_text().replace("What was noted", "What was said"))
        (tmp_path / "asyncapi.yaml").unlink()
        (tmp_path / "schemas/mejora.sample.forgotten.v1.json").write_text("{}")
        assert [finding.partition(";")[0] for finding in check(tmp_path, samples(Noted))] == [
            "schemas/mejora.sample.noted.v1.json: is stale",
            "asyncapi.yaml: is missing",
            "schemas/mejora.sample.forgotten.v1.json: belongs to no type",
        ]

    def test_a_compatible_change_is_one_more_version(self, tmp_path: Path) -> None:
        write(tmp_path, samples(Noted))
        assert any(
            "does not have the schema" in finding for finding in check(tmp_path, samples(NotedMore))
        )
        assert write(tmp_path, samples(NotedMore)) == []
        versions = tmp_path / "schemas/history/mejora.sample.noted.v1"
        assert sorted(path.name for path in versions.iterdir()) == ["1.json", "2.json"]
        assert check(tmp_path, samples(NotedMore)) == []

    def test_a_better_sentence_is_no_new_version(self, tmp_path: Path) -> None:
        write(tmp_path, samples(Noted))
        only = tmp_path / "schemas/history/mejora.sample.noted.v1/1.json"
        only.write_text(only.read_text().replace("What was noted", "What somebody noted"))
        assert check(tmp_path, samples(Noted)) == []

    def test_a_breaking_change_is_found_and_not_written(self, tmp_path: Path) -> None:
        write(tmp_path, samples(Noted))
        before = (tmp_path / "schemas/mejora.sample.noted.v1.json").read_text()
        found = write(tmp_path, samples(NotedOtherwise))
        assert found == [
            "mejora.sample.noted.v1: note: the type was changed from string to integer (against"
            " version 1); leave it and publish mejora.sample.noted.v2 beside it"
        ]
        assert (tmp_path / "schemas/mejora.sample.noted.v1.json").read_text() == before

    def test_a_type_that_was_published_does_not_just_go(self, tmp_path: Path) -> None:
        write(tmp_path, samples(Noted))
        found = check(tmp_path, samples())
        assert any("is no longer a contract" in finding for finding in found)

    def test_the_command_says_how_it_went(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["check"]) == 0
        assert main([]) == 2
        assert "write|check" in capsys.readouterr().err
