"""The form of a contingency plan."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from orders.forms.promises import PlaceConditions, day
from orders.models import ContingencyPlan
from orders.promise_enums import CompensationKind, PlanKind
from orders.services.promising.plans import PlanDraft


class PlanForm(PlaceConditions):
    """A plan. `version` guards against two people saving at once."""

    version = forms.IntegerField(required=False, widget=forms.HiddenInput)
    name = forms.CharField(label=_("Name"), max_length=80)
    kind = forms.ChoiceField(label=_("Reason"), choices=PlanKind.choices, help_text=_("Customers are told it."))
    extra_days = forms.IntegerField(label=_("Days more"), min_value=1, max_value=60, initial=2)
    placed_from = day(_("Placed from"))
    placed_until = day(_("Placed until"))
    is_told = forms.BooleanField(
        label=_("Tell customers of the new day"), required=False, initial=True,
        help_text=_("Ten minutes after an order got its days, so that a plan switched on by mistake reaches nobody."),
    )  # fmt: skip
    compensation = forms.ChoiceField(label=_("Propose as compensation"), choices=CompensationKind.choices)
    compensation_amount = forms.DecimalField(
        label=_("Worth per order"), required=False, min_value=0, max_value=10_000, decimal_places=2
    )

    @classmethod
    def initial_of(cls, plan: ContingencyPlan) -> dict[str, Any]:
        """Return what the form shows for a plan."""
        return {name: getattr(plan, name) for name in cls.base_fields}

    def draft(self) -> PlanDraft:
        """Return what was typed as the service wants it."""
        values = {name: value for name, value in self.cleaned_data.items() if name != "version"}
        return PlanDraft(**values | {"compensation_amount": values["compensation_amount"] or Decimal(0)})
