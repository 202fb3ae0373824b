"""Where the real data is, which is no part of the project."""

import os
from pathlib import Path

REAL_DATA = Path(
    os.environ.get("MEJORA_REAL_DATA", Path(__file__).parents[2].parent / "shared" / "data")
)
