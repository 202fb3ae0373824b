"""The services by name, in the order in which they start, each imported when asked for."""

import importlib
from collections.abc import Iterator, Mapping

from mejora_service.service import Service


class _Services(Mapping[str, Service]):
    """A process that runs one service has no use for the others' code."""

    _NAMES = ("intake", "diagnosis", "problem", "improvement")

    def __getitem__(self, name: str) -> Service:
        if name not in self._NAMES:
            raise KeyError(name)
        service: Service = importlib.import_module(f"mejora_{name}.app").SERVICE
        return service

    def __contains__(self, name: object) -> bool:
        return name in self._NAMES

    def __iter__(self) -> Iterator[str]:
        return iter(self._NAMES)

    def __len__(self) -> int:
        return len(self._NAMES)


SERVICES: Mapping[str, Service] = _Services()
