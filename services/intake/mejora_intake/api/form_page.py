"""The pages of the form: no script, nothing from elsewhere, every field with its label."""

import base64
import hashlib
from collections.abc import Mapping
from html import escape

_STYLE = """
:root { color-scheme: light dark; font: 1.05rem/1.5 system-ui, sans-serif; }
body { max-width: 40rem; margin: 2rem auto; padding: 0 1rem; }
label { display: block; font-weight: 600; margin-top: 1.2rem; }
input, textarea, button { font: inherit; padding: 0.5rem; box-sizing: border-box; }
input:not([type=checkbox]), textarea { width: 100%; }
label.beside { font-weight: 400; }
.hint { margin: 0.1rem 0 0.3rem; opacity: 0.8; }
.mend { margin: 0.2rem 0; font-weight: 600; border-left: 0.3rem solid; padding-left: 0.5rem; }
[aria-invalid=true] { outline: 0.15rem solid; }
[role=alert] { border: 0.15rem solid; padding: 0.5rem 1rem; }
button { margin-top: 1.5rem; padding: 0.6rem 1.5rem; }
code { font-size: 1.1em; overflow-wrap: anywhere; }
"""

_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()

POLICY = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
"""What a browser may load for these pages (Content Security Policy): their one style."""

_LABELS = {
    "component": "What could you not use?",
    "happened": "What happened?",
    "since": "Since when? (optional)",
    "where": "Where are you? (optional)",
    "affected": "How many people does it affect? (optional)",
    "who": "Who are you? (optional)",
    "key": "Key",
}
_HINTS = {
    "component": "The service or the page, in your own words.",
    "happened": "The first line is shown in lists; say more below it.",
    "since": "Day and time in UTC. Empty means just now.",
    "where": "The branch or the place. It shows how far the failure reaches.",
    "affected": "As far as you know. Empty means that you do not.",
    "who": "Your company or your role, so that somebody can ask back.",
    "key": "It was given to you for reports. It is not kept with the report.",
}


def form_page(given: Mapping[str, str], mend: Mapping[str, str] | None = None) -> str:
    """Give the form with what was filled in before, but for the key, and what there is to mend."""
    mend = mend or {}
    checked = " checked" if given.get("staff") else ""
    return _page(
        "Report a failure",
        f"""<h1>Report a failure</h1>
{_what_to_mend(mend)}<form method="post">
<input type="hidden" name="id" value="{escape(given.get("id", ""))}">
{_input("component", given, mend, 'maxlength="500" required')}
{_field("happened", mend, _area(given, mend))}
{_input("since", given, mend, 'type="datetime-local"')}
{_input("where", given, mend, 'maxlength="500"')}
{_input("affected", given, mend, 'inputmode="numeric" maxlength="12"')}
{_input("who", given, mend, 'maxlength="500" autocomplete="organization"')}
<label class="beside"><input type="checkbox" name="staff" value="yes"{checked}>
I work for the provider of the service and am no customer</label>
{_input("key", {}, mend, 'type="password" autocomplete="off" required')}
<button type="submit">Send the report</button>
</form>""",
        failed=bool(mend),
    )


def thanks_page(number: str | None, *, known: bool) -> str:
    """Give the page that shows which incident a report became part of, if of any."""
    if number is None:
        told = "<p>What it is about is being worked on as announced, so no incident is open.</p>"
    else:
        what = (
            "It is a failure that is known already; your report was added to it."
            if known
            else "It is a failure that nobody had reported before."
        )
        told = f"""<p>The number of the incident is <code>{escape(number)}</code>.</p>
<p>{what} Keep the number: who asks after it is told how it goes.</p>"""
    return _page(
        "Your report was taken",
        f"""<h1>Your report was taken</h1>
<div role="status"><p>Thank you.</p>
{told}</div>""",
    )


def _page(title: str, content: str, *, failed: bool = False) -> str:
    shown = f"Not sent yet: {title}" if failed else title
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(shown)}</title>
<style>{_STYLE}</style>
</head>
<body>
<main>
{content}
</main>
</body>
</html>
"""


def _what_to_mend(mend: Mapping[str, str]) -> str:
    if not mend:
        return ""
    listed = "".join(
        f'<li><a href="#{name}">{escape(_LABELS[name])}</a> {escape(text)}</li>\n'
        if name in _LABELS
        else f"<li>{escape(text)}</li>\n"
        for name, text in mend.items()
    )
    return f'<div role="alert"><h2>Not sent yet</h2>\n<ul>\n{listed}</ul></div>\n'


def _input(name: str, given: Mapping[str, str], mend: Mapping[str, str], more: str) -> str:
    value = escape(given.get(name, ""))
    return _field(
        name,
        mend,
        f'<input id="{name}" name="{name}" value="{value}" {more}{_described(name, mend)}>',
    )


def _area(given: Mapping[str, str], mend: Mapping[str, str]) -> str:
    text = escape(given.get("happened", ""))
    attributes = f'rows="5" maxlength="50000" required{_described("happened", mend)}'
    return f'<textarea id="happened" name="happened" {attributes}>\n{text}</textarea>'


def _field(name: str, mend: Mapping[str, str], control: str) -> str:
    problem = f'<p class="mend" id="{name}-mend">{escape(mend[name])}</p>\n' if name in mend else ""
    return (
        f'<label for="{name}">{escape(_LABELS[name])}</label>\n'
        f'<p class="hint" id="{name}-hint">{escape(_HINTS[name])}</p>\n{problem}{control}'
    )


def _described(name: str, mend: Mapping[str, str]) -> str:
    if name not in mend:
        return f' aria-describedby="{name}-hint"'
    return f' aria-invalid="true" aria-describedby="{name}-mend {name}-hint"'
