"""Keep public holidays current: the announcement for next year comes in autumn, with an update of the product."""

import logging
from datetime import datetime, timedelta

from django.utils import timezone

from core.actors import SYSTEM
from core.calendar.models import CalendarDefinition
from core.calendar.services import refresh_holidays
from core.jobs import periodic

logger = logging.getLogger(__name__)


@periodic("core.refresh_holidays", every=timedelta(days=1), fill=False)
def refresh_holidays_of_all_countries(*, period_start: datetime) -> None:
    """Refresh last, this and next year of every country a calendar follows."""
    del period_start  # what is published now counts, whichever day was missed
    now = timezone.now()
    countries = CalendarDefinition.objects.exclude(holidays_country="").values_list("holidays_country", flat=True)
    for country in sorted(set(countries)):
        years = range(now.year - 1, now.year + 2)
        result = refresh_holidays(years=years, country=country, actor=SYSTEM, at=now)
        if result.added or result.changed or result.removed:
            logger.info(
                "calendar.holidays_refreshed",
                extra={"country": country, "added": result.added, "changed": result.changed, "removed": result.removed},
            )
