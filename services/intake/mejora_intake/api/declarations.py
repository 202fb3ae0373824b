"""What is said of sources over HTTP, and how it is shown."""

from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field, JsonValue, SecretStr, ValidationError

from mejora_events.contracts.base import Time
from mejora_events.sql import Row, from_json
from mejora_intake.declared import REPORTS, Declaration, kind_called, schemes_of
from mejora_intake.identity import ComponentRule, FingerprintRule, Identity
from mejora_intake.signatures import SCHEMES, Scheme
from mejora_intake.sources import KINDS
from mejora_intake.sources.alike import ALIKE
from mejora_intake.sources.generic import DOCUMENTATION, EXPECTS, GENERIC
from mejora_intake.sources.generic import Mapping as GenericMapping
from mejora_intake.sources.kind import Kind
from mejora_service.errors import Invalid


class KindShown(BaseModel):
    """A kind of monitor whose messages are understood as they are."""

    name: str
    title: str
    expects: str
    same_failure: str
    """What makes two of its messages the same failure, unless a rule is declared."""
    documentation: str
    path: str
    signs: list[Scheme]
    """How its messages are signed by its vendor, where they can be."""


class SigningWanted(BaseModel):
    """With which secret its messages are signed, and how, where its kind does not say."""

    model_config = ConfigDict(extra="forbid")

    secret: Annotated[SecretStr, Field(min_length=16, max_length=1000)] | None = None
    """Left out, the one that is there stays; where there is none, one is made and shown once."""
    scheme: dict[str, JsonValue] = {}
    """Fields of the scheme that are otherwise than its kind has them: `header`, `algorithm`,
    `encoding`, `prefix`, `timestamp_header`, `timestamp_separator`, `tolerance_seconds`."""


class SourceWanted(BaseModel):
    """What is declared of a source. It is declared anew as a whole, but for its secret."""

    model_config = ConfigDict(extra="forbid")

    kind: Annotated[str, Field(max_length=200)]
    """One of GET /intake/v1/sources/kinds."""
    mapping: GenericMapping | None = None
    """What its messages mean, for the kind `generic` and no other."""
    fingerprint: FingerprintRule | None = None
    """The fields of which its fingerprints are made; left out, the vendor's own are taken."""
    component: ComponentRule | None = None
    """The fields of which the first that says something is the component; else the vendor's."""
    signing: SigningWanted | None = None
    """With it, only what is signed comes in; left out, a key is what it takes."""


class SourceShown(BaseModel):
    """A source, and the rules in force for it."""

    name: str
    kind: str
    path: str
    declared: bool
    """Whether anything was declared of it; if not, this is what holds for its kind."""
    mapping: GenericMapping | None = None
    fingerprint: list[str] | None = None
    component: list[str] | None = None
    rules: list[str]
    """What makes two of its signals the same failure, and where its component comes from."""
    has_secret: bool = False
    """Whether only what is signed comes in."""
    schemes: list[Scheme] = []
    """How that is to be signed: any of these."""
    documentation: str
    changed_at: Time | None = None
    changed_by: str | None = None


class SourceDeclared(SourceShown):
    """A source as it was just declared."""

    signing_secret: str | None = None
    """The secret that was made for it, shown only now."""


class Tried(BaseModel):
    """A mapping, and a body to try it on."""

    model_config = ConfigDict(extra="forbid")

    mapping: GenericMapping
    body: JsonValue
    fingerprint: FingerprintRule | None = None
    component: ComponentRule | None = None


def kinds_shown() -> list[KindShown]:
    """Show all kinds of monitors by name, the one that is described by a mapping too."""
    generic = KindShown(
        name=GENERIC,
        title="Any other monitor, described by a mapping",
        expects=EXPECTS,
        same_failure="the mapping's `fingerprint`, else component and summary",
        documentation=DOCUMENTATION,
        path=path_of(GENERIC),
        signs=[],
    )
    return sorted([*map(_kind_shown, KINDS.values()), generic], key=lambda kind: kind.name)


def _kind_shown(kind: Kind) -> KindShown:
    return KindShown(
        name=kind.name,
        title=kind.title,
        expects=kind.expects,
        same_failure=ALIKE[kind.name],
        documentation=kind.documentation,
        path=path_of(kind.name),
        signs=list(SCHEMES.get(kind.name, ())),
    )


def declaration_of(wanted: SourceWanted) -> Declaration:
    """Give the declaration that is wanted; raises Invalid when it makes no sense."""
    try:
        signing = wanted.signing
        schemes = schemes_of(wanted.kind, signing.scheme) if signing is not None else ()
        fields = {
            name: getattr(wanted, name) for name in Declaration.model_fields if name != "schemes"
        }
        return Declaration(**fields, schemes=schemes)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        where = f"signing.scheme.{where}: " if error.title == "Scheme" else ""
        raise Invalid(
            f"{where}{first['msg']}.", advice="Mend it and send all again; nothing was changed."
        ) from error
    except ValueError as error:
        raise Invalid(
            f"signing.scheme: {error}.",
            advice="Take `signing` out, or say how its messages are signed; nothing was changed.",
        ) from error


def source_shown(found: Row) -> SourceShown:
    """Show a source of the store, without its secret."""
    said: Mapping[str, Any] = from_json(found["declaration"])
    always: dict[str, Any] = {
        "name": found["name"],
        "kind": said["kind"],
        "path": path_of(found["name"], said["kind"]),
        "declared": True,
        "has_secret": found["signing_secret"] is not None,
        "changed_at": found["changed_at"],
        "changed_by": found["changed_by"],
    }
    try:
        declaration = Declaration.model_validate(said, extra="ignore")
    except ValidationError:
        rules = ["this version does not understand its declaration, and refuses its messages"]
        return SourceShown(**always, rules=rules, documentation="")
    kind = kind_called(declaration.kind)
    return SourceShown(
        **always,
        mapping=declaration.mapping,
        fingerprint=list(declaration.fingerprint) if declaration.fingerprint else None,
        component=list(declaration.component) if declaration.component else None,
        rules=_rules(kind, Identity(declaration.fingerprint, declaration.component)),
        schemes=list(declaration.schemes),
        documentation=kind.documentation if kind else DOCUMENTATION,
    )


def kind_as_source(kind: Kind) -> SourceShown:
    """Show what holds for the messages of a kind of which nothing is declared."""
    return SourceShown(
        name=kind.name,
        kind=kind.name,
        path=path_of(kind.name, kind.name),
        declared=False,
        rules=_rules(kind, Identity()),
        documentation=kind.documentation,
    )


def _rules(kind: Kind | None, identity: Identity) -> list[str]:
    """Say the rules in force in words."""
    of = ", ".join
    whose = f"as {kind.title if kind else 'its mapping'} has it"
    alike = f"{whose}: {ALIKE[kind.name]}" if kind else whose
    return [
        f"fingerprint: made of {of(identity.fingerprint)}; where none of them says anything,"
        f" {alike}"
        if identity.fingerprint
        else f"fingerprint: {alike}",
        f"component: the first of {of(identity.component)} that says anything, else {whose}"
        if identity.component
        else f"component: {whose}",
    ]


def path_of(name: str, kind: str = "") -> str:
    """Give the path that a source's monitor posts to."""
    return "/intake/v1/reports" if kind == REPORTS.name else f"/intake/v1/hooks/{quote(name)}"
