"""An answer as the rules see it: the text, with what is not the agent's own word blanked out in place."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property

BLANK = "\x00"
_QUOTES = re.compile(
    r"「[^「」]{0,400}」|『[^『』]{0,400}』|“[^“”]{0,400}”|‘[^‘’]{0,400}’|\"[^\"\n]{0,400}\"|《[^《》]{0,100}》"
)
_QUOTED_LINE = re.compile(r"^[ \t]*[>|].*$", re.MULTILINE)
_QUOTED_REST = re.compile(
    r"^[ \t]*(?:-{2,}\s*(?:原始邮件|转发邮件|Original Message|Forwarded message)\s*-{2,}"
    r"|On .{5,120} wrote:|在 ?.{4,120}写道[:：]|发件人[:：].*|From: .*@.*)[ \t]*$[\s\S]*",
    re.MULTILINE | re.IGNORECASE,
)
_LINKS = re.compile(r"https?://\S+|\S+@\S+|www\.\S+")
_HAN = re.compile(r"[\u4e00-\u9fff]")
_LATIN = re.compile(r"(?<![A-Za-z0-9])[A-Za-z][A-Za-z'’]+(?![A-Za-z0-9])")
_ORDER_LIKE = re.compile(
    r"(?<![A-Za-z0-9])(?=[A-Za-z0-9-]*\d{6})[A-Za-z0-9][A-Za-z0-9-]{6,30}[A-Za-z0-9](?![A-Za-z0-9])"
)


def _blank(pattern: re.Pattern[str], text: str) -> str:
    return pattern.sub(lambda match: re.sub(r"[^\n]", BLANK, match[0]), text)


@dataclass(frozen=True)
class Found:
    """One finding: the rule's code and where in the text."""

    rule: str
    start: int
    end: int


@dataclass(frozen=True)
class Answer:
    """What one answer is checked against.

    `customer_language` is zh, en or "" when it cannot be told; `customer_names` how the customer and the recipient are
    called; `foreign_orders` the order numbers in the text that belong to other customers; `words` the lists by rule
    and language; `money_limit` what the author may promise, None without a limit.
    """

    text: str
    is_first: bool = False
    customer_language: str = ""
    customer_names: tuple[str, ...] = ()
    foreign_orders: frozenset[str] = frozenset()
    order_total: Decimal | None = None
    money_limit: Decimal | None = None
    words: dict[str, dict[str, tuple[str, ...]]] = field(default_factory=dict)

    @cached_property
    def sent(self) -> str:
        """Return the text without quoted mail, at the same positions."""
        return _blank(_QUOTED_LINE, _blank(_QUOTED_REST, self.text))

    @cached_property
    def own(self) -> str:
        """Return the text without anything in quotation marks either: the agent's own words."""
        return _blank(_QUOTES, self.sent)


def language_of(text: str) -> str:
    """Return zh, en, or "" for a text that is too short or mixed."""
    plain = _LINKS.sub(" ", text)
    han, latin = len(_HAN.findall(plain)), len(_LATIN.findall(plain))
    if han >= 4 and han >= 2 * latin:
        return "zh"
    return "en" if latin >= 5 and han == 0 else ""


def order_like(text: str) -> frozenset[str]:
    """Return the tokens of a text that may be order numbers: six digits in a row and more."""
    return frozenset(_ORDER_LIKE.findall(_blank(_LINKS, text)))
