"""The words of an update: variables, languages, and what stands for what is not known."""

from __future__ import annotations

import re
from dataclasses import dataclass

from django.utils import translation
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

VARIABLES = {
    "customer_name": _("the customer's name"),
    "order_number": _("the order number"),
    "tracking_number": _("the tracking number"),
    "shop_name": _("the shop's name"),
    "incident_title": _("the incident's title"),
}
LANGUAGES = ("zh-hans", "en")
MOST = 4000
FOUND_TEXTS = {
    "zh-hans": (
        "{customer_name}您好：您的订单 {order_number}（运单 {tracking_number}）在运输途中停留的时间比平时长，"
        "可能会晚到。我们已经联系快递公司催促，一有进展会马上告诉您。让您久等，非常抱歉。"
    ),
    "en": (
        "Hello {customer_name}, your order {order_number} (parcel {tracking_number}) has been standing still on its way"
        " for longer than usual and may arrive late. We are pressing the carrier and will write as soon as it moves"
        " again. We are sorry for the wait."
    ),
}
"""What customers of a standstill are told, as it is prepared for whoever sends it."""
_ANY = re.compile(r"\{([^{}\n]{0,40})\}")


def unknown_variables(text: str) -> list[str]:
    """Return the names in braces that stand for nothing."""
    return [name for name in dict.fromkeys(_ANY.findall(text)) if name not in VARIABLES]


def text_for(texts: dict[str, str], language: str) -> tuple[str, str]:
    """Return (language, text) for a reader: hers, else the other one there is."""
    own = "en" if language.startswith("en") else "zh-hans"
    for one in (own, *LANGUAGES):
        if texts.get(one):
            return one, texts[one]
    return own, ""


@dataclass(frozen=True)
class Subjects:
    """What the variables of one customer's copy stand for."""

    customer_name: str = ""
    order_number: str = ""
    tracking_number: str = ""
    shop_name: str = ""
    incident_title: str = ""


def fill(text: str, subjects: Subjects, language: str) -> str:
    """Put what is known in the place of the variables; nobody is ever sent one in braces."""

    def put(found: re.Match[str]) -> str:
        name = found[1]
        if name not in VARIABLES:
            return found[0]
        value: str = getattr(subjects, name)
        if value or name == "shop_name":
            return _plain(value)
        with translation.override(language):
            if name == "customer_name":
                return "there" if language.startswith("en") else ""
            return gettext("not known yet")

    return _ANY.sub(put, text)


def _plain(value: str) -> str:
    """Return a value as one line that makes no marks: it came from a shop or a form."""
    return " ".join(value.split()).replace("**", "").replace("](", "] (")[:200]
