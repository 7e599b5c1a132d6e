from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.enums import ApiScope, RevealReason


class ApiKeyForm(forms.Form):
    all_optional = True

    name = forms.CharField(
        label=_("What is it for?"), max_length=80, help_text=_("For instance: order sync of the main shop.")
    )
    scopes = forms.MultipleChoiceField(label=_("It may"), choices=ApiScope.choices, widget=forms.CheckboxSelectMultiple)
    days = forms.TypedChoiceField(
        label=_("It works for"),
        coerce=int,
        choices=[(30, _("30 days")), (90, _("90 days")), (365, _("A year")), (0, _("Until it is revoked"))],
        initial=365,
        required=False,
        help_text=_("A key that ends by itself cannot be forgotten somewhere."),
    )
    shop_ids = forms.TypedMultipleChoiceField(
        label=_("Shops"),
        coerce=int,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("None chosen means all shops, those opened later too."),
    )

    def __init__(self, *args: Any, shops: list[tuple[int, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["shop_ids"].choices = shops  # type: ignore[attr-defined]


class RevealForm(forms.Form):
    """`reason` is a code of accounts.enums.RevealReason or words; `words` say more and are needed with "other"."""

    subject_type = forms.SlugField(max_length=32, widget=forms.HiddenInput)
    subject_id = forms.IntegerField(min_value=1, widget=forms.HiddenInput)
    field = forms.SlugField(max_length=32, widget=forms.HiddenInput)
    reason = forms.CharField(
        label=_("What do you need it for?"), max_length=100, widget=forms.Select(choices=RevealReason.choices)
    )
    words = forms.CharField(
        label=_("In a few words"), max_length=90, required=False, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("reason") == RevealReason.OTHER and len(data.get("words", "")) < 2:
            self.add_error("words", _("Say in a few words what you need it for."))
        return data

    def purpose(self) -> str:
        reason, words = self.cleaned_data["reason"], self.cleaned_data["words"]
        return f"{reason}: {words}" if words else str(reason)
