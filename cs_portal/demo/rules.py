"""The demo's automation rules: one at work, three examples to try and switch on."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from core.actors import Actor
from core.models import Event
from cs_portal.demo.people import Cast
from tickets.models import CannedReply
from tickets.rule_enums import Do, Op, Tell, Trigger, What
from tickets.services.rules.definitions import Action, Condition, Definition
from tickets.services.rules.editing import RuleTerms, save_rule, switch_rule
from tickets.services.rules.engine import ask_rules

SPOKEN_OF = 22


def tell_rules(cast: Cast, now: datetime) -> None:
    """Save the rules and let the one that is on meet the newest tickets."""
    boss = Actor.staff(cast.staff["supervisor@demo.example"])
    began = now - timedelta(days=20)
    for one in _terms():
        terms = replace(one, team_ids=(cast.team.pk,))  # a supervisor makes rules for her teams
        rule = save_rule(pk=None, terms=terms, actor=boss, at=began)
        if terms.trigger == Trigger.OPENED and rule.position <= 10:
            switch_rule(pk=rule.pk, on=True, actor=boss, at=began)
    for event in reversed(Event.objects.filter(kind="ticket.opened").order_by("-id")[:SPOKEN_OF]):
        ask_rules(event=event, at=min(event.at + timedelta(seconds=2), now))


def _terms() -> list[RuleTerms]:
    shortcuts = {row.shortcut: row.pk for row in CannedReply.objects.filter(owner__isnull=True, language="zh-hans")}
    nobody = Condition(What.ASSIGNEE, Op.IS, (0,))
    return [
        RuleTerms(
            "收到破损，优先处理",
            Trigger.OPENED,
            Definition(
                all_of=(Condition(What.WORDS, Op.CONTAINS, ("碎", "裂", "破损", "渗", "broken")),),
                actions=(
                    Action(Do.PRIORITY, {"priority": 30}),
                    Action(Do.ADD_TAGS, {"tags": ["破损"]}),
                    Action(Do.NOTIFY, {"to": Tell.SUPERVISORS.value}),
                ),
            ),
        ),
        RuleTerms(
            "没人接的工单，两小时后通知主管",
            Trigger.UNTOUCHED,
            Definition(all_of=(nobody,), actions=(Action(Do.NOTIFY, {"to": Tell.SUPERVISORS.value}),)),
            after_minutes=120,
            is_business_time=True,
        ),
        RuleTerms(
            "客户三天没有回音，问一句",
            Trigger.WAITING,
            Definition(actions=(Action(Do.ANSWER, {"id": shortcuts["jj"]}),)),
            after_minutes=3 * 24 * 60,
        ),
        RuleTerms(
            "下班时间的重要客户，标记后第二天先看",
            Trigger.OPENED,
            Definition(
                all_of=(Condition(What.HOURS, Op.OUTSIDE), Condition(What.TIER, Op.IS, ("gold", "vip"))),
                actions=(
                    Action(Do.ADD_TAGS, {"tags": ["夜间重要"]}),
                    Action(Do.NOTE, {"text": "下班后来信的重要客户，上班后请先回复。"}),
                    Action(Do.STOP),
                ),
            ),
        ),
    ]
