"""What makes two incidents the same fault, across sources and hosts.

A text is reduced to a template by its form alone (`masking`, `template`), its component to the
family of its like (`families`). Templates that differ only where names stand are one fault
(`patterns`): that is learned from what has come before.
"""

from collections.abc import Iterable
from functools import lru_cache
from hashlib import blake2b

from mejora_diagnosis.model.signature.families import machine_name, reduce_component
from mejora_diagnosis.model.signature.masking import HOLE
from mejora_diagnosis.model.signature.patterns import Pattern, Patterns, keys_of
from mejora_diagnosis.model.signature.template import LONGEST, reduce_text
from mejora_events.contracts.diagnoses import Signature

__all__ = [
    "HOLE",
    "LONGEST",
    "Pattern",
    "Patterns",
    "keys_of",
    "machine_name",
    "reduce_component",
    "reduce_text",
    "sign",
]


def sign(component: str, text: str, instances: Iterable[str] = ()) -> Signature:
    """Give the signature that a text at a component has by itself, whatever came before.

    `instances` are names that the sender itself gave as places (host, pod, address): where they
    occur in the text, they are taken out too, however much they look like words.
    """
    return _sign(reduce_component(component), reduce_text(text, instances))


@lru_cache(maxsize=16_384)
def _sign(family: str, template: str) -> Signature:
    digest = blake2b(f"{family}\n{template}".lower().encode(), digest_size=8)
    return Signature(signature_id=digest.hexdigest(), template=template)
