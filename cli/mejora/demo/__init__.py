"""`mejora demo`: a small organisation's failures go through Mejora, and the terminal tells it."""
