"""What customers add to the product: reveals, panel, live group, erasure, one-time code mail, choices."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.enums import Permission
from accounts.models import Staff
from accounts.reveal import register_reveal
from core import registry
from core.actors import Actor
from customers.models import Identity
from customers.permissions import get_customer_for
from customers.selectors import aliases_of, search_customers
from customers.services import set_contact_choice
from customers.services.codes import TEMPLATE
from customers.services.erasing import erase_own_texts
from customers.story import render_customer_events
from notifications.registry import register_unsubscribe
from notifications.templates import register_template

register_template(
    TEMPLATE,
    label=_("One-time code"),
    subject={"zh-hans": "您的验证码：{code}", "en": "Your code: {code}"},
    body={
        "zh-hans": "您的验证码是 {code}，{minutes} 分钟内有效，只能使用一次。\n\n"
        "如果不是您本人操作，请忽略这封邮件，也不要把验证码告诉任何人。",
        "en": "Your code is {code}. It works once, within {minutes} minutes.\n\n"
        "If you did not ask for it, ignore this mail and give the code to nobody.",
    },
    secrets=("code",),
)
register_template(
    TEMPLATE,
    channel="sms",
    label=_("One-time code"),
    subject={"zh-hans": "验证码", "en": "Your code"},
    body={
        "zh-hans": "您的验证码是 {code}，{minutes} 分钟内有效。请勿告诉他人。",
        "en": "Your code is {code}, valid for {minutes} minutes. Give it to nobody.",
    },
    secrets=("code",),
)
registry.register_front_link(
    "me", _("My orders and requests"), _("With a code to your phone or mailbox."), "user", "customers:me", 8
)

registry.register_erasure("customers", erase_own_texts)
registry.register_story("customer.", render_customer_events)
registry.register_panel(
    "customer", "customer", "proposals", _("Same person?"), "customers:proposals", 60, Permission.CUSTOMER_MERGE
)
registry.register_nav("customers", _("Customers"), "users", "customers:list", 32, Permission.CUSTOMER_VIEW, "g c")
registry.register_command(
    "duplicates", _("Duplicate customers"), "users", "customers:duplicates", Permission.CUSTOMER_MERGE,
    keywords="chongfu hebing merge",
)  # fmt: skip


def _identity_value(identity_id: int) -> str | None:
    identity = Identity.objects.filter(pk=identity_id).first()
    return identity.value if identity else None


def _identity_door(staff: Staff, identity_id: int) -> object:
    identity = Identity.objects.filter(pk=identity_id).only("customer_id").first()
    return get_customer_for(staff, identity.customer_id if identity else 0)


def _customer_phone(customer_id: int) -> str | None:
    return _newest(customer_id, "phone")


def _customer_email(customer_id: int) -> str | None:
    return _newest(customer_id, "email")


def _newest(customer_id: int, kind: str) -> str | None:
    rows = Identity.objects.filter(customer_id__in=aliases_of(customer_id), kind=kind).order_by("-is_primary", "-pk")
    identity = rows.first()
    return identity.value if identity else None


register_reveal("customer", "phone", _customer_phone, get_customer_for)
register_reveal("customer", "email", _customer_email, get_customer_for)
register_reveal("identity", "value", _identity_value, _identity_door)


def _may_see_customer(staff: Staff, customer_id: int | None) -> bool:
    return customer_id is not None and staff.may(Permission.CUSTOMER_VIEW)


registry.register_live_group("customer", _may_see_customer)


def _search(staff: Staff, text: str, limit: int) -> list[dict[str, Any]]:
    """Offer customers in the palette, contacts masked."""
    if not staff.may(Permission.CUSTOMER_VIEW):
        return []
    return [
        {
            "icon": "user",
            "title": customer.name or gettext("Customer without a name"),
            "hint": customer.get_tier_display(),
            "url": reverse("customers:customer", args=[customer.pk]),
        }
        for customer in search_customers(text, limit=limit)
    ]


registry.register_search("customers", 30, _search)
registry.register_panel(
    "context", "customer", "customer", _("Customer"), "customers:context", 20, Permission.CUSTOMER_VIEW
)


def _store_choice(
    *, customer_id: int, channel: str, purpose: str, is_allowed: bool, at: datetime, **_more: Any
) -> None:
    set_contact_choice(
        customer_id=customer_id,
        channel=channel,
        purpose=purpose,
        is_allowed=is_allowed,
        source="unsubscribe",
        actor=Actor.customer(customer_id),
        at=at,
    )


register_unsubscribe(_store_choice)
