"""Tables and queries: one module for each thing that is kept."""
