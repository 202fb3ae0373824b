"""Forms, and times as people write them."""

from datetime import UTC, datetime

import pytest

from mejora_intake.sources.kind import NotUnderstood
from mejora_intake.sources.reading import (
    any_time_of,
    fields_of,
    host_of,
    tags_of,
    with_plain_names,
)
from support.messages import a_message

MULTIPART = b'--x\r\nContent-Disposition: form-data; name="data"\r\n\r\n{"a": 1}\r\n--x--\r\n'


def test_a_body_is_an_object_or_a_form() -> None:
    assert fields_of(a_message({"a": 1})) == {"a": 1}
    assert fields_of(a_message(b"a=1&b=x%20y&a=2&c=")) == {"a": "1", "b": "x y", "c": ""}


def test_an_object_with_the_content_type_of_a_form_is_still_an_object() -> None:
    said = "application/x-www-form-urlencoded"
    assert fields_of(a_message({"a": "b=c"}, content_type=said)) == {"a": "b=c"}


@pytest.mark.parametrize("name", ["payload", "data", "message"])
def test_a_form_may_hold_an_object_in_a_field(name: str) -> None:
    assert fields_of(a_message(f"x=y&{name}=%7B%22a%22%3A1%7D".encode())) == {"a": 1}
    assert fields_of(a_message(f"{name}=%7Bno".encode())) == {name: "{no"}


def test_a_form_may_have_parts() -> None:
    said = "multipart/form-data; boundary=x"
    assert fields_of(a_message(MULTIPART, content_type=said)) == {"a": 1}


@pytest.mark.parametrize("body", [[], 1, None, b"", b"nothing", b"a=1" + b"&a=1" * 1001])
def test_anything_else_is_refused(body: object) -> None:
    with pytest.raises(NotUnderstood):
        fields_of(a_message(body))
    with pytest.raises(NotUnderstood):
        fields_of(a_message(body, content_type="multipart/form-data"))


@pytest.mark.parametrize(
    "written",
    [
        "2026-03-01 11:58:00 UTC",
        "2026-03-01 11:58:00 (UTC)",
        "2026-03-01 06:58:00 EST",
        "Sun Mar 01 11:58:00 UTC 2026",
        "March 01, 2026 12:58 PM BST",
        "2026-03-01T12:58:00+01:00",
        "1772366280",
        1772366280000,
    ],
)
def test_times_are_written_in_many_ways(written: object) -> None:
    assert any_time_of(None, "", written) == datetime(2026, 3, 1, 11, 58, tzinfo=UTC)


@pytest.mark.parametrize(
    "written",
    [
        *(
            "",
            "soon",
            "inf",
            "-inf",
            "nan",
            None,
            [],
            "0001-01-01",
            "11:40:00",
            "ratio 3:20 of 2026",
        ),
        *("2026-03-01 25:00:00", "13:40 PM 3/1/2026", "2026-13-01 11:40", "Fog 1 2026 11:40"),
        *("9999-12-31 23:59:59 -1400", "0001-01-01 00:00 +1400"),
    ],
)
def test_what_is_no_time_is_none(written: object) -> None:
    assert any_time_of(written) is None
    assert any_time_of(written) is None


def test_a_host_is_found_in_an_address() -> None:
    assert host_of("https://shop.example:8080/x") == host_of("shop.example") == "shop.example"
    assert host_of("http://[") == "http://["


def test_tags_are_texts_or_objects() -> None:
    assert tags_of(["a", {"name": "b", "value": "c"}, {"name": "d"}, None]) == "a, b:c, d"
    assert tags_of("a b") == "a b"


def test_plain_names_are_small_and_the_first_of_two_counts() -> None:
    assert with_plain_names({"Monitor_Name": 1, "monitorName": 2}) == {"monitorname": 1}


@pytest.mark.parametrize(
    "written",
    [
        "2026-03-01 11:40:00.250 UTC",
        "2026/03/01 11:40:00",
        "Sun, 01 Mar 2026 11:40:00 GMT",
        "Mar 1, 2026 11:40:00 AM UTC",
        "2026-03-01 12:40:00 +0100",
        "2026-03-01T12:40:00 +01:00",
        "2026-03-01 11:40:00.123456789 +0000 UTC",
        "Sun, 01 Mar 2026 12:40:00 +0100",
        "Sun Mar  1 11:40:00 2026",
        "Sunday, March 1st, 2026 11:40:00 GMT+0000",
        "Mar 1, 2026 at 11:40 AM (UTC)",
        "1 March 2026 11:40",
        "01/Mar/2026 11:40:00",
        "2026.03.01 11:40:00",
        "01.03.2026 11:40:00",
        "3/1/2026 11:40:00 AM",
        "Sun Mar 01 17:10:00 IST 2026",
    ],
)
def test_a_time_is_read_as_each_vendor_writes_it(written: str) -> None:
    read = any_time_of(written)
    assert read is not None
    assert read.replace(microsecond=0) == datetime(2026, 3, 1, 11, 40, tzinfo=UTC)
