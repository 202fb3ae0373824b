"""What a component has in common with its like: db-01 and db-02:9100 are one family."""

import re
from functools import lru_cache

from mejora_diagnosis.model.signature.masking import reduce_identities

_PORT = re.compile(r":\d+$")
_ADDRESS = re.compile(r"^(?:\d{1,3}(?:\.\d{1,3}){3}|\[?[0-9a-f:]*:[0-9a-f:]+\]?)$", re.IGNORECASE)


@lru_cache(maxsize=16_384)
def reduce_component(name: str) -> str:
    """Give the family of a component: its name without what tells its instances apart."""
    return reduce_identities(machine_name(name)).lower()


def machine_name(name: str) -> str:
    """Give the name of a machine without port and, where it is one of a row, without domain."""
    bare = name.strip()
    if bare.count(":") == 1 or "]:" in bare:
        bare = _PORT.sub("", bare)
    if _ADDRESS.match(bare):
        return bare.strip("[]")
    first, dot, _ = bare.partition(".")
    return first if dot and any(letter.isdigit() for letter in first) else bare
