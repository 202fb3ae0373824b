"""Looks again until all is well, or until what is wrong has stood for long enough to be wrong.

Whoever works has something under way: an event between two stores is lost in the first look and
there in the next. So a finding counts once it has stood in every look for as long as one waits.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from mejora.audit.findings import Check, Finding, Kind
from mejora.audit.ledger import Accepted
from mejora.audit.rules import compare
from mejora.audit.stores import Stores
from mejora.services import SERVICES
from mejora_service.keys import ACCESS_REACTIONS
from mejora_service.settings import load

_LOOK_AGAIN_SECONDS = 0.5
_BUSY = 2
"""A system that is never at rest is looked at for so many times the wait."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an audit found."""

    checks: tuple[Check, ...]
    """The comparisons of the last look."""
    findings: tuple[Finding, ...]
    """What stood for as long as was waited."""
    under_way: tuple[Finding, ...]
    """What the last look found and has not stood for so long."""
    looks: int

    def standing(self, *, allow_parked: bool) -> tuple[Finding, ...]:
        """Give what makes the audit not clean."""
        return tuple(f for f in self.findings if not (allow_parked and f.kind is Kind.PARKED))


async def reconcile(
    urls: Mapping[str, str], ledger: Sequence[Accepted] = (), *, wait_seconds: float = 0.0
) -> Outcome:
    """Audit the databases of all services.

    Raises what SQLAlchemy and the driver raise when a store cannot be looked into.
    """
    listens, retention_seconds = _settled(urls)
    clock = asyncio.get_running_loop().time
    began, since, looks = clock(), dict[Finding, float](), 0
    stores = Stores(urls)
    try:
        while True:
            oldest = datetime.now(UTC) - timedelta(seconds=retention_seconds)
            picture = await stores.look(ledger, oldest)
            checks = compare(picture, ledger, listens)
            now, looks = clock(), looks + 1
            found = {finding for check in checks for finding in check.findings}
            since = {finding: since.get(finding, now) for finding in found}
            standing = {f for f, first in since.items() if now - first >= wait_seconds}
            if standing or not found or now - began >= _BUSY * wait_seconds:
                return Outcome(
                    checks=tuple(checks),
                    findings=tuple(sorted(standing)),
                    under_way=tuple(sorted(found - standing)),
                    looks=looks,
                )
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)
    finally:
        await stores.close()


def _settled(urls: Mapping[str, str]) -> tuple[dict[str, Collection[str]], float]:
    """Tell what each service listens to by its settings, and how long topics keep events."""
    listens: dict[str, Collection[str]] = {}
    retention_seconds = []
    for name, service in SERVICES.items():
        # An audit reads no topic.
        settings = load(service.settings, database_url=urls[name], broker_url="kafka://none")
        reactions = {**ACCESS_REACTIONS, **service.reactions(settings)}
        listens[name] = {contract.TYPE for contract in reactions}
        retention_seconds.append(settings.retention_seconds)
    return listens, min(retention_seconds)
