"""Search terms of a query: the Python twin of the SQL functions `cs_tokens` and `cs_query`.

The database decides what is found; this twin is for marking hits and for telling people what was searched.
"""

import re
import unicodedata
from functools import cache
from itertools import pairwise

# One Chinese, Japanese or Korean sign is a token, two neighbours are a token. Same ranges in the SQL.
CJK = "\u3005-\u3007\u3041-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\U00020000-\U000323af"
# Dropped before anything else, or a zero-width blank in the middle of a word would hide it.
INVISIBLE = "\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufe00-\ufe0f\ufeff"
MAX_TEXT = 80_000  # characters: 80,000 different pairs of 4-byte signs stay below the 1 MB of a tsvector
MAX_QUERY = 200  # characters
MAX_WORD = 120  # characters; a lexeme may have 2,046 bytes, but a longer "word" is base64, not language
MIN_PREFIX = 2  # characters from which the last Latin word of a query also finds longer words

_RUN = re.compile(rf"([{CJK}]+)|((?:(?![{CJK}])[^\W_])+)")
_DROPPED = re.compile(f"[{INVISIBLE}]+")


@cache
def _lower(char: str) -> str:
    return char.lower()[:1]  # simple case mapping, one for one, as the database does


def _fold(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text.replace("\x00", "")[:MAX_TEXT])[:MAX_TEXT]
    return _DROPPED.sub("", "".join(map(_lower, folded)))


def index_terms(text: str) -> set[str]:
    """Return the tokens under which a text is found: single CJK signs, pairs of neighbours, lower-case words."""
    terms: set[str] = set()
    for signs, word in _RUN.findall(_fold(text)):
        if signs:
            terms.update(signs)
            terms.update(first + second for first, second in pairwise(signs))
        else:
            terms.add(word[:MAX_WORD])
    return terms


def search_terms(query: str) -> list[str]:
    """Return the terms that must all occur: pairs of CJK signs (a single sign when alone) and lower-case words."""
    terms: list[str] = []
    for signs, word in _RUN.findall(_fold(query[:MAX_QUERY])):
        if len(signs) > 1:
            terms.extend(first + second for first, second in pairwise(signs))
        else:
            terms.append(signs or word[:MAX_WORD])
    return list(dict.fromkeys(terms))
