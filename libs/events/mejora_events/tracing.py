"""The W3C trace context of what is being done now (w3.org/TR/trace-context)."""

import os
import random
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar

_current: ContextVar[str | None] = ContextVar("mejora_traceparent", default=None)
_ids = random.Random()  # noqa: S311 (ids must differ and need not be secret)
os.register_at_fork(after_in_child=_ids.seed)
_TRACEPARENT = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


def current_traceparent() -> str | None:
    """Give the context of what is being done now, if there is one."""
    return _current.get()


def trace_of(traceparent: str | None) -> str | None:
    """Give the id of the trace that a hop belongs to, unless it is none or a bad one."""
    return traceparent[3:35] if traceparent and _TRACEPARENT.fullmatch(traceparent) else None


def next_hop(traceparent: str | None) -> str:
    """Give a new span in the trace given, or in a new trace when none, or a bad one, is given."""
    trace = trace_of(traceparent)
    if traceparent and trace:
        flags = traceparent[53:]
    else:
        trace, flags = f"{_ids.randrange(1, 1 << 128):032x}", "00"
    return f"00-{trace}-{_ids.randrange(1, 1 << 64):016x}-{flags}"


@contextmanager
def doing(traceparent: str) -> Iterator[str]:
    """Make a context the current one while the block runs."""
    token = _current.set(traceparent)
    try:
        yield traceparent
    finally:
        _current.reset(token)


SpanOpener = Callable[[str, str | None, Sequence[str]], AbstractContextManager[str]]
"""Opens a span: its name, its parent, and hops of other traces that it has to do with."""


def _hop(_name: str, parent: str | None, _links: Sequence[str]) -> AbstractContextManager[str]:
    return doing(next_hop(parent))


_open_span: SpanOpener = _hop


def span(name: str, parent: str | None, links: Sequence[str] = ()) -> AbstractContextManager[str]:
    """Do something as a span below a parent; the block is given the span's own traceparent."""
    return _open_span(name, parent, links)


def open_spans_with(opener: SpanOpener | None) -> None:
    """Let spans be opened by a tracing library, which also records them; None: by none again."""
    global _open_span
    _open_span = opener or _hop
