"""What to take out: of which time, which shop, in which form."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import uuid4

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Staff
from orders.models import Shop
from orders.permissions import shops_visible_to
from tickets.archive_enums import ArchiveFormat
from tickets.services.archives import Wish

DAY = "%Y-%m-%d"
EARLIEST = date(1990, 1, 1)


class ArchiveForm(forms.Form):
    """An archive somebody asks for; days are her own, both included."""

    since = forms.DateField(
        label=_("From"), required=False, widget=forms.DateInput(attrs={"type": "date"}, format=DAY),
        help_text=_("The day a ticket was opened or an order placed. Leave both empty for everything."),
    )  # fmt: skip
    until = forms.DateField(
        label=_("Until"), required=False, widget=forms.DateInput(attrs={"type": "date"}, format=DAY)
    )
    shop = forms.ModelChoiceField(
        label=_("Shop"), queryset=Shop.objects.none(), required=False, empty_label=_("All shops")
    )
    archive_format = forms.ChoiceField(
        label=_("Format"), choices=ArchiveFormat.choices, initial=ArchiveFormat.CSV, widget=forms.RadioSelect
    )
    press = forms.UUIDField(widget=forms.HiddenInput, initial=uuid4)

    def __init__(self, *args: Any, staff: Staff, **kwargs: Any) -> None:
        """Offer the shops this person sees."""
        super().__init__(*args, **kwargs)
        self.fields["shop"].queryset = shops_visible_to(staff)  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """Refuse a time that ends before it begins, and days no calendar of ours has."""
        told = super().clean() or {}
        since, until = told.get("since"), told.get("until")
        for name in ("since", "until"):
            if (day := told.get(name)) and not EARLIEST <= day <= datetime.now(UTC).date() + timedelta(days=366):
                self.add_error(name, _("Choose a day between 1990 and a year from now."))
        if since and until and until < since:
            self.add_error("until", _("This is before the first day."))
        return told

    def wish(self) -> Wish:
        """Return what is asked for, days as moments in the person's zone."""
        told = self.cleaned_data
        until, shop = told["until"], told["shop"]
        return Wish(
            press=told["press"], archive_format=told["archive_format"], shop_id=shop.pk if shop else None,
            since=_begin(told["since"]), until=_begin(until + timedelta(days=1) if until else None),
        )  # fmt: skip


def _begin(day: date | None) -> datetime | None:
    return timezone.make_aware(datetime.combine(day, time())) if day else None
