"""How pages are made: templates that escape all they are given, one style, no script."""

import base64
import hashlib
from datetime import datetime
from http import HTTPStatus
from importlib import resources
from typing import Any
from urllib.parse import urlsplit

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from mejora_diagnosis.model.questions import is_open
from mejora_diagnosis.model.signature.masking import HOLE
from mejora_diagnosis.model.words import counted, lasting, times

_PACKAGE = "mejora_diagnosis.api.pages"
_STYLE = resources.files(_PACKAGE).joinpath("templates/style.css").read_text()
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()

HEADERS = {
    # What a browser may load for these pages: their one style, and nothing else.
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'self';"
        " base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    # A stricter one would take the origin from forms, by which they are known to be ours.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


def page(
    request: Request, template: str, status: HTTPStatus = HTTPStatus.OK, **shown: Any
) -> HTMLResponse:
    """Give a page."""
    root = str(request.scope.get("root_path", ""))
    html = _TEMPLATES.get_template(f"{template}.html").render(root=root, style=_STYLE, **shown)
    return HTMLResponse(html, status, HEADERS)


def elsewhere(request: Request, path: str) -> RedirectResponse:
    """Lead a browser to another page of ours, by GET."""
    root = str(request.scope.get("root_path", ""))
    return RedirectResponse(root + path, HTTPStatus.SEE_OTHER, HEADERS)


def _moment(time: datetime) -> Markup:
    shown = f"{time.day} {time:%b %Y, %H:%M} UTC"
    return Markup('<time datetime="{}">{}</time>').format(f"{time:%Y-%m-%dT%H:%M:%SZ}", shown)


def _share(value: float) -> str:
    """Say a probability; what is not certain is never 0 or 100 %."""
    if 0 < value < 0.01:
        return "under 1 %"
    return "over 99 %" if 0.99 < value < 1 else f"{value:.0%}".replace("%", " %")


def _plain(text: str) -> str:
    """Show what differs from case to case in a text as people do."""
    return text.replace(HOLE, "…")


def _link(text: str | None) -> str | None:
    """Give a text that is the address of a page on the web; None for any other."""
    try:
        parts = urlsplit(text or "")
    except ValueError:
        return None
    return text if parts.scheme in ("http", "https") and parts.netloc else None


_TEMPLATES = Environment(
    loader=PackageLoader(_PACKAGE),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_TEMPLATES.filters |= {
    "moment": _moment,
    "share": _share,
    "link": _link,
    "plain": _plain,
    "lasting": lasting,
    "times": times,
    "counted": counted,
}
_TEMPLATES.tests["open"] = is_open
