"""What can be written about the company itself."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import available_timezones

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from core.errors import InvalidInput, StaleEdit
from core.models import Company

STEPS = ("company", "shop", "mailbox", "staff", "calendar", "done")


@transaction.atomic
def save_company(*, name: str, timezone: str, language: str, version: int | None, at: datetime) -> Company:
    """Name the company, or change it while it still has `version`. Raises InvalidInput, StaleEdit."""
    name = name.strip()
    if not name:
        raise InvalidInput(fields={"name": [_("Give the company a name.")]})
    if timezone not in available_timezones():
        raise InvalidInput(fields={"timezone": [_("This time zone is not known.")]})
    if language not in dict(settings.LANGUAGES):
        raise InvalidInput(fields={"language": [_("This language is not offered.")]})
    company = Company.objects.select_for_update().filter(pk=1).first()
    if company is None:
        return Company.objects.create(id=1, name=name, timezone=timezone, language=language, setup_step="shop")
    if version is not None and company.version != version:
        raise StaleEdit(changes=[{"field": "name", "yours": name, "theirs": company.name}])
    company.name, company.timezone, company.language = name, timezone, language
    company.version += 1
    company.save(update_fields=["name", "timezone", "language", "version"])
    return company


@transaction.atomic
def reach_step(*, step: str, at: datetime) -> Company:
    """Note how far the first-run wizard has come; it never goes back, and `done` opens the front door."""
    company = Company.objects.select_for_update().get(pk=1)
    if STEPS.index(step) > STEPS.index(company.setup_step):
        company.setup_step = step
        if step == "done":
            company.set_up_at = at
        company.save(update_fields=["setup_step", "set_up_at"])
    return company
