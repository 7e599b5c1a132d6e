"""Tickets and messages for other systems."""
