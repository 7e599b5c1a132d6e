"""Forms of connections to shop systems."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import Staff
from orders.models import ShopConnection
from orders.permissions import shops_visible_to
from orders.services.sources import ConnectionDraft
from orders.source_enums import Platform


class ConnectionForm(forms.Form):
    """A connection; shop and platform are chosen once."""

    version = forms.IntegerField(required=False, widget=forms.HiddenInput)
    shop = forms.TypedChoiceField(label=_("Shop"), coerce=int)
    platform = forms.ChoiceField(label=_("Shop system"), choices=Platform)
    origin = forms.CharField(
        label=_("Address of the shop there"), max_length=200, required=False,
        help_text=_("Such as my-shop.myshopify.com. Messages that name another shop are then refused."),
    )  # fmt: skip
    secret = forms.CharField(
        label=_("Secret"), max_length=200, required=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text=_("With which the shop system signs its messages. It is kept encrypted and never shown again."),
    )  # fmt: skip
    is_active = forms.BooleanField(label=_("In use"), required=False, initial=True)

    def __init__(self, *args: Any, staff: Staff, connection: ShopConnection | None, **kwargs: Any) -> None:
        if connection is not None:
            kwargs["initial"] = self.initial_of(connection)
        super().__init__(*args, **kwargs)
        self.connection = connection
        if connection is not None:
            del self.fields["shop"], self.fields["platform"]
            self.fields["secret"].help_text = _("Leave it empty to keep the present one.")
        else:
            shop: Any = self.fields["shop"]
            shop.choices = [(one.pk, one.name) for one in shops_visible_to(staff)]

    @staticmethod
    def initial_of(connection: ShopConnection) -> dict[str, Any]:
        """Return what the form shows for a connection."""
        return {name: getattr(connection, name) for name in ("version", "origin", "is_active")}

    def draft(self) -> ConnectionDraft:
        """Return what was typed as the service wants it."""
        told = self.cleaned_data
        platform = self.connection.platform if self.connection else told["platform"]
        return ConnectionDraft(platform, told["origin"], told["secret"], told["is_active"])
