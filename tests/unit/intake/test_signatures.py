"""Given a secret that a monitor shares, then what it signed is known from what it did not."""

import base64
import hashlib
import hmac
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mejora_intake.declared import schemes_of
from mejora_intake.signatures import SCHEMES, Scheme, fault_in
from mejora_intake.sources import KINDS
from support.signals import NOON

SECRET = "a secret of sixteen or more"
BODY = b'{"alert": "payments"}'


def signed(body: bytes = BODY, algorithm: str = "sha256", secret: str = SECRET) -> bytes:
    return hmac.new(secret.encode(), body, getattr(hashlib, algorithm)).digest()


def fault(kind: str, headers: dict[str, str], body: bytes = BODY, **given: object) -> str | None:
    return fault_in(schemes_of(kind, given), SECRET, headers, body, now=NOON)


@pytest.mark.parametrize(
    ("kind", "header", "value"),
    [
        ("pagerduty", "x-pagerduty-signature", "v1=" + signed().hex()),
        ("pagerduty", "x-pagerduty-signature", f"v1={'0' * 64}, v1={signed().hex()}"),
        ("sentry", "sentry-hook-signature", signed().hex()),
        ("grafana", "x-grafana-alerting-signature", signed().hex()),
        ("grafana", "x-grafana-alert-signature", signed().hex()),
        ("checkly", "x-checkly-signature", signed().hex()),
        ("netbox", "x-hook-signature", signed(algorithm="sha512").hex()),
        ("signalfx", "x-sfx-signature", base64.b64encode(signed()).decode()),
        ("signalfx", "x-sfx-signature", base64.b64encode(signed(algorithm="sha1")).decode()),
    ],
)
def test_each_vendor_signs_in_its_own_way(kind: str, header: str, value: str) -> None:
    assert fault(kind, {header: value}) is None
    assert "is not of this body" in (fault(kind, {header: value}, BODY + b" ") or "")
    assert "no signature" in (fault(kind, {}) or "")


def test_only_kinds_that_there_are_sign() -> None:
    assert set(SCHEMES) <= set(KINDS)


def test_a_signature_by_another_secret_is_wrong() -> None:
    other = signed(secret="another secret of sixteen").hex()
    assert fault("sentry", {"sentry-hook-signature": other})


@pytest.mark.parametrize("value", ["", ",", "v1=", "zz", "=" * 70, "ü", "0" * 63, "00", "v2=00"])
def test_what_is_no_signature_is_wrong_and_nothing_more(value: str) -> None:
    assert fault("pagerduty", {"x-pagerduty-signature": value})
    assert fault("signalfx", {"x-sfx-signature": value})


def test_pagerduty_s_signature_needs_its_version_before_it() -> None:
    assert fault("pagerduty", {"x-pagerduty-signature": signed().hex()})


def test_grafana_s_time_is_signed_with_the_body_and_must_be_near() -> None:
    def headers(seconds: float) -> dict[str, str]:
        at = str(int((NOON + timedelta(seconds=seconds)).timestamp()))
        signature = signed(at.encode() + b":" + BODY).hex()
        return {"x-grafana-alerting-signature": signature, "x-at": at}

    assert fault("grafana", headers(-299), timestamp_header="X-At") is None
    assert fault("grafana", headers(299), timestamp_header="X-At") is None
    for seconds in (-301, 301):
        told = fault("grafana", headers(seconds), timestamp_header="X-At")
        assert "more than 300 s" in (told or "")
    assert "no time" in (
        fault("grafana", headers(0) | {"x-at": "noon"}, timestamp_header="X-At") or ""
    )
    assert fault("grafana", headers(0)), "the time is signed, but was not expected"


def test_a_replayed_body_with_a_fresh_time_is_wrong() -> None:
    old = str(int((NOON - timedelta(hours=1)).timestamp()))
    headers = {
        "x-signature": signed(f"{old}.".encode() + BODY).hex(),
        "x-time": str(int(NOON.timestamp())),
    }
    schemes = schemes_of("generic", {"header": "X-Signature", "timestamp_header": "X-Time"})
    assert fault_in(schemes, SECRET, headers, BODY, now=NOON)


def test_what_does_not_sign_by_itself_needs_a_header_named() -> None:
    with pytest.raises(ValueError, match="rollbar does not sign by itself"):
        schemes_of("rollbar", {})
    (scheme,) = schemes_of("rollbar", {"header": "X-Sig", "algorithm": "sha1", "prefix": "sha1="})
    headers = {"x-sig": "sha1=" + signed(algorithm="sha1").hex()}
    assert fault_in([scheme], SECRET, headers, BODY, now=NOON) is None


@given(st.binary(max_size=200), st.text(max_size=200), st.sampled_from(["hex", "base64"]))
def test_whatever_stands_in_the_header_nothing_but_the_right_one_is_right(
    body: bytes, value: str, encoding: str
) -> None:
    scheme = Scheme.model_validate({"header": "X", "encoding": encoding})
    assert fault_in([scheme], SECRET, {"x": value}, body, now=NOON) is not None
    right = signed(body)
    text = right.hex() if encoding == "hex" else base64.b64encode(right).decode()
    assert fault_in([scheme], SECRET, {"x": text}, body, now=NOON) is None
