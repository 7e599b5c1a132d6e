"""The pre-check of what agents write: pure rules over a text, no database, no network."""

from tickets.screening.answer import Answer, Found
from tickets.screening.rules import screen

__all__ = ["Answer", "Found", "screen"]
