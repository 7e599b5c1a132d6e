"""The form of a policy: what is promised, for which tickets, and what happens when it is not kept."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.selectors import active_teams
from core.calendar.lengths import LengthField
from customers.enums import Tier
from tickets.enums import BreachMove, Channel, Priority, Stage
from tickets.forms.desk import VersionedForm
from tickets.selectors.sla import Names
from tickets.services.sla.policies import CONDITIONS, PolicyTerms

MONTH = 60 * 24 * 30


def _many(label: Any, choices: Any = (), coerce: Any = str) -> forms.TypedMultipleChoiceField:
    return forms.TypedMultipleChoiceField(
        label=label, choices=choices, coerce=coerce, required=False, widget=forms.CheckboxSelectMultiple
    )


class PolicyForm(VersionedForm):
    """A policy. Conditions left empty hold for every ticket; the default policy has none."""

    name = forms.CharField(label=_("Name"), max_length=80)
    first_response_minutes = LengthField(
        label=_("First reply within"), max_minutes=MONTH, help_text=_("Like 2 h, 30 min or 1 d 4 h; a day is 24 hours.")
    )
    next_response_minutes = LengthField(
        label=_("Next replies within"),
        max_minutes=MONTH,
        required=False,
        help_text=_("From the customer's first unanswered message. Empty: nothing is promised."),
    )
    resolution_minutes = LengthField(label=_("Solution within"), max_minutes=MONTH * 3)
    close_after_days = forms.IntegerField(label=_("Close a resolved ticket after (days)"), min_value=1, max_value=90)
    is_business_time = forms.BooleanField(
        label=_("Count business hours only"), required=False, help_text=_("Otherwise the clock runs day and night.")
    )
    calendar_id = forms.TypedChoiceField(label=_("Business hours"), required=False, coerce=int, empty_value=None)
    pauses_for_department = forms.BooleanField(
        label=_("Stand still while waiting for a department"),
        required=False,
        help_text=_("Waiting for the customer always stops the clocks."),
    )
    warn_percent = forms.IntegerField(
        label=_("Warn when this much of the time is used (%)"), min_value=1, max_value=99, initial=75
    )
    category_ids = _many(_("Category"), coerce=int)
    stages = _many(_("Stage"), Stage.choices)
    priorities = _many(_("Priority"), Priority.choices, int)
    tiers = _many(_("Membership"), Tier.choices)
    channels = _many(_("Channel"), Channel.choices)
    shop_ids = _many(_("Shop"), coerce=int)
    breach_raises_priority = forms.BooleanField(label=_("Raise the priority by one step"), required=False)
    breach_notifies = forms.BooleanField(label=_("Tell the team's supervisors"), required=False)
    breach_move = forms.ChoiceField(label=_("The ticket"), choices=BreachMove.choices)
    breach_team_id = forms.TypedChoiceField(
        label=_("Team that takes over"), required=False, coerce=int, empty_value=None
    )
    is_active = forms.BooleanField(label=_("In use"), required=False)

    def __init__(self, *args: Any, names: Names, is_default: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices: dict[str, list[tuple[Any, Any]]] = {
            "category_ids": list(names.categories.items()),
            "shop_ids": list(names.shops.items()),
            "calendar_id": [("", _("The default business hours")), *names.calendars.items()],
            "breach_team_id": [("", "—"), *active_teams().values_list("pk", "name")],
        }
        for name, offered in choices.items():
            self.fields[name].choices = offered  # type: ignore[attr-defined]
        if is_default:
            for name in (*CONDITIONS, "is_active"):
                del self.fields[name]

    def terms(self) -> PolicyTerms:
        """Return what was filled in."""
        return PolicyTerms(**{name: value for name, value in self.cleaned_data.items() if name != "version"})

    @property
    def condition_fields(self) -> list[forms.BoundField]:
        """Return the fields that say which tickets a policy takes, none for the default one."""
        return [self[name] for name in CONDITIONS if name in self.fields]
