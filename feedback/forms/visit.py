"""What an agent writes down after an attempt."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.utils.translation import gettext_lazy as _

from feedback.enums import Outcome, SkipReason
from feedback.services import Attempt

MORNING = 10
NEXT_TRY = [
    ("hours2", _("In 2 hours")),
    ("tomorrow", _("Tomorrow 10:00")),
    ("days2", _("In 2 days, 10:00")),
    ("at", _("At a time of your choice")),
]


class AttemptForm(forms.Form):
    """One attempt: what came of it, and what follows from that."""

    all_optional = True  # what is needed depends on the outcome and appears with it
    version = forms.IntegerField(widget=forms.HiddenInput)
    outcome = forms.ChoiceField(
        label=_("What came of it?"),
        choices=Outcome,
        widget=forms.RadioSelect,
        error_messages={"required": _("Say what came of it.")},
    )
    satisfaction = forms.TypedChoiceField(
        label=_("How satisfied is the customer?"),
        choices=[(str(n), str(n)) for n in range(1, 6)],
        coerce=int,
        empty_value=None,
        required=False,
        widget=forms.RadioSelect,
    )
    next_try = forms.ChoiceField(
        label=_("When shall we try again?"),
        choices=NEXT_TRY,
        required=False,
        initial="tomorrow",
        widget=forms.RadioSelect,
    )
    next_try_at = forms.CharField(
        label=_("Time of the next try"), required=False, widget=forms.DateTimeInput(attrs={"type": "datetime-local"})
    )
    note = forms.CharField(label=_("Note"), required=False, max_length=2000, widget=forms.Textarea(attrs={"rows": 4}))

    def attempt(self, *, zone: str, at: datetime) -> Attempt:
        """Return what was typed; times are read in the person's own zone."""
        data: dict[str, Any] = self.cleaned_data
        return Attempt(
            outcome=data["outcome"],
            note=data["note"].strip(),
            satisfaction=data["satisfaction"],
            next_try_at=next_moment(data["next_try"], data["next_try_at"], zone=zone, at=at),
        )


def next_moment(choice: str, typed: str, *, zone: str, at: datetime) -> datetime | None:
    """Return the moment a choice means, None when it names none."""
    here = at.astimezone(ZoneInfo(zone))
    morning = here.replace(hour=MORNING, minute=0, second=0, microsecond=0)
    if choice == "hours2":
        return at + timedelta(hours=2)
    if choice == "tomorrow":
        return morning + timedelta(days=1)
    if choice == "days2":
        return morning + timedelta(days=2)
    try:
        moment = datetime.fromisoformat(typed)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(zone))


class SkipForm(forms.Form):
    """Why a visit is not made."""

    version = forms.IntegerField(widget=forms.HiddenInput)
    why = forms.ChoiceField(label=_("Why is the visit not made?"), choices=SkipReason, widget=forms.RadioSelect)
