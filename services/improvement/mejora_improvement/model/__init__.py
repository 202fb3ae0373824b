"""The rules of the improvement service: what is measured, compared, proposed and shown.

No I/O, no clock: every function takes what has happened and gives back what follows from it.
"""
