"""The chassis every service of Mejora stands on."""
