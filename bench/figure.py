"""What a measurement gives: our value and the limit's, round by round, side by side."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any


@dataclass(frozen=True, slots=True)
class Spread:
    """The middle of some values and how far they reach."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """Give the spread of at least one value."""
        return cls(median(values), min(values), max(values))

    def as_json(self) -> dict[str, float]:
        """Give it with four significant digits."""
        return {
            name: float(f"{value:.4g}")
            for name, value in (
                ("median", self.median),
                ("least", self.least),
                ("most", self.most),
            )
        }


@dataclass(slots=True)
class Figure:
    """One figure: what is measured, the limit that it is held against, and the rounds of both.

    A round's ratio is that round's value ÷ the limit measured beside it, so that a machine that
    others use too slows both. `least` is the ratio that must be reached, where there is one.
    """

    name: str
    unit: str
    limit_is: str
    least: float | None = None
    lower_is_better: bool = False
    ours: list[float] = field(default_factory=list)
    limit: list[float] = field(default_factory=list)
    notes: dict[str, float | str] = field(default_factory=dict)

    def add(self, *, limit: float, ours: float) -> None:
        """Add a round."""
        self.limit.append(limit)
        self.ours.append(ours)

    @property
    def ratio(self) -> Spread:
        """Give ours ÷ limit over the rounds."""
        return Spread.of([o / at for o, at in zip(self.ours, self.limit, strict=True)])

    @property
    def holds(self) -> bool:
        """Tell whether the ratio that must be reached is reached."""
        return self.least is None or self.ratio.median >= self.least

    def as_json(self) -> dict[str, Any]:
        """Give it for `bench/results`."""
        return {
            "name": self.name,
            "unit": self.unit,
            "ours": Spread.of(self.ours).as_json(),
            "limit": Spread.of(self.limit).as_json(),
            "limit_is": self.limit_is,
            "ratio": self.ratio.as_json(),
            "better": "lower" if self.lower_is_better else "higher",
            **({"at_least": self.least} if self.least is not None else {}),
            "rounds": len(self.ours),
            "notes": self.notes,
        }
