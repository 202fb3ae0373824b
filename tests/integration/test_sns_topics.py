"""Amazon's topics: whose messages are taken, and how a subscription is confirmed."""

import base64
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import httpx
import orjson
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from mejora_intake.api.subscriptions import Subscriptions, fetch
from support.servers import Postgres
from support.whole import Whole, a_whole

TOPIC, OTHER = "arn:aws:sns:eu-west-1:1:alarms", "arn:aws:sns:eu-west-1:2:alarms"
CERTIFICATE_URL = "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-1.pem"
HOOK = "/intake/v1/hooks/aws_cloudwatch_sns"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
ALARM = {"AlarmName": "payments", "NewStateValue": "ALARM", "AWSAccountId": "1"}


def a_certificate() -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(KEY.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(KEY, SHA256())
        .public_bytes(Encoding.PEM)
    )


def subscribe_url(topic: str = TOPIC) -> str:
    asked = urlencode({"Action": "ConfirmSubscription", "TopicArn": topic, "Token": "t"})
    return f"https://sns.eu-west-1.amazonaws.com/?{asked}"


def an_envelope(**given: Any) -> dict[str, Any]:
    envelope = {
        "Type": "Notification",
        "MessageId": "m-1",
        "TopicArn": TOPIC,
        "Message": orjson.dumps(ALARM).decode(),
        "Timestamp": "2026-03-01T11:59:00.000Z",
        "SignatureVersion": "2",
        "SigningCertURL": CERTIFICATE_URL,
    } | given
    names = ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"]
    text = "".join(f"{name}\n{envelope[name]}\n" for name in names if name in envelope)
    signature = KEY.sign(text.encode(), PKCS1v15(), SHA256())
    return {"Signature": base64.b64encode(signature).decode()} | envelope


def asking(**given: Any) -> dict[str, Any]:
    asked = {"Type": "SubscriptionConfirmation", "SubscribeURL": subscribe_url(), "Token": "t"}
    return an_envelope(**(asked | given))


