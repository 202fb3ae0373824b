"""Indicators, improvements, reports and the event feed."""
