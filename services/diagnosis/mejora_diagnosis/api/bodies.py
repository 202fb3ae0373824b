"""What bodies have in common."""

from typing import Annotated

from pydantic import Field

Text = Annotated[str, Field(min_length=1, max_length=10_000, pattern=r"^[^\x00]*$")]
"""Something written by a person or a pipeline; PostgreSQL keeps no NUL."""

Note = Annotated[str, Field(max_length=10_000, pattern=r"^[^\x00]*$")]
"""The same, where there may be nothing to say."""
