"""What customers can be."""

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class IdentityKind(models.TextChoices):
    """How a customer is known on a channel."""

    PHONE = "phone", _("Phone")
    EMAIL = "email", _("Email")
    SHOP_ACCOUNT = "shop_account", _("Shop account")
    WECHAT = "wechat", _("WeChat")
    VISITOR = "visitor", _("Visitor")


class Tier(models.TextChoices):
    """Membership tier."""

    STANDARD = "standard", _("Standard")
    SILVER = "silver", _("Silver")
    GOLD = "gold", _("Gold")
    VIP = "vip", _("VIP")


class PreferredChannel(models.TextChoices):
    """The channel a customer wants to be told on first; the values are those of notifications.enums.Channel."""

    PUSH = "push", _("Push notice")
    WECHAT = "wechat", _("WeChat")
    SMS = "sms", _("Text message")
    EMAIL = "email", pgettext_lazy("channel", "Email")


class ContactPurpose(models.TextChoices):
    """What a message is for; service mail about an own request cannot be unsubscribed, the others can."""

    SERVICE = "service", _("About your request")
    NOTICE = "notice", _("News about your orders")
    SURVEY = "survey", _("Surveys")
    FOLLOW_UP = "follow_up", _("Follow-up visits")
    MARKETING = "marketing", _("News and offers")


class DuplicateReason(models.TextChoices):
    """Why two records look like one person."""

    PHONE_NAME = "phone_name", _("Same name, and the same last four digits of a phone")
    NAME_ADDRESS = "name_address", _("Same name and the same address")
    EMAIL_SPELLING = "email_spelling", _("The same mail address in another spelling")
    ORDER_CONTACT = "order_contact", _("The same phone on their orders")


CLAIMING_SOURCES = frozenset({"form", "chat"})
"""Doors where anybody can type anything."""
UNPROVEN_SOURCES = CLAIMING_SOURCES | {"email"}
"""Those, and mails: what they say of a known customer besides is not used for contact."""
