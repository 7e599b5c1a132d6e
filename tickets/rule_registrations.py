"""What automation rules add to the shell: their settings page, story, notice, mail template, live group."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.enums import Permission
from accounts.models import Staff
from accounts.notice_words import NoticeWords, register_notice
from core import registry
from notifications.templates import register_template
from tickets import rule_events, rule_jobs  # noqa: F401 - declared here
from tickets.rule_story import render_rule_events
from tickets.services.outgoing import RULE_TEMPLATE

register_template(
    RULE_TEMPLATE,
    label=_("Automatic answer of a rule"),
    subject={"zh-hans": "Re: {subject} [#{number}]", "en": "Re: {subject} [#{number}]"},
    body={
        "zh-hans": "{text}\n\n[查看全部往来]({url})",
        "en": "{text}\n\n[See the whole conversation]({url})",
    },
)
registry.register_settings_page(
    "rules", _("Automation rules"), _("When something happens, if it fits, then it is done: tried on the past first."),
    "robot", "tickets:settings_rules", 33, Permission.SETTINGS_MANAGE, group="rules",
)  # fmt: skip
registry.register_command(
    "rules", _("Automation rules"), "robot", "tickets:settings_rules", Permission.SETTINGS_MANAGE,
    keywords="automation trigger zidong guize zdgz 自动化 规则 触发",
)  # fmt: skip
registry.register_story("rule.", render_rule_events)


def _told(params: dict[str, Any]) -> NoticeWords:
    words = gettext("Look at ticket %(number)s: %(rule)s")
    return NoticeWords("robot", words % {"number": params.get("number", ""), "rule": params.get("rule", "")}, "warn")


register_notice("ticket.rule_told", _told)


def _may_watch(staff: Staff, _id: int | None) -> bool:
    return staff.may(Permission.SETTINGS_MANAGE)


registry.register_live_group("rules", _may_watch)
