"""Insping's webhook: the same as Freshping's, which it became; a check has no name there."""

from mejora_intake.sources.freshping import read
from mejora_intake.sources.kind import Kind

KIND = Kind(
    name="insping",
    title="Insping",
    expects="A webhook of the organization with this address.",
    documentation="https://support.freshping.io/en/support/solutions/articles/50000003708",
    read=read,
)
