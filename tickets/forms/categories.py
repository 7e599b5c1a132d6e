"""Forms of categories, their fields, and macros."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.enums import Permission, Skill
from accounts.models import Team
from accounts.selectors import staff_with
from tickets.enums import FieldKind, MacroAssign, MessageKind, Priority, Stage, TicketStatus
from tickets.forms.desk import VersionedForm
from tickets.models import Category
from tickets.selectors.settings import category_tree

CODE = re.compile(r"[A-Za-z0-9_-]{1,40}")


def category_choices(language: str, nothing: Any) -> list[tuple[Any, Any]]:
    """Return both levels of the categories in use, the second under the first."""
    choices: list[tuple[Any, Any]] = [("", nothing)]
    for branch in category_tree(language):
        choices.append((branch.category.pk, branch.name))
        choices += [(leaf.category.pk, f"{branch.name} › {leaf.name}") for leaf in branch.children]
    return choices


class CategoryForm(VersionedForm):
    """A category; the choice of parents is given by the view."""

    name_zh = forms.CharField(label=_("Name in Chinese"), max_length=60)
    name_en = forms.CharField(label=_("Name in English"), max_length=60)
    public_zh = forms.CharField(
        label=_("What customers read, in Chinese"), max_length=60, required=False, help_text=_("Empty: the name.")
    )
    public_en = forms.CharField(
        label=_("What customers read, in English"), max_length=60, required=False, help_text=_("Empty: the name.")
    )
    key = forms.SlugField(
        label=_("Code"), max_length=40, help_text=_("Used in exports and by programs; it should stay the same."),
        error_messages={"invalid": _("Only Latin letters, digits, hyphens and underscores, without blanks.")},
    )  # fmt: skip
    parent = forms.TypedChoiceField(label=_("Belongs to"), required=False, coerce=int, empty_value=None)
    stage = forms.ChoiceField(label=_("Part of the customer's way"), choices=Stage.choices)
    skill = forms.ChoiceField(
        label=_("Skill it needs"), required=False, choices=[("", _("None in particular")), *Skill.choices]
    )
    position = forms.IntegerField(label=_("Order in lists"), min_value=0, max_value=9999, initial=0)
    is_public = forms.BooleanField(label=_("Customers may choose it in the form"), required=False, initial=True)
    is_complaint = forms.BooleanField(label=_("Counts as a complaint"), required=False)
    is_active = forms.BooleanField(label=_("In use"), required=False, initial=True)

    def __init__(self, *args: Any, pk: int | None = None, language: str = "zh-hans", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        tops = Category.objects.filter(parent__isnull=True).exclude(pk=pk or 0).order_by("position", "pk")
        self.fields["parent"].choices = [("", _("First level")), *[(top.pk, top.name_in(language)) for top in tops]]  # type: ignore[attr-defined]


class FieldForm(VersionedForm):
    """A field of a category; choices are one a line: code, Chinese, English."""

    label_zh = forms.CharField(label=_("Label in Chinese"), max_length=60)
    label_en = forms.CharField(label=_("Label in English"), max_length=60)
    key = forms.SlugField(
        label=_("Code"), max_length=40, help_text=_("Used in exports and by programs; it should stay the same."),
        error_messages={"invalid": _("Only Latin letters, digits, hyphens and underscores, without blanks.")},
    )  # fmt: skip
    category = forms.TypedChoiceField(
        label=_("For tickets about"), required=False, coerce=int, empty_value=None,
        help_text=_("Categories below it have the field too."),
    )  # fmt: skip
    kind = forms.ChoiceField(label=_("Kind"), choices=FieldKind.choices)
    choices = forms.CharField(
        label=_("Choices"), required=False, max_length=8000, widget=forms.Textarea,
        help_text=_("For a choice from a list: one a line, as code | Chinese | English."),
    )  # fmt: skip
    position = forms.IntegerField(label=_("Order in lists"), min_value=0, max_value=9999, initial=0)
    is_required = forms.BooleanField(label=_("Must be filled before a ticket is resolved"), required=False)
    is_public = forms.BooleanField(label=_("Customers may fill it in the form"), required=False)
    is_active = forms.BooleanField(label=_("In use"), required=False, initial=True)

    def __init__(self, *args: Any, language: str = "zh-hans", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["category"].choices = category_choices(language, _("Every ticket"))  # type: ignore[attr-defined]

    def clean_choices(self) -> list[dict[str, str]]:
        """Return the lines as choices; a line without a code takes its words for one."""
        rows = []
        for line in self.cleaned_data["choices"].splitlines():
            parts = [part.strip() for part in re.split(r"[|｜]", line)]
            if not any(parts):
                continue
            value, zh, en = [*parts, "", ""][:3] if len(parts) > 1 else (parts[0], parts[0], parts[0])
            if len(value) > 40 or len(zh) > 60 or len(en) > 60:
                raise forms.ValidationError(_("A code has up to forty characters, its words up to sixty."))
            rows.append({"value": value, "zh": zh or value, "en": en or zh or value})
        return rows


class MacroForm(VersionedForm):
    """A macro: words and steps."""

    title = forms.CharField(label=_("Title"), max_length=80)
    folder = forms.CharField(label=_("Folder"), max_length=40, required=False)
    kind = forms.ChoiceField(
        label=_("Words are"),
        choices=[
            (MessageKind.PUBLIC.value, _("an answer to the customer")),
            (MessageKind.NOTE.value, _("an internal note")),
        ],
    )
    body = forms.CharField(label=_("Text"), max_length=5000, required=False, widget=forms.Textarea)
    status = forms.ChoiceField(label=_("Then the status is"), required=False)
    category = forms.TypedChoiceField(label=_("Category"), required=False, coerce=int, empty_value=None)
    priority = forms.TypedChoiceField(
        label=_("Priority"), required=False, coerce=int, empty_value=None,
        choices=[("", _("Leave as it is")), *Priority.choices],
    )  # fmt: skip
    add_tags = forms.CharField(label=_("Add tags"), max_length=400, required=False, help_text=_("Separated by blanks."))
    remove_tags = forms.CharField(label=_("Remove tags"), max_length=400, required=False)
    assign = forms.ChoiceField(label=_("Who has the ticket then"), choices=MacroAssign.choices)
    assignee = forms.TypedChoiceField(label=_("Colleague"), required=False, coerce=int, empty_value=None)
    team = forms.TypedChoiceField(label=_("Team"), required=False, coerce=int, empty_value=None)
    is_shared = forms.BooleanField(label=_("For everybody"), required=False, help_text=_("Otherwise only you see it."))
    is_active = forms.BooleanField(label=_("In use"), required=False, initial=True)

    def __init__(self, *args: Any, language: str = "zh-hans", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        after = (
            TicketStatus.OPEN,
            TicketStatus.WAITING_CUSTOMER,
            TicketStatus.WAITING_DEPARTMENT,
            TicketStatus.RESOLVED,
        )
        people = staff_with(Permission.TICKET_REPLY).values_list("pk", "display_name")[:500]
        teams = Team.objects.filter(archived_at__isnull=True).order_by("name").values_list("pk", "name")
        leave = _("Leave as it is")
        choices: dict[str, list[tuple[Any, Any]]] = {
            "status": [("", leave), *[(one.value, one.label) for one in after]],
            "category": category_choices(language, leave),
            "assignee": [("", "–"), *people],
            "team": [("", leave), *teams],
        }
        for name, values in choices.items():
            self.fields[name].choices = values  # type: ignore[attr-defined]

    def clean_add_tags(self) -> tuple[str, ...]:
        """Return the tags."""
        return read_tags(self.cleaned_data["add_tags"])

    def clean_remove_tags(self) -> tuple[str, ...]:
        """Return the tags."""
        return read_tags(self.cleaned_data["remove_tags"])


def read_tags(text: str) -> tuple[str, ...]:
    """Return tags typed with blanks or commas between them."""
    return tuple(part for part in re.split(r"[\s,，、;；]+", text) if part)
