"""Word lists: one entry a line, `word ! exception | exception`, where * stands for a few characters.

Chinese has no spaces between words: 不知道 stands inside 知不知道, 滚 inside 滚筒. An entry therefore names the phrases
in which it does not count, and is found only where none of them covers it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

_GAP = r"[^\x00。！？!?；;，,\n]{0,8}"


@dataclass(frozen=True)
class Entry:
    """One compiled entry."""

    word: re.Pattern[str]
    exceptions: tuple[re.Pattern[str], ...]


@lru_cache(maxsize=2048)
def entry_of(line: str) -> Entry | None:
    """Compile a line; None for an empty one."""
    word, _mark, rest = line.replace("！", "!").replace("｜", "|").partition("!")
    if not word.strip():
        return None
    return Entry(_phrase(word), tuple(_phrase(one) for one in rest.split("|") if one.strip()))


def _phrase(text: str) -> re.Pattern[str]:
    parts = [r"\s+".join(re.escape(word) for word in part.split()) for part in text.strip().split("*")]
    source = _GAP.join(parts).replace("'", "['’]")
    if re.match(r"[A-Za-z0-9]", text.strip()):
        source = r"(?<![A-Za-z0-9])" + source
    if re.search(r"[A-Za-z0-9]$", text.strip()):
        source += r"(?![A-Za-z0-9])"
    return re.compile(source, re.IGNORECASE)


def find_words(text: str, lines: Iterable[str]) -> Iterator[tuple[int, int]]:
    """Yield where entries stand in a text outside their exceptions."""
    for line in lines:
        entry = entry_of(line)
        if entry is None:
            continue
        spared = [match.span() for exception in entry.exceptions for match in exception.finditer(text)]
        for match in entry.word.finditer(text):
            if not any(start <= match.start() and match.end() <= end for start, end in spared):
                yield match.span()


def lines_of(text: str) -> list[str]:
    """Return the entries of an edited list, tidied, each once."""
    lines = (" ".join(line.split()) for line in text.splitlines())
    return list(dict.fromkeys(line[:200] for line in lines if line))[:500]
