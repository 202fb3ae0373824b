"""The pages of diagnosis in a real browser: with the keyboard alone, on a telephone and a desk."""

import itertools
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, Page

from support.browsers import WIDTHS, a_page, chromium, width_of, without_name
from support.diagnosed import an_incident, diagnosis_of, put_catalogue, reported, tell, the_shop
from support.programs import needs
from support.servers import Postgres
from support.whole import ADMIN_KEY, Whole, a_whole, an_address

pytestmark = needs("chromium")

LONG = "Checkout answers 502 to " + "/a/path/that/never/ends" * 12


@pytest.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
async def whole(postgres: Postgres) -> AsyncIterator[Whole]:
    async with a_whole(postgres, "diagnosis") as whole:
        store = whole.runtimes["diagnosis"].store
        await put_catalogue(store, the_shop())
        await tell(
            store,
            reported(an_incident(1, "db", labels={"instance": "db-1"})),
            reported(an_incident(2, "checkout", 1, summary=LONG)),
            reported(an_incident(3, "unheard-of", 2)),
        )
        yield whole


@pytest.fixture
async def address(whole: Whole) -> AsyncIterator[str]:
    async with an_address(whole) as address:
        yield address


async def sign_in(page: Page, address: str) -> None:
    """Open the first page and sign in as somebody without a mouse."""
    await page.goto(f"{address}/diagnosis/")
    await page.get_by_label("Key").focus()
    await page.keyboard.type(ADMIN_KEY)
    await page.keyboard.press("Enter")
    await page.get_by_role("heading", name="Waiting for answers").wait_for()


@pytest.mark.parametrize("width", WIDTHS)
async def test_a_page_fits_its_window_and_all_on_it_has_a_name(
    browser: Browser, address: str, width: int
) -> None:
    async with a_page(browser, width) as page:
        await page.goto(f"{address}/diagnosis/")
        assert await width_of(page) == width
        await sign_in(page, address)
        assert (await width_of(page), await without_name(page)) == (width, [])
        await page.get_by_role("link", name="Checkout answers 502").click()
        await page.get_by_role("heading", name="What only people know").wait_for()
        assert (await width_of(page), await without_name(page)) == (width, [])
        levels = await page.evaluate(
            "[...document.querySelectorAll('h1,h2,h3,h4')].map(it => +it.tagName[1])"
        )
        assert levels[0] == 1
        assert levels.count(1) == 1
        assert all(after - before <= 1 for before, after in itertools.pairwise(levels))


async def test_a_question_is_answered_with_the_keyboard_alone(
    browser: Browser, address: str, whole: Whole
) -> None:
    async with a_page(browser, WIDTHS[0]) as page:
        await sign_in(page, address)
        await page.get_by_role("link", name="It does not answer").last.focus()
        await page.keyboard.press("Enter")
        await page.get_by_role("link", name="5 questions wait for an answer").focus()
        await page.keyboard.press("Enter")
        await page.keyboard.press("Tab")
        await page.keyboard.type("It ran out of memory")
        await page.keyboard.press("Tab")
        await page.keyboard.type("operations")
        await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")
        await page.get_by_role("status").wait_for()
        assert "Noted: What happened?" in await page.get_by_role("status").inner_text()
        assert await page.get_by_text("operations, ").is_visible()
        wrong = page.get_by_role("textbox", name="Answer: How did it happen?")
        await wrong.press("Tab")
        await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")
        await page.get_by_role("alert").wait_for()
        assert "Write an answer first" in await page.get_by_role("alert").inner_text()
        assert await wrong.evaluate("it => it === document.activeElement")
    said = (await diagnosis_of(whole.runtimes["diagnosis"].store, 3)).open_questions[0]
    assert (said.answer, said.answered_by) == ("It ran out of memory", "operations")


async def test_where_the_keyboard_is_can_be_seen(browser: Browser, address: str) -> None:
    async with a_page(browser, WIDTHS[1]) as page:
        await sign_in(page, address)
        await page.keyboard.press("Tab")
        focused = page.locator(":focus")
        assert await focused.inner_text() == "Skip to the content"
        box = await focused.bounding_box()
        assert box is not None
        assert box["height"] > 20
        await page.keyboard.press("Tab")
        assert (
            await page.locator(":focus").evaluate("it => getComputedStyle(it).outlineWidth")
            == "3px"
        )
