"""What promises, department tasks and standards add to the product: rail, panels, settings, stories, notices, mail."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from accounts.enums import Permission
from accounts.models import Staff
from accounts.notice_words import NoticeWords, register_notice
from core import registry
from notifications.templates import register_template
from orders.permissions import register_area
from tickets import rule_registrations, work_events, work_jobs  # noqa: F401 - declared here
from tickets.permissions import tickets_visible_to
from tickets.services.digest import TEMPLATE
from tickets.task_story import render_defect_events, render_joint_events, render_promise_events, render_task_events
from tickets.work_permissions import may_hear_promise, may_hear_task

register_template(
    TEMPLATE,
    label=_("Weekly digest of a department"),
    subject={"zh-hans": "部门周报：{week}", "en": "Your department's week: {week}"},
    body={
        "zh-hans": "{name}，您好：\n\n这是贵部门 {week} 的情况。\n\n{text}\n\n[打开协办任务]({url})\n\n"
        "不想再收到周报，可以在[这里关闭]({stop_url})。",
        "en": "Hello {name},\n\nthis was your department's week, {week}.\n\n{text}\n\n[Open the tasks]({url})\n\n"
        "If you no longer want this mail, [turn it off here]({stop_url}).",
    },
)

registry.register_nav("tasks", _("Tasks"), "clipboard-list", "tickets:tasks", 14, Permission.TASK_WORK, "g t")
registry.register_nav("promises", _("Promises"), "rubber-stamp", "tickets:promises", 16, Permission.TICKET_REPLY, "g m")
registry.register_command(
    "tasks", _("Department tasks"), "clipboard-list", "tickets:tasks", Permission.TASK_WORK,
    keywords="department xieban xbrw bumen",
)  # fmt: skip
registry.register_command(
    "promises", _("Promises to customers"), "rubber-stamp", "tickets:promises", Permission.TICKET_REPLY,
    keywords="commitment chengnuo cn",
)  # fmt: skip
registry.register_panel(
    "context", "ticket", "promises", _("Promises"), "tickets:ticket_promises", 40, Permission.TICKET_VIEW
)
registry.register_panel("context", "ticket", "tasks", _("Tasks"), "tickets:ticket_tasks", 42, Permission.TICKET_VIEW)
registry.register_panel(
    "context", "ticket", "steps", pgettext_lazy("service standard", "Steps"), "tickets:ticket_steps", 44,
    Permission.TICKET_VIEW,
)  # fmt: skip
registry.register_settings_page(
    "standards", _("Service standards"), _("Steps, time limits and standard solutions of each kind of request."),
    "list-check", "tickets:settings_standards", 34, Permission.SETTINGS_MANAGE,
    group="rules",
)  # fmt: skip
registry.register_settings_page(
    "departments", _("Departments"), _("Who takes tasks from others, how fast, and who hears when one is late."),
    "users-group", "tickets:settings_departments", 12, Permission.SETTINGS_MANAGE,
    group="people",
)  # fmt: skip
registry.register_story("task.", render_task_events)
registry.register_story("promise.", render_promise_events)
registry.register_story("defect.", render_defect_events)
registry.register_story("joint_response.", render_joint_events)
registry.register_live_group("tasks", may_hear_task)
registry.register_live_group("task", may_hear_task)
registry.register_live_group("promises", may_hear_promise)


def _orders_of_area(staff: Staff) -> QuerySet[Any]:
    return tickets_visible_to(staff).filter(order__isnull=False).values("order_id")


register_area(_orders_of_area)

_NOTICES = {
    "task.asked": ("clipboard-list", "neutral", lambda: gettext("A task for you: ticket %(number)s")),
    "task.answered": ("checks", "good", lambda: gettext("A department answered: ticket %(number)s")),
    "task.declined": ("arrow-back-up", "warn", lambda: gettext("A department sent a task back: ticket %(number)s")),
    "task.withdrawn": ("x", "neutral", lambda: gettext("A task was withdrawn: ticket %(number)s")),
    "task.overdue": ("flame", "bad", lambda: gettext("A task is overdue: ticket %(number)s")),
    "task.escalated": ("arrow-up", "bad", lambda: gettext("An overdue task needs you: ticket %(number)s")),
    "promise.yours": ("rubber-stamp", "neutral", lambda: gettext("A promise is yours to keep: ticket %(number)s")),
    "promise.due_soon": ("calendar-due", "warn", lambda: gettext("A promise is due soon: ticket %(number)s")),
    "promise.broken": ("flame", "bad", lambda: gettext("A promise was not kept in time: ticket %(number)s")),
}


def _wording(kind: str) -> Any:
    icon, tone, words = _NOTICES[kind]
    return lambda params: NoticeWords(icon, words() % {"number": params.get("number", "")}, tone)


for _kind in _NOTICES:
    register_notice(_kind, _wording(_kind))

from tickets import quality_registrations  # noqa: E402, F401 - the entries of quality review
