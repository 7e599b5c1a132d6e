"""What quality review adds to the product: rail, settings, commands, story, notices, who may see them."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from accounts.enums import Permission
from accounts.notice_words import NoticeWords, register_notice
from core import registry
from tickets import quality_events, quality_jobs, quality_reactions  # noqa: F401 - declared here
from tickets.quality_story import render_quality_events

registry.register_story("quality.", render_quality_events)
registry.register_nav(
    "quality", _("Quality"), "clipboard-check", "tickets:reviews", 38, Permission.QUALITY_REVIEW, "g q"
)
registry.register_nav("own_quality", _("My reviews"), "star", "tickets:own_reviews", 18, Permission.TICKET_REPLY, "g y")
registry.register_command(
    "quality", _("Quality reviews"), "clipboard-check", "tickets:reviews", Permission.QUALITY_REVIEW,
    keywords="review zhijian zj 质检",
)  # fmt: skip
registry.register_command(
    "quality_board", _("Quality in figures"), "chart-line", "tickets:quality_board", Permission.QUALITY_REVIEW,
    keywords="score zhijian 质检 评分",
)  # fmt: skip
registry.register_command(
    "own_quality", _("My reviews"), "star", "tickets:own_reviews", Permission.TICKET_REPLY, keywords="zhijian 质检 我的"
)
registry.register_settings_page(
    "quality", _("Quality review"), _("Rubrics, sampling plans, the pre-check of answers, appeals and coaching."),
    "clipboard-check", "tickets:settings_quality", 36, Permission.QUALITY_MANAGE,
)  # fmt: skip
registry.register_panel(
    "context", "ticket", "quality", _("Quality"), "tickets:ticket_quality", 60, Permission.QUALITY_REVIEW
)


def _assigned(params: dict[str, Any]) -> NoticeWords:
    count = int(params.get("count", 1))
    words = ngettext("%(count)s conversation to review", "%(count)s conversations to review", count)
    return NoticeWords("clipboard-check", words % {"count": count})


def _reviewed(params: dict[str, Any]) -> NoticeWords:
    words = gettext("Your conversation %(number)s was reviewed") % {"number": params.get("number", "")}
    return NoticeWords("star", words)


def _appealed(params: dict[str, Any]) -> NoticeWords:
    words = gettext("An appeal against the review of %(number)s") % {"number": params.get("number", "")}
    return NoticeWords("message-2", words, "warn")


def _decided(params: dict[str, Any]) -> NoticeWords:
    number = {"number": params.get("number", "")}
    if params.get("changed"):
        return NoticeWords("checks", gettext("Appeal decided, score changed: %(number)s") % number, "good")
    return NoticeWords("checks", gettext("Appeal decided, score kept: %(number)s") % number)


def _coaching(params: dict[str, Any]) -> NoticeWords:
    words = gettext("A low score to talk about: %(number)s") % {"number": params.get("number", "")}
    return NoticeWords("school", words, "warn")


register_notice("quality.assigned", _assigned)
register_notice("quality.reviewed", _reviewed)
register_notice("quality.appealed", _appealed)
register_notice("quality.decided", _decided)
register_notice("quality.coaching", _coaching)
