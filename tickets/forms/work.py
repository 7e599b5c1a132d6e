"""Forms of what is owed inside a ticket: promises, department tasks, standards, departments."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Staff
from accounts.roles import ROLES
from core.calendar.lengths import LengthField
from tickets.models import Attachment, Category, Department, StandardVersion
from tickets.services.standards import MOST_SOLUTIONS, MOST_STEPS, StandardWords
from tickets.work_enums import PromiseKind, Tier

LOCAL = "%Y-%m-%dT%H:%M"


class MomentField(forms.DateTimeField):
    """A time typed in the person's own zone, shown by the browser's picker."""

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.DateTimeInput(format=LOCAL, attrs={"type": "datetime-local"})
        super().__init__(widget=widget, input_formats=[LOCAL, "%Y-%m-%dT%H:%M:%S"], **kwargs)


def local_moment(at: datetime) -> datetime:
    """Return a time as the picker shows it: to the minute, never later."""
    here = timezone.localtime(at)
    return here.replace(second=0, microsecond=0)


class PromiseForm(forms.Form):
    """What is promised, by when, and in which message it was said."""

    kind = forms.ChoiceField(label=_("What"), choices=PromiseKind, initial=PromiseKind.ANSWER)
    words = forms.CharField(label=_("In a few words"), max_length=200)
    due_at = MomentField(label=_("By when"))
    message = forms.IntegerField(widget=forms.HiddenInput, required=False)


class SettleForm(forms.Form):
    """Tick a promise off, with or without telling the customer."""

    version = forms.IntegerField(widget=forms.HiddenInput)
    client_id = forms.UUIDField(widget=forms.HiddenInput)
    tell = forms.BooleanField(label=_("Tell the customer"), required=False, initial=True)
    text = forms.CharField(label=_("Message"), max_length=5000, required=False, widget=forms.Textarea)

    def clean(self) -> dict[str, Any]:
        """A message is needed where one is to be sent."""
        data = super().clean() or {}
        if data.get("tell") and not (data.get("text") or "").strip():
            self.add_error("text", _("Write something first."))
        return data


class DueForm(forms.Form):
    """Another due time."""

    version = forms.IntegerField(widget=forms.HiddenInput)
    due_at = MomentField(label=_("New time"))


class TaskForm(forms.Form):
    """What one department is asked, or several at once."""

    teams = forms.TypedMultipleChoiceField(
        label=_("Departments"), coerce=int, widget=forms.CheckboxSelectMultiple,
        help_text=_("Two or more make a joint response: each gives its part, you answer the customer once."),
        error_messages={"required": _("Choose a department.")},
    )  # fmt: skip
    asked = forms.CharField(label=_("What is needed"), max_length=10_000, widget=forms.Textarea)
    due_at = MomentField(label=_("By when"))
    is_blocking = forms.BooleanField(label=_("The ticket waits for the answer"), required=False, initial=True)
    files = forms.TypedMultipleChoiceField(  # type: ignore[assignment]
        label=_("Files of this ticket"), coerce=int, required=False, widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, *args: Any, rows: Iterable[Department], given: Iterable[Attachment], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["teams"].choices = [(row.pk, _named(row)) for row in rows]  # type: ignore[attr-defined]
        self.fields["files"].choices = [(one.pk, one.name) for one in given]  # type: ignore[attr-defined]
        if not self.fields["files"].choices:  # type: ignore[attr-defined]
            del self.fields["files"]


def _named(row: Department) -> str:
    return f"{row.team.name} · {Tier(row.tier).label}" if row.tier else row.team.name


class AnswerForm(forms.Form):
    """What a department answers, and the product defect it found."""

    version = forms.IntegerField(widget=forms.HiddenInput)
    text = forms.CharField(
        label=_("Answer"), max_length=10_000, widget=forms.Textarea,
        help_text=_("The agent gets it as an internal note; the customer does not see it."),
    )  # fmt: skip
    is_defect = forms.BooleanField(label=_("This is a product defect"), required=False)
    defect = forms.CharField(label=_("What is wrong with the product"), max_length=300, required=False)
    product = forms.TypedChoiceField(label=_("Product"), coerce=int, empty_value=None, required=False)

    def __init__(self, *args: Any, products: list[tuple[int, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["product"].choices = [("", _("Not known")), *products]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """A defect is told in words."""
        data = super().clean() or {}
        if data.get("is_defect") and not (data.get("defect") or "").strip():
            self.add_error("defect", _("Say in a sentence what is wrong with the product."))
        return data


class DeclineForm(forms.Form):
    """Why a task goes back."""

    version = forms.IntegerField(widget=forms.HiddenInput)
    reason = forms.CharField(label=_("Why, and who could help"), max_length=2000, widget=forms.Textarea)


class AskAgainForm(forms.Form):
    """The same department once more."""

    asked = forms.CharField(label=_("What is still missing"), max_length=10_000, widget=forms.Textarea)
    due_at = MomentField(label=_("By when"))


class JointForm(forms.Form):
    """The one answer to the customer."""

    client_id = forms.UUIDField(widget=forms.HiddenInput)
    text = forms.CharField(label=_("Answer to the customer"), max_length=20_000, widget=forms.Textarea)
    without_missing = forms.BooleanField(
        label=_("Answer without the missing parts; they are withdrawn"), required=False
    )


class DepartmentForm(forms.Form):
    """How a team works for others."""

    all_optional = True
    version = forms.IntegerField(widget=forms.HiddenInput, required=False)
    is_active = forms.BooleanField(label=_("Takes tasks from others"), required=False)
    tier = forms.TypedChoiceField(label=_("Line of support"), coerce=int, empty_value=None, required=False)
    task_hours = forms.IntegerField(
        label=_("Usual time for a task (working hours)"), min_value=1, max_value=400, initial=8
    )
    lead_after_hours = forms.IntegerField(
        label=_("Overdue: the lead hears after (working hours)"), min_value=1, max_value=200, initial=4
    )
    supervisor_after_hours = forms.IntegerField(
        label=_("Then the supervisor after (working hours)"), min_value=1, max_value=200, initial=4
    )
    leads = forms.TypedMultipleChoiceField(
        label=_("Leads"), coerce=int, required=False, widget=forms.CheckboxSelectMultiple
    )
    categories = forms.TypedMultipleChoiceField(
        label=_("Area"), coerce=int, required=False, widget=forms.CheckboxSelectMultiple,
        help_text=_("Its members read the tickets, orders and answers of these categories."),
    )  # fmt: skip

    def __init__(self, *args: Any, members: Iterable[Staff], language: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rows = Category.objects.filter(is_active=True).order_by("position", "pk")
        self.fields["tier"].choices = [("", _("None")), *Tier.choices]  # type: ignore[attr-defined]
        self.fields["leads"].choices = [(one.pk, one.display_name) for one in members]  # type: ignore[attr-defined]
        self.fields["categories"].choices = [(row.pk, row.name_in(language)) for row in rows]  # type: ignore[attr-defined]


class StandardForm(forms.Form):
    """A standard but for its steps and solutions, which are rows of their own."""

    version = forms.IntegerField(widget=forms.HiddenInput, required=False)
    is_active = forms.BooleanField(label=_("In use"), required=False, initial=True)
    summary = forms.CharField(
        label=_("In short"), max_length=2000, required=False, widget=forms.Textarea,
        help_text=_("What good service means here; agents read it above the steps."),
    )  # fmt: skip
    owner_role = forms.ChoiceField(label=_("Who is responsible"), required=False)
    time_limit_minutes = LengthField(
        label=_("Time limit in business hours"), max_minutes=60 * 24 * 60, required=False,
        help_text=_("Like 2 h, 30 min or 1 d 4 h; a day is 24 hours."),
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        roles = [(code, role.title) for code, role in ROLES.items()]
        self.fields["owner_role"].choices = [("", _("The ticket's agent")), *roles]  # type: ignore[attr-defined]

    def words(self, steps: list[dict[str, Any]], solutions: list[dict[str, str]]) -> StandardWords:
        """Return what was typed."""
        data = self.cleaned_data
        return StandardWords(
            summary=data["summary"],
            owner_role=data["owner_role"],
            time_limit_minutes=data["time_limit_minutes"],
            steps=steps,
            solutions=solutions,
            is_active=data["is_active"],
        )


def typed_rows(data: Any) -> tuple[list[dict[str, Any]], list[dict[str, str]]]:
    """Return the steps and solutions of a posted form, empty rows too so that they can be shown again."""
    steps = [
        {
            "key": data.get(f"key_{n}", "")[:12],
            "title": data.get(f"title_{n}", ""),
            "hint": data.get(f"hint_{n}", ""),
            "is_required": data.get(f"required_{n}") == "on",
        }
        for n in range(MOST_STEPS)
        if f"title_{n}" in data
    ]
    solutions = [
        {"title": data.get(f"solution_{n}", ""), "body": data.get(f"body_{n}", "")}
        for n in range(MOST_SOLUTIONS)
        if f"solution_{n}" in data
    ]
    return steps, solutions


def shown_rows(version: StandardVersion | None) -> tuple[list[dict[str, Any]], list[dict[str, str]]]:
    """Return the rows of a version for editing with some empty ones below."""
    steps: list[dict[str, Any]] = list(version.steps) if version else []
    solutions: list[dict[str, str]] = list(version.solutions) if version else []
    return with_room(steps, solutions)


def with_room(
    steps: list[dict[str, Any]], solutions: list[dict[str, str]]
) -> tuple[list[dict[str, Any]], list[dict[str, str]]]:
    """Return rows with empty ones below: always some to write into."""
    steps = [step for step in steps if step.get("title")]
    solutions = [one for one in solutions if one.get("title") or one.get("body")]
    empty: list[dict[str, Any]] = [{} for _n in range(min(5, MOST_STEPS - len(steps)))]
    return [*steps, *empty], [*solutions, *({} for _n in range(min(2, MOST_SOLUTIONS - len(solutions))))]
