"""The words of a search, marked where they stand."""

from __future__ import annotations

import re
from functools import lru_cache

from django.utils.safestring import SafeString, mark_safe  # allowed: every piece is escaped

from core.text import search_terms
from core.ui.escaping import esc

EXCERPT = 90


@lru_cache(maxsize=256)
def _pattern(query: str) -> re.Pattern[str] | None:
    words = {term for term in [query.lower(), *search_terms(query)] if len(term) > 1 or len(query) == 1}
    longest_first = sorted(words, key=len, reverse=True)
    return re.compile("|".join(map(re.escape, longest_first)), re.IGNORECASE) if words else None


def mark_words(text: str, query: str, *, whole: bool = False) -> SafeString:
    """Return an excerpt around the first match (or the whole text) with the query's words marked."""
    flat = " ".join(text.split())
    pattern = _pattern(query)
    first = pattern.search(flat) if pattern and not whole else None
    start = max(0, first.start() - EXCERPT // 3) if first else 0
    piece = flat if whole else flat[start : start + EXCERPT]
    head, tail = ("…" if start else ""), ("…" if start + len(piece) < len(flat) else "")
    if pattern is None:
        return mark_safe(esc(head + piece + tail))  # allowed: escaped here
    out: list[str] = [esc(head)]
    at = 0
    for found in pattern.finditer(piece):
        out.append(f"{esc(piece[at : found.start()])}<mark>{esc(found[0])}</mark>")
        at = found.end()
    out.append(esc(piece[at:] + tail))
    return mark_safe("".join(out))  # allowed: every piece is escaped
