"""`diagnosis.signature`: texts a second that are given their signature, against bare Drain3."""

import time
from collections.abc import Callable, Iterator
from random import Random

from drain3 import TemplateMiner
from drain3.template_miner_config import TemplateMinerConfig

from bench.figure import Figure
from bench.ground import Ground
from bench.scale import Scale
from mejora_diagnosis.model.signature import Patterns, reduce_component, sign

_COMPONENT = "orders-03"
# What fills the braces: a number, an address, a hash, a path, a name.
_FORMS = (
    "Failed password for {name} from {address} port {number} ssh2",
    "Received block blk_{number} of size {number} from {address}",
    "{address} GET /orders/{number}/items?page={number} took {number} ms, status {number}",
    "Connection to {address}:{number} timed out after {number} seconds (attempt {number} of 5)",
    "Disk {path} is {number} % full",
    "session opened for user {name} by (uid={number})",
    "task_{number}_{number}_m_{number} finished in stage {number}, {number} bytes sent to driver",
    "lock {number} of {name} is held since {number} ms by process {number} with flags 0x{hash}",
    "Cannot open {path}: permission denied for {name}",
    "Order {hash} of customer {name} was rejected: card expired",
    "replica db-{number} is {number} s behind its primary",
    "worker {hash} closed its channel unexpectedly while {number} messages waited",
    "pod orders-{hash} was evicted from node-{number}: memory pressure",
    "{name}@example.org could not be reached, mail {hash} is kept until 2026-03-{number}",
    "Garbage collection took {number} ms, {number} MB of {number} MB in use",
    "checksum of {path} is {hash}, expected {hash}",
)
_NAMES = ("root", "admin", "backup", "mail", "games", "guest", "oracle", "postgres", "www", "git")


async def signature(ground: Ground, scale: Scale) -> list[Figure]:
    """Measure both on the same texts; each begins a round knowing nothing."""
    figure = Figure(
        "diagnosis.signature", "texts/s", "bare Drain3 with its defaults, same texts", least=0.3
    )
    for number in range(scale.rounds):
        texts = list(_texts(scale.signed, number))
        figure.add(limit=_per_second(texts, _by_drain3()), ours=_per_second(texts, _by_us()))
    return [figure]


def _texts(count: int, seed: int) -> Iterator[str]:
    chance = Random(seed)
    for _ in range(count):
        yield chance.choice(_FORMS).format(
            number=chance.randrange(100_000),
            address=f"10.{chance.randrange(256)}.{chance.randrange(256)}.{chance.randrange(256)}",
            hash=f"{chance.getrandbits(40):010x}",
            path=f"/var/lib/data/{chance.randrange(10_000)}",
            name=chance.choice(_NAMES),
        )


def _per_second(texts: list[str], recognise: Callable[[str], object]) -> float:
    began = time.perf_counter()
    for text in texts:
        recognise(text)
    return len(texts) / (time.perf_counter() - began)


def _by_drain3() -> Callable[[str], object]:
    miner = TemplateMiner(config=TemplateMinerConfig())
    return lambda text: miner.add_log_message(text)


def _by_us() -> Callable[[str], object]:
    patterns = Patterns()
    return lambda text: patterns.recognise(reduce_component(_COMPONENT), sign(_COMPONENT, text))
