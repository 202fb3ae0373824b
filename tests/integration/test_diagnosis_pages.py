"""The pages of diagnosis as a browser without script uses them, on a real PostgreSQL."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from http import HTTPStatus

import httpx
import pytest

from mejora_diagnosis.app import SERVICE
from mejora_events.clock import SetClock
from mejora_events.contracts.access import AccessKeyRevoked, Scope
from mejora_events.contracts.catalogue import OwnerRole
from mejora_service import keys
from mejora_service.host import host
from mejora_service.runtime import Runtime
from mejora_service.settings import load
from support.diagnosed import an_incident, at, diagnosis_of, put_catalogue, reported, tell, the_shop

KEY = "mej_a-key-for-tests"
ROLES = [OwnerRole(name="sales", superior="board"), OwnerRole(name="platform", contact="#platform")]


@pytest.fixture
async def runtime(database: str) -> Runtime:
    """The service on a fresh database, with a catalogue."""
    settings = load(SERVICE.settings, database_url=database, broker_url=database, admin_key=KEY)
    return Runtime(SERVICE, settings, SetClock(at(10)))


@pytest.fixture
async def browser(runtime: Runtime) -> AsyncIterator[httpx.AsyncClient]:
    """Something that keeps cookies, holds no key, and says where a form came from."""
    application = host([runtime])
    async with (
        application.router.lifespan_context(application),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(application),
            base_url="http://mejora",
            headers={"Origin": "http://mejora"},
            follow_redirects=True,
        ) as client,
    ):
        await put_catalogue(runtime.store, [*the_shop(), *ROLES])
        yield client


async def sign_in(browser: httpx.AsyncClient, key: str = KEY, to: str = "/") -> httpx.Response:
    return await browser.post("/diagnosis/sign-in", data={"key": key, "to": to})


async def a_key(runtime: Runtime, *scopes: Scope, customer: str | None = None) -> str:
    async with runtime.store.begin(actor="test") as work:
        key, issued = keys.issue(work, scopes, label="a test", customer=customer)
        await keys.take(work, issued)
    return key


async def page_of(browser: httpx.AsyncClient, runtime: Runtime, number: int) -> tuple[str, str]:
    """Open an incident's diagnosis; give its address and what it shows."""
    address = f"/diagnosis/diagnoses/{(await diagnosis_of(runtime.store, number)).diagnosis_id}"
    return address, (await browser.get(address)).text


def a_form(shown: str, asked: str, **given: str) -> dict[str, str]:
    """Fill in the form of a question."""
    forms = re.findall(r'<form method="post" action="[^"]+/answers">.*?</form>', shown, re.DOTALL)
    (form,) = [it for it in forms if f'name="question" value="{asked}"' in it]
    hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form))
    return {**hidden, "answer": "", "answered_by": "", "do": "answer"} | given


