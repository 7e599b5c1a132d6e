"""Forms of routing: hand a ticket on, hand a shift over, set how teams work."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from core.calendar.lengths import LengthField
from tickets.models import RoutingMode
from tickets.selectors.handing_over import Colleague, team_choices
from tickets.services.work import Target

NOTE_LENGTH = 2000


def target_choices(people: Iterable[Colleague], *, own_queue: Any = None) -> list[tuple[Any, Any]]:
    """Return where tickets can go, as groups: colleagues who are here with their load, then teams."""
    found: list[tuple[Any, Any]] = [("", own_queue)] if own_queue else [("", _("Choose …"))]
    colleagues = [(f"staff:{one.pk}", _named(one)) for one in people]
    if colleagues:
        found.append((_("A colleague who is here"), colleagues))
    found.append((_("A team's queue"), [(f"team:{pk}", name) for pk, name in team_choices()]))
    return found


def _named(one: Colleague) -> str:
    load = ngettext("%(n)d in work", "%(n)d in work", one.load) % {"n": one.load}
    return f"{one.name} · {one.status} · {load}"


def target_of(value: str) -> Target:
    """Return the target a choice means; empty is a ticket's own queue."""
    kind, _colon, pk = value.partition(":")
    return Target(staff_id=int(pk) if kind == "staff" else None, team_id=int(pk) if kind == "team" else None)


class TransferForm(forms.Form):
    """Who shall have the ticket, and what is to be done."""

    to = forms.ChoiceField(label=_("Hand on to"))
    note = forms.CharField(
        label=_("What is to be done"),
        max_length=NOTE_LENGTH,
        widget=forms.Textarea,
        help_text=_("An internal note: what you found out, what the customer waits for."),
    )

    def __init__(self, *args: Any, people: Iterable[Colleague], **kwargs: Any) -> None:
        """Offer the colleagues who are here, and the teams."""
        super().__init__(*args, **kwargs)
        self.fields["to"].choices = target_choices(people)  # type: ignore[attr-defined]


class HandOverForm(forms.Form):
    """Who takes over: one choice for all, and another for single tickets."""

    all_optional = True

    rest = forms.ChoiceField(label=_("All tickets go to"), required=False)
    note = forms.CharField(label=_("Note for everybody"), max_length=NOTE_LENGTH, required=False, widget=forms.Textarea)

    def __init__(self, *args: Any, people: Iterable[Colleague], ticket_ids: Iterable[int], **kwargs: Any) -> None:
        """Add one choice per ticket."""
        super().__init__(*args, **kwargs)
        people, self.ticket_ids = list(people), list(ticket_ids)
        self.fields["rest"].choices = target_choices(people, own_queue=_("Back to the queue"))  # type: ignore[attr-defined]
        single = [("", _("As above")), ("queue", _("Back to the queue")), *target_choices(people)[1:]]
        for pk in self.ticket_ids:
            self.fields[f"to_{pk}"] = forms.ChoiceField(
                label=_("Goes to"),
                required=False,
                choices=single,
                widget=forms.Select(attrs={"class": "select select-sm"}),
            )

    def targets(self) -> dict[int, Target]:
        """Return the tickets that go elsewhere than the rest."""
        chosen = {pk: self.cleaned_data.get(f"to_{pk}", "") for pk in self.ticket_ids}
        return {pk: Target() if value == "queue" else target_of(value) for pk, value in chosen.items() if value}


class TeamRoutingForm(forms.Form):
    """How one team's tickets find their agent."""

    version = forms.IntegerField(widget=forms.HiddenInput)
    mode = forms.ChoiceField(label=_("Tickets find their agent"), choices=RoutingMode.choices, widget=forms.RadioSelect)
    widen_after_minutes = LengthField(
        label=_("Wait this long for skill and language"),
        min_minutes=0,
        max_minutes=1440,
        help_text=_(
            "Like 5 min or 1 h; 0 min does not wait. After that a ticket goes to anybody in the team who is free."
        ),
    )
    release_after_minutes = LengthField(
        label=_("Away this long means off shift"),
        min_minutes=5,
        max_minutes=1440,
        help_text=_("With no open console. Like 30 min or 2 h; after that open tickets go back to the queue."),
    )
