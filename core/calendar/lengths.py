"""Lengths of time as people type them: 2 小时, 48h, 1 天 4 小时, 两天半, 1 h 30 min. A day is 24 hours."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from core.calendar.words import length_name
from core.text import normalise

_UNITS = {
    10080: ("周", "星期", "weeks", "week", "wk", "w"),
    1440: ("天", "日", "days", "day", "d"),
    60: ("小时", "钟头", "时", "hours", "hour", "hrs", "hr", "h"),
    1: ("分钟", "分", "minutes", "minute", "mins", "min", "m"),
}
_MINUTES = {word: minutes for minutes, words in _UNITS.items() for word in words}
_DIGITS = {"零": 0, "一": 1, "二": 2, "两": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9}
_WORDS = "|".join(sorted(_MINUTES, key=len, reverse=True))
_PART = re.compile(
    rf"\s*(?P<n>\d{{1,7}}(?:\.\d{{1,3}})?|[零一二两三四五六七八九十]{{1,3}}|半)\s*个?\s*(?P<half>半)?\s*"
    rf"(?P<unit>{_WORDS})(?![a-z])\s*(?P<more>半)?(?:\s*(?:,|、|and|零)\s*(?=\S))?"
)
LONGEST_TEXT = 60


class BadLength(ValueError):
    """A text is no length of time; `is_bare` when it is a number whose unit is missing."""

    def __init__(self, *, is_bare: bool = False) -> None:
        super().__init__()
        self.is_bare = is_bare


def parse_minutes(text: str) -> int:
    """Return the whole minutes a text names, largest unit first. Raises BadLength."""
    told = normalise(text).lower().strip()
    if re.fullmatch(r"[\d.,]+", told):
        raise BadLength(is_bare=True)
    total, at, last = Decimal(0), 0, max(_UNITS) + 1
    while at < len(told):
        part = _PART.match(told, at)
        if part is None or _MINUTES[part["unit"]] >= last:
            raise BadLength
        last = _MINUTES[part["unit"]]
        halves = Decimal("0.5") * bool(part["half"] or part["more"])
        total += (_number(part["n"]) + halves) * last
        at = part.end()
    if not at or total != int(total):
        raise BadLength
    return int(total)


def _number(text: str) -> Decimal:
    if text == "半":
        return Decimal("0.5")
    if text[0].isdigit():
        return Decimal(text)
    if "十" not in text:
        if len(text) > 1:
            raise BadLength
        return Decimal(_DIGITS[text])
    tens, _ten, ones = text.partition("十")
    if len(tens) > 1 or len(ones) > 1 or "十" in ones:
        raise BadLength
    return Decimal(_DIGITS[tens] if tens else 1) * 10 + Decimal(_DIGITS[ones] if ones else 0)


def minutes_name(minutes: int) -> str:
    """Return minutes as people read them, and as they can be typed again: 28 小时, 1 h 30 min."""
    return length_name(timedelta(minutes=minutes))


class LengthField(forms.CharField):
    """A length of time in words; cleans to whole minutes, None when it may be empty and is."""

    def __init__(self, *, min_minutes: int = 1, max_minutes: int, **kwargs: Any) -> None:
        self.min_minutes, self.max_minutes = min_minutes, max_minutes
        super().__init__(**{"max_length": LONGEST_TEXT, "strip": True, **kwargs})

    def prepare_value(self, value: Any) -> Any:
        """Show stored minutes in words, what was typed as it was typed."""
        return minutes_name(value) if isinstance(value, int) else value

    def clean(self, value: Any) -> Any:
        """Read the words. Raises ValidationError in words of the same kind."""
        text = super().clean(value)
        if not text:
            return None
        try:
            minutes = parse_minutes(text)
        except BadLength as error:
            if error.is_bare:
                raise forms.ValidationError(_("Say the unit too, like 2 h or 30 min."), code="unit") from error
            raise forms.ValidationError(
                _("Write a length of time like 2 h, 30 min or 1 d 4 h."), code="length"
            ) from error
        if not self.min_minutes <= minutes <= self.max_minutes:
            limits = {"least": minutes_name(self.min_minutes), "most": minutes_name(self.max_minutes)}
            raise forms.ValidationError(_("Between %(least)s and %(most)s, please.") % limits, code="range")
        return minutes
