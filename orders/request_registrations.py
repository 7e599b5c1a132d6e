"""What requests to shops add to the product: rail, palette, story lines, notices, reveals, erasure, due work."""

from __future__ import annotations

from typing import Any

from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.enums import Permission
from accounts.notice_words import NoticeWords, register_notice
from accounts.reveal import register_reveal
from accounts.selectors import staff_names
from core import registry
from core.models import Event
from core.registry import StoryLine
from orders import request_events, request_jobs, request_webhooks  # noqa: F401 - declared there
from orders.models import OrderRequest
from orders.request_enums import AnswerReason, RequestKind, RequestState
from orders.request_permissions import get_request_for, may_hear_requests
from orders.services.requests import erase_order_requests
from orders.services.requests.wording import told_in

registry.register_nav(
    "order_requests", _("Requests to shops"), "send", "orders:requests", 31, Permission.ORDER_ANSWER, "g r"
)
registry.register_command(
    "order_requests", _("Requests to shops"), "send", "orders:requests", Permission.ORDER_VIEW,
    keywords="dianpu qingqiu dpqq gaidizhi quxiao address cancel hold",
)  # fmt: skip
registry.register_panel(
    "order",
    "order",
    "products",
    _("Price and promotions, then and now"),
    "orders:order_products",
    5,
    Permission.ORDER_VIEW,
)
registry.register_live_group("order_requests", may_hear_requests)
registry.register_erasure("order_requests", erase_order_requests)

LOOKS = {
    "asked": ("send", "info"), "accepted": ("player-play", "info"), "done": ("circle-check", "good"),
    "refused": ("circle-x", "bad"), "withdrawn": ("arrow-back-up", ""),
}  # fmt: skip


def _render(events: list[Event], viewer: Any) -> dict[int, StoryLine]:
    """Return a line for each request asked and answered; one query for names."""
    names = staff_names({e.actor_id for e in events if e.actor_type == "staff" and e.actor_id}, viewer)
    return {event.pk: _line(event, names) for event in events}


def _line(event: Event, names: dict[int, str]) -> StoryLine:
    step = event.kind.removeprefix("order_request.")
    icon, tone = LOOKS[step]
    kind = RequestKind(event.data["kind"]).label
    who = names.get(event.actor_id or 0, "") if event.actor_type == "staff" else ""
    if step == "asked":
        text = gettext("Asked of the shop: %(kind)s") % {"kind": kind}
    else:
        text = gettext("%(kind)s: %(state)s") % {"kind": kind, "state": RequestState(step).label}
    if step == "refused" and event.data["why"]:
        text = gettext("%(text)s (%(why)s)") % {"text": text, "why": AnswerReason(event.data["why"]).label}
    return StoryLine(event.pk, icon, tone, format_html("{} {}", text, who) if who else format_html("{}", text))


registry.register_story("order_request.", _render)


def _answered(params: dict[str, Any]) -> NoticeWords:
    kind = RequestKind(params["kind"]).label
    if params["state"] == RequestState.DONE:
        return NoticeWords("circle-check", gettext("The shop did it: %(kind)s") % {"kind": kind}, "good")
    words = {"kind": kind, "why": AnswerReason(params["why"]).label}
    return NoticeWords("circle-x", gettext("Not done: %(kind)s. %(why)s") % words, "bad")


def _overdue(params: dict[str, Any]) -> NoticeWords:
    text = gettext("The shop has not answered in time: %(kind)s") % {"kind": RequestKind(params["kind"]).label}
    return NoticeWords("clock", text, "warn")


register_notice("order_request.answered", _answered)
register_notice("order_request.overdue", _overdue)


def _reveal(part: str) -> None:
    def read(request_id: int) -> str | None:
        found = OrderRequest.objects.filter(pk=request_id).only("told_enc").first()
        return getattr(told_in(found), part) or None if found else None

    register_reveal("order_request", {"whole": "address", "recipient": "name"}.get(part, part), read, get_request_for)


for part in ("whole", "phone", "recipient"):
    _reveal(part)
