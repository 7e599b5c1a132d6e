"""What accounts at carriers' providers add to the product: board, palette, story lines, notices, health, figures."""

from __future__ import annotations

from typing import Any

from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.enums import Permission
from accounts.models import Staff
from accounts.notice_words import NoticeWords, register_notice
from core import registry
from core.models import Event
from core.registry import StoryLine
from orders import carrying_events, carrying_jobs  # noqa: F401 - declared here
from orders.carrying_health import carrier_figures, carrier_health
from orders.models import Carrier

registry.register_settings_page(
    "carrier_board", _("Tracking of parcels"),
    _("How fresh what you know of parcels is, by carrier, and the accounts at tracking providers."), "activity",
    "orders:carrier_board", 7, Permission.SETTINGS_MANAGE,
    group="words",
)  # fmt: skip
registry.register_command(
    "carrier_board", _("Tracking of parcels"), "activity", "orders:carrier_board", Permission.SETTINGS_MANAGE,
    keywords="kuaidi100 aftership wuliu genzong wlgz tracking freshness",
)  # fmt: skip
registry.register_health("carriers", carrier_health)
registry.register_figures("carriers", carrier_figures)


def _may_hear_board(staff: Staff, _id: int | None) -> bool:
    return staff.may(Permission.SETTINGS_MANAGE)


registry.register_live_group("carriers", _may_hear_board)


def _render(events: list[Event], viewer: Any) -> dict[int, StoryLine]:
    ids = {event.data.get("carrier_id", 0) for event in events}
    names = {carrier.pk: carrier.display_name for carrier in Carrier.objects.filter(pk__in=ids)}
    text = gettext("The parcel turned out to be with %(carrier)s")
    return {
        event.pk: StoryLine(
            event.pk, "truck", "", format_html("{}", text % {"carrier": names.get(event.data.get("carrier_id", 0), "")})
        )
        for event in events
    }


registry.register_story("parcel.carrier_corrected", _render)
register_notice(
    "carrier.halted",
    lambda params: NoticeWords("plug-connected-x", gettext("A tracking provider refuses your account"), "bad"),
)
register_notice(
    "carrier.paused",
    lambda params: NoticeWords("alert-triangle", gettext("A tracking provider does not answer"), "warn"),
)