class Amazon:
    """What lies at Amazon's addresses, and what was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.answers: dict[str, tuple[int, bytes]] = {
            CERTIFICATE_URL: (200, a_certificate()),
            subscribe_url(): (200, b"<ok/>"),
        }
        self.is_away = False

    async def fetch(self, url: str) -> tuple[int, bytes]:
        self.asked.append(url)
        if self.is_away:
            raise httpx.ConnectError("away")
        return self.answers.get(url, (404, b""))


@pytest.fixture(scope="module")
async def intake(postgres: Postgres) -> AsyncIterator[Whole]:
    async with a_whole(postgres, "intake", sns_topics=f"{TOPIC}, arn:aws:sns:x") as whole:
        yield whole


@pytest.fixture
def amazon(intake: Whole) -> Amazon:
    runtime, amazon = intake.runtimes["intake"], Amazon()
    subscriptions = Subscriptions(runtime.settings.sns_topics, amazon.fetch)  # type: ignore[attr-defined]
    runtime.resource = replace(runtime.resource, subscriptions=subscriptions)
    return amazon


async def post(whole: Whole, body: object, **headers: str) -> httpx.Response:
    return await whole.client.post(
        HOOK, content=orjson.dumps(body), headers={"content-type": "text/plain", **headers}
    )


async def test_a_listed_topic_s_message_is_taken_and_the_certificate_asked_for_once(
    intake: Whole, amazon: Amazon
) -> None:
    for n in range(3):
        answer = await post(intake, an_envelope(MessageId=str(n)))
        assert answer.status_code == 202, answer.text
        assert answer.json()["signals"][0]["disposition"]
    assert amazon.asked == [CERTIFICATE_URL]


async def test_a_listed_topic_s_subscription_is_confirmed(intake: Whole, amazon: Amazon) -> None:
    answer = await post(intake, asking())
    assert answer.status_code == 202, answer.text
    assert f"the subscription to {TOPIC} is confirmed" in answer.json()["remarks"]
    assert amazon.asked == [CERTIFICATE_URL, subscribe_url()]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (an_envelope(TopicArn=OTHER), 403),
        (asking(TopicArn=OTHER, SubscribeURL=subscribe_url(OTHER)), 403),
        ({"Records": [{"Sns": an_envelope()}, {"Sns": an_envelope(TopicArn=OTHER)}]}, 403),
        (an_envelope() | {"Message": "{}"}, 401),
        (an_envelope(Signature=""), 401),
        (an_envelope(SigningCertURL="https://sns.evil.example/x.pem"), 401),
        (an_envelope(SigningCertURL="https://sns.eu-west-1.amazonaws.com/none.pem"), 401),
        (an_envelope(SigningCertURL=None), 401),
        (asking(SubscribeURL="https://sns.eu-west-1.amazonaws.com/?Action=Publish"), 422),
        (asking(SubscribeURL=subscribe_url(OTHER)), 422),
        (asking(SubscribeURL="https://intranet.example/"), 422),
        (asking(SubscribeURL=subscribe_url() + "&more=1"), 422),
    ],
)
async def test_other_topics_and_what_amazon_has_not_signed_are_refused(
    intake: Whole, amazon: Amazon, body: object, status: int
) -> None:
    answer = await post(intake, body)
    assert answer.status_code == status, answer.text
    assert answer.json()["advice"]
    assert not [url for url in amazon.asked if "amazonaws.com/" not in url]
    assert subscribe_url() not in amazon.asked


async def test_raw_delivery_names_its_topic_in_a_header(intake: Whole, amazon: Amazon) -> None:
    for topic, status in ((TOPIC, 202), (OTHER, 403)):
        answer = await post(intake, ALARM, **{"x-amz-sns-topic-arn": topic})
        assert answer.status_code == status, answer.text
    assert (await post(intake, ALARM)).status_code == 202
    assert amazon.asked == []


async def test_a_signature_stands_for_no_key(intake: Whole, amazon: Amazon) -> None:
    assert (await post(intake, an_envelope(), Authorization="")).status_code == 401
    assert amazon.asked == []


async def test_while_amazon_is_away_it_is_asked_to_send_again(
    intake: Whole, amazon: Amazon
) -> None:
    amazon.is_away = True
    answer = await post(intake, an_envelope(MessageId="away"))
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "20")
    amazon.is_away = False
    assert (await post(intake, an_envelope(MessageId="away"))).status_code == 202


async def test_a_dry_run_needs_no_signature_and_confirms_nothing(
    intake: Whole, amazon: Amazon
) -> None:
    for body in (an_envelope(TopicArn=OTHER, Signature=""), asking()):
        answer = await intake.client.post(HOOK, json=body, params={"dry_run": "true"})
        assert answer.status_code == 200
    assert amazon.asked == []


async def test_without_listed_topics_a_key_is_enough_and_nothing_is_visited(
    postgres: Postgres,
) -> None:
    async with a_whole(postgres, "intake") as whole:
        runtime, amazon = whole.runtimes["intake"], Amazon()
        nothing = Subscriptions(frozenset(), amazon.fetch)
        runtime.resource = replace(runtime.resource, subscriptions=nothing)
        assert (await post(whole, an_envelope(Signature=""))).status_code == 202
        answer = await post(whole, asking())
        assert answer.status_code == 202
        assert any("MEJORA_SNS_TOPICS" in remark for remark in answer.json()["remarks"])
        assert amazon.asked == []


async def test_a_redirect_is_not_followed_and_a_long_answer_is_not_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        if request.url.path == "/moved":
            return httpx.Response(302, headers={"Location": "https://intranet.example/"})
        return httpx.Response(200, content=b"x" * 200_000)

    client = httpx.AsyncClient
    monkeypatch.setattr(
        httpx, "AsyncClient", lambda **given: client(transport=httpx.MockTransport(answer), **given)
    )
    assert (await fetch("https://sns.eu-west-1.amazonaws.com/moved"))[0] == 302
    with pytest.raises(httpx.HTTPError):
        await fetch("https://sns.eu-west-1.amazonaws.com/long")
    assert asked == ["/moved", "/long"]
