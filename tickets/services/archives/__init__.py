"""Archives on their way out: asked for once, written piece by piece in the background, kept for a day."""

from tickets.services.archives.asking import Wish, ask_archive, cancel_archive, fetch_archive, fetch_key
from tickets.services.archives.clearing import drop_archives, sweep_archives
from tickets.services.archives.writing import write_slice

__all__ = [
    "Wish",
    "ask_archive",
    "cancel_archive",
    "drop_archives",
    "fetch_archive",
    "fetch_key",
    "sweep_archives",
    "write_slice",
]
