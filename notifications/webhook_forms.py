"""What a person says about an outgoing webhook."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from notifications.models import Webhook
from notifications.selectors.webhooks import kind_choices
from notifications.services.webhooks import WebhookDraft


class WebhookForm(forms.Form):
    """Name, address, what to tell, of which shops."""

    all_optional = False

    version = forms.IntegerField(widget=forms.HiddenInput, required=False)
    name = forms.CharField(label=_("Name"), max_length=80, help_text=_("For instance: our ERP."))
    url = forms.CharField(
        label=_("Address"),
        max_length=500,
        widget=forms.URLInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        help_text=_("It gets a POST for every event and must answer 2xx within five seconds."),
    )
    shop_ids = forms.TypedMultipleChoiceField(
        label=_("Shops"), coerce=int, required=False, widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, *args: Any, shops: list[tuple[int, str]], is_company: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["shop_ids"]
        field.choices = shops
        field.required = not is_company
        if is_company:
            field.help_text = _("None chosen means all shops, those opened later too.")
        self.groups = []
        for number, (group, kinds) in enumerate(kind_choices()):
            self.fields[f"kinds_{number}"] = forms.MultipleChoiceField(
                label=group, choices=kinds, required=False, widget=forms.CheckboxSelectMultiple
            )
            self.groups.append(f"kinds_{number}")

    @property
    def kind_fields(self) -> list[Any]:
        """Return the fields of the public kinds, one for each group."""
        return [self[name] for name in self.groups]

    def clean(self) -> dict[str, Any]:
        """Want at least one kind."""
        data = super().clean() or {}
        if not any(data.get(name) for name in self.groups):
            self.add_error(self.groups[0], _("Choose at least one thing to be told of."))
        return data

    def draft(self) -> WebhookDraft:
        """Return what the service takes."""
        data = self.cleaned_data
        kinds = tuple(kind for name in self.groups for kind in data[name])
        return WebhookDraft(data["name"], data["url"].strip(), kinds, tuple(data["shop_ids"]))

    @staticmethod
    def initial_of(webhook: Webhook) -> dict[str, Any]:
        """Return a subscription as the form shows it."""
        kinds = {
            f"kinds_{n}": [kind for kind, _label in group if kind in webhook.kinds]
            for n, (_name, group) in enumerate(kind_choices())
        }
        return {
            "version": webhook.version, "name": webhook.name, "url": webhook.url, "shop_ids": webhook.shop_ids, **kinds,
        }  # fmt: skip
