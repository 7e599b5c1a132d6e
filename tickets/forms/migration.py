"""Forms of a migration: its files, and what each value becomes."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from orders.models import Shop
from tickets.enums import Priority, TicketStatus
from tickets.models import CustomField, Migration


class ManyFiles(forms.ClearableFileInput):
    """A file field that takes several."""

    allow_multiple_selected = True


class FilesField(forms.FileField):
    """Several files; each is cleaned as one would be."""

    def clean(self, data: Any, initial: Any = None) -> Any:
        """Return the list of files."""
        single = super().clean
        return [single(one, initial) for one in data] if data else [single(None, initial)]


class SourceForm(forms.Form):
    """Where the export comes from; the files themselves are read from the request."""

    source = forms.SlugField(
        label=_("Name of the other desk"),
        max_length=40,
        initial="zendesk",
        help_text=_("Small Latin letters. The same name again knows what came before, so nothing comes in twice."),
        error_messages={"invalid": _("Only Latin letters, digits, hyphens and underscores, without blanks.")},
    )
    shop = forms.ModelChoiceField(
        label=_("Shop"), queryset=Shop.objects.none(), required=False, empty_label=_("No particular shop")
    )
    files = FilesField(  # type: ignore[assignment]
        label=_("Files of the export"),
        widget=ManyFiles(attrs={"multiple": True}),
        help_text=_("JSON (lines or pages) and CSV, users and tickets together. Unpack archives first."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Offer the active shops."""
        super().__init__(*args, **kwargs)
        self.fields["shop"].queryset = Shop.objects.filter(is_active=True).order_by("name")  # type: ignore[attr-defined]


class MappingForm(forms.Form):
    """One choice for each value the check met."""

    keep_tags = forms.BooleanField(label=_("Keep the tags"), required=False)

    def __init__(self, *args: Any, migration: Migration, **kwargs: Any) -> None:
        """Make a field for each status, priority and own field of the other desk."""
        mapping = migration.mapping
        kwargs["initial"] = {"keep_tags": mapping.get("keep_tags", True)}
        super().__init__(*args, **kwargs)
        own: list[tuple[Any, Any]] = [("note", _("Write it into a note")), ("", _("Leave it out"))]
        language = "en" if (get_language() or "").startswith("en") else "zh-hans"
        own += [(row.key, row.label_in(language)) for row in CustomField.objects.filter(is_active=True)]
        self.groups: dict[str, list[str]] = {}
        kinds: dict[str, Any] = {"statuses": TicketStatus.choices, "priorities": Priority.choices, "fields": own}
        for group, choices in kinds.items():
            for number, (value, becomes) in enumerate(sorted(mapping.get(group, {}).items())):
                name = f"{group}_{number}"
                self.groups.setdefault(group, []).append(name)
                self.fields[name] = forms.TypedChoiceField(
                    label=value or _("(none)"), choices=choices, initial=becomes, required=False,
                    coerce=int if group == "priorities" else str, empty_value="",
                    widget=forms.Select(attrs={"class": "select"}),
                )  # fmt: skip
                self.fields[name].original = value  # type: ignore[attr-defined]

    def mapping(self) -> dict[str, Any]:
        """Return what each value becomes."""
        chosen: dict[str, Any] = {"keep_tags": self.cleaned_data["keep_tags"]}
        for group, names in self.groups.items():
            chosen[group] = {self.fields[name].original: self.cleaned_data[name] for name in names}  # type: ignore[attr-defined]
        return chosen
