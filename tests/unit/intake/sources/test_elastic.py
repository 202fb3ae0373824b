"""Elastic's alerts are read as Kibana's."""

from mejora_intake.sources import KINDS
from support.messages import a_message


def test_elastic_is_read_as_kibana() -> None:
    body = {"rule": {"name": "Heap"}, "service": "payments", "status": "active"}
    (signal,) = KINDS["elastic"].read(a_message(body, "elastic")).signals
    assert (signal.component, signal.summary, signal.source) == ("payments", "Heap", "elastic")
