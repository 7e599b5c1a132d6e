"""The form of a kept filter."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.models import Staff
from accounts.permissions import Permission, has, team_scope
from accounts.selectors import active_teams, teams_of
from core.text import normalise
from customers.enums import Tier
from orders.permissions import shops_visible_to
from tickets.enums import ACTIVE_STATUSES, Channel, Priority, Sorting, TicketStatus
from tickets.forms.desk import VersionedForm
from tickets.selectors.filters import DATES, DAYS, FLAGS, LISTS
from tickets.selectors.settings import assignable_staff, category_tree

MOST_CHOICES = 300
Boxes = forms.CheckboxSelectMultiple


class SavedViewForm(VersionedForm):
    """A filter over tickets. What is left empty does not narrow."""

    name = forms.CharField(label=_("Name"), max_length=60)
    team_id = forms.TypedChoiceField(label=_("For"), required=False, coerce=int, empty_value=None)
    status = forms.MultipleChoiceField(
        label=_("Status"), required=False, choices=TicketStatus.choices, widget=forms.CheckboxSelectMultiple,
        initial=[status.value for status in ACTIVE_STATUSES],
        help_text=_("Only filters over open tickets show a live count."),
    )  # fmt: skip
    priority = forms.MultipleChoiceField(
        label=_("Priority"), required=False, choices=Priority.choices, widget=forms.CheckboxSelectMultiple
    )
    channel = forms.MultipleChoiceField(
        label=_("Channel"), required=False, choices=Channel.choices, widget=forms.CheckboxSelectMultiple
    )
    tier = forms.MultipleChoiceField(
        label=_("Customer's tier"), required=False, choices=Tier.choices, widget=forms.CheckboxSelectMultiple
    )
    assignee = forms.MultipleChoiceField(label=_("Assignee"), required=False, widget=Boxes)
    team = forms.MultipleChoiceField(label=_("Team"), required=False, widget=Boxes)
    category = forms.MultipleChoiceField(label=_("Category"), required=False, widget=Boxes)
    shop = forms.MultipleChoiceField(label=_("Shop"), required=False, widget=Boxes)
    tags = forms.CharField(
        label=_("Tags"), required=False, max_length=400, help_text=_("All of them, separated by commas.")
    )
    words = forms.CharField(
        label=_("Words"), required=False, max_length=100, help_text=_("In the subject or in what was written.")
    )
    opened_days = forms.IntegerField(label=_("Opened in the last (days)"), required=False, min_value=1, max_value=3650)
    updated_days = forms.IntegerField(
        label=_("Last message in the last (days)"), required=False, min_value=1, max_value=3650
    )
    opened_from = forms.DateField(label=_("Opened from"), required=False)
    opened_to = forms.DateField(label=_("Opened until"), required=False)
    updated_from = forms.DateField(label=_("Last message from"), required=False)
    updated_to = forms.DateField(label=_("Last message until"), required=False)
    overdue = forms.BooleanField(label=_("Overdue only"), required=False)
    unread = forms.BooleanField(label=_("Unread only"), required=False)
    sorting = forms.ChoiceField(
        label=pgettext_lazy("sorting", "Order"), choices=Sorting.choices, initial=Sorting.NEWEST
    )

    def __init__(self, *args: Any, staff: Staff, language: str = "zh-hans", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        scope = team_scope(staff)
        teams = list(active_teams() if scope is None else active_teams().filter(pk__in=scope))
        own = teams if scope is None else teams_of(staff)
        shared = [(team.pk, _("Team: %(name)s") % {"name": team.name}) for team in own]
        self._offer("team_id", [("", _("Only me")), *(shared if has(staff, Permission.TICKET_ASSIGN) else [])])
        self._offer("team", [("nobody", _("No team")), *((str(team.pk), team.name) for team in teams)])
        people = [(str(one.pk), one.display_name) for one in assignable_staff(staff, limit=MOST_CHOICES)]
        people = [one for one in people if one[0] != str(staff.pk)]
        self._offer("assignee", [("me", _("Me")), ("nobody", _("Nobody")), *people])
        shops = shops_visible_to(staff).order_by("name")[:MOST_CHOICES]
        self._offer("shop", [(str(shop.pk), shop.name) for shop in shops])
        categories: list[tuple[str, str]] = []
        for branch in category_tree(language):
            categories.append((str(branch.category.pk), branch.name))
            categories += [(str(leaf.category.pk), f"{branch.name} / {leaf.name}") for leaf in branch.children]
        self._offer("category", categories)
        for name in DATES:
            self.fields[name].widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")

    def _offer(self, name: str, choices: list[tuple[Any, Any]]) -> None:
        """Give a field its choices; what the filter holds and is no longer offered stays choosable."""
        field: Any = self.fields[name]
        known = {str(value) for value, _label in choices}
        held = self.initial.get(name) or []
        gone = (
            [(value, _("(no longer there)")) for value in held if str(value) not in known]
            if isinstance(held, list)
            else []
        )
        field.choices = [*choices, *gone]

    def clean_tags(self) -> list[str]:
        """Read tags as they are stored."""
        text = self.cleaned_data["tags"].replace("，", ",").replace("、", ",")
        return sorted({normalise(part)[:40] for part in text.split(",") if normalise(part)})[:20]

    def clean(self) -> dict[str, Any]:
        """An end cannot stand before its beginning."""
        data = super().clean() or {}
        for name in ("opened", "updated"):
            since, until = data.get(f"{name}_from"), data.get(f"{name}_to")
            if since and until and until < since:
                self.add_error(f"{name}_to", _("This is before the first day."))
        return data

    @property
    def conditions(self) -> dict[str, Any]:
        """Return what was asked as the stored JSON; empty parts are left out."""
        data = self.cleaned_data
        told: dict[str, Any] = {key: data[key] for key in (*LISTS, *DAYS, *FLAGS) if data.get(key)}
        told |= {key: data[key].isoformat() for key in DATES if data.get(key)}
        words = normalise(data.get("words", ""))
        return {**told, "words": words} if words else told


def initial_of(conditions: dict[str, Any]) -> dict[str, Any]:
    """Return stored conditions as the form shows them."""
    shown = dict(conditions)
    shown["tags"] = ", ".join(conditions.get("tags", []))
    shown.setdefault("status", [])
    shown["priority"] = [str(value) for value in conditions.get("priority", [])]
    return shown
