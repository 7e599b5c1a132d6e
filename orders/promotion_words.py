"""Promotions in the reader's words; their moments are the shop's, whatever zone the reader sits in."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils import timezone
from django.utils.formats import number_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext, pgettext

from core.ui.numbers import is_chinese, money
from core.ui.times import date_words, reader_zone, zone_named
from orders.models import Promotion, PromotionVersion, Shop
from orders.selectors.promotions import Offer


def in_shop(at: datetime, shop: Shop) -> SafeString:
    """Write a moment by the shop's clock; the title says it in full with the zone."""
    there = at.astimezone(zone_named(shop.timezone))
    clock = f"{there.hour:02}:{there.minute:02}"
    if there.second:
        clock = f"{clock}:{there.second:02}"
    words = f"{date_words(there, this_year=timezone.now().astimezone(there.tzinfo).year)} {clock}"
    full = f"{date_words(there, this_year=0)} {clock} {shop.timezone}"
    return format_html('<time datetime="{}" title="{}">{}</time>', there.isoformat(timespec="seconds"), full, words)


def other_zone(shop: Shop) -> str:
    """Return the shop's zone where its clock shows another time than the reader's now; else nothing."""
    now = timezone.now()
    same = now.astimezone(zone_named(shop.timezone)).utcoffset() == now.astimezone(reader_zone()).utcoffset()
    return "" if same else shop.timezone


def offer_words(terms: Promotion | PromotionVersion, currency: str) -> str:
    """Say what a promotion gives: a price, or how much is taken off."""
    if terms.price is not None or terms.percent is None:
        return money(terms.price, currency)
    return percent_off_words(terms.percent)


def percent_off_words(percent: Decimal) -> str:
    """Say how much is taken off; in Chinese what is left of ten (20% off: 8折)."""
    if is_chinese():
        return f"{((100 - percent) / 10).normalize():f}折"
    return gettext("%(percent)s%% off") % {"percent": f"{percent.normalize():f}"}


def goods_words(terms: Promotion | PromotionVersion) -> str:
    """Say for how many products it is."""
    count = len(terms.skus)
    if not count:
        return gettext("All products")
    return ngettext("%(n)s product", "%(n)s products", count) % {"n": number_format(count)}


def state_words(state: str) -> str:
    """Name a state."""
    return {
        "running": pgettext("promotion", "Running"),
        "coming": pgettext("promotion", "Coming"),
        "ended": pgettext("promotion", "Ended"),
    }[state]


def value_words(name: str, value: Any, shop: Shop) -> str:
    """Write one value of a promotion for comparing two versions of it."""
    if value is None or value in ("", []):
        return "–"
    if isinstance(value, bool):
        return gettext("Yes") if value else gettext("No")
    if isinstance(value, datetime):
        return f"{value.astimezone(zone_named(shop.timezone)):%Y-%m-%d %H:%M:%S}"
    if isinstance(value, list):
        shown = "、".join(value[:10])
        return shown if len(value) <= 10 else gettext("%(some)s and more, %(n)s in all") % {
            "some": shown, "n": len(value),
        }  # fmt: skip
    return f"{value.normalize():f}%" if name == "percent" else str(value)


def offer_rows(offers: Iterable[Offer], shop: Shop) -> list[dict[str, Any]]:
    """Return the items of an order with what ran when it was placed and what runs now, in words."""
    return [
        {
            "item": one.item,
            "fact": one.fact,
            "then": [
                {
                    "promotion": ran.terms.promotion,
                    "title": ran.terms.title,
                    "offer": offer_words(ran.terms, shop.currency),
                    "told": in_shop(ran.terms.told_at, shop) if ran.is_late and ran.terms.told_at else "",
                    "is_over": ran.now == "ended",
                }
                for ran in one.ran
            ],
            "now": [
                {
                    "promotion": runs,
                    "title": runs.title,
                    "offer": offer_words(runs, shop.currency),
                    "ends": in_shop(runs.ends_at, shop) if runs.ends_at else "",
                }
                for runs in one.runs
            ],
        }
        for one in offers
    ]