class TestSigningIn:
    async def test_who_is_not_signed_in_is_led_to_the_form_and_back(
        self, browser: httpx.AsyncClient, runtime: Runtime
    ) -> None:
        await tell(runtime.store, reported(an_incident(1, "checkout")))
        address, shown = await page_of(browser, runtime, 1)
        assert "<h1>Sign in</h1>" in shown
        (to,) = re.findall(r'name="to" value="([^"]+)"', shown)
        back = await sign_in(browser, to=to)
        assert back.url.path == address
        assert "It does not answer" in back.text

    async def test_what_a_browser_may_do_with_a_page_is_said_strictly(
        self, browser: httpx.AsyncClient
    ) -> None:
        for path in ("/diagnosis/", "/diagnosis/sign-in"):
            headers = (await browser.get(path)).headers
            assert headers["content-security-policy"].startswith("default-src 'none'; style-src")
            assert "unsafe" not in headers["content-security-policy"]
            assert "frame-ancestors 'none'" in headers["content-security-policy"]
            assert headers["cache-control"] == "no-store"

    async def test_the_key_is_not_kept_and_the_cookie_is_for_no_script(
        self, browser: httpx.AsyncClient
    ) -> None:
        answer = (await sign_in(browser)).history[0]
        cookie = answer.headers["set-cookie"]
        assert KEY not in cookie
        assert "; HttpOnly" in cookie
        assert "; Path=/diagnosis; SameSite=lax" in cookie
        assert "Secure" not in cookie
        answer = await browser.post("https://mejora/diagnosis/sign-in", data={"key": KEY})
        assert answer.history[0].headers["set-cookie"].endswith("; Secure")
        proxied = {"X-Forwarded-Proto": "https"}
        answer = await browser.post("/diagnosis/sign-in", data={"key": KEY}, headers=proxied)
        assert answer.history[0].headers["set-cookie"].endswith("; Secure")

    @pytest.mark.parametrize(
        ("scopes", "customer", "why"),
        [
            ((Scope.INGEST,), None, "lacks the scope `read`"),
            ((Scope.READ,), "acme", "one customer&#39;s data only"),
        ],
    )
    async def test_a_key_must_be_one_that_may_read(
        self,
        browser: httpx.AsyncClient,
        runtime: Runtime,
        scopes: tuple[Scope, ...],
        customer: str | None,
        why: str,
    ) -> None:
        refused = await sign_in(browser, await a_key(runtime, *scopes, customer=customer))
        assert refused.status_code == HTTPStatus.FORBIDDEN
        assert why in refused.text
        unknown = await sign_in(browser, "mej_no-such-key")
        assert (unknown.status_code, "not known" in unknown.text) == (401, True)
        assert "<h1>Sign in</h1>" in (await browser.get("/diagnosis/")).text

    async def test_it_ends_by_itself_by_signing_out_and_when_the_key_is_revoked(
        self, browser: httpx.AsyncClient, runtime: Runtime
    ) -> None:
        await sign_in(browser)
        token = dict(browser.cookies)
        assert "<h1>Sign in</h1>" in (await browser.post("/diagnosis/sign-out")).text
        browser.cookies.update(token)
        assert "<h1>Sign in</h1>" in (await browser.get("/diagnosis/")).text
        browser.cookies.clear()

        await sign_in(browser)
        assert isinstance(runtime.clock, SetClock)
        runtime.clock.at += timedelta(hours=12)
        assert "<h1>Sign in</h1>" in (await browser.get("/diagnosis/")).text

        key = await a_key(runtime, Scope.READ)
        await sign_in(browser, key)
        assert "<h1>Waiting" in (await browser.get("/diagnosis/")).text

        principal = await runtime.keys.recognise(key)
        assert principal is not None
        async with runtime.store.begin(actor="test") as work:
            await keys.revoke(work, AccessKeyRevoked(key_id=principal.key_id, revoked_at=work.now))
        assert "<h1>Sign in</h1>" in (await browser.get("/diagnosis/")).text

    @pytest.mark.parametrize("to", ["https://evil.example/", "//evil.example", "/v1/catalogue"])
    async def test_it_leads_nowhere_else(self, browser: httpx.AsyncClient, to: str) -> None:
        assert (await sign_in(browser, to=to)).url.path == "/diagnosis/"


