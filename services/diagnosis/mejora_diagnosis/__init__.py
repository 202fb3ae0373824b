"""Answers what failed, where, who is affected and which channel to take."""
