"""Event data of every contract, made up by Hypothesis from the contract's own fields."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, NewType, Union, get_args, get_origin
from uuid import UUID

from hypothesis import strategies as st
from pydantic import AwareDatetime, BaseModel

from mejora_events.contracts.base import EventData

ZONES = st.sampled_from(
    [UTC, timezone(timedelta(hours=5, minutes=45)), timezone(timedelta(hours=-3))]
)
TIMES = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=ZONES)  # noqa: DTZ001
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
AMOUNTS = st.decimals(-(10**15), 10**15) | st.sampled_from([Decimal("1E+3"), Decimal("-0E-9")])

PLAIN: dict[Any, st.SearchStrategy[Any]] = {
    str: TEXTS,
    bool: st.booleans(),
    UUID: st.uuids(),
    datetime: TIMES,
    AwareDatetime: TIMES,
    Decimal: AMOUNTS,
    NoneType: st.none(),
}


def data_of(contract: type[EventData]) -> st.SearchStrategy[EventData]:
    """Give valid data of one event type, every optional field sometimes set."""
    return _model(contract)


@cache
def _model(model: type[BaseModel]) -> st.SearchStrategy[Any]:
    return st.builds(
        model,
        **{
            name: _values(field.annotation, field.metadata)
            for name, field in model.model_fields.items()
        },
    )


def _values(annotation: Any, constraints: list[Any]) -> st.SearchStrategy[Any]:
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _values(inner[0], [*inner[1:], *constraints])
    if isinstance(annotation, NewType):
        return _values(annotation.__supertype__, constraints)
    if origin in (Union, UnionType):
        return st.one_of([_values(one, []) for one in inner])
    if origin is tuple:
        return st.lists(_values(inner[0], []), max_size=2).map(tuple)
    if origin is dict:
        return st.dictionaries(_values(inner[0], []), _values(inner[1], []), max_size=2)
    if origin is Literal:
        return st.sampled_from(inner)
    if annotation in (int, float):
        return _numbers(annotation, constraints)
    if annotation is str and (pattern := _limit(constraints, "pattern")):
        return st.from_regex(pattern, fullmatch=True)
    if annotation in PLAIN:
        return PLAIN[annotation]
    if issubclass(annotation, Enum):
        return st.sampled_from(list(annotation))
    return st.deferred(lambda: _model(annotation))


def _numbers(kind: type[int] | type[float], constraints: list[Any]) -> st.SearchStrategy[Any]:
    least, most = _limit(constraints, "ge"), _limit(constraints, "le")
    if kind is int:
        return st.integers(
            least if least is not None else -(2**53), most if most is not None else 2**53
        )
    return st.floats(least, most, allow_nan=False, allow_infinity=False)


def _limit(constraints: list[Any], name: str) -> Any:
    """Find a bound among a field's constraints, which may be a FieldInfo that holds some."""
    for constraint in constraints:
        for one in (constraint, *getattr(constraint, "metadata", ())):
            if getattr(one, name, None) is not None:
                return getattr(one, name)
    return None
