"""Business calendars as edited by people; `selectors.load_calendar` turns one into a `BusinessCalendar`."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower, Now
from django.utils.translation import gettext_lazy as _

from core.calendar.enums import ExceptionKind, HolidayKind, HolidaySource

WEEKDAY_RANGE = (0, 6)  # Monday is 0, as in Python


class CalendarDefinition(models.Model):
    """Weekly opening hours in one time zone, with or without a country's holidays."""

    event_type = "calendar"

    name = models.CharField(_("name"), max_length=80)
    timezone = models.CharField(_("time zone"), max_length=64, default="Asia/Shanghai")
    # Seven lists, Monday first, of ["09:00", "18:00"] pairs; an end not after its start is past midnight.
    weekly = models.JSONField(_("weekly hours"), default=list)
    holidays_country = models.CharField(_("public holidays of"), max_length=2, blank=True, default="")
    is_default = models.BooleanField(_("default calendar"), default=False)
    # Rises with every change that can move a deadline: own fields, exceptions, holidays of its country.
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField()

    class Meta:
        db_table = "core_calendar"
        constraints = [
            models.UniqueConstraint(
                Lower("name"),
                name="core_calendar_name_unique",
                violation_error_message=_("There is already a calendar with this name."),
            ),
            models.UniqueConstraint(
                fields=["is_default"],
                condition=Q(is_default=True),
                name="core_calendar_one_default",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def event_streams(self) -> dict[str, int | None]:
        """Return no streams: a calendar belongs to no shop, customer, order or ticket."""
        return {}


class CalendarException(models.Model):
    """One date on which a calendar differs from its week and from public holidays."""

    calendar = models.ForeignKey(CalendarDefinition, on_delete=models.CASCADE, related_name="exceptions")
    on = models.DateField(_("date"))
    kind = models.CharField(_("kind"), max_length=8, choices=ExceptionKind)
    windows = models.JSONField(_("hours"), default=list, blank=True)
    follows_weekday = models.PositiveSmallIntegerField(_("works like"), null=True, blank=True)
    label = models.CharField(_("reason"), max_length=80, blank=True, default="")

    class Meta:
        db_table = "core_calendar_exception"
        constraints = [
            models.UniqueConstraint(
                fields=["calendar", "on"],
                name="core_calendar_exception_one_per_day",
                violation_error_message=_("This date already has an exception. Remove it first."),
            ),
            models.CheckConstraint(
                condition=Q(kind__in=ExceptionKind.values),
                name="core_calendar_exception_kind",
            ),
            models.CheckConstraint(
                condition=Q(kind="makeup", follows_weekday__isnull=False, follows_weekday__range=WEEKDAY_RANGE)
                | (~Q(kind="makeup") & Q(follows_weekday__isnull=True)),
                name="core_calendar_exception_follows",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.on} {self.get_kind_display()}"


class HolidayDay(models.Model):
    """One public holiday or make-up working day of a country, seeded and then editable."""

    event_type = "holiday_day"

    country = models.CharField(max_length=2, default="CN")
    on = models.DateField(_("date"))
    kind = models.CharField(_("kind"), max_length=8, choices=HolidayKind)
    name_zh = models.CharField(_("Chinese name"), max_length=80, blank=True, default="")
    name_en = models.CharField(_("English name"), max_length=80, blank=True, default="")
    # The weekday whose hours a make-up day takes: the weekday of the day off it makes up for.
    follows_weekday = models.PositiveSmallIntegerField(_("works like"), null=True, blank=True)
    source = models.CharField(_("source"), max_length=9, choices=HolidaySource)
    version = models.PositiveIntegerField(default=1)
    updated_at = models.DateTimeField()

    class Meta:
        db_table = "core_holiday_day"
        constraints = [
            models.UniqueConstraint(fields=["country", "on"], name="core_holiday_day_one_per_day"),
            models.CheckConstraint(condition=Q(kind__in=HolidayKind.values), name="core_holiday_day_kind"),
            models.CheckConstraint(
                condition=Q(source__in=HolidaySource.values),
                name="core_holiday_day_source",
            ),
            models.CheckConstraint(
                condition=Q(kind="workday", follows_weekday__isnull=False, follows_weekday__range=WEEKDAY_RANGE)
                | (~Q(kind="workday") & Q(follows_weekday__isnull=True)),
                name="core_holiday_day_follows",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.on} {self.name_zh or self.get_kind_display()}"

    def event_streams(self) -> dict[str, int | None]:
        """Return no streams: a holiday belongs to no shop, customer, order or ticket."""
        return {}
