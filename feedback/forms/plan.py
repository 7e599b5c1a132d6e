"""A follow-up plan as it is typed."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from feedback.enums import VisitChannel
from feedback.models import FollowUpPlan
from feedback.services import PlanDraft
from orders.models import Shop


class PlanForm(forms.Form):
    """When, how and with which words customers are visited."""

    version = forms.IntegerField(required=False, widget=forms.HiddenInput)
    name = forms.CharField(label=_("Name"), max_length=80)
    shop_id = forms.TypedChoiceField(label=_("Shop"), coerce=int, empty_value=None, required=False)
    is_active = forms.BooleanField(label=_("In use"), required=False)
    due_after_days = forms.IntegerField(
        label=_("Due after"), min_value=0, max_value=59, help_text=_("Days after the order is completed; 0 = at once.")
    )
    within_days = forms.IntegerField(
        label=_("Deadline"), min_value=1, max_value=60, help_text=_("Days after the order is completed.")
    )
    max_attempts = forms.IntegerField(
        label=_("Attempts"), min_value=1, max_value=10, help_text=_("After so many without an answer the visit ends.")
    )
    channel = forms.ChoiceField(label=_("Reached by"), choices=VisitChannel, widget=forms.RadioSelect)
    script_zh = forms.CharField(
        label=_("Words in Chinese"), required=False, max_length=4000, widget=forms.Textarea(attrs={"rows": 8}),
        help_text=_("{shop} and {order} are filled in."),
    )  # fmt: skip
    script_en = forms.CharField(
        label=_("Words in English"), required=False, max_length=4000, widget=forms.Textarea(attrs={"rows": 8})
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        shops = Shop.objects.order_by("name", "pk").values_list("pk", "name")
        self.fields["shop_id"].choices = [("", _("All shops")), *shops]  # type: ignore[attr-defined]

    def draft(self) -> PlanDraft:
        """Return what was typed."""
        return PlanDraft(**{name: value for name, value in self.cleaned_data.items() if name != "version"})


def initial_of(plan: FollowUpPlan | None) -> dict[str, Any]:
    """Return what the form shows at first."""
    plan = plan or FollowUpPlan()
    names = [
        "version",
        "name",
        "shop_id",
        "is_active",
        "due_after_days",
        "within_days",
        "max_attempts",
        "channel",
        "script_zh",
        "script_en",
    ]
    return {name: getattr(plan, name) for name in names}
