"""Who is blocked, and which words from strangers smell of spam. Spam becomes a ticket too, only without an answer."""

from __future__ import annotations

import re

from django.db.models import Q

from core.text import normalise
from customers.models import Customer
from tickets.models import BlockedSender
from tickets.services.blocking import block_index

_LINK = re.compile(r"https?://|www\.|\b[\w-]+\.(?:top|xyz|click|icu|vip|loan|work)\b", re.IGNORECASE)
_PHRASES = re.compile(
    r"代开.{0,4}发票|发票.{0,3}代开|加.{0,2}(?:微信|薇信|v信|vx)|刷单|兼职日结|博彩|六合彩|彩票计划|成人视频|约炮|贷款秒批|无抵押贷款|办证"
    r"|引流|涨粉|优化排名|SEO\s*(?:service|优化)|guest\s*post|back\s*links?|casino|viagra|cialis|crypto\s*invest|earn\s*\$\d",
    re.IGNORECASE,
)


def is_blocked(*, email: str = "", phone: str = "", customer: Customer | None = None) -> bool:
    """Tell whether a sender is blocked by address, domain or phone, or as a customer."""
    if customer is not None and customer.is_blocked:
        return True
    wanted = Q()
    if email:
        wanted |= Q(kind="email", value_index=block_index("email", email))
        wanted |= Q(kind="domain", value_index=block_index("domain", email.rpartition("@")[2]))
    if phone:
        wanted |= Q(kind="phone", value_index=block_index("phone", phone))
    return bool(wanted) and BlockedSender.objects.filter(wanted).exists()


def looks_like_spam(text: str, *, is_known: bool) -> bool:
    """Tell whether words look like an advertisement; a customer we know gets the benefit of the doubt."""
    plain = normalise(text)
    links = len(_LINK.findall(plain))
    score = 2 * len(_PHRASES.findall(plain)) + max(0, links - 2)
    if links and len(plain) < 40 * links:
        score += 1
    return score >= (5 if is_known else 2)
