"""Forms of the phone channel: lines, the wrap-up of a call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from core.calendar.lengths import LengthField
from core.calendar.models import CalendarDefinition
from tickets.calls_enums import Disposition
from tickets.enums import TicketStatus
from tickets.forms.categories import category_choices
from tickets.forms.work import MomentField
from tickets.models import PhoneLine
from tickets.services.calls.lines import LineTerms
from tickets.services.calls.wrapping import WrapUp
from tickets.work_enums import PromiseKind

NOTE_LENGTH = 5000


class LineForm(forms.Form):
    """A telephone line."""

    version = forms.IntegerField(widget=forms.HiddenInput, initial=0)
    name = forms.CharField(label=_("Name"), max_length=80)
    number = forms.CharField(label=_("Number customers call"), max_length=32)
    shop = forms.TypedChoiceField(label=_("Shop"), coerce=int, empty_value=None, required=False)
    team = forms.TypedChoiceField(label=_("Team that answers"), coerce=int)
    calendar = forms.TypedChoiceField(label=_("Hours"), coerce=int, empty_value=None, required=False)
    call_back_minutes = LengthField(
        label=_("Call back within"), max_minutes=10080, initial=60,
        help_text=_("Like 30 min or 2 h, in the line's hours after a missed call."),
    )  # fmt: skip
    is_recorded = forms.BooleanField(
        label=_("Calls are recorded"), required=False,
        help_text=_("The PBX tells callers so before it connects them."),
    )  # fmt: skip
    recording_host = forms.CharField(
        label=_("Host of the recordings"), max_length=200, required=False,
        help_text=_("Only links to this host are kept, such as tapes.example.com. We never fetch a recording."),
    )  # fmt: skip
    control_url = forms.CharField(
        label=_("Control address of the PBX"), max_length=300, required=False,
        help_text=_("Where the PBX takes the wish to call somebody. Empty: no calling by click."),
    )  # fmt: skip
    is_active = forms.BooleanField(label=_("In use"), required=False, initial=True)

    def __init__(
        self, *args: Any, shops: list[tuple[int, str]], teams: list[tuple[int, str]], all_shops: bool, **kwargs: Any
    ) -> None:
        """Offer the shops and teams one serves; a line for all shops only to who serves all."""
        super().__init__(*args, **kwargs)
        hours = CalendarDefinition.objects.order_by("name", "pk").values_list("pk", "name")
        choices: dict[str, list[tuple[Any, Any]]] = {
            "shop": [*([("", _("All shops"))] if all_shops else []), *shops],
            "team": list(teams),
            "calendar": [("", _("As the team")), *hours],
        }
        for name, values in choices.items():
            self.fields[name].choices = values  # type: ignore[attr-defined]
        self.fields["shop"].required = not all_shops

    @staticmethod
    def initial_of(line: PhoneLine) -> dict[str, Any]:
        """Return what the form shows of a line."""
        names = (
            "version", "name", "number", "call_back_minutes", "is_recorded", "recording_host", "control_url",
            "is_active",
        )  # fmt: skip
        told = {name: getattr(line, name) for name in names}
        return told | {"shop": line.shop_id, "team": line.team_id, "calendar": line.calendar_id}

    def terms(self) -> LineTerms:
        """Return what was typed."""
        data = dict(self.cleaned_data)
        data.pop("version")
        links = {f"{name}_id": data.pop(name) for name in ("shop", "team", "calendar")}
        return LineTerms(**data, **links)


class WrapUpForm(forms.Form):
    """What came of a call."""

    disposition = forms.ChoiceField(label=_("Result of the call"), choices=Disposition, widget=forms.RadioSelect)
    category = forms.TypedChoiceField(label=_("Category"), required=False, coerce=int, empty_value=None)
    note = forms.CharField(
        label=_("Note"), max_length=NOTE_LENGTH, required=False, widget=forms.Textarea,
        help_text=_("Internal: what was said, what was agreed."),
    )  # fmt: skip
    status = forms.ChoiceField(label=_("The ticket is now"), required=False)
    call_back_at = MomentField(label=_("Call back at"), required=False)
    promise_kind = forms.ChoiceField(label=_("Promised"), choices=PromiseKind, required=False)
    promise_words = forms.CharField(label=_("In a few words"), max_length=200, required=False)
    promise_due_at = MomentField(label=_("By when"), required=False)

    def __init__(self, *args: Any, language: str = "zh-hans", **kwargs: Any) -> None:
        """Offer categories and the states that can follow."""
        super().__init__(*args, **kwargs)
        after = (TicketStatus.RESOLVED, TicketStatus.WAITING_CUSTOMER, TicketStatus.OPEN)
        leave = _("Leave as it is")
        self.fields["status"].choices = [("", leave), *[(one.value, one.label) for one in after]]  # type: ignore[attr-defined]
        self.fields["category"].choices = category_choices(language, leave)  # type: ignore[attr-defined]

    def wrap_up(self) -> WrapUp:
        """Return what was typed."""
        data = dict(self.cleaned_data)
        return WrapUp(category_id=data.pop("category"), **data)


MOST_MENUS, MOST_OPTIONS = 20, 12


def read_tree(data: Mapping[str, str]) -> dict[str, Any]:
    """Return the plan a page of fields tells; rows left empty are none. Checked by the service."""
    menus = []
    for m in range(MOST_MENUS):
        menu_id = data.get(f"menu-{m}-id", "").strip()
        if not menu_id or data.get(f"menu-{m}-gone"):
            continue
        options = [one for o in range(MOST_OPTIONS) if (one := _option(data, f"menu-{m}-{o}")) is not None]
        told = {name: data.get(f"menu-{m}-{name}", "") for name in ("zh", "en")}
        menus.append({"id": menu_id, "options": options, **told})
    queues = []
    for key in data:
        team = key.removeprefix("queue-").removesuffix("-strategy")
        if key.startswith("queue-") and key.endswith("-strategy") and team.isdecimal() and len(team) < 19:
            queues.append(_queue(data, team))
    closed = {"zh": data.get("closed-zh", ""), "en": data.get("closed-en", ""), "call_back": "closed-call_back" in data}
    return {"menus": menus, "queues": [one for one in queues if one], "closed": closed}


def _option(data: Mapping[str, str], place: str) -> dict[str, Any] | None:
    told = {name: data.get(f"{place}-{name}", "").strip() for name in ("key", "zh", "en", "to", "say_zh", "say_en")}
    if not any(told[name] for name in ("key", "zh", "en", "to")):
        return None
    kind, _colon, target = told.pop("to").partition(":")
    option: dict[str, Any] = {**told, "kind": kind}
    if kind == "team":
        option["team"] = int(target) if target.isdecimal() and len(target) < 19 else None
    elif kind == "menu":
        option["menu"] = target
    return option


def _queue(data: Mapping[str, str], team: str) -> dict[str, Any] | None:
    strategy, to = data.get(f"queue-{team}-strategy", ""), data.get(f"queue-{team}-overflow", "")
    kind, _colon, target = to.partition(":")
    after = data.get(f"queue-{team}-after", "").strip()
    if not strategy and not kind:
        return None
    return {
        "team": int(team), "strategy": strategy, "overflow": kind,
        "overflow_after": int(after) if after.isdecimal() and len(after) < 6 else 0,
        "overflow_team": int(target) if target.isdecimal() and len(target) < 19 else None,
    }  # fmt: skip
