"""Reads of the tickets app, by noun."""
