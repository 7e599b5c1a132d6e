"""The weekly mail to people of other departments: their tasks, and what customers ask of their area."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils import translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import Staff
from notifications.services import queue_message
from tickets.selectors.digest import SECTIONS, Week, wants_digest, week_of

DIGEST_JOB = "tickets.send_digest"
TEMPLATE = "tickets.weekly_digest"


@transaction.atomic
def send_digest(*, staff_id: int, monday: date, at: datetime) -> bool:
    """Mail somebody the week before this Monday; return whether there was anything to say and she wants it."""
    staff = Staff.objects.filter(pk=staff_id, is_active=True).first()
    if staff is None or not wants_digest(staff_id):
        return False
    end = datetime.combine(monday, time(), ZoneInfo(settings.BUSINESS_TIME_ZONE))
    begin = end - timedelta(days=7)
    with translation.override(staff.language):
        week = week_of(staff, begin, end)
        lines = digest_lines(staff, week, begin, end)
        if not lines:
            return False
        context = {
            "name": staff.display_name,
            "week": f"{date_format(begin.date(), 'MONTH_DAY_FORMAT')} – "
            f"{date_format(end.date() - timedelta(days=1), 'MONTH_DAY_FORMAT')}",
            "text": "\n\n".join(lines),
            "url": settings.PUBLIC_URL.rstrip("/") + reverse("tickets:tasks"),
            "stop_url": settings.PUBLIC_URL.rstrip("/") + reverse("tickets:digest"),
        }
        queue_message(
            key=f"{DIGEST_JOB}:{monday}:{staff_id}", template=TEMPLATE, language=staff.language, to=staff.email,
            context=context, at=at,
        )  # fmt: skip
    return True


def digest_lines(staff: Staff, week: Week, begin: datetime, end: datetime) -> list[str]:
    """Return what the mail says, in the active language; nothing for a week in which nothing happened."""
    lines: list[str] = []
    if week.asked or week.answered or week.running:
        lines.append(_tasks_line(week))
    if week.overdue:
        words = ngettext("%(n)d task is overdue.", "%(n)d tasks are overdue.", week.overdue)
        lines.append(words % {"n": week.overdue})
    if week.next_tasks:
        lines.append(_("Due next:") + "\n" + "\n".join(_task_words(task, staff) for task in week.next_tasks))
    if week.tickets:
        lines.append(_area_line(week))
        english = (translation.get_language() or "").startswith("en")
        names = (f"- {en}: {n}" if english else f"- {zh}：{n}" for zh, en, n in week.topics)
        lines.append(_("What customers wrote about most:") + "\n" + "\n".join(names))
    for section in SECTIONS:
        lines += section(staff, begin, end, staff.language)
    return lines


def _tasks_line(week: Week) -> str:
    values = {"asked": week.asked, "answered": week.answered, "on_time": week.on_time, "running": week.running}
    return _(
        "Tasks of your department: %(asked)s came in, %(answered)s were answered, %(on_time)s of them in time, "
        "%(running)s are open."
    ) % {key: str(value) for key, value in values.items()}


def _area_line(week: Week) -> str:
    return _("Customers of your area opened %(n)s tickets, %(complaints)s of them complaints.") % {
        "n": str(week.tickets), "complaints": str(week.complaints),
    }  # fmt: skip


def _task_words(task: object, staff: Staff) -> str:
    due_at = task.due_at.astimezone(ZoneInfo(staff.timezone))  # type: ignore[attr-defined]
    asked = " ".join(task.asked.split())[:60]  # type: ignore[attr-defined]
    day = date_format(due_at.date(), "MONTH_DAY_FORMAT")
    return f"- {day} {due_at:%H:%M} · #{task.ticket.number} · {asked}"  # type: ignore[attr-defined]
