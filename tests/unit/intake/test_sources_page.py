"""docs/sources.md names every kind of monitor as the code does, and its example is understood."""

import re
from pathlib import Path

import orjson

from mejora_intake.signatures import SCHEMES
from mejora_intake.sources import KINDS
from mejora_intake.sources.alike import ALIKE
from mejora_intake.sources.generic import Mapping, read
from mejora_intake.sources.kind import Message
from support.signals import NOON

PAGE = (Path(__file__).parents[3] / "docs" / "sources.md").read_text()


def the_table() -> str:
    rows = ["| path | what to set up | signs |", "|---|---|---|"]
    for name, kind in sorted(KINDS.items()):
        signs = ", ".join(dict.fromkeys(f"`{one.header}`" for one in SCHEMES.get(name, ())))
        said = f"**[{kind.title}]({kind.documentation})**: {kind.expects}".replace("|", "\\|")
        rows.append(f"| `{name}` | {said} | {signs} |")
    return "\n".join(rows)


def test_the_page_has_a_row_for_each_kind() -> None:
    table = the_table()
    assert table in PAGE, f"docs/sources.md should have this table:\n{table}"


def test_the_example_of_a_mapping_is_understood_as_the_page_says() -> None:
    declared, body = (orjson.loads(text) for text in re.findall(r"```json\n(.*?)```", PAGE, re.S))
    understood = read(
        Mapping.model_validate(declared["mapping"]), Message(orjson.dumps(body), "probe", NOON)
    )
    (signal,) = understood.signals
    assert understood.remarks == []
    assert (signal.component, signal.summary) == ("till", "http: 503 from till-1")
    assert (signal.severity, signal.labels) == ("critical", {"host": "till-1", "site": "north"})


def test_each_kind_says_what_makes_two_messages_the_same_failure() -> None:
    assert ALIKE.keys() == {*KINDS, "report"}
    assert all(ALIKE.values())
