"""The pre-check: few false alarms on labelled answers, and what it keeps of a real one."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal

import pytest
from django.utils import timezone

from core.actors import Actor
from core.errors import StaleEdit
from tests.factories.accounts import make_staff
from tests.factories.desk import make_desk_order, make_person
from tests.factories.feedback import run_jobs
from tests.factories.tickets import make_reply, make_ticket
from tests.tickets.quality.sentences import BAD, GOOD, UNSEEN
from tickets.models import ScreenFinding
from tickets.screening import Answer, screen
from tickets.screening.default_words import DEFAULT_WORDS
from tickets.screening.words import find_words
from tickets.services.quality.screening import judge_finding, save_rule, screen_message


def _counts(cases: list) -> Counter[str]:
    counts: Counter[str] = Counter()
    for rules, text, about in cases:
        answer = Answer(text=text, words=DEFAULT_WORDS, money_limit=Decimal(200), **about)
        found = {str(one.rule) for one in screen(answer)}
        counts["right"] += len(found & rules)
        counts["alarms"] += len(found - rules)
        counts["missed"] += len(rules - found)
    return counts


def test_labelled_answers_known_to_the_author_of_the_rules() -> None:
    """Nothing that worked may get lost: these were looked at while the rules were written."""
    assert len(BAD) + len(GOOD) >= 200
    counts = _counts([*BAD, *GOOD])
    assert counts["right"] / (counts["right"] + counts["alarms"]) >= 0.97
    assert counts["right"] / (counts["right"] + counts["missed"]) >= 0.97


def test_labelled_answers_the_rules_were_never_fitted_to() -> None:
    """Written after the rules; the floors are what they reached at first sight, less a little."""
    assert len(UNSEEN) >= 60
    counts = _counts(UNSEEN)
    assert counts["right"] / (counts["right"] + counts["alarms"]) >= 0.9
    assert counts["right"] / (counts["right"] + counts["missed"]) >= 0.75


def test_exceptions_cover_words_in_longer_words() -> None:
    line = ["不知道 ! 知不知道 | 您*不知道"]
    assert list(find_words("您知不知道，您可能不知道", line)) == []
    assert list(find_words("我不知道", line)) == [(1, 4)]
    assert list(find_words("Hide the thing", ["hi"])) == []


@pytest.mark.django_db(transaction=True)
def test_an_answer_is_checked_after_commit_once() -> None:
    agent = make_staff()
    message = make_reply(make_ticket(), agent, text="不知道，爱买不买。")
    run_jobs("tickets.screen_answer")
    rules = sorted(ScreenFinding.objects.values_list("rule", flat=True))
    assert rules == ["dismissive", "dismissive", "greeting"]
    screen_message(message_id=message.pk, at=timezone.now())
    assert ScreenFinding.objects.count() == 3
    one = ScreenFinding.objects.filter(rule="dismissive").earliest("start")
    assert message.text[one.start : one.end] == "不知道"


@pytest.mark.django_db
def test_another_customers_order_is_noticed_and_ones_own_is_not() -> None:
    agent, mine, other = make_staff(), make_person("李雪"), make_person("王芳")
    own, foreign = make_desk_order(customer=mine), make_desk_order(customer=other)
    ticket = make_ticket(customer=mine)
    good = make_reply(ticket, agent, text=f"您好，订单 {own.number} 已经发出。")
    bad = make_reply(ticket, agent, text=f"您好，订单 {foreign.number} 已经发出。")
    for message in (good, bad):
        screen_message(message_id=message.pk, at=timezone.now())
    assert list(ScreenFinding.objects.values_list("rule", "message_id")) == [("wrong_order", bad.pk)]


@pytest.mark.django_db
def test_who_may_decide_on_money_promises_it() -> None:
    junior, senior = make_staff(), make_staff(roles=["agent_senior"])
    for staff, count in ((senior, 0), (junior, 1)):
        message = make_reply(make_ticket(), staff, text="您好，我给您退款 500 元。")
        screen_message(message_id=message.pk, at=timezone.now())
        assert ScreenFinding.objects.filter(message=message).count() == count


@pytest.mark.django_db
def test_rules_are_switched_and_their_words_changed() -> None:
    boss, agent, now = make_staff(roles=["supervisor"]), make_staff(), timezone.now()
    actor = Actor.staff(boss)
    message = make_reply(make_ticket(), agent, text="您好，懂的都懂。不知道。")
    words = {"zh": "懂的都懂", "en": ""}
    save_rule(code="dismissive", is_on=True, words=words, limit=None, actor=actor, at=now, version=0)
    screen_message(message_id=message.pk, at=now)
    assert [one.rule for one in ScreenFinding.objects.all()] == ["dismissive"]
    with pytest.raises(StaleEdit):
        save_rule(code="dismissive", is_on=False, words=None, limit=None, actor=actor, at=now, version=0)
    save_rule(code="dismissive", is_on=False, words=None, limit=None, actor=actor, at=now, version=1)
    other = make_reply(make_ticket(), agent, text="您好，懂的都懂。")
    assert screen_message(message_id=other.pk, at=now) == 0
    row = ScreenFinding.objects.get()
    judge_finding(finding_id=row.pk, verdict="wrong", actor=actor, at=now)
    judge_finding(finding_id=row.pk, verdict="", actor=actor, at=now)
    assert ScreenFinding.objects.get().judged_at is None
