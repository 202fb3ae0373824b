"""Where to look, ready to paste."""

from mejora.demo.story.scene import Scene

_LOOKS = (
    ("what Mejora said of each failure", "/diagnosis/v1/diagnoses"),
    ("problems: causes, actions, fixes, proof", "/problem/v1/problems"),
    ("known errors and their workarounds", "/problem/v1/known-errors"),
    ("the debt ledger", "/problem/v1/debt"),
    ("the register of improvements", "/improvement/v1/improvements"),
    ("indicators, of any period and part", "/improvement/v1/indicators?customer=lumen-books"),
    ("every event, from the beginning", "/improvement/v1/events?limit=3"),
)
_ASK = (
    ' ask() { it=$1; shift; curl -sS -H "X-Mejora-Key: $KEY" "$URL$it" "$@" | '
    "python3 -m json.tool; }"
)
_COMMENT_COLUMN = 57


def where_to_look(scene: Scene) -> None:
    """Give the addresses, the key, and lines to paste."""
    page, address = scene.page, scene.client.address
    page.heading("Look for yourself", address)
    page.line(f" URL={address} KEY={scene.client.key}")
    page.line(_ASK)
    page.gap()
    for what, path in _LOOKS:
        page.line(f" ask '{path}'".ljust(_COMMENT_COLUMN) + f"# {what}")
    page.gap()
    page.line(" # the incident of orders-db is open: take it, then say that it is restored")
    for step in ("acknowledge", "restore"):
        page.line(f" ask /intake/v1/incidents/{scene.open_incident}/{step} --json '{{}}'")
    if scene.kafka:
        page.gap()
        page.line(" # the events as they are, with their headers")
        page.line(f" kcat -b {scene.kafka} -C -t mejora.incidents -f '%h %k %s\\n'")
    page.gap()
    page.say(
        "Every path is described in /intake/openapi.json, /diagnosis/openapi.json, "
        "/problem/openapi.json and /improvement/openapi.json."
    )
