"""Forms of accounts at carriers' providers; credentials are written and never shown."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from orders.carriers import CarrierAdapter
from orders.models import Carrier, CarrierAccount
from orders.services.carrying import AccountDraft


class CarrierAccountForm(forms.Form):
    """An account of one provider: its credentials and what it calls our carriers are fields of their own."""

    version = forms.IntegerField(required=False, widget=forms.HiddenInput)
    name = forms.CharField(label=_("Name"), max_length=80)
    base_url = forms.CharField(label=_("Address of the provider"), max_length=200)
    per_minute = forms.IntegerField(
        label=_("Requests per minute at most"), min_value=1, max_value=60000, initial=300,
        help_text=_("As much as your contract with the provider allows; all workers together keep to it."),
    )  # fmt: skip
    is_active = forms.BooleanField(label=_("In use"), required=False, initial=True)

    def __init__(
        self, *args: Any, provider: str, adapter: CarrierAdapter, carriers: list[Carrier], is_new: bool, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.provider, self.adapter, self.carriers = provider, adapter, carriers
        self.fields["base_url"].initial = adapter.base_url
        for one in adapter.credentials:
            self.fields[one.name] = forms.CharField(
                label=one.label, max_length=200, required=is_new, help_text=one.help_text,
                widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
            )  # fmt: skip
        for carrier in carriers:
            name = carrier.display_name
            self.fields[f"company_{carrier.pk}"] = forms.CharField(label=name, max_length=40, required=False)

    @classmethod
    def initial_of(cls, account: CarrierAccount, codes: dict[int, str]) -> dict[str, Any]:
        """Return what the form shows for an account: everything but its credentials."""
        shown = {name: getattr(account, name) for name in cls.base_fields}
        return {**shown, **{f"company_{pk}": code for pk, code in codes.items()}}

    @property
    def credential_fields(self) -> list[Any]:
        """Return the fields that are written and never shown."""
        return [self[one.name] for one in self.adapter.credentials]

    @property
    def company_fields(self) -> list[Any]:
        """Return the field of each carrier's code."""
        return [self[f"company_{carrier.pk}"] for carrier in self.carriers]

    def draft(self) -> AccountDraft:
        """Return what was typed as the service wants it."""
        data = self.cleaned_data
        return AccountDraft(
            provider=self.provider,
            name=data["name"],
            base_url=data["base_url"],
            per_minute=data["per_minute"],
            is_active=data["is_active"],
            credentials={one.name: data.get(one.name, "") for one in self.adapter.credentials},
            companies={carrier.pk: data.get(f"company_{carrier.pk}", "") for carrier in self.carriers},
        )
