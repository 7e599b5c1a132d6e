"""Closing a parcel exception, and giving it to somebody else."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import Staff
from accounts.permissions import Permission, shop_scope
from accounts.selectors import staff_with
from orders.exception_enums import SAID
from orders.models import ParcelException


class CloseForm(forms.Form):
    """What was done, and a line for those who come after."""

    why = forms.ChoiceField(
        label=_("What was done?"),
        choices=[(reason.value, reason.label) for reason in SAID],
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose what was done.")},
    )
    note = forms.CharField(label=_("Note"), required=False, max_length=400, widget=forms.Textarea(attrs={"rows": 3}))


class GiveForm(forms.Form):
    """Who takes it over: people who work on exceptions of its shop."""

    to = forms.TypedChoiceField(label=_("To whom?"), coerce=int, error_messages={"required": _("Choose a colleague.")})

    def __init__(self, *args: Any, found: ParcelException, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        able = [one for one in staff_with(Permission.EXCEPTION_WORK) if self._sees(one, found.shop_id)]
        self.people = {one.pk: one for one in able if one.pk != found.owner_id}
        self.fields["to"].choices = [(pk, one.display_name) for pk, one in self.people.items()]  # type: ignore[attr-defined]

    @staticmethod
    def _sees(staff: Staff, shop_id: int) -> bool:
        scope = shop_scope(staff)
        return scope is None or shop_id in scope
