"""Which of our two languages a text is in, and how Chinese sorts and is typed in Latin letters."""

import re
from collections.abc import Callable, Iterable
from functools import cache, lru_cache
from typing import Literal

Language = Literal["zh-hans", "en"]

_HAN_CHAR = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U000323af]")
_LATIN_WORD = re.compile(r"[A-Za-z\u00c0-\u024f]{2,}")
_NOT_PROSE = re.compile(r"https?://\S+|[^\s@]{1,64}@\S+")  # bounded: a long line without a blank must not take a minute
_LOOKED_AT = 20_000  # characters; what follows is in the same language
_SEPARATORS = re.compile(r"[\W_]+")


def detect_language(text: str) -> Language:
    """Return the language by script share: one Chinese character weighs as much as one Latin word.

    Links and mail addresses do not count. A text without letters is taken for Chinese, our first language.
    """
    prose = _NOT_PROSE.sub(" ", text[:_LOOKED_AT])
    han = len(_HAN_CHAR.findall(prose))
    words = len(_LATIN_WORD.findall(prose))
    return "en" if words > han else "zh-hans"


def _as_is(run: str) -> str:
    return run


def _without_separators(run: str) -> str:
    return _SEPARATORS.sub("", run)


def pinyin_key(text: str) -> str:
    """Return a key that sorts Chinese by pinyin and tone among Latin words: 退货 → "tui4 huo4".

    The embedded database has no ICU collation, so the key is stored beside the name and ordered by.
    """
    return " ".join(" ".join(map(_syllables, _words()(text.strip()))).lower().split())


@cache
def _words() -> Callable[[str], Iterable[str]]:
    from pypinyin.core import Pinyin  # its dictionaries cost 40 ms and some MB: only whoever sorts pays

    seg: Callable[[str], Iterable[str]] = Pinyin().seg
    return seg


@lru_cache(maxsize=8192)
def _syllables(word: str) -> str:
    """Return one word's pinyin; the characters of names come again and again, the names do not."""
    from pypinyin import Style, lazy_pinyin

    return " ".join(lazy_pinyin([word], style=Style.TONE3, neutral_tone_with_five=True, errors=_as_is))


def pinyin_initials(text: str) -> str:
    """Return what a hurried typist enters: 退货原因 → "thyy", VIP 客户 → "vipkh"."""
    from pypinyin import Style, lazy_pinyin

    letters = lazy_pinyin(text, style=Style.FIRST_LETTER, errors=_without_separators)
    return "".join(letters).lower()
