"""Forms of the customer page."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from customers.enums import PreferredChannel, Tier
from customers.models import Customer
from customers.services.records import CustomerDraft


class OwnTargetForm(forms.Form):
    """The phone or mail address a customer wants her code at."""

    target = forms.CharField(
        label=_("Phone or email"),
        max_length=254,
        help_text=_("The one you ordered with or wrote to us from."),
        error_messages={"required": _("Please enter your phone number or your email address.")},
    )


class OwnCodeForm(forms.Form):
    """The six digits that were sent."""

    code = forms.CharField(
        label=_("Code"), max_length=20, error_messages={"required": _("Please enter the six digits we sent.")}
    )


class CustomerForm(forms.Form):
    """What an agent may change, with the version it was read at."""

    name = forms.CharField(label=pgettext_lazy("person", "Name"), max_length=120, required=False)
    tier = forms.ChoiceField(label=_("Tier"), choices=Tier.choices)
    preferred_channel = forms.ChoiceField(
        label=_("Wants to be told by"),
        choices=[("", _("Whichever way reaches first")), *PreferredChannel.choices],
        required=False,
        help_text=_("Tried first; the other channels are tried after it."),
    )
    tags = forms.CharField(label=_("Tags"), max_length=400, required=False, help_text=_("Separate them by commas."))
    note = forms.CharField(label=_("Note for colleagues"), max_length=4000, required=False, widget=forms.Textarea)
    version = forms.IntegerField(widget=forms.HiddenInput)

    @staticmethod
    def initial_of(customer: Customer) -> dict[str, Any]:
        """Return the form's values for a customer as it stands."""
        return {
            "name": customer.name,
            "tier": customer.tier,
            "preferred_channel": customer.preferred_channel,
            "tags": ", ".join(customer.tags),
            "note": customer.note,
            "version": customer.version,
        }

    def draft(self) -> CustomerDraft:
        """Return what was typed; Chinese and Latin commas both separate tags."""
        data = self.cleaned_data
        tags = data["tags"].replace("，", ",").replace("、", ",").split(",")
        wish = data["preferred_channel"] if "preferred_channel" in self.data else None  # absent is not "no wish"
        return CustomerDraft(data["name"], data["tier"], tuple(tag.strip() for tag in tags), data["note"], wish)


class EraseForm(forms.Form):
    """Typing the number proves that it was meant."""

    confirm = forms.CharField(label=_("Type the customer's number to confirm"), max_length=20)

    def __init__(self, *args: Any, customer_id: int, **kwargs: Any) -> None:
        """Remember whose number is asked."""
        super().__init__(*args, **kwargs)
        self.customer_id = customer_id

    def clean_confirm(self) -> str:
        """Refuse another number."""
        typed: str = self.cleaned_data["confirm"].strip().lstrip("#")
        if typed != str(self.customer_id):
            raise forms.ValidationError(_("This is not the number of this customer."))
        return typed
