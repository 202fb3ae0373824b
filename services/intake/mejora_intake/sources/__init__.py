"""The kinds of monitors whose own messages are understood, one module each."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from mejora_intake.sources import alertmanager
from mejora_intake.sources.reading import Understood

Reader = Callable[[Any, str, datetime], Understood]
"""Turns a body (decoded JSON), the source's name and the time of arrival into signals."""

KINDS: Mapping[str, Reader] = {"alertmanager": alertmanager.read}
"""A kind's name is its path: POST /intake/v1/hooks/{kind}."""
