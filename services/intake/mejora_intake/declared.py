"""Sources that an operator has declared: how each is read, what its signals mean, who may post."""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from mejora_intake.identity import ComponentRule, FingerprintRule, Identity
from mejora_intake.model import Signal
from mejora_intake.signatures import SCHEMES, Scheme
from mejora_intake.sources import KINDS
from mejora_intake.sources.generic import GENERIC, kind_of
from mejora_intake.sources.generic import Mapping as GenericMapping
from mejora_intake.sources.kind import Kind, Message, NotUnderstood, Understood

log = logging.getLogger(__name__)


def _elsewhere(_: Message) -> Understood:
    raise NotUnderstood("reports come by POST /intake/v1/reports")


REPORTS = Kind(
    name="report",
    title="a report",
    expects="Nothing by a hook: what people say comes by POST /intake/v1/reports and the form.",
    documentation="/intake/openapi.json",
    read=_elsewhere,
)
"""The kind of what people and customers say."""

_BY_NAME: Mapping[str, Kind] = {**KINDS, REPORTS.name: REPORTS}


class Declaration(BaseModel):
    """What is declared of a source, but for its secret."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Annotated[str, Field(max_length=200)]
    """One of GET /intake/v1/sources/kinds."""
    mapping: GenericMapping | None = None
    """What its messages mean, for the kind `generic` and no other."""
    fingerprint: FingerprintRule | None = None
    """The fields of which its fingerprints are made; left out, the vendor's own are taken."""
    component: ComponentRule | None = None
    """The fields of which the first that says something is the component; else the vendor's."""
    schemes: tuple[Scheme, ...] = ()
    """How its messages are signed, where there is a secret."""

    @model_validator(mode="after")
    def _is_readable(self) -> Self:
        if self.kind != GENERIC and self.kind not in _BY_NAME:
            raise ValueError(
                f"no kind of monitor is called {self.kind!r}; "
                "GET /intake/v1/sources/kinds lists them"
            )
        if (self.mapping is not None) != (self.kind == GENERIC):
            raise ValueError("a `mapping` is what the kind `generic` has, and no other")
        return self


@dataclass(frozen=True, slots=True)
class Source:
    """A source that is declared."""

    name: str
    """The name under which its signals are kept."""
    kind: Kind
    identity: Identity
    schemes: tuple[Scheme, ...] = ()
    secret: str | None = field(default=None, repr=False)
    """With it, only what is signed comes in."""


def path_name(name: str) -> str:
    """Give a name as it is looked up by in a path: the same for `New-Relic` and `new_relic`."""
    return name.lower().replace("-", "_").replace(".", "_")


_ALIASES: Mapping[str, str] = {
    "prometheus": "alertmanager",
    "cloudwatch": "aws_cloudwatch_sns",
    "sns": "aws_cloudwatch_sns",
    "azure": "azure_monitor",
    "otlp": "opentelemetry",
    "new_relic": "newrelic",
    "healthchecks_io": "healthchecks",
    "icinga2": "icinga",
}


def kind_called(name: str) -> Kind | None:
    """Give the kind of monitor, or of reports, that a path names, if it names one."""
    plain = path_name(name)
    return _BY_NAME.get(_ALIASES.get(plain, plain))


def source_of(name: str, declaration: str, secret: str | None) -> Source:
    """Give a source of what is stored of it.

    A declaration that this version does not understand (a newer one wrote it) keeps its secret,
    and its messages are refused rather than misread.
    """
    try:
        found = Declaration.model_validate_json(declaration, extra="ignore")
    except ValueError:
        log.warning("the declaration of the source %s is not understood", name)
        return Source(name, _UNREADABLE, Identity(), (), secret)
    kind = _BY_NAME[found.kind] if found.mapping is None else kind_of(found.mapping)
    identity = Identity(found.fingerprint, found.component)
    return Source(name, kind, identity, found.schemes, secret)


def _refuse(_: Message) -> Understood:
    raise NotUnderstood("the source's declaration is not understood by this version")


_UNREADABLE = Kind("unknown", "an unknown monitor", "nothing", "GET /intake/v1/sources", _refuse)


class Declared:
    """All sources that are declared. It is false where there is none."""

    def __init__(self, sources: Iterable[Source] = ()) -> None:
        self._by_name: Mapping[str, Source] = MappingProxyType({s.name: s for s in sources})
        self._by_path = {path_name(name): source for name, source in self._by_name.items()}

    def __bool__(self) -> bool:
        return bool(self._by_name)

    def at(self, path: str) -> Source | None:
        """Give the source that a path names."""
        return self._by_path.get(path_name(path)) if self._by_name else None

    def named(self, name: str) -> Source | None:
        """Give the source under whose name signals are kept."""
        return self._by_name.get(name)

    def identified(self, signals: list[Signal]) -> list[Signal]:
        """Give signals with the component and fingerprint that their sources' rules give them."""
        if not self._by_name:
            return signals
        return [
            source.identity.of(signal) if (source := self.named(signal.source)) else signal
            for signal in signals
        ]


def schemes_of(kind: str, given: Mapping[str, object]) -> tuple[Scheme, ...]:
    """Give the schemes of a source's signatures: its kind's, with what is given instead.

    Raises ValueError where nothing says in which header the signature is.
    """
    known = SCHEMES.get(kind, ())
    if not known and "header" not in given:
        raise ValueError(f"{kind} does not sign by itself: give the `header` of the signature")
    if "header" in given:
        known = known[:1]
    defaults = [scheme.model_dump() for scheme in known] or [{}]
    return tuple(Scheme.model_validate({**default, **given}) for default in defaults)
