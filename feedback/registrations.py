"""What feedback adds to the product: mails, navigation, settings pages, panel, stories, notices, erasure, health."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.enums import Permission
from accounts.notice_words import NoticeWords, register_notice
from core import registry
from core.stories import Part, keep_silent, tell
from feedback.permissions import may_hear_answers, may_hear_visit
from feedback.selectors.area import digest_section
from feedback.selectors.visits import count_due, count_overdue
from feedback.services.erasing import erase_feedback_texts
from feedback.services.inviting import INVITE_TEMPLATE, REMIND_TEMPLATE
from feedback.services.recovering import NOTICE
from feedback.story import render_survey_events, render_visit_events
from notifications.templates import register_template
from tickets.selectors.digest import register_digest_section

_FACES_ZH = (
    "[很不满意]({score_1_url})　[不满意]({score_2_url})　[一般]({score_3_url})　"
    "[满意]({score_4_url})　[很满意]({score_5_url})"
)
_FACES_EN = (
    "[Very unhappy]({score_1_url}) · [Unhappy]({score_2_url}) · [Okay]({score_3_url}) · "
    "[Happy]({score_4_url}) · [Very happy]({score_5_url})"
)
_END_ZH = "[打开问卷]({url})\n\n大约需要{length}，链接 {days} 天内有效，只能提交一次。"
_END_EN = "[Open the survey]({url})\n\nIt takes about {length}. The link works for {days} days and once only."

register_template(
    f"{INVITE_TEMPLATE}.ticket",
    label=_("Survey after a ticket"),
    subject={"zh-hans": "这次服务怎么样？[#{number}]", "en": "How did we do? [#{number}]"},
    body={
        "zh-hans": "{customer_name}您好：\n\n"
        "您反映的“{subject}”已经处理完了。您对这次服务满意吗？点一下就可以开始：\n\n"
        f"{_FACES_ZH}\n\n{_END_ZH}",
        "en": "Hello {customer_name},\n\nwe have dealt with “{subject}”. How satisfied are you? One tap begins:\n\n"
        f"{_FACES_EN}\n\n{_END_EN}",
    },
)
register_template(
    f"{INVITE_TEMPLATE}.order",
    label=_("Survey after an order"),
    subject={"zh-hans": "这次购物还满意吗？订单 {number}", "en": "How was your order {number}?"},
    body={
        "zh-hans": "{customer_name}您好：\n\n您的订单 {number} 已经完成。这次购物满意吗？点一下就可以开始：\n\n"
        f"{_FACES_ZH}\n\n{_END_ZH}",
        "en": "Hello {customer_name},\n\nyour order {number} is complete. How satisfied are you? One tap begins:\n\n"
        f"{_FACES_EN}\n\n{_END_EN}",
    },
)
for _kind, _of_zh, _of_en in (
    ("ticket", " [#{number}]", " [#{number}]"),
    ("order", "：订单 {number}", ": order {number}"),
):
    register_template(
        f"{REMIND_TEMPLATE}.{_kind}",
        label=_("Survey reminder"),
        subject={"zh-hans": f"还想听听您的意见{_of_zh}", "en": f"We would still like to hear from you{_of_en}"},
        body={
            "zh-hans": "{customer_name}您好：\n\n"
            "几天前我们请您评价一次服务，还没有收到您的回答。如果您方便，点一下就可以开始：\n\n"
            f"{_FACES_ZH}\n\n{_END_ZH}\n\n这是唯一一次提醒，之后不会再打扰您。",
            "en": "Hello {customer_name},\n\n"
            "a few days ago we asked how we did and have not heard from you yet. If you have a moment, "
            f"one tap begins:\n\n{_FACES_EN}\n\n{_END_EN}\n\nThis is the only reminder.",
        },
    )

registry.register_nav(
    "visits", _("Visits"), "user-heart", "feedback:visits", 30, Permission.VISIT_WORK, "g v", badge=count_due
)
registry.register_settings_page(
    "surveys", _("Surveys"), _("What customers are asked, when, and how often."), "forms", "feedback:surveys", 50,
    Permission.SURVEY_MANAGE,
    group="voice",
)  # fmt: skip
registry.register_settings_page(
    "follow_ups", _("Follow-up visits"), _("When customers are visited after an order, how, and with which words."),
    "phone-call", "feedback:plans", 51, Permission.VISIT_MANAGE,
    group="voice",
)  # fmt: skip
registry.register_command(
    "answers",
    _("Survey answers"),
    "mood-smile",
    "feedback:answers",
    Permission.SURVEY_VIEW,
    keywords="csat nps manyidu wjhf",
)
registry.register_command(
    "visits", _("Visits"), "user-heart", "feedback:visits", Permission.VISIT_WORK, keywords="follow-up huifang hf"
)
registry.register_panel(
    "context", "customer", "feedback", _("Answers"), "feedback:customer_panel", 60, Permission.CUSTOMER_VIEW
)
registry.register_panel(
    "work", "department", "answers", _("What customers say"), "feedback:area_answers", 10, Permission.AREA_VIEW
)
register_digest_section(digest_section)
tell(Part.FOLLOW_UP, "survey.", "visit.", permission=Permission.CUSTOMER_VIEW)
keep_silent("the line of the message that carries it says it", "survey.delivered")
registry.register_story("survey.", render_survey_events)
registry.register_story("visit.", render_visit_events)
registry.register_erasure("feedback", erase_feedback_texts)
registry.register_live_group("visits", may_hear_visit)
registry.register_live_group("visit", may_hear_visit)
registry.register_live_group("feedback", may_hear_answers)


def _dissatisfied(params: dict[str, Any]) -> NoticeWords:
    words = gettext("A dissatisfied customer needs you: ticket %(number)s") % {"number": params.get("number", "")}
    return NoticeWords("mood-sad", words, "bad")


register_notice(NOTICE, _dissatisfied)


def _health() -> list[dict[str, Any]]:
    late = count_overdue(at=timezone.now())
    return [
        {
            "label": gettext("Follow-up visits past their time"),
            "value": str(late),
            "state": "warn" if late else "ok",
            "hint": gettext("The visits page shows them under Overdue."),
        }
    ]


registry.register_health("feedback", _health)
