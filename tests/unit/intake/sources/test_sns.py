"""What lies in SNS's envelopes, and which of them Amazon has signed."""

import base64
from datetime import UTC, datetime, timedelta

import orjson
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from mejora_intake.sources.sns import (
    is_signed,
    is_signing_certificate_url,
    is_subscribe_url,
    opened,
)


def an_envelope(message: object, **given: object) -> dict[str, object]:
    return {
        "Type": "Notification",
        "MessageId": "m-1",
        "TopicArn": "arn:aws:sns:eu-west-1:1:alarms",
        "Subject": "ALARM",
        "Message": message if isinstance(message, str) else orjson.dumps(message).decode(),
        "Timestamp": "2026-03-01T11:59:00.000Z",
    } | given


def test_the_message_within_is_decoded_where_it_is_json() -> None:
    (published,) = opened(an_envelope({"AlarmName": "payments"}))
    assert published.content == {"AlarmName": "payments"}
    assert (published.subject, published.id) == ("ALARM", "m-1")
    (text,) = opened(an_envelope("A job failed."))
    assert text.content == "A job failed."


def test_raw_delivery_is_its_own_content() -> None:
    (published,) = opened({"AlarmName": "payments"})
    assert published.content == {"AlarmName": "payments"}


def test_a_functions_records_and_a_queues_texts_are_opened_too() -> None:
    inner = an_envelope({"AlarmName": "payments"})
    queued = {"Records": [{"eventSource": "aws:sqs", "body": orjson.dumps(inner).decode()}]}
    called = {"Records": [{"EventSource": "aws:sns", "Sns": inner}]}
    assert [one.content for one in [*opened(queued), *opened(called)]] == [
        {"AlarmName": "payments"},
        {"AlarmName": "payments"},
    ]


def test_endless_envelopes_come_to_an_end() -> None:
    body: object = "x"
    for _ in range(50):
        body = {"Records": [{"Sns": body}]}
    assert len(list(opened(body))) == 1


def a_certificate(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.example")])
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, SHA256())
        .public_bytes(Encoding.PEM)
    )


KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
CERTIFICATE = a_certificate(KEY)


def signed(envelope: dict[str, object], text: str, version: str) -> dict[str, object]:
    algorithm = SHA1() if version == "1" else SHA256()
    signature = KEY.sign(text.encode(), PKCS1v15(), algorithm)
    return envelope | {
        "SignatureVersion": version,
        "Signature": base64.b64encode(signature).decode(),
    }


NOTIFICATION = (
    "Message\nhello\nMessageId\nm-1\nSubject\nALARM\nTimestamp\n2026-03-01T11:59:00.000Z\n"
    "TopicArn\narn:aws:sns:eu-west-1:1:alarms\nType\nNotification\n"
)


@pytest.mark.parametrize("version", ["1", "2"])
def test_a_notification_is_signed_in_both_versions(version: str) -> None:
    envelope = signed(an_envelope("hello"), NOTIFICATION, version)
    assert is_signed(envelope, CERTIFICATE)
    assert not is_signed(envelope | {"Message": "changed"}, CERTIFICATE)
    assert not is_signed(envelope | {"SignatureVersion": "3"}, CERTIFICATE)


def test_a_notification_without_a_subject_is_signed_without_one() -> None:
    envelope = an_envelope("hello")
    del envelope["Subject"]
    text = NOTIFICATION.replace("Subject\nALARM\n", "")
    assert is_signed(signed(envelope, text, "2"), CERTIFICATE)


def test_a_confirmation_is_signed_with_its_token_and_address() -> None:
    envelope = {
        "Type": "SubscriptionConfirmation",
        "MessageId": "m-1",
        "Token": "t",
        "TopicArn": "topic",
        "Message": "hello",
        "SubscribeURL": "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription",
        "Timestamp": "now",
    }
    text = "".join(f"{name}\n{envelope[name]}\n" for name in sorted(envelope))
    assert is_signed(signed(dict(envelope), text, "1"), CERTIFICATE)


def test_anothers_certificate_does_not_fit() -> None:
    other = a_certificate(rsa.generate_private_key(public_exponent=65537, key_size=2048))
    envelope = signed(an_envelope("hello"), NOTIFICATION, "2")
    assert not is_signed(envelope, other)
    assert not is_signed(envelope, a_certificate(ec.generate_private_key(ec.SECP256R1())))
    assert not is_signed(envelope, b"no certificate")


@pytest.mark.parametrize("signature", [None, "", "no base64!", 7, {}])
def test_without_a_signature_nothing_is_signed(signature: object) -> None:
    envelope = an_envelope("hello", SignatureVersion="2", Signature=signature)
    assert not is_signed(envelope, CERTIFICATE)


def test_amazons_own_addresses_are_known() -> None:
    assert is_signing_certificate_url("https://sns.eu-west-1.amazonaws.com/Simple-1f.pem")
    assert is_signing_certificate_url("https://sns.cn-north-1.amazonaws.com.cn/Simple-1f.pem")
    assert is_subscribe_url("https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&T=1")


@pytest.mark.parametrize(
    "url",
    [
        None,
        7,
        "",
        "http://sns.eu-west-1.amazonaws.com/a.pem",
        "https://sns.eu-west-1.amazonaws.com.evil.example/a.pem",
        "https://evil.example/sns.eu-west-1.amazonaws.com/a.pem",
        "https://sns.eu-west-1.amazonaws.com@evil.example/a.pem",
        "https://evil@sns.eu-west-1.amazonaws.com/a.pem",
        "https://sns.eu-west-1.amazonaws.com:8443/a.pem",
        "https://sns.eu-west-1.amazonaws.com:x/a.pem",
        "https://evil.example\\.sns.eu-west-1.amazonaws.com/a.pem",
        "https://sns.eu-west-1.amazonaws.com/a.pem\n",
        "https://sns.a.b.amazonaws.com/a.pem",
        "https://s3.eu-west-1.amazonaws.com/a.pem",
        "https://sns.eu-west-1.amazonaws.com/a.txt",
        "https://sns.eu-west-1.amazonaws.com/?x=a.pem",
        "https://[sns.eu-west-1.amazonaws.com/a.pem",
        "https://sns.éu-west-1.amazonaws.com/a.pem",
    ],
)
def test_anybody_elses_address_is_not(url: object) -> None:
    assert not is_signing_certificate_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://sns.eu-west-1.amazonaws.com/?Action=Unsubscribe",
        "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&Action=Publish",
        "https://sns.eu-west-1.amazonaws.com/other?Action=ConfirmSubscription",
        "https://evil.example/?Action=ConfirmSubscription",
    ],
)
def test_only_a_confirmation_is_asked_for(url: str) -> None:
    assert not is_subscribe_url(url)
