"""Figures as a person says them, for reasons and evidence."""


def lasting(seconds: float) -> str:
    """Say how long something lasts: 45 s, 48 min, 1 h 10 min, 3 days."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 48 * 60:
        hours, rest = divmod(minutes, 60)
        return f"{hours} h {rest} min" if rest else f"{hours} h"
    return f"{seconds / 86_400:.0f} days"


def times(count: int) -> str:
    """Say how often: once, 3 times."""
    return "once" if count == 1 else f"{count} times"


def counted(count: int, one: str, many: str) -> str:
    """Say how many: 1 case, 3 cases."""
    return f"{count} {one if count == 1 else many}"
