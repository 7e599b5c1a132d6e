"""Forms for shops and carriers."""

from __future__ import annotations

from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from orders.models import Carrier, Shop
from orders.services import ShopDraft

CURRENCIES = ("CNY", "HKD", "TWD", "USD", "EUR", "GBP", "JPY", "SGD", "AUD", "CAD", "MYR", "THB", "KRW")
ZONES_FIRST = ("Asia/Shanghai", "Asia/Hong_Kong", "Asia/Taipei", "Asia/Singapore", "Asia/Tokyo", "Europe/London", "UTC")


def _zones() -> list[tuple[str, str]]:
    rest = sorted(
        zone for zone in available_timezones() if "/" in zone and not zone.startswith(("Etc/", "posix", "right"))
    )
    return [(zone, zone) for zone in dict.fromkeys((*ZONES_FIRST, *rest))]


class ShopForm(forms.Form):
    """A shop's settings; `version` guards against two people saving at once."""

    version = forms.IntegerField(required=False, widget=forms.HiddenInput)
    name = forms.CharField(label=_("Name"), max_length=80)
    code = forms.CharField(
        label=_("Code"),
        max_length=32,
        help_text=_("Small letters, digits and dashes; the API and file imports use it."),
    )
    currency = forms.ChoiceField(label=_("Currency"), choices=[(code, code) for code in CURRENCIES], initial="CNY")
    timezone = forms.ChoiceField(
        label=_("Time zone"), choices=_zones, initial="Asia/Shanghai",
        help_text=_("Times in the shop's files that name no zone are read in this one."),
    )  # fmt: skip
    language = forms.ChoiceField(label=_("Language of its customers"), choices=settings.LANGUAGES, initial="zh-hans")
    color = forms.CharField(
        label=_("Colour"), max_length=7, initial="#0F766E", widget=forms.TextInput(attrs={"type": "color"}),
        help_text=_("Buttons on the pages customers see."),
    )  # fmt: skip
    contact_email = forms.EmailField(label=_("Contact address"), required=False)
    contact_phone = forms.CharField(label=_("Contact phone"), max_length=32, required=False)
    complete_after_days = forms.IntegerField(
        label=_("Completed after delivery (days)"), min_value=0, max_value=365, initial=7,
        help_text=_("An order nobody complained about is then done, and a follow-up may begin."),
    )  # fmt: skip
    promise_days = forms.IntegerField(
        label=_("Promised delivery after placing (days)"), min_value=0, max_value=365, initial=5,
        help_text=_("Used when the shop tells no date of its own; 0 promises nothing."),
    )  # fmt: skip
    ships_from = forms.CharField(
        label=_("Ships from"), max_length=120, required=False,
        help_text=_("Province and city of the warehouse; expected arrivals begin there when no scan names a place."),
    )  # fmt: skip
    is_active = forms.BooleanField(label=_("Open for business"), required=False, initial=True)

    @classmethod
    def initial_of(cls, shop: Shop) -> dict[str, Any]:
        """Return what the form shows for a shop."""
        return {name: getattr(shop, name) for name in cls.base_fields}

    def draft(self) -> ShopDraft:
        """Return what was typed as the service wants it."""
        data = {name: value for name, value in self.cleaned_data.items() if name != "version"}
        return ShopDraft(**data)


class CarrierForm(forms.Form):
    """A carrier; `version` guards against two people saving at once."""

    version = forms.IntegerField(required=False, widget=forms.HiddenInput)
    name = forms.CharField(label=_("Name"), max_length=80)
    name_en = forms.CharField(label=_("Name in English"), max_length=80, required=False)
    code = forms.CharField(
        label=_("Code"),
        max_length=32,
        help_text=_("The code the tracking service uses, such as shunfeng or zhongtong."),
    )
    hotline = forms.CharField(label=_("Hotline"), max_length=32, required=False)
    is_active = forms.BooleanField(label=_("In use"), required=False, initial=True)

    @classmethod
    def initial_of(cls, carrier: Carrier) -> dict[str, Any]:
        """Return what the form shows for a carrier."""
        return {name: getattr(carrier, name) for name in cls.base_fields}
