"""How often diagnosis is right, measured on real data whose truth is known."""
