"""JMESPath expressions (jmespath.org) that an operator wrote, and what is allowed in them.

They run no code and have no loops but over what is there. Yet an expression could multiply what is
there within itself, as often as it has parts; what follows bounds that, before one is kept.
"""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from math import prod
from typing import Annotated, Any

import jmespath
import orjson
from jmespath.functions import Functions
from jmespath.parser import ParsedResult
from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

_MOST_PARTS = 100
_MOST_TIMES = 100
"""How many times what is there an expression may give."""
_MOST_TO_STRING = 2
"""Each writes the quotes of the one before with more backslashes."""
_LONGEST_SEPARATOR = 20

FAULTS = (ValueError, TypeError, ArithmeticError, LookupError, AttributeError, RuntimeError)
"""All that evaluating an expression may raise."""


def _checked(expression: str) -> str:
    compiled(expression)
    return expression


@lru_cache(maxsize=2000)
def compiled(expression: str) -> ParsedResult:
    """Compile an expression; raises ValueError, which names it, when it is none that may be."""
    try:
        found = jmespath.compile(expression)
    except FAULTS as error:
        raise ValueError(
            f"`{expression}` is no JMESPath expression: {first_line(error)}"
        ) from error
    if fault := next(_faults(list(_nodes(found.parsed))), None):
        raise ValueError(f"`{expression}`: {fault}")
    return found


def first_line(error: Exception) -> str:
    """Give what an error says, without the drawing below it."""
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(" :")[:300]


Expression = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=500),
    AfterValidator(_checked),
]

Expressions = Annotated[
    tuple[Expression, ...],
    Field(max_length=20),
    BeforeValidator(lambda given: (given,) if isinstance(given, str) else given),
]
"""One, several, or none."""


def _nodes(node: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    waiting = [node]
    while waiting:
        node = waiting.pop()
        yield node
        waiting += [child for child in node["children"] if isinstance(child, dict)]


def _faults(nodes: list[Mapping[str, Any]]) -> Iterator[str]:
    if len(nodes) > _MOST_PARTS:
        yield f"it has more than {_MOST_PARTS} parts"
    if not all(_is_writable(node.get("value")) for node in nodes):
        yield "it holds half a character (a lone surrogate)"
    several = ("multi_select_list", "multi_select_dict")
    if prod(len(n["children"]) for n in nodes if n["type"] in several) > _MOST_TIMES:
        yield f"it could give more than {_MOST_TIMES} times what is there"
    calls = [n for n in nodes if n["type"] == "function_expression"]
    if sum(n["value"] == "to_string" for n in calls) > _MOST_TO_STRING:
        yield f"it has `to_string` more than {_MOST_TO_STRING} times"
    for call in calls:
        yield from _faults_of_call(call)


def _is_writable(value: object) -> bool:
    """Tell whether a literal or a name could stand in JSON."""
    try:
        orjson.dumps(value, default=str)
    except TypeError:
        return False
    return True


def _faults_of_call(call: Mapping[str, Any]) -> Iterator[str]:
    name, given = call["value"], call["children"]
    known = Functions.FUNCTION_TABLE.get(name)
    if known is None:
        yield f"there is no function `{name}`"
        return
    wanted = known["signature"]
    variadic = bool(wanted) and wanted[-1].get("variadic", False)
    if len(given) < len(wanted) or (len(given) > len(wanted) and not variadic):
        yield f"`{name}` takes {len(wanted)} values, not {len(given)}"
    elif name == "join" and not _is_short_text(given[0]):
        yield f"`join` takes a text of at most {_LONGEST_SEPARATOR} characters to stand between"


def _is_short_text(node: Mapping[str, Any]) -> bool:
    value = node.get("value")
    is_text = node["type"] == "literal" and isinstance(value, str)
    return is_text and len(str(value)) <= _LONGEST_SEPARATOR
