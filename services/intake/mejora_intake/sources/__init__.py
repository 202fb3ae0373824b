"""The kinds of monitors whose own messages are understood: each module here with a `KIND`."""

from collections.abc import Iterator, Mapping
from importlib import import_module
from pkgutil import iter_modules

from mejora_intake.sources.kind import Kind


def _kinds() -> Iterator[Kind]:
    for module in iter_modules(__path__):
        kind = getattr(import_module(f"{__name__}.{module.name}"), "KIND", None)
        if isinstance(kind, Kind):
            yield kind


KINDS: Mapping[str, Kind] = {kind.name: kind for kind in _kinds()}
"""By name."""
