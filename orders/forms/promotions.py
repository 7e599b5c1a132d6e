"""The form of a promotion made or changed by hand."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from core.ui.times import zone_named
from orders.models import Promotion, Shop
from orders.services.promotions import PromotionTold

MINUTES, SECONDS = "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"
_BETWEEN = re.compile(r"[,;、，；|]+")


class ShopMomentField(forms.DateTimeField):
    """A time by the shop's clock, shown by the browser's picker."""

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.DateTimeInput(attrs={"type": "datetime-local"})
        super().__init__(widget=widget, input_formats=[MINUTES, SECONDS], **kwargs)


class PromotionForm(forms.Form):
    """A promotion; `version` guards against two people saving at once."""

    version = forms.IntegerField(required=False, widget=forms.HiddenInput)
    shop = forms.TypedChoiceField(label=_("Shop"), coerce=int)
    code = forms.CharField(
        label=_("Promotion number"), max_length=64,
        help_text=_("The shop's own number: by it the API and files know the promotion again."),
    )  # fmt: skip
    title = forms.CharField(label=_("Title"), max_length=120, help_text=_("As customers know it."))
    percent = forms.DecimalField(
        label=_("Percent off"), max_digits=5, decimal_places=2, required=False, help_text=_("20 takes a fifth off.")
    )
    price = forms.DecimalField(label=_("Or a fixed price"), max_digits=12, decimal_places=2, required=False)
    skus = forms.CharField(
        label=_("Article numbers"), required=False, max_length=400_000, widget=forms.Textarea,
        help_text=_("One a line, or straight from a spreadsheet's column. Empty: all products of the shop."),
    )  # fmt: skip
    starts_at = ShopMomentField(label=_("Starts at"))
    ends_at = ShopMomentField(label=_("Ends at"), required=False, help_text=_("Empty: until it is taken back."))
    is_active = forms.BooleanField(label=_("In force"), required=False, initial=True)

    def __init__(self, data: Any = None, *, shops: list[Shop], promotion: Promotion | None = None) -> None:
        super().__init__(data, initial=_initial_of(promotion) if promotion else _first_of(shops))
        self.promotion = promotion
        if promotion is not None:
            for name in ("shop", "code"):
                del self.fields[name]
            self.chosen: Shop | None = promotion.shop
        else:
            del self.fields["is_active"]  # nobody makes one that is taken back already
            field: Any = self.fields["shop"]
            field.choices = [("", _("Choose a shop")), *((shop.pk, shop.name) for shop in shops)]
            chosen = str((data or {}).get("shop") or self.initial.get("shop", ""))
            self.chosen = next((shop for shop in shops if str(shop.pk) == chosen), None)
        for name in ("starts_at", "ends_at"):
            if str(self.initial.get(name, "")).count(":") == 2:
                self.fields[name].widget.attrs["step"] = "1"

    @property
    def shop_zone(self) -> str:
        """Return the zone its times are read in, once the shop is known."""
        return self.chosen.timezone if self.chosen else ""

    def full_clean(self) -> None:
        """Read what was typed, its times by the shop's clock."""
        if self.chosen is None:
            super().full_clean()
            return
        with timezone.override(zone_named(self.chosen.timezone)):
            super().full_clean()

    def clean_skus(self) -> tuple[str, ...]:
        """Return the numbers, each once; one we have with a comma in it stays whole."""
        have = set(self.promotion.skus) if self.promotion else set()
        found: list[str] = []
        for line in self.cleaned_data["skus"].splitlines():
            text = line.strip()
            found += [text] if text in have else (word.strip() for word in _BETWEEN.split(text))
        return tuple(dict.fromkeys(word for word in found if word))

    def told(self) -> PromotionTold:
        """Return what was typed as the service wants it."""
        data, have = self.cleaned_data, self.promotion
        values = {name: data[name] for name in ("title", "percent", "price", "skus")}
        values["is_active"] = data.get("is_active", True)
        for name in ("starts_at", "ends_at"):
            values[name] = _as_kept(data[name], getattr(have, name) if have else None)
        return PromotionTold(code=have.code if have else data["code"], **values)


def _as_kept(typed: datetime | None, kept: datetime | None) -> datetime | None:
    """Return the kept moment where the typed one is the same but for parts of a second, which no picker shows."""
    if typed is None or kept is None or typed != kept.replace(microsecond=0):
        return typed
    return kept


def _first_of(shops: list[Shop]) -> dict[str, Any]:
    return {"shop": shops[0].pk} if len(shops) == 1 else {}


def _initial_of(promotion: Promotion) -> dict[str, Any]:
    zone = zone_named(promotion.shop.timezone)

    def local(at: datetime | None) -> str:
        there = at.astimezone(zone) if at else None
        return "" if there is None else there.strftime(SECONDS if there.second else MINUTES)

    return {
        "version": promotion.version, "title": promotion.title, "price": promotion.price,
        "percent": promotion.percent_words, "skus": "\n".join(promotion.skus), "is_active": promotion.is_active,
        "starts_at": local(promotion.starts_at), "ends_at": local(promotion.ends_at),
    }  # fmt: skip
