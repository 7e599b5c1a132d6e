"""What tickets add to the product: mail templates, notices, live groups, erasure, health."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from django.utils.translation import gettext, gettext_noop, ngettext
from django.utils.translation import gettext_lazy as _

from accounts.enums import Permission
from accounts.models import Staff
from accounts.notice_words import NoticeWords, register_notice
from core import registry
from notifications.templates import register_template
from tickets.enums import ACTIVE_STATUSES
from tickets.models import Ticket
from tickets.permissions import tickets_visible_to
from tickets.selectors.files import bytes_used
from tickets.services.erasing import erase_ticket_texts
from tickets.services.outgoing import ACK_TEMPLATE, LINK_TEMPLATE, REPLY_TEMPLATE
from tickets.services.watching import KIND

register_template(
    ACK_TEMPLATE,
    label=_("Acknowledgement of a new request"),
    subject={
        "zh-hans": "我们已收到您的来信：{subject} [#{number}]",
        "en": "We have your message: {subject} [#{number}]",
    },
    body={
        "zh-hans": (
            "{customer_name}您好：\n\n您的来信我们已经收到，编号是 {number}。我们预计{expected}回复您。\n\n"
            "想补充情况或照片，直接回复这封邮件就可以，也可以打开下面的页面。\n\n[查看进度]({url})"
        ),
        "en": (
            "Hello {customer_name},\n\nwe have your message. Its number is {number}, "
            "and a colleague will answer {expected}.\n\n"
            "To add something or a photo, simply answer this mail, or open the page below.\n\n"
            "[See where it stands]({url})"
        ),
    },
)
register_template(
    REPLY_TEMPLATE,
    label=_("Answer to a customer"),
    subject={"zh-hans": "Re: {subject} [#{number}]", "en": "Re: {subject} [#{number}]"},
    body={
        "zh-hans": "{text}\n\n[查看全部往来]({url})",
        "en": "{text}\n\n[See the whole conversation]({url})",
    },
    is_automatic=False,
)

register_template(
    REPLY_TEMPLATE,
    channel="sms",
    label=_("Answer to a customer"),
    subject={"zh-hans": "客服回复", "en": "Our answer"},
    body={"zh-hans": "{text1}{text2}{text3}{text4}", "en": "{text1}{text2}{text3}{text4}"},
    is_automatic=False,
    sample={"text1": "您好，新的杯子", "text2": "已经寄出，", "text3": "预计后天", "text4": "送到。"},
)

register_template(
    LINK_TEMPLATE,
    channel="sms",
    label=_("Answer to a customer, as a link"),
    subject={"zh-hans": "客服回复", "en": "Our answer"},
    body={
        "zh-hans": "您的咨询 {number} 有新的回复，请点开查看：{url}",
        "en": "There is an answer to your request {number}. Read it here: {url}",
    },
    is_automatic=False,
)
register_template(
    ACK_TEMPLATE,
    channel="sms",
    label=_("Acknowledgement of a new request"),
    subject={"zh-hans": "已收到您的咨询", "en": "We have your message"},
    body={
        "zh-hans": "您的咨询我们已收到，编号 {number}，预计{expected}回复。查看进度：{url}",
        "en": "We have your message, number {number}, and will answer {expected}. See where it stands: {url}",
    },
)

registry.register_erasure("tickets", erase_ticket_texts)
registry.register_front_link(
    "contact",
    _("Contact us"),
    _("Tell us what happened. We write back, and you can add photos now or later."),
    "message-circle",
    "tickets:contact",
    10,
)


def _may_see_ticket(staff: Staff, ticket_id: int | None) -> bool:
    if ticket_id is None or not staff.may(Permission.TICKET_VIEW):
        return False
    return tickets_visible_to(staff).filter(pk=ticket_id).exists()


def _may_see_tickets(staff: Staff, _id: int | None) -> bool:
    return staff.may(Permission.TICKET_VIEW)


registry.register_panel(
    "customer", "customer", "tickets", _("Tickets"), "tickets:customer_tickets", 10, Permission.TICKET_VIEW
)
registry.register_live_group("ticket", _may_see_ticket)
registry.register_live_group("tickets", _may_see_tickets)


def _assigned(params: dict[str, Any]) -> NoticeWords:
    return NoticeWords("user-check", gettext("Ticket %(number)s is yours now") % {"number": params.get("number", "")})


def _mentioned(params: dict[str, Any]) -> NoticeWords:
    words = gettext("You are mentioned in ticket %(number)s") % {"number": params.get("number", "")}
    return NoticeWords("at", words, "note")


def _wrote(params: dict[str, Any]) -> NoticeWords:
    return NoticeWords(
        "message-2", gettext("The customer wrote in ticket %(number)s") % {"number": params.get("number", "")}
    )


_WATCHED = {
    "wrote": ("message-2", gettext_noop("The customer wrote in ticket %(number)s, which you watch")),
    "answered": ("send", gettext_noop("Ticket %(number)s, which you watch, was answered")),
    "noted": ("note", gettext_noop("There is a new note in ticket %(number)s, which you watch")),
    "resolved": ("circle-check", gettext_noop("Ticket %(number)s, which you watch, is resolved")),
    "reopened": ("arrow-back-up", gettext_noop("Ticket %(number)s, which you watch, is open again")),
}


def _watched(params: dict[str, Any]) -> NoticeWords:
    icon, words = _WATCHED.get(params.get("what", ""), _WATCHED["noted"])
    return NoticeWords(icon, gettext(words) % {"number": params.get("number", "")})


def _undelivered(params: dict[str, Any]) -> NoticeWords:
    words = gettext("An answer in ticket %(number)s did not reach the customer") % {"number": params.get("number", "")}
    return NoticeWords("mail-off", words, "bad")


def _answer_stopped(params: dict[str, Any]) -> NoticeWords:
    words = gettext("Your answer in ticket %(number)s was held back; look at it") % {"number": params.get("number", "")}
    return NoticeWords("player-pause", words, "warn")


register_notice("ticket.answer_stopped", _answer_stopped)


def _joined(params: dict[str, Any]) -> NoticeWords:
    words = gettext("Ticket %(other)s was joined into %(number)s: answer it there, once")
    return NoticeWords("arrow-merge", words % {key: params.get(key, "") for key in ("number", "other")})


def _apart(params: dict[str, Any]) -> NoticeWords:
    words = gettext("Tickets %(other)s and %(number)s stand by themselves again")
    return NoticeWords("arrow-back-up", words % {key: params.get(key, "") for key in ("number", "other")})


def _doubled(params: dict[str, Any]) -> NoticeWords:
    words = gettext("Tickets %(number)s and %(other)s ask the same: agree who answers")
    return NoticeWords("copy", words % {key: params.get(key, "") for key in ("number", "other")}, "warn")


register_notice("ticket.merged", _joined)
register_notice("ticket.unmerged", _apart)
register_notice("ticket.duplicate", _doubled)
register_notice("ticket.assigned", _assigned)
register_notice("ticket.mentioned", _mentioned)
register_notice(KIND, _watched)
register_notice("ticket.customer_wrote", _wrote)
register_notice("ticket.undelivered", _undelivered)


def _health() -> list[dict[str, Any]]:
    """Say what waits too long and how full the store is."""
    now = timezone.now()
    late = Ticket.objects.filter(
        status__in=ACTIVE_STATUSES, is_spam=False, first_response_at__isnull=True, first_response_due_at__lt=now
    ).count()
    used = bytes_used()
    from django.conf import settings

    share = round(100 * used / settings.ATTACHMENT_QUOTA_BYTES) if settings.ATTACHMENT_QUOTA_BYTES else 100
    return [
        {
            "label": gettext("Tickets past their first answer"),
            "value": ngettext("%(count)s ticket", "%(count)s tickets", late) % {"count": late},
            "state": "warn" if late else "ok",
            "hint": gettext("The agents' view of overdue tickets shows them."),
        },
        {
            "label": gettext("Room for files used"),
            "value": f"{share} %",
            "state": "bad" if share >= 95 else "warn" if share >= 80 else "ok",
            "hint": gettext("Raise ATTACHMENT_QUOTA_BYTES or give the store more room before it is full."),
        },
    ]


registry.register_health("tickets", _health)

from tickets import (  # noqa: E402 - the desk's own entries
    archive_registrations,  # noqa: F401
    calls_registrations,  # noqa: F401
    desk_registrations,  # noqa: F401
    incident_registrations,  # noqa: F401
    migration_registrations,  # noqa: F401
    own_tickets,  # noqa: F401
    people_registrations,  # noqa: F401
    routing_registrations,  # noqa: F401
    story_registrations,  # noqa: F401
    tracking_registrations,  # noqa: F401
    transcript_registrations,  # noqa: F401
    webhook_payloads,  # noqa: F401
    work_registrations,  # noqa: F401
)
