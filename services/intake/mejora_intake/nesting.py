"""How deep JSON may be nested."""

import re

import orjson

MOST_LEVELS = 100

_TEXT = re.compile(rb'"(?:[^"\\]++|\\.)*+"', re.DOTALL)
_BRACKETS = bytes.maketrans(b"{}", b"[]")
_ALL_OTHERS = bytes(set(range(256)) - set(b"[]{}"))


def nests_too_deeply(body: bytes, most: int = MOST_LEVELS) -> bool:
    """Tell whether a body is JSON in which more levels lie within one another than `most`.

    A body with fewer brackets than levels, which most are, is told by counting them. Otherwise
    what is left when the texts are taken out is peeled, innermost level first.
    """
    if body.count(b"[") + body.count(b"{") <= most:
        return False
    left = _TEXT.sub(b"", body).translate(_BRACKETS, _ALL_OTHERS)
    for _ in range(most):
        before, left = len(left), left.replace(b"[]", b"")
        if len(left) == before:
            break
    return bool(left) and _is_json(body)


def _is_json(body: bytes) -> bool:
    """Tell whether a body is JSON, be it deeper than the decoder goes."""
    try:
        orjson.loads(body)
    except orjson.JSONDecodeError as error:
        return "depth limit" in str(error)
    return True
