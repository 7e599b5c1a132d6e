"""Forms of what is told to an incident's customers."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _


class UpdateForm(forms.Form):
    """The prepared answer, in both languages."""

    version = forms.IntegerField(widget=forms.HiddenInput)
    text_zh = forms.CharField(label=_("Text in Chinese"), max_length=4000, widget=forms.Textarea)
    text_en = forms.CharField(
        label=_("Text in English"), max_length=4000, required=False, widget=forms.Textarea,
        help_text=_("For customers who use English. Without it they get the Chinese text."),
    )  # fmt: skip
    is_final = forms.BooleanField(
        label=_("This is the last update"), required=False,
        help_text=_("The matter is settled; the incident can be ended after it."),
    )  # fmt: skip

    @property
    def texts(self) -> dict[str, str]:
        """Return the texts by language."""
        return {"zh-hans": self.cleaned_data["text_zh"], "en": self.cleaned_data["text_en"]}


class CloseForm(forms.Form):
    """End an incident."""

    version = forms.IntegerField(widget=forms.HiddenInput)
    reason = forms.CharField(
        label=_("Why no last update is needed"), max_length=400, required=False,
        help_text=_("Leave this empty when the last update has gone out."),
    )  # fmt: skip