class TestList:
    async def test_where_nothing_waits_it_says_what_to_do(
        self, browser: httpx.AsyncClient, runtime: Runtime
    ) -> None:
        empty = await sign_in(browser)
        assert "Point a monitor at <code>/intake/v1/hooks/…</code>" in empty.text
        await tell(runtime.store, reported(an_incident(1, "wiki")))
        other = await browser.get("/diagnosis/", params={"owner": "sales"})
        assert "Nothing waits for the role sales" in re.sub(r"\s+", " ", other.text)
        assert (await browser.get("/diagnosis")).url.path == "/diagnosis/"

    async def test_the_most_important_come_first_and_of_these_the_oldest(
        self, browser: httpx.AsyncClient, runtime: Runtime
    ) -> None:
        for number, name in enumerate(("wiki", "payment", "checkout", "payment"), 1):
            began = number * 15 - 60
            incident = an_incident(number, name, began, summary=f"{name} {number}")
            await tell(runtime.store, reported(incident))
        shown = (await sign_in(browser)).text
        found = re.findall(r"<h2><a [^>]+>([^<]+)</a></h2>", shown)
        assert found == ["checkout 3", "payment 2", "payment 4", "wiki 1"]
        assert "<dd>25 min</dd>" in shown
        mine = (await browser.get("/diagnosis/", params={"owner": "finance"})).text
        assert re.findall(r"<h2><a [^>]+>([^<]+)</a></h2>", mine) == ["payment 2", "payment 4"]
        newest = (await browser.get("/diagnosis/", params={"show": "all"})).text
        assert re.findall(r"<h2><a [^>]+>([^<]+)</a></h2>", newest)[0] == "payment 4"

    async def test_a_long_list_goes_on(self, browser: httpx.AsyncClient, runtime: Runtime) -> None:
        many = [an_incident(n, "wiki", n / 100, summary=f"wiki {n}") for n in range(1, 61)]
        await tell(runtime.store, *map(reported, many))
        await sign_in(browser)
        for show in ("", "?show=all"):
            shown, seen = (await browser.get(f"/diagnosis/{show}")).text, []
            while True:
                seen += re.findall(r"<h2><a [^>]+>([^<]+)</a></h2>", shown)
                following = re.findall(r'<p class="more"><a href="([^"]+)">', shown)
                if not following:
                    break
                shown = (await browser.get(following[0].replace("&amp;", "&"))).text
            assert len(seen) == len(set(seen)) == 60


class TestDiagnosis:
    async def test_every_answer_stands_there_with_what_it_rests_on(
        self, browser: httpx.AsyncClient, runtime: Runtime
    ) -> None:
        await sign_in(browser)
        labels = {"instance": "db-1"}
        await tell(runtime.store, reported(an_incident(1, "checkout", summary="<b>502</b> & more")))
        await tell(runtime.store, reported(an_incident(2, "db", labels=labels)))
        _, shown = await page_of(browser, runtime, 1)
        assert "<h1>&lt;b&gt;502&lt;/b&gt; &amp; more</h1>" in shown
        text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", shown))
        for said in (
            "It began at db.",
            "db, with a probability of",
            "Serve the customer another way meanwhile: order by phone",
            "Customers acme (1)",
            "Reached at #platform.",
            "It does not answer at db",
        ):
            assert said in text
        _, shown = await page_of(browser, runtime, 2)
        assert "Bounded: 1 of 4 instances" in shown

    async def test_one_that_is_not_there_is_said_so(self, browser: httpx.AsyncClient) -> None:
        await sign_in(browser)
        missing = await browser.get("/diagnosis/diagnoses/01a212a8-7660-7f4d-b952-ade4f8faa3a8")
        assert (missing.status_code, "No such diagnosis" in missing.text) == (404, True)


