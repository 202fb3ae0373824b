"""Tables and queries of the improvement service."""
