"""What the order list is narrowed to, read from its address: what cannot be read is said, and the rest holds."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.models import Staff
from core.ui.times import local
from orders.enums import OrderStatus
from orders.exception_enums import ExceptionKind
from orders.models import Carrier
from orders.permissions import shops_visible_to
from orders.selectors.listing import SORTS, STANDARD

SOURCES = {
    "api": pgettext_lazy("way in", "API"),
    "hook": pgettext_lazy("way in", "Shop system"),
    "import": pgettext_lazy("way in", "File"),
    "demo": pgettext_lazy("way in", "Demo"),
}
KEPT = ("view", "q", "status", "shop", "carrier", "exception", "source", "region", "from", "to", "min", "max", "sort")
NEVER_SAVED = ("q",)  # a look-up names a person


def _amount() -> forms.TextInput:
    return forms.TextInput(attrs={"inputmode": "decimal"})  # one of numbers would lose what is none


class OrderListForm(forms.Form):
    """The filters of the order list; each stands in the address. `wanted` holds what could be read."""

    all_optional = True

    view = forms.ChoiceField(required=False, choices=[(key, one.label) for key, one in STANDARD.items()])
    q = forms.CharField(required=False, max_length=80)
    status = forms.ChoiceField(label=_("Status"), required=False, choices=OrderStatus.choices)
    shop = forms.TypedChoiceField(label=_("Shop"), required=False, coerce=int, empty_value=None)
    carrier = forms.TypedChoiceField(label=_("Carrier"), required=False, coerce=int, empty_value=None)
    exception = forms.ChoiceField(label=_("Open exception"), required=False)
    source = forms.ChoiceField(label=_("Came by"), required=False)
    region = forms.CharField(label=_("Region"), required=False, max_length=60)
    min = forms.DecimalField(
        label=_("Amount from"), required=False, min_value=0, max_digits=12, decimal_places=2, widget=_amount()
    )
    max = forms.DecimalField(
        label=_("Amount to"), required=False, min_value=0, max_digits=12, decimal_places=2, widget=_amount()
    )
    sort = forms.ChoiceField(label=pgettext_lazy("sorting", "Order"), required=False, choices=list(SORTS.items()))

    def __init__(self, data: Any, *, staff: Staff) -> None:
        super().__init__(data)
        for name, words in (("from", _("Placed from")), ("to", _("Placed until"))):
            day = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
            self.fields[name] = forms.DateField(label=words, required=False, widget=day)
        self.shops = list(shops_visible_to(staff))
        carriers = Carrier.objects.order_by("name", "pk")
        self._offer("shop", _("All shops"), [(str(shop.pk), shop.name) for shop in self.shops])
        self._offer("carrier", _("Any carrier"), [(str(one.pk), one.display_name) for one in carriers])
        kinds = [("any", _("Any exception")), *ExceptionKind.choices]
        self._offer("exception", _("With or without exception"), kinds)
        self._offer("source", _("Any way in"), list(SOURCES.items()))
        self._offer("status", _("Any status"), OrderStatus.choices)

    def _offer(self, name: str, nothing: Any, choices: list[tuple[Any, Any]]) -> None:
        field: Any = self.fields[name]
        field.choices = [("", nothing), *choices]

    def clean(self) -> dict[str, Any]:
        """A span cannot end before it begins."""
        told = super().clean() or {}
        for first, last, words in (
            ("from", "to", _("This is before the first day.")), ("min", "max", _("This is less than the least amount."))
        ):  # fmt: skip
            low, high = told.get(first), told.get(last)
            if low is not None and high is not None and high < low:
                self.add_error(last, words)
        return told

    @property
    def wanted(self) -> dict[str, Any]:
        """Return what was read, days as moments of the reader's zone."""
        self.is_valid()
        told = {name: value for name, value in self.cleaned_data.items() if value not in {None, ""}}
        zone = local(timezone.now()).tzinfo
        for name, days in (("from", 0), ("to", 1)):
            if name in told:
                told[name] = datetime.combine(told[name] + timedelta(days=days), time.min, zone)
        return told

    @property
    def kept(self) -> dict[str, str]:
        """Return everything that was asked, readable or not, as the address keeps it."""
        return {name: text for name in KEPT if (text := str(self.data.get(name, "")).strip())}

    @property
    def faults(self) -> list[dict[str, Any]]:
        """Return what could not be read: the field's name, what was typed, and why not."""
        self.is_valid()
        return [
            {"label": self.fields[name].label or name, "typed": self.kept.get(name, ""), "why": texts[0]}
            for name, texts in self.errors.items()
            if name in self.fields
        ]
