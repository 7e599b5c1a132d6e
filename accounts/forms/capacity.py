from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.availability import Limits
from core.ui.leaf import CHANNEL_NAMES

LIMITED = ("chat", "phone", "email", "form", "sms")


class CapacityForm(forms.Form):
    """How many conversations a person may have in work: in total, and per channel where a limit is typed."""

    all_optional = True

    version = forms.IntegerField(widget=forms.HiddenInput)
    in_total = forms.IntegerField(
        label=_("At most in work"),
        min_value=0,
        max_value=1000,
        help_text=_("New and open tickets; those waiting for the customer do not count. With 0 none are handed out."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for code in LIMITED:
            self.fields[f"limit_{code}"] = forms.IntegerField(
                label=CHANNEL_NAMES[code], min_value=0, max_value=1000, required=False
            )

    @staticmethod
    def initial_of(limits: Limits, version: int) -> dict[str, Any]:
        per_channel = {f"limit_{code}": limits.per_channel.get(code) for code in LIMITED}
        return {"version": version, "in_total": limits.in_total, **per_channel}

    def per_channel(self, before: Mapping[str, int]) -> dict[str, int]:
        """Return the limits typed, with those of channels this form does not show left as they were."""
        typed = {code: self.cleaned_data.get(f"limit_{code}") for code in LIMITED}
        hidden = {code: limit for code, limit in before.items() if code not in LIMITED}
        return hidden | {code: limit for code, limit in typed.items() if limit is not None}