class TestAnswering:
    async def test_a_question_is_answered_declared_unknowable_and_corrected(
        self, browser: httpx.AsyncClient, runtime: Runtime
    ) -> None:
        await sign_in(browser)
        await tell(runtime.store, reported(an_incident(1, "db")))
        address, shown = await page_of(browser, runtime, 1)
        told = {"answer": "The pool\r\nwas <too> small", "answered_by": "platform"}
        noted = await browser.post(
            f"{address}/answers", data=a_form(shown, "what_happened", **told)
        )
        assert "Noted: What happened?" in noted.text
        assert "The pool\nwas &lt;too&gt; small" in noted.text
        for question in ("how", "who_else", "what_changed"):
            form = a_form(noted.text, question, do="unknowable")
            noted = await browser.post(f"{address}/answers", data=form)
        assert "With this the diagnosis is complete" in noted.text
        form = a_form(noted.text, "how", answer="A change")
        await browser.post(f"{address}/answers", data=form)
        diagnosis = await diagnosis_of(runtime.store, 1)
        assert [(it.answer, it.answered_by) for it in diagnosis.open_questions] == [
            ("The pool\nwas <too> small", "platform"),
            ("A change", "key:admin"),
            (None, "key:admin"),
            (None, "key:admin"),
        ]
        assert diagnosis.completed_at == at(10)
        assert "All questions are answered" in (await browser.get("/diagnosis/")).text

    async def test_who_owns_the_unlisted_is_answered_here_too(
        self, browser: httpx.AsyncClient, runtime: Runtime
    ) -> None:
        await sign_in(browser)
        await tell(runtime.store, reported(an_incident(1, "unheard-of")))
        address, shown = await page_of(browser, runtime, 1)
        assert '<option value="platform">' in shown
        form = a_form(shown, "who_owns", answer="platform")
        shown = (await browser.post(f"{address}/answers", data=form)).text
        assert "key:admin said so" in shown
        await tell(runtime.store, reported(an_incident(2, "unheard-of", 1)))
        assert (await diagnosis_of(runtime.store, 2)).owner == "platform"

    async def test_what_is_not_taken_is_kept_and_told(
        self, browser: httpx.AsyncClient, runtime: Runtime
    ) -> None:
        await sign_in(browser)
        await tell(runtime.store, reported(an_incident(1, "db")))
        address, shown = await page_of(browser, runtime, 1)
        for given, why in (
            ({}, "Write an answer first"),
            ({"answer": "x", "do": "unknowable"}, "You wrote an answer"),
            ({"answer": "x" * 10_001}, "10,000 characters"),
            ({"question": "why"}, "does not ask that"),
        ):
            answer = await browser.post(f"{address}/answers", data=a_form(shown, "how", **given))
            assert (answer.status_code, why in answer.text) == (422, True), why
        assert (await diagnosis_of(runtime.store, 1)).version == 1
        form = a_form(shown, "how", answer="By <hand>")
        await browser.post(f"{address}/answers", data=form)
        form = a_form(shown, "how", answer="By a robot")
        late = await browser.post(f"{address}/answers", data=form)
        assert "Meanwhile key:admin said “By &lt;hand&gt;”" in late.text
        assert "By a robot" in late.text
        again = await browser.post(
            f"{address}/answers", data=a_form(late.text, "how", answer="By a robot")
        )
        assert "Noted" in again.text

    async def test_who_may_only_read_has_no_form_and_cannot_answer(
        self, browser: httpx.AsyncClient, runtime: Runtime
    ) -> None:
        await sign_in(browser, await a_key(runtime, Scope.READ))
        await tell(runtime.store, reported(an_incident(1, "db")))
        address, shown = await page_of(browser, runtime, 1)
        assert "Your key may read and not answer" in shown
        assert "/answers" not in shown
        forged = {"question": "how", "answer": "x", "do": "answer"}
        refused = await browser.post(f"{address}/answers", data=forged)
        assert refused.status_code == HTTPStatus.FORBIDDEN

    async def test_what_another_site_sends_is_refused(
        self, browser: httpx.AsyncClient, runtime: Runtime
    ) -> None:
        await sign_in(browser)
        await tell(runtime.store, reported(an_incident(1, "db")))
        address, shown = await page_of(browser, runtime, 1)
        form = a_form(shown, "how", answer="x")
        for headers, data in (
            ({"Origin": "https://evil.example"}, form),
            ({"Origin": "null"}, form),
            ({"Sec-Fetch-Site": "cross-site"}, form),
            ({}, {**form, "token": ""}),
            ({}, {**form, "token": "é"}),
        ):
            refused = await browser.post(f"{address}/answers", data=data, headers=headers)
            assert refused.status_code == HTTPStatus.FORBIDDEN
        for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "same-site"}):
            refused = await browser.post("/diagnosis/sign-in", data={"key": KEY}, headers=headers)
            assert "sent by another site" in refused.text
        assert (await diagnosis_of(runtime.store, 1)).version == 1

    async def test_what_was_written_is_not_lost_when_the_sign_in_has_ended(
        self, browser: httpx.AsyncClient, runtime: Runtime
    ) -> None:
        await sign_in(browser)
        await tell(runtime.store, reported(an_incident(1, "db")))
        address, shown = await page_of(browser, runtime, 1)
        browser.cookies.clear()
        form = a_form(shown, "how", answer="A long <story>")
        ended = await browser.post(f"{address}/answers", data=form)
        assert ended.status_code == HTTPStatus.UNAUTHORIZED
        assert "A long &lt;story&gt;" in ended.text
