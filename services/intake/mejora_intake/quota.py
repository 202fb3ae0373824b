"""The rule by which each sender may post so many signals a second."""

import math
from dataclasses import dataclass

_MOST_SENDERS = 10_000


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at: float


class Quota:
    """A token bucket for each sender: it fills with `per_second` and holds a second's worth.

    What is in it decides whether a message is taken, however many signals it holds; they may leave
    it in debt, so that a large message passes and is paid for afterwards. Times are seconds of a
    clock that never goes back.
    """

    def __init__(self, per_second: float) -> None:
        self.per_second = per_second
        self._most = max(per_second, 1.0)
        self._buckets: dict[str, _Bucket] = {}

    def spend(self, sender: str, signals: int, *, now: float) -> int:
        """Take signals of a sender: 0 when it may, else in how many seconds it may try again."""
        bucket = self._buckets.get(sender)
        if bucket is None:
            self._make_room(now)
            bucket = self._buckets[sender] = _Bucket(self._most, now)
        bucket.tokens = self._filled(bucket, now)
        bucket.at = now
        if bucket.tokens <= 0:
            return max(1, math.ceil(-bucket.tokens / self.per_second))
        bucket.tokens -= signals
        return 0

    def _filled(self, bucket: _Bucket, now: float) -> float:
        return min(self._most, bucket.tokens + (now - bucket.at) * self.per_second)

    def _make_room(self, now: float) -> None:
        """Forget those whose bucket is full: a new one would be the same."""
        if len(self._buckets) >= _MOST_SENDERS:
            self._buckets = {
                sender: bucket
                for sender, bucket in self._buckets.items()
                if self._filled(bucket, now) < self._most
            }
