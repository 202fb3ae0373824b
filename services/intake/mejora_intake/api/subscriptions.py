"""Amazon SNS: which topics' messages are taken, and how a subscription comes about.

A message that says which topic it is of is taken when an operator has listed that topic and Amazon
has signed the message; so is the request to confirm a subscription, which is then confirmed.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from http import HTTPStatus
from urllib.parse import parse_qs, urlsplit

import httpx

from mejora_intake.sources.kind import Message, NotJson
from mejora_intake.sources.reading import text_of
from mejora_intake.sources.sns import (
    envelopes,
    is_signed,
    is_signing_certificate_url,
    is_subscribe_url,
)
from mejora_service.errors import Forbidden, Invalid, Unauthorised, Unavailable

Fetch = Callable[[str], Awaitable[tuple[int, bytes]]]
"""Gets what lies at an address: the status and the body. Raises httpx.HTTPError."""

_TIMEOUT_SECONDS = 5.0
_LONGEST_ANSWER = 100_000
_REMEMBER_SECONDS = 86_400.0
_REMEMBER_MOST = 20


async def fetch(url: str) -> tuple[int, bytes]:
    """Get what lies at an address of Amazon's, following no redirect."""
    async with (
        asyncio.timeout(2 * _TIMEOUT_SECONDS),
        httpx.AsyncClient(timeout=_TIMEOUT_SECONDS, follow_redirects=False) as client,
        client.stream("GET", url) as answer,
    ):
        body = b""
        async for part in answer.aiter_bytes():
            body += part
            if len(body) > _LONGEST_ANSWER:
                raise httpx.HTTPError("the answer is too long")
        return answer.status_code, body


class Subscriptions:
    """The topics that an operator has listed; without any, whoever has a key may post for all."""

    def __init__(self, topics: frozenset[str], fetch: Fetch = fetch) -> None:
        self._topics, self._fetch = topics, fetch
        self._certificates: OrderedDict[str, tuple[float, bytes]] = OrderedDict()
        self._alone = asyncio.Lock()

    async def take(self, message: Message) -> list[str]:
        """Check the envelopes of a message, and confirm what asks for it; give remarks.

        Raises Forbidden for a topic that is not listed, Unauthorised for what Amazon has not
        signed, and Unavailable when Amazon cannot be asked now.
        """
        try:
            found = list(envelopes(message.json()))
        except NotJson:
            return []
        asking = [one for one in found if one.get("Type") == "SubscriptionConfirmation"]
        if not self._topics:
            return [_not_confirmed(text_of(one.get("TopicArn"), 300)) for one in asking]
        self._check_topics(found, message.headers)
        for envelope in found:
            await self._check_signature(envelope)
        return [await self._confirm(envelope) for envelope in asking]

    def _check_topics(
        self, found: Sequence[Mapping[str, object]], headers: Mapping[str, str]
    ) -> None:
        topics = {text_of(one.get("TopicArn"), 300) for one in found}
        if topic := headers.get("x-amz-sns-topic-arn"):
            topics.add(topic)
        for other in sorted(topics - self._topics):
            raise Forbidden(
                f"Messages of the topic {other[:300]!r} are not taken.",
                advice="Add it to the setting MEJORA_SNS_TOPICS if they should be.",
            )

    async def _check_signature(self, envelope: Mapping[str, object]) -> None:
        url = envelope.get("SigningCertURL") or envelope.get("SigningCertUrl")
        if not is_signing_certificate_url(url):
            raise _not_signed("it names no certificate of Amazon's")
        if not is_signed(envelope, await self._certificate(str(url))):
            raise _not_signed("its signature is not of what it says")

    async def _certificate(self, url: str) -> bytes:
        if (kept := self._remembered(url)) is not None:
            return kept
        async with self._alone:
            if (kept := self._remembered(url)) is not None:
                return kept
            status, body = await self._asked(url)
            if status != HTTPStatus.OK:
                raise _not_signed(f"at its certificate's address there is none ({status})")
            self._certificates[url] = (time.monotonic(), body)
            self._certificates.move_to_end(url)
            if len(self._certificates) > _REMEMBER_MOST:
                self._certificates.popitem(last=False)
            return body

    def _remembered(self, url: str) -> bytes | None:
        at, certificate = self._certificates.get(url, (-_REMEMBER_SECONDS, b""))
        return certificate if time.monotonic() - at < _REMEMBER_SECONDS and certificate else None

    async def _confirm(self, envelope: Mapping[str, object]) -> str:
        url, topic = envelope.get("SubscribeURL"), text_of(envelope.get("TopicArn"), 300)
        if not is_subscribe_url(url) or parse_qs(urlsplit(str(url)).query).get("TopicArn") != [
            topic
        ]:
            raise Invalid(
                "Its SubscribeURL confirms no subscription to its topic.",
                advice="Subscribe this address to the topic again.",
            )
        status, _ = await self._asked(str(url))
        if status != HTTPStatus.OK:
            raise Invalid(
                f"Amazon does not confirm the subscription to {topic} ({status}).",
                advice="Subscribe this address to the topic again: a request to confirm is good"
                " for three days.",
            )
        return f"the subscription to {topic} is confirmed"

    async def _asked(self, url: str) -> tuple[int, bytes]:
        try:
            return await self._fetch(url)
        except httpx.InvalidURL as error:
            raise _not_signed("it names an address that is none") from error
        except (httpx.HTTPError, OSError) as error:
            raise Unavailable(
                "Amazon cannot be asked now.",
                advice="Send the same again after the time in Retry-After: it counts once.",
                headers={"Retry-After": "20"},
            ) from error


def _not_signed(fault: str) -> Unauthorised:
    return Unauthorised(
        f"Amazon has not signed this: {fault}.",
        advice="Subscribe this address to the topic itself, and let nothing change its messages.",
        headers={"WWW-Authenticate": 'Signature realm="mejora"'},
    )


def _not_confirmed(topic: str) -> str:
    return (
        f"the subscription to {topic} is not confirmed: list the topic in the setting"
        " MEJORA_SNS_TOPICS and let Amazon ask again, or visit its SubscribeURL yourself"
    )
