"""The rules by which a message is known to come from who has the source's secret.

A monitor that signs sends an HMAC (RFC 2104) of the body, keyed with a secret that it shares with
who listens. How it writes that down is its vendor's own.
"""

import base64
import binascii
import hmac
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

HeaderName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$")]


class Scheme(BaseModel):
    """How a signature is written."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    header: HeaderName
    """The header that holds it; several, of a secret that is being changed, stand with commas."""
    algorithm: Literal["sha256", "sha1", "sha512"] = "sha256"
    encoding: Literal["hex", "base64"] = "hex"
    prefix: Annotated[str, StringConstraints(max_length=50, pattern=r"^[!-+\--~]*$")] = ""
    """What stands before each signature; what begins otherwise is no signature."""
    timestamp_header: HeaderName | None = None
    """The header with the time (seconds since 1970) that is signed with the body, before it."""
    timestamp_separator: Annotated[str, StringConstraints(max_length=10)] = "."
    """What stands between the time and the body in what is signed."""
    tolerance_seconds: Annotated[float, Field(gt=0, le=86_400)] = 300.0
    """How far the time may be from now."""


_GRAFANA = {"timestamp_separator": ":"}

SCHEMES: Mapping[str, tuple[Scheme, ...]] = {
    # developer.pagerduty.com, webhooks, "Verifying signatures"
    "pagerduty": (Scheme(header="X-PagerDuty-Signature", prefix="v1="),),
    # docs.sentry.io, integration platform, webhooks, "Verifying the signature"
    "sentry": (Scheme(header="Sentry-Hook-Signature"),),
    # grafana.com, webhook notifier, "HMAC signature": the name is set at the contact point; its
    # documentation and its library have different ones where it is not.
    "grafana": (
        Scheme(header="X-Grafana-Alerting-Signature", **_GRAFANA),
        Scheme(header="X-Grafana-Alert-Signature", **_GRAFANA),
    ),
    # checklyhq.com, docs, webhooks, "Webhook secrets"
    "checkly": (Scheme(header="x-checkly-signature"),),
    # netboxlabs.com, docs, webhooks, "Security": of 512 bits
    "netbox": (Scheme(header="X-Hook-Signature", algorithm="sha512"),),
    # dev.splunk.com, observability, webhook integration, "Shared secret"; its older client
    # library says SHA-1.
    "signalfx": (
        Scheme(header="X-SFX-Signature", encoding="base64"),
        Scheme(header="X-SFX-Signature", encoding="base64", algorithm="sha1"),
    ),
}
"""What vendors say of how they sign, by kind; of the others it is not known that they do."""


def fault_in(
    schemes: Sequence[Scheme],
    secret: str,
    headers: Mapping[str, str],
    body: bytes,
    *,
    now: datetime,
) -> str | None:
    """Tell what is wrong with a message's signature; None when one is right by any scheme.

    `headers` are by lower-case name. What is compared takes as long whatever it is.
    """
    faults = [_fault(scheme, secret, headers, body, now) for scheme in schemes]
    if None in faults:
        return None
    return next((fault for fault in faults if fault != _missing(schemes[0])), faults[0])


def _fault(
    scheme: Scheme, secret: str, headers: Mapping[str, str], body: bytes, now: datetime
) -> str | None:
    given = headers.get(scheme.header.lower(), "")
    if not given:
        return _missing(scheme)
    signed = body
    if scheme.timestamp_header is not None:
        told = headers.get(scheme.timestamp_header.lower(), "").strip()
        if not _SECONDS.fullmatch(told):
            return f"the header {scheme.timestamp_header} has no time in seconds since 1970"
        if abs(now.timestamp() - int(told)) > scheme.tolerance_seconds:
            return f"it was signed more than {scheme.tolerance_seconds:g} s before or after now"
        signed = f"{told}{scheme.timestamp_separator}".encode() + body
    right = hmac.digest(secret.encode(), signed, scheme.algorithm)
    matches = [hmac.compare_digest(right, one) for one in _signatures(scheme, given)]
    return None if any(matches) else f"the signature in {scheme.header} is not of this body"


_SECONDS = re.compile(r"[0-9]{1,15}")
_MOST_SIGNATURES = 10


def _missing(scheme: Scheme) -> str:
    return f"there is no signature in the header {scheme.header}"


def _signatures(scheme: Scheme, given: str) -> list[bytes]:
    found = []
    for one in given.split(",", _MOST_SIGNATURES)[:_MOST_SIGNATURES]:
        text = one.strip()
        if text.startswith(scheme.prefix):
            try:
                found.append(_decoded(scheme, text.removeprefix(scheme.prefix)))
            except (ValueError, binascii.Error):
                continue
    return found


def _decoded(scheme: Scheme, text: str) -> bytes:
    return (
        bytes.fromhex(text) if scheme.encoding == "hex" else base64.b64decode(text, validate=True)
    )
