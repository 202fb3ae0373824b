"""Which diagnoses must be looked at again, now that more is known to fail."""

from collections.abc import Iterable
from dataclasses import dataclass

from mejora_diagnosis.model.cascade.failing import News
from mejora_diagnosis.model.catalogue import Catalogue
from mejora_diagnosis.model.scope import is_counted


@dataclass(frozen=True, slots=True)
class Recheck:
    """Incidents that started in these minutes may have begun elsewhere after all."""

    component: str
    first_minute: int
    last_minute: int


def to_recheck(catalogue: Catalogue, news: Iterable[News], window_minutes: int) -> list[Recheck]:
    """Tell which incidents must be looked at again, now that more is known to fail.

    They are those near the news, at components that the catalogue connects with it. Where the
    component was known to fail in the same way shortly before, the incidents near both have taken
    that into account: while something goes on failing, nothing is rechecked.
    """
    spans: dict[str, list[tuple[int, int]]] = {}
    for it in news:
        island = catalogue.island(it.component)
        spans.setdefault(island, []).append(_span(it.minute, it.before, window_minutes))
        if is_counted(catalogue.component(it.component)):
            spans[island].append(_span(it.minute, it.instance_before, window_minutes))
    return [
        Recheck(name, first, last)
        for island, found in spans.items()
        for first, last in merge_spans(sorted(span for span in found if span[0] <= span[1]))
        for name in catalogue.islanders(island)
    ]


def _span(minute: int, before: int | None, window_minutes: int) -> tuple[int, int]:
    first = minute - window_minutes
    if before is not None:
        first = max(first, before + window_minutes + 1)
    return first, minute + window_minutes


def merge_spans(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Merge spans that overlap; they come in order of their beginning."""
    merged: list[tuple[int, int]] = []
    for first, last in spans:
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(merged[-1][1], last))
        else:
            merged.append((first, last))
    return merged
