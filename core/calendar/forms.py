"""Forms of the calendar settings; hours are typed as people write them: 09:00–12:00, 13:30–18:00."""

import re
from datetime import datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import available_timezones

from babel.dates import get_timezone_location
from django import forms
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _

from core.calendar.business import BadWindow, parse_windows
from core.calendar.enums import ExceptionKind, HolidayKind
from core.calendar.services import CalendarInput
from core.calendar.words import weekday_name
from core.text import normalise

COMMON_ZONES = ("Asia/Shanghai", "Asia/Hong_Kong", "Asia/Taipei", "Asia/Singapore", "Asia/Tokyo", "Europe/London")
_DASH = re.compile(r"\s*(?:[-–—−~至到]|\bto\b)\s*")
_BETWEEN = re.compile(r"[,;、\s]+")


def zone_choices() -> list[tuple[str, str]]:
    """Return the zones in the active language, those people mostly need first."""
    return _zone_choices("zh_Hans" if (get_language() or "").startswith("zh") else "en")


@cache
def _zone_choices(locale: str) -> list[tuple[str, str]]:
    others = sorted(name for name in available_timezones() if "/" in name and not name.startswith(("Etc/", "SystemV/")))
    choices = []
    for name in dict.fromkeys((*COMMON_ZONES, *others, "UTC")):
        place = get_timezone_location(name, locale=locale)
        choices.append((name, name if place.startswith("Unknown") else f"{place} · {name.replace('_', ' ')}"))
    return choices


def weekday_choices() -> list[tuple[str, str]]:
    """Return the weekdays for a choice, nothing chosen first."""
    return [("", "—")] + [(str(weekday), weekday_name(weekday)) for weekday in range(7)]


class HoursField(forms.CharField):
    """Opening hours of one day; cleans to ["09:00", "18:00"] pairs, empty means closed."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"required": False, "max_length": 120, "strip": True, **kwargs})

    def prepare_value(self, value: Any) -> Any:
        """Show stored pairs as people write them."""
        if isinstance(value, list):
            return ", ".join("–".join(pair) for pair in value)
        return value

    def to_python(self, value: Any) -> Any:
        """Read the periods; raise ValidationError when they mean nothing."""
        text = _DASH.sub("-", normalise(super().to_python(value) or ""))
        pairs = [period.split("-") for period in _BETWEEN.split(text) if period]
        try:
            return [window.as_pair() for window in parse_windows(pairs)]
        except BadWindow as error:
            raise forms.ValidationError(
                _("Write periods like 09:00–12:00, 13:30–18:00; they must not overlap."), code="hours"
            ) from error

    def validate(self, value: Any) -> None:
        """Accept an empty list; there is nothing else to check."""

    def run_validators(self, value: Any) -> None:
        """Skip the length check, which is for text."""


class CalendarForm(forms.Form):
    """One calendar; the weekdays are the fields day_0 (Monday) to day_6."""

    all_optional = True  # an empty day means closed; marking seven fields as optional would only be noise

    version = forms.IntegerField(widget=forms.HiddenInput, required=False)
    name = forms.CharField(label=_("Name"), max_length=80)
    timezone = forms.ChoiceField(label=_("Time zone"), choices=zone_choices)
    follows_holidays = forms.BooleanField(
        label=_("Closed on Chinese public holidays, open on make-up working days"), required=False
    )
    is_default = forms.BooleanField(label=_("Use for everything that has no calendar of its own"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for weekday in range(7):
            self.fields[f"day_{weekday}"] = HoursField(label=weekday_name(weekday))

    @property
    def days(self) -> list[forms.BoundField]:
        """Return the seven weekday fields."""
        return [self[f"day_{weekday}"] for weekday in range(7)]

    def values(self) -> CalendarInput:
        """Return what the service takes."""
        data = self.cleaned_data
        return CalendarInput(
            name=data["name"],
            timezone=data["timezone"],
            weekly=[data[f"day_{weekday}"] for weekday in range(7)],
            holidays_country="CN" if data["follows_holidays"] else "",
            is_default=data["is_default"],
        )


class ExceptionForm(forms.Form):
    """One date that differs."""

    on = forms.DateField(label=_("Date"), widget=forms.DateInput(attrs={"type": "date"}))
    kind = forms.ChoiceField(label=_("What is different"), choices=ExceptionKind.choices)
    windows = HoursField(label=_("Hours"), help_text=_("Only for other hours, like 10:00–16:00."))
    follows_weekday = forms.TypedChoiceField(
        label=_("Works like"), choices=weekday_choices, coerce=int, empty_value=None, required=False
    )
    label = forms.CharField(label=_("Reason"), max_length=80, required=False)

    def values(self) -> dict[str, Any]:
        """Return what the service takes."""
        data = dict(self.cleaned_data)
        if data["kind"] != ExceptionKind.MAKEUP:
            data["follows_weekday"] = None
        return data


class HolidayForm(forms.Form):
    """What one date is for the whole country, as the company sees it."""

    on = forms.DateField(label=_("Date"), widget=forms.DateInput(attrs={"type": "date"}))
    kind = forms.ChoiceField(label=_("What it is"), choices=HolidayKind.choices)
    name_zh = forms.CharField(label=_("Chinese name"), max_length=80, required=False)
    name_en = forms.CharField(label=_("English name"), max_length=80, required=False)
    follows_weekday = forms.TypedChoiceField(
        label=_("Works like"), choices=weekday_choices, coerce=int, empty_value=None, required=False,
        help_text=_("Only for a make-up working day."),
    )  # fmt: skip


class TrialForm(forms.Form):
    """A deadline to try: so many business hours from a moment, in the calendar's own zone."""

    start = forms.DateTimeField(
        label=_("Clock starts"),
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S"],
    )
    hours = forms.DecimalField(label=_("Hours allowed"), min_value=0, max_value=2000, decimal_places=2)

    def clean_start(self) -> datetime:
        """Refuse years in which no calendar can be reckoned."""
        start: datetime = self.cleaned_data["start"]
        if not 2000 <= start.year < 2100:
            raise forms.ValidationError(_("Choose a date between 2000 and 2099."))
        return start

    @property
    def target(self) -> timedelta:
        """Return the length asked for."""
        return timedelta(seconds=int(self.cleaned_data["hours"] * 3600))


def problems_of(form: forms.Form, fields: dict[str, list[Any]]) -> None:
    """Put a service's refusal beside the fields it is about."""
    for name, sentences in fields.items():
        for sentence in sentences:
            form.add_error(name if name in form.fields else None, sentence or gettext("This is not right."))
