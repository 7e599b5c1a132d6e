from typing import Any, cast
from zoneinfo import available_timezones

from django import forms
from django.http import QueryDict
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.enums import Language, Permission, Skill, Theme
from accounts.models import Staff
from accounts.permissions import permissions_for
from accounts.roles import ROLES
from accounts.selectors import active_teams, staff_with
from accounts.services.staff import StaffDraft
from core.models import CalendarDefinition

COMMON_ZONES = (
    "Asia/Shanghai", "Asia/Urumqi", "Asia/Hong_Kong", "Asia/Taipei", "Asia/Singapore", "Asia/Tokyo",
    "Asia/Dubai", "Europe/London", "Europe/Berlin", "America/New_York", "America/Los_Angeles", "UTC",
)  # fmt: skip


def role_choices(giver: Staff) -> list[tuple[str, Any]]:
    """Return the roles whose rights the giver holds, as (code, title with its sentence)."""
    own = permissions_for(giver)
    words = '{}<small class="muted">{}</small>'
    return [
        (code, format_html(words, role.title, role.sentence)) for code, role in ROLES.items() if role.permissions <= own
    ]


def _team_choices() -> list[tuple[int, str]]:
    return list(active_teams().values_list("pk", "name"))


def rebase(form: forms.Form, version: int) -> None:
    """Keep what was typed and put it on top of a newer version, so that saving again is a decision."""
    typed = cast("QueryDict", form.data).copy()
    typed["version"] = str(version)
    form.data = typed


class _TeamsForRoles(forms.Form):
    """A role that reaches only its teams is of no use without one; say so before it is saved."""

    all_optional = True  # what may be left out says so in its own words

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        roles = [ROLES[code] for code in data.get("roles", ())]
        narrow = bool(roles) and not any(role.reach == "company" for role in roles)
        if narrow and not data.get("teams") and "teams" in self.fields:
            self.add_error(
                "teams", _("With this role one sees only the work of one's teams. Choose at least one team.")
            )
        return data


class InviteForm(_TeamsForRoles):
    email = forms.EmailField(
        label=_("Work email"), max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "off"})
    )
    roles = forms.MultipleChoiceField(label=_("Roles"), widget=forms.CheckboxSelectMultiple)
    teams = forms.TypedMultipleChoiceField(
        label=_("Teams"), coerce=int, required=False, widget=forms.CheckboxSelectMultiple
    )
    language = forms.ChoiceField(label=_("Language of the mail"), choices=Language.choices, initial=Language.ZH_HANS)

    def __init__(self, *args: Any, giver: Staff, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["roles"].choices = role_choices(giver)  # type: ignore[attr-defined]
        teams = _team_choices()
        self.fields["teams"].choices = teams  # type: ignore[attr-defined]
        if len(teams) == 1:
            self.fields["teams"].initial = [teams[0][0]]


class StaffForm(_TeamsForRoles):
    version = forms.IntegerField(widget=forms.HiddenInput)
    display_name = forms.CharField(label=pgettext_lazy("person", "Name"), max_length=80)
    roles = forms.MultipleChoiceField(label=_("Roles"), widget=forms.CheckboxSelectMultiple)
    teams = forms.TypedMultipleChoiceField(
        label=_("Teams"), coerce=int, required=False, widget=forms.CheckboxSelectMultiple
    )
    skills = forms.MultipleChoiceField(
        label=_("Skills"), choices=Skill.choices, required=False, widget=forms.CheckboxSelectMultiple
    )
    languages = forms.MultipleChoiceField(
        label=_("Answers in"), choices=Language.choices, required=False, widget=forms.CheckboxSelectMultiple
    )
    is_dedicated = forms.BooleanField(label=_("May be a customer's dedicated agent"), required=False)

    def __init__(self, *args: Any, giver: Staff, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["roles"].choices = role_choices(giver)  # type: ignore[attr-defined]
        self.fields["teams"].choices = _team_choices()  # type: ignore[attr-defined]

    @staticmethod
    def initial_of(staff: Staff) -> dict[str, Any]:
        return {
            "version": staff.version,
            "display_name": staff.display_name,
            "roles": staff.roles,
            "teams": [team.pk for team in staff.teams.all()],
            "skills": staff.skills,
            "languages": staff.languages,
            "is_dedicated": staff.is_dedicated,
        }

    def draft(self) -> StaffDraft:
        data = self.cleaned_data
        return StaffDraft(
            display_name=data["display_name"],
            roles=tuple(data["roles"]),
            team_ids=tuple(data["teams"]),
            skills=tuple(data["skills"]),
            languages=tuple(data["languages"]),
            is_dedicated=data["is_dedicated"],
        )


class DeactivateForm(forms.Form):
    all_optional = True

    successor = forms.TypedChoiceField(label=_("Open work goes to"), coerce=str, required=False)

    def __init__(self, *args: Any, staff: Staff, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        people = [(f"staff:{one.pk}", one.display_name) for one in staff_with(Permission.TICKET_REPLY) if one != staff]
        teams = [(f"team:{pk}", name) for pk, name in _team_choices()]
        self.fields["successor"].choices = [  # type: ignore[attr-defined]
            ("", _("The general queue")),
            (_("A team's queue"), teams),
            (_("A colleague"), people),
        ]

    def target(self) -> dict[str, int | None]:
        kind, _colon, pk = self.cleaned_data["successor"].partition(":")
        return {
            "successor_id": int(pk) if kind == "staff" else None,
            "successor_team_id": int(pk) if kind == "team" else None,
        }


class ProfileForm(forms.Form):
    version = forms.IntegerField(widget=forms.HiddenInput)
    display_name = forms.CharField(
        label=pgettext_lazy("person", "Name"), max_length=80, help_text=_("Customers and colleagues see it.")
    )
    language = forms.ChoiceField(label=_("Language"), choices=Language.choices)
    timezone = forms.ChoiceField(label=_("Time zone"))
    theme = forms.ChoiceField(label=_("Appearance"), choices=Theme.choices)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rest = sorted(name for name in available_timezones() if "/" in name and not name.startswith("Etc/"))
        self.fields["timezone"].choices = [  # type: ignore[attr-defined]
            (_("Often used"), [(name, name.replace("_", " ")) for name in COMMON_ZONES]),
            (_("All"), [(name, name.replace("_", " ")) for name in rest if name not in COMMON_ZONES]),
        ]

    @staticmethod
    def initial_of(staff: Staff) -> dict[str, Any]:
        return {
            "version": staff.version,
            "display_name": staff.display_name,
            "language": staff.language,
            "timezone": staff.timezone,
            "theme": staff.theme,
        }


class TeamForm(forms.Form):
    all_optional = True

    version = forms.IntegerField(widget=forms.HiddenInput, required=False)
    name = forms.CharField(label=_("Name"), max_length=80)
    shop_ids = forms.TypedMultipleChoiceField(
        label=_("Shops"),
        coerce=int,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("None chosen means all shops, those opened later too."),
    )

    calendar = forms.TypedChoiceField(label=_("Working hours"), coerce=int, empty_value=None, required=False)

    def __init__(self, *args: Any, shops: list[tuple[int, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["shop_ids"].choices = shops  # type: ignore[attr-defined]
        calendars = CalendarDefinition.objects.order_by("name").values_list("pk", "name")
        self.fields["calendar"].choices = [("", _("The company's")), *calendars]  # type: ignore[attr-defined]
