"""Debian's Chromium, driven by Playwright, as people use a browser."""

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import Browser, ConsoleMessage, Page, async_playwright

WIDTHS = (400, 1400)
"""Of a telephone and of a desk, in pixels: pages must read well at both."""


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """Run the browser that is installed."""
    as_root = ["--no-sandbox"] if os.geteuid() == 0 else []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=as_root
        )
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def a_page(browser: Browser, width: int) -> AsyncIterator[Page]:
    """Open a page without script; what the browser complains about fails the test."""
    context = await browser.new_context(
        viewport={"width": width, "height": 900}, java_script_enabled=False
    )
    page = await context.new_page()
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if _is_bad(said) else None)
    try:
        yield page
    finally:
        await context.close()
    assert complaints == []


def _is_bad(said: ConsoleMessage) -> bool:
    """Tell whether the page is wrong; that it is the answer to a mistake is not."""
    is_answer = said.text.startswith("Failed to load resource: the server responded with")
    return said.type in ("error", "warning") and not is_answer


async def width_of(page: Page) -> int:
    """Tell how wide the page is; wider than the window means that it scrolls sideways."""
    width: int = await page.evaluate("document.documentElement.scrollWidth")
    return width


async def without_name(page: Page) -> list[str]:
    """Name the controls that a screen reader could not name."""
    found: list[str] = await page.evaluate(
        """() => [...document.querySelectorAll(
                'input:not([type=hidden]), textarea, select, button, a')]
            .filter(it => !(it.labels?.length || it.getAttribute('aria-label')
                            || it.textContent.trim()))
            .map(it => it.outerHTML)"""
    )
    return found
