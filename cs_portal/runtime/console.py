"""Short coloured lines on the terminal."""

from __future__ import annotations

import os
import sys
import threading
from typing import TextIO

COLOURS = {"green": "32", "red": "31", "yellow": "33", "grey": "90", "bold": "1", "cyan": "36"}


class Console:
    """Writes status lines; colours only on a terminal, nothing when quiet."""

    def __init__(self, stream: TextIO | None = None, *, quiet: bool = False) -> None:
        self._stream = stream or sys.stderr
        self._quiet = quiet
        self._colours = self._stream.isatty() and "NO_COLOR" not in os.environ
        self._lock = threading.Lock()

    def paint(self, words: str, colour: str) -> str:
        """Colour the words when the stream is a terminal."""
        return f"\x1b[{COLOURS[colour]}m{words}\x1b[0m" if self._colours else words

    def line(self, words: str = "") -> None:
        """Write one line."""
        if not self._quiet:
            with self._lock:
                print(words, file=self._stream, flush=True)

    def good(self, words: str) -> None:
        """Something is as it should be."""
        self.line(f"  {self.paint('●', 'green')} {words}")

    def note(self, words: str) -> None:
        """Something worth knowing happens."""
        self.line(f"  {self.paint('·', 'grey')} {words}")

    def warn(self, words: str) -> None:
        """Something went wrong and is being mended."""
        self.line(f"  {self.paint('▲', 'yellow')} {words}")

    def bad(self, words: str) -> None:
        """Something went wrong for good."""
        self.line(f"  {self.paint('✗', 'red')} {words}")
