"""What promises add to the product: their settings page, due work, live group and lines in a story."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.enums import Permission
from accounts.models import Staff
from accounts.permissions import has
from core import registry
from core.models import Event
from core.registry import StoryLine
from core.ui.times import date_words, local
from orders import promise_events, promise_jobs  # noqa: F401 - declared there

registry.register_settings_page(
    "promises", _("Promised delivery"),
    _("When an order is promised to arrive: rules by shop, region, carrier and product."),
    "calendar-event", "orders:promises", 7, Permission.SETTINGS_MANAGE,
    group="words",
)  # fmt: skip
registry.register_settings_page(
    "plans", _("Contingency plans"),
    _("More days for remote areas, holidays and weather, told ahead, with a compensation proposed."),
    "alert-triangle", "orders:plans", 8, Permission.SETTINGS_MANAGE,
    group="words",
)  # fmt: skip
registry.register_command(
    "promises", _("Promised delivery"), "calendar-event", "orders:promises", Permission.SETTINGS_MANAGE,
    keywords="chengnuo shixiao songda eta cn",
)  # fmt: skip

WHY = {
    "told": lambda: gettext("The shop promises another day: %(day)s"),
    "rules": lambda: gettext("Promised for another day by changed rules: %(day)s"),
    "plan": lambda: gettext("The promise is extended by a plan to %(day)s"),
    "plan_told": lambda: gettext("The customer is told of the new day: %(day)s"),
    "plan_off": lambda: gettext("The plan is called off, promised for %(day)s again"),
}


def may_hear_promises(staff: Staff, pk: int | None) -> bool:
    """Say whether one may listen to runs of promises."""
    return pk is None and has(staff, Permission.SETTINGS_MANAGE)


def _render(events: list[Event], viewer: Any) -> dict[int, StoryLine]:
    """Return a line for each change and passing of a promise; no query."""
    return {event.pk: _line(event) for event in events}


def _line(event: Event) -> StoryLine:
    at = local(datetime.fromisoformat(event.data["promised_at"]))
    day = date_words(at, this_year=at.year)
    if event.kind == "order.promise_passed":
        text = gettext("The promised day has passed: %(day)s") % {"day": day}
        return StoryLine(event.pk, "clock", "bad", format_html("{}", text))
    words = WHY.get(event.data.get("why", ""), WHY["told"])
    return StoryLine(event.pk, "calendar-event", "info", format_html("{}", words() % {"day": day}))


registry.register_live_group("promises", may_hear_promises)
registry.register_story("order.promise_", _render)
