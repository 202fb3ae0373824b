"""Indicators that are shares: a numerator, a denominator, and what each of them counts."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from mejora_events.contracts.base import Value


@dataclass(frozen=True, slots=True)
class Ratio:
    """What a share counts, and what is said when there is nothing to count."""

    counted: str
    among: str
    nothing: str


_NO_INCIDENT = "No incident ended in the period."

RATIOS: Mapping[str, Ratio] = {
    "internal_detection_share": Ratio(
        "incidents first noticed inside", "incidents that ended", _NO_INCIDENT
    ),
    "recurrence_share": Ratio(
        "incidents whose signature was seen in the 90 days before",
        "incidents that ended and have a signature",
        "No incident with a signature ended in the period.",
    ),
    "alternate_channel_share": Ratio(
        "incidents restored by a workaround",
        "incidents restored",
        "No incident was restored in the period.",
    ),
    "fixed_for_good_share": Ratio(
        "problems with a verified fix",
        "problems opened",
        "No problem was opened in the period.",
    ),
    "fix_success_share": Ratio(
        "fixes verified",
        "fixes verified or regressed",
        "No fix was verified or regressed in the period.",
    ),
    "known_error_share": Ratio(
        "incidents matched to a known error when reported",
        "incidents that ended and were diagnosed",
        "No diagnosed incident ended in the period.",
    ),
    "known_error_workaround_share": Ratio(
        "workarounds that carried the service",
        "workarounds applied to incidents of a known error",
        "No workaround was applied to an incident of a known error.",
    ),
    "failure_point_accuracy": Ratio(
        "diagnoses whose failure point proved right",
        "diagnosed incidents that ended and whose true failure point is known",
        "Nobody has established where an incident that ended in the period really began.",
    ),
    "scope_accuracy": Ratio(
        "diagnoses whose scope proved right",
        "diagnosed incidents that ended and whose true scope is known",
        "Nobody has established how far an incident that ended in the period really reached.",
    ),
    "signature_accuracy": Ratio(
        "diagnoses whose signature proved right",
        "diagnosed incidents that ended and whose fault is known",
        "Of no incident that ended in the period it is established which fault it was.",
    ),
}


@dataclass(frozen=True, slots=True)
class Tally:
    """What was counted; `unknown` are those of which it cannot be said yet."""

    numerator: int = 0
    denominator: int = 0
    unknown: int = 0


class ShareIndicator(Value):
    """One count over another, both given."""

    kind: Literal["share"] = "share"
    counted: str
    among: str
    unit: Literal["share"] = "share"
    numerator: int
    denominator: int
    value: float | None
    unknown: int = 0
    """Left out of both: it cannot be said of them yet."""
    reason: str | None
    """Why there is no value."""


def share(ratio: Ratio, tally: Tally) -> ShareIndicator:
    """Give an indicator from its counts; over nothing it has no value, but a reason."""
    measurable = tally.denominator > 0
    return ShareIndicator(
        counted=ratio.counted,
        among=ratio.among,
        numerator=tally.numerator,
        denominator=tally.denominator,
        value=tally.numerator / tally.denominator if measurable else None,
        unknown=tally.unknown,
        reason=None if measurable else ratio.nothing,
    )
