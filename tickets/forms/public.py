"""Forms customers fill in: the contact form and a further message."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from core.errors import InvalidInput
from core.text import normalise_email, normalise_order_number, normalise_phone, tidy_text
from tickets.enums import FieldKind
from tickets.models import Category, CustomField
from tickets.selectors.fields import public_fields
from tickets.services.fields import read_value
from tickets.services.writing import MAX_TEXT

MAX_PHOTOS = 5
DRAFT = re.compile(r"[A-Za-z0-9_-]{32,64}")
ACCEPT = "image/jpeg,image/png,image/webp,image/gif,application/pdf,video/mp4"


class ManyFiles(forms.ClearableFileInput):
    """A file input that takes several files; what it holds is read from request.FILES."""

    allow_multiple_selected = True


class ManyFilesField(forms.FileField):
    """Several files; the view stores and checks each by its content."""

    widget = ManyFiles

    def clean(self, data: Any, initial: Any = None) -> list[Any]:
        """Take what came."""
        return list(data or [])


class ContactForm(forms.Form):
    """Phone or mail, what it is about, and the words; `website` is for robots only."""

    order_number = forms.CharField(label=_("Order number"), max_length=64, required=False)
    phone = forms.CharField(label=_("Phone"), max_length=40, required=False)
    email = forms.CharField(label=_("Email"), max_length=254, required=False)
    category = forms.ChoiceField(label=_("What is it about?"), required=False, widget=forms.RadioSelect)
    text = forms.CharField(label=_("What happened?"), max_length=MAX_TEXT, widget=forms.Textarea)
    photos = ManyFilesField(label=_("Photos"), required=False)
    website = forms.CharField(required=False, max_length=200)

    all_optional = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Offer the public categories in the reader's language."""
        super().__init__(*args, **kwargs)
        self.categories = {str(row.pk): row for row in public_categories()}
        language = "en" if (get_language() or "").startswith("en") else "zh-hans"
        choices = [(key, row.public_name_in(language)) for key, row in self.categories.items()]
        self.fields["category"].choices = choices  # type: ignore[attr-defined]
        self.own = {f"own_{row.pk}": row for row in public_fields()}
        for name, row in self.own.items():
            self.fields[name] = own_field(row, language)
        self.fields["text"].error_messages["required"] = _("Tell us in a few words what happened.")

    def own_groups(self) -> list[tuple[int | None, str, list[Any]]]:
        """Return (category id or None, its public name, bound fields): what else is asked, by category."""
        language = "en" if (get_language() or "").startswith("en") else "zh-hans"
        groups: dict[int | None, tuple[int | None, str, list[Any]]] = {}
        for name, row in self.own.items():
            words = row.category.public_name_in(language) if row.category else ""
            groups.setdefault(row.category_id, (row.category_id, words, []))[2].append(self[name])
        return list(groups.values())

    def own_values(self) -> dict[int, str]:
        """Return what was filled in, by field id; those of other categories are left out when they are written."""
        return {
            row.pk: self.cleaned_data.get(name, "") for name, row in self.own.items() if self.cleaned_data.get(name)
        }

    def clean_order_number(self) -> str:
        """Return the number as it is compared."""
        return normalise_order_number(self.cleaned_data["order_number"])[:64]

    def clean_phone(self) -> str:
        """Return the number in E.164, empty when none was given."""
        typed = self.cleaned_data["phone"].strip()
        number = normalise_phone(typed) if typed else ""
        if number is None:
            raise forms.ValidationError(_("This does not look like a phone number. Please check the digits."))
        return number

    def clean_email(self) -> str:
        """Return the address in lower case, empty when none was given."""
        typed = self.cleaned_data["email"].strip()
        address = normalise_email(typed) if typed else ""
        if address is None:
            raise forms.ValidationError(_("This does not look like an email address. Please check it."))
        return address

    def clean_text(self) -> str:
        """Return the words without invisible dirt; blanks alone are not enough."""
        text = tidy_text(self.cleaned_data["text"])
        if not text.strip():
            raise forms.ValidationError(_("Tell us in a few words what happened."))
        return text

    def clean(self) -> dict[str, Any]:
        """Ask for one way to reach the customer."""
        data = super().clean() or {}
        for name, row in self.own.items():
            try:
                read_value(row, data.get(name) or "")
            except InvalidInput as error:
                self.add_error(name, [str(words) for words in error.fields["value"]])
        if not data.get("phone") and not data.get("email") and not {"phone", "email"} & set(self.errors):
            self.add_error("phone", _("Leave a phone number or an email address, so that we can answer you."))
        return data


class FurtherMessageForm(forms.Form):
    """One more message on the customer's own page."""

    text = forms.CharField(label=_("Your message"), max_length=MAX_TEXT, required=False, widget=forms.Textarea)
    photos = ManyFilesField(label=_("Photos"), required=False)

    all_optional = True

    def clean_text(self) -> str:
        """Return the words without invisible dirt."""
        return tidy_text(self.cleaned_data["text"])


def own_field(row: CustomField, language: str) -> forms.Field:
    """Return the form field of a shop's own field; never required, a customer may not know."""
    label = row.label_in(language)
    if row.kind == FieldKind.CHOICE:
        return forms.ChoiceField(label=label, required=False, choices=[("", "–"), *row.choices_in(language)])
    if row.kind == FieldKind.YESNO:
        choices = [("", "–"), ("yes", _("Yes")), ("no", _("No"))]
        return forms.ChoiceField(label=label, required=False, choices=choices)
    kinds: dict[str, dict[str, str]] = {FieldKind.DATE: {"type": "date"}, FieldKind.NUMBER: {"inputmode": "decimal"}}
    widget = forms.TextInput(attrs=kinds.get(row.kind, {}))
    return forms.CharField(label=label, required=False, max_length=500, widget=widget)


def public_categories() -> list[Category]:
    """Return the top categories customers may choose."""
    rows = Category.objects.filter(parent__isnull=True, is_public=True, is_active=True)
    return list(rows.order_by("position", "pk"))


def is_draft(value: str) -> bool:
    """Tell whether a form's secret id has the shape of one we gave out."""
    return DRAFT.fullmatch(value) is not None
