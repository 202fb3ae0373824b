"""What every chapter has at hand."""

from dataclasses import dataclass

from mejora.demo.client import Client
from mejora.demo.faults import DemoFailed
from mejora.demo.page import Page
from mejora.demo.past import Past
from mejora.demo.people import People


@dataclass(slots=True)
class Scene:
    """Who takes part, when it is, and where it is told."""

    client: Client
    people: People
    page: Page
    past: Past
    kafka: str | None = None
    """Where Kafka can be reached, if it carries the events."""
    open_incident: str = ""
    """The incident that is left for whoever reads the story to take over."""


def expect(true: bool, what: str) -> None:
    """Raise DemoFailed unless what the story tells has come true."""
    if not true:
        raise DemoFailed(f"This should have come true and did not: {what}.")
