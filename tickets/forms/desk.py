"""Forms of the desk's settings pages."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.enums import Language

KINDS = [("email", _("Email address")), ("phone", _("Phone number")), ("domain", _("Mail domain"))]


class VersionedForm(forms.Form):
    """A form that carries the version it was opened on."""

    version = forms.IntegerField(widget=forms.HiddenInput, required=False)


class CannedReplyForm(VersionedForm):
    """A canned reply."""

    title = forms.CharField(label=_("Title"), max_length=80)
    shortcut = forms.RegexField(
        label=_("Shortcut"),
        regex=r"^[\w\-]{1,40}$",
        max_length=40,
        help_text=_("Typed after a slash, such as /wl. Pinyin initials of the title work as well."),
        error_messages={"invalid": _("Letters, digits and hyphens only.")},
    )
    folder = forms.CharField(label=_("Folder"), max_length=40, required=False)
    body = forms.CharField(label=_("Text"), max_length=5000, widget=forms.Textarea)
    language = forms.ChoiceField(label=_("Language"), choices=Language.choices)
    is_shared = forms.BooleanField(label=_("For everybody"), required=False, help_text=_("Otherwise only you see it."))
    is_active = forms.BooleanField(label=_("In use"), required=False, initial=True)


class BlockForm(forms.Form):
    """A sender to block."""

    kind = forms.ChoiceField(label=_("Kind"), choices=KINDS)
    value = forms.CharField(label=_("Address, number or domain"), max_length=254)
    reason = forms.CharField(
        label=_("Reason"), max_length=120, required=False, help_text=_("For colleagues; the sender never sees it.")
    )
