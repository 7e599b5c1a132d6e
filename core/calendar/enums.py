"""Words of the business calendar. Values are stored: never change one."""

from django.db.models import TextChoices
from django.utils.translation import pgettext_lazy


class ExceptionKind(TextChoices):
    """What a company says about one date, above the weekly hours and above public holidays."""

    CLOSED = "closed", pgettext_lazy("calendar exception", "Closed all day")
    HOURS = "hours", pgettext_lazy("calendar exception", "Other hours")
    MAKEUP = "makeup", pgettext_lazy("calendar exception", "Works like another weekday")


class HolidayKind(TextChoices):
    """What a country says about one date. ORDINARY exists to take back what the source says."""

    HOLIDAY = "holiday", pgettext_lazy("holiday", "Public holiday")
    WORKDAY = "workday", pgettext_lazy("holiday", "Make-up working day")
    ORDINARY = "ordinary", pgettext_lazy("holiday", "Ordinary day")


class HolidaySource(TextChoices):
    """Where a holiday row comes from; a company's own row is never overwritten."""

    OFFICIAL = "official", pgettext_lazy("holiday", "Announced")
    ESTIMATED = "estimated", pgettext_lazy("holiday", "Estimated, not announced yet")
    COMPANY = "company", pgettext_lazy("holiday", "Changed by us")
