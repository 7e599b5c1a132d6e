"""Folds over the event log; each metric's facts are one SELECT."""
