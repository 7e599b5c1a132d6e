"""The form of a promise rule, and fields that plans share with it."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from core.calendar.selectors import calendars
from orders.gazetteer import region_of
from orders.models import PromiseRule
from orders.promise_words import region_names
from orders.selectors.carriers import carriers
from orders.selectors.shops import shop_choices
from orders.services.promising.ruling import RuleDraft

_BETWEEN = re.compile(r"[,;、，；\n]+")


class ListField(forms.CharField):
    """Several words in one box, one a line or with commas between them."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, max_length=4000, widget=forms.Textarea(attrs={"rows": 2}), **kwargs)

    def prepare_value(self, value: Any) -> Any:
        """Show a list as people type it."""
        return "、".join(value) if isinstance(value, list) else value

    def clean(self, value: Any) -> Any:
        """Return the words, each once."""
        text = super().clean(value)
        return list(dict.fromkeys(word for part in _BETWEEN.split(text) if (word := part.strip())))


class RegionsField(ListField):
    """Provinces and cities by their names."""

    def prepare_value(self, value: Any) -> Any:
        """Show keys as names."""
        return "、".join(region_names(value)) if isinstance(value, list) else value

    def clean(self, value: Any) -> list[str]:
        """Return the keys of the regions named. Raises ValidationError for what we do not know."""
        keys = []
        for word in super().clean(value):
            key = region_of(word).key
            if not key:
                raise forms.ValidationError(gettext("We do not know the region “%(region)s”.") % {"region": word[:30]})
            keys.append(key)
        return list(dict.fromkeys(keys))


def many(label: Any, **kwargs: Any) -> forms.TypedMultipleChoiceField:
    """Return a choice of several rows by id."""
    return forms.TypedMultipleChoiceField(
        label=label, coerce=int, required=False, widget=forms.CheckboxSelectMultiple, **kwargs
    )


def day(label: Any, **kwargs: Any) -> forms.DateField:
    """Return a date that may stay empty."""
    return forms.DateField(label=label, required=False, widget=forms.DateInput(attrs={"type": "date"}), **kwargs)


class PlaceConditions(forms.Form):
    """Conditions on shop, carrier and region; one left empty always holds."""

    shop_ids = many(_("Shop"))
    carrier_ids = many(_("Carrier"))
    regions = RegionsField(
        label=_("Region"), help_text=_("Provinces and cities by their Chinese names, one a line or with commas.")
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["shop_ids"].choices = shop_choices()  # type: ignore[attr-defined]
        self.fields["carrier_ids"].choices = [(row.pk, row.name) for row in carriers()]  # type: ignore[attr-defined]


class PromiseRuleForm(PlaceConditions):
    """A rule. `version` guards against two people saving at once."""

    version = forms.IntegerField(required=False, widget=forms.HiddenInput)
    name = forms.CharField(label=_("Name"), max_length=80)
    categories = ListField(label=_("Product category"), help_text=_("Holds when one item of the order has it."))
    skus = ListField(label=_("Product numbers"), help_text=_("Holds when one item of the order has it."))
    valid_from = day(_("Placed from"))
    valid_until = day(_("Placed until"))
    cut_off = forms.TimeField(
        label=_("Cut-off"), required=False, widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
        help_text=_("What is placed later counts from the next day. Empty: every hour is alike."),
    )  # fmt: skip
    dispatch_days = forms.IntegerField(label=_("Days to dispatch"), min_value=0, max_value=60, initial=1)
    is_dispatch_working = forms.BooleanField(label=_("Count working days only"), required=False, initial=True)
    transit_days = forms.IntegerField(label=_("Days on the way"), min_value=0, max_value=90, initial=3)
    is_transit_working = forms.BooleanField(label=_("Count working days only"), required=False)
    calendar_id = forms.TypedChoiceField(
        label=_("Working days of"), required=False, coerce=int, empty_value=None,
        help_text=_("With its public holidays and make-up working days."),
    )  # fmt: skip
    is_active = forms.BooleanField(label=_("In use"), required=False, initial=True)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        named = calendars().values_list("pk", "name")
        self.fields["calendar_id"].choices = [("", _("The default business hours")), *named]  # type: ignore[attr-defined]

    @classmethod
    def initial_of(cls, rule: PromiseRule) -> dict[str, Any]:
        """Return what the form shows for a rule."""
        return {name: getattr(rule, name) for name in cls.base_fields}

    def draft(self) -> RuleDraft:
        """Return what was typed as the service wants it."""
        return RuleDraft(**{name: value for name, value in self.cleaned_data.items() if name != "version"})
