"""Forms of the desk's settings pages."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.enums import Language
from tickets.enums import Stage
from tickets.models import Category

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
    body = forms.CharField(label=_("Text"), max_length=5000, widget=forms.Textarea)
    language = forms.ChoiceField(label=_("Language"), choices=Language.choices)
    is_shared = forms.BooleanField(label=_("For everybody"), required=False, help_text=_("Otherwise only you see it."))
    is_active = forms.BooleanField(label=_("In use"), required=False, initial=True)


class CategoryForm(VersionedForm):
    """A category; the choice of parents is given by the view."""

    name_zh = forms.CharField(label=_("Name in Chinese"), max_length=60)
    name_en = forms.CharField(label=_("Name in English"), max_length=60)
    key = forms.SlugField(
        label=_("Code"), max_length=40, help_text=_("Used in exports and by programs; it should stay the same.")
    )
    parent = forms.TypedChoiceField(label=_("Belongs to"), required=False, coerce=int, empty_value=None)
    stage = forms.ChoiceField(label=_("Part of the customer's way"), choices=Stage.choices)
    position = forms.IntegerField(label=_("Order in lists"), min_value=0, max_value=9999, initial=0)
    is_public = forms.BooleanField(label=_("Customers may choose it in the form"), required=False, initial=True)
    is_complaint = forms.BooleanField(label=_("Counts as a complaint"), required=False)
    is_active = forms.BooleanField(label=_("In use"), required=False, initial=True)

    def __init__(self, *args: Any, pk: int | None = None, language: str = "zh-hans", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        tops = Category.objects.filter(parent__isnull=True).exclude(pk=pk or 0).order_by("position", "pk")
        self.fields["parent"].choices = [("", _("First level")), *[(top.pk, top.name_in(language)) for top in tops]]  # type: ignore[attr-defined]


class PolicyForm(VersionedForm):
    """What is promised, in minutes or hours."""

    name = forms.CharField(label=_("Name"), max_length=80)
    first_response_minutes = forms.IntegerField(
        label=_("First reply within (minutes)"), min_value=1, max_value=60 * 24 * 30
    )
    resolution_minutes = forms.IntegerField(label=_("Solution within (minutes)"), min_value=1, max_value=60 * 24 * 90)
    close_after_days = forms.IntegerField(label=_("Close a resolved ticket after (days)"), min_value=1, max_value=90)
    is_business_time = forms.BooleanField(
        label=_("Count business hours only"), required=False, help_text=_("Otherwise the clock runs day and night.")
    )

    def clean(self) -> dict[str, Any]:
        """A solution cannot be promised before the first reply."""
        data = super().clean() or {}
        first, solution = data.get("first_response_minutes"), data.get("resolution_minutes")
        if first and solution and solution < first:
            self.add_error("resolution_minutes", _("This is shorter than the time to the first reply."))
        return data


class BlockForm(forms.Form):
    """A sender to block."""

    kind = forms.ChoiceField(label=_("Kind"), choices=KINDS)
    value = forms.CharField(label=_("Address, number or domain"), max_length=254)
    reason = forms.CharField(
        label=_("Reason"), max_length=120, required=False, help_text=_("For colleagues; the sender never sees it.")
    )
