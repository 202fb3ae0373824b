"""Reconciles what was accepted with what every store holds, by id: `mejora audit`.

The services read no store but their own; this is the operators' tool that reads them all. `stores`
looks, `rules` compares (pure functions), `looks` waits for what is still on its way, `shown` tells.
"""

from mejora.audit.findings import Finding, Kind
from mejora.audit.ledger import Accepted
from mejora.audit.looks import Outcome, reconcile

__all__ = ["Accepted", "Finding", "Kind", "Outcome", "reconcile"]
