"""Why a cascade is thought to have begun at a place, so that a person can check it."""

from mejora_diagnosis.model.cascade.places import Place
from mejora_diagnosis.model.cascade.signs import Sign

_MOST_SIGNS = 3
_LONGEST = 60


def why(place: Place) -> str:
    """Tell what speaks for a place, the strongest first."""
    told = [_tell(it) for it in place.signs if it.weight > 0][:_MOST_SIGNS]
    if place.pulled_down:
        stand = "component stands" if place.pulled_down == 1 else "components stand"
        told.append(f"{place.pulled_down} failing {stand} on it")
    return "; ".join(told) or "little speaks for it"


def _tell(sign: Sign) -> str:
    kind = sign.kind if len(sign.kind) <= _LONGEST else f"{sign.kind[:_LONGEST]}…"
    shown = f" at {sign.failing} of its {sign.of} parts" if sign.of > 1 else ""
    return f"“{kind}”{shown}, which is so in {sign.usual:.0%} of such times anyway"
