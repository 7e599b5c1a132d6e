"""A scan as it is told, before it is anybody's: what doors, files and carriers hand to the services."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class ScanData:
    """One scan as a carrier tells it: when, its own code, our status for it, words and place."""

    at: datetime
    status: str
    code: str = ""
    text: str = ""
    place: str = ""
