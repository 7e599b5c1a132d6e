"""Automation rules at work: what sets them off, what they ask, what they do, in which order, how often."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from accounts.models import Notification
from core.actors import SYSTEM, Actor
from core.events import caused_by
from core.models import Event, Job
from notifications.models import Delivery
from notifications.services.sending import fail_delivery
from tests.factories.accounts import make_staff, make_team
from tests.factories.calendars import make_calendar
from tests.factories.customers import make_customer
from tests.factories.orders import make_order
from tests.factories.rules import make_rule, run_rules
from tests.factories.tickets import make_reply, make_ticket
from tickets import services
from tickets.models import CannedReply, Category, CustomField, Department, DepartmentTask, RuleRun, Ticket
from tickets.rule_enums import SPECS, Do, Op, Trigger, What
from tickets.services.fields import fill_fields
from tickets.services.merging import merge_tickets
from tickets.services.rules.definitions import Condition
from tickets.services.rules.editing import delete_rule, move_rule, switch_rule
from tickets.services.rules.engine import ask_rules
from tickets.services.rules.facts import LiveFacts, Moment
from tickets.services.rules.judging import contains, holds
from tickets.services.rules.wanted import forget, is_wanted

pytestmark = pytest.mark.django_db
ONE_RULE = 22  # statements of one rule that sets a priority, savepoints and clocks included
TAG = (Do.ADD_TAGS, {"tags": ["ruled"]})


def fresh(ticket):
    return Ticket.objects.get(pk=ticket.pk)


def states():
    return list(RuleRun.objects.order_by("pk").values_list("state", flat=True))


def test_no_job_is_written_while_no_rule_listens():
    make_rule(Trigger.STATUS)
    ticket = make_ticket()
    assert not Job.objects.filter(name="tickets.ask_rules").exists()
    services.change_status(ticket_id=ticket.pk, status="open", actor=SYSTEM, at=timezone.now())
    make_rule(Trigger.STATUS)
    services.change_status(ticket_id=ticket.pk, status="resolved", actor=SYSTEM, at=timezone.now())
    assert Job.objects.filter(name="tickets.ask_rules").count() == 2  # one per event, however many rules


def test_asking_costs_one_statement_in_a_transaction(django_assert_num_queries):
    make_ticket()
    events = list(Event.objects.filter(kind__in=["ticket.opened", "message.acknowledged"]))
    forget()
    with django_assert_num_queries(1):
        assert [is_wanted(event) for event in events * 3] == [False] * len(events) * 3


TRIGGERS = [
    Trigger.OPENED, Trigger.CUSTOMER_WROTE, Trigger.ANSWERED, Trigger.NOTED, Trigger.STATUS, Trigger.CATEGORY,
    Trigger.PRIORITY, Trigger.ASSIGNEE, Trigger.TEAM,
]  # fmt: skip


def test_each_trigger_is_set_off_by_its_own_event_alone():
    rules = {trigger: make_rule(trigger, do=[(Do.NOTIFY, {"to": "supervisors"})]) for trigger in TRIGGERS}
    make_staff(roles=["supervisor"])
    agent, other = make_staff(), make_team("Second line")
    category = Category.objects.create(key="odd", name_zh="其他", name_en="Odd")
    now = timezone.now()
    ticket = make_ticket(assignee_id=agent.pk)
    same = {"ticket_id": ticket.pk, "actor": Actor.staff(agent), "at": now}
    deeds = {
        Trigger.OPENED: lambda: None,
        Trigger.CUSTOMER_WROTE: lambda: services.add_customer_message(
            ticket_id=ticket.pk, text="还在吗", channel="form", actor=Actor.customer(ticket.customer_id), at=now
        ),
        Trigger.STATUS: lambda: services.change_status(status="open", **same),
        Trigger.ANSWERED: lambda: make_reply(ticket, agent),
        Trigger.NOTED: lambda: services.add_note(text="看过了", **same),
        Trigger.CATEGORY: lambda: services.categorise_ticket(category_id=category.pk, **same),
        Trigger.PRIORITY: lambda: services.set_priority(priority=30, **same),
        Trigger.TEAM: lambda: services.assign_ticket(assignee_id=agent.pk, team_id=other.pk, **same),
        Trigger.ASSIGNEE: lambda: services.assign_ticket(assignee_id=None, **same),
    }
    for trigger, deed in deeds.items():
        deed()
        run_rules()
        assert list(RuleRun.objects.values_list("rule_id", flat=True)) == [rules[trigger].pk], trigger
        RuleRun.objects.all().delete()


def test_clocks_and_failed_mails_set_rules_off():
    make_staff(roles=["supervisor"])
    late = make_rule(Trigger.CLOCK_BREACHED, do=[TAG])
    lost = make_rule(Trigger.MAIL_FAILED, do=[TAG])
    ticket = make_ticket(at=timezone.now() - timedelta(hours=3), contact_email="a@mail.example")
    make_reply(ticket, make_staff())
    run_rules()
    assert list(RuleRun.objects.values_list("rule_id", flat=True)) == [late.pk]
    delivery = Delivery.objects.get(template="tickets.reply")
    Delivery.objects.filter(pk=delivery.pk).update(state="sent", sent_at=timezone.now(), attempts=1)
    fail_delivery(delivery_id=delivery.pk, code="bounce.5.1.1", at=timezone.now())
    run_rules()
    assert list(RuleRun.objects.order_by("pk").values_list("rule_id", flat=True)) == [late.pk, lost.pk]


def test_conditions_each_hold_and_fail():
    shop_order = make_order()
    parent = Category.objects.create(key="post", name_zh="物流", name_en="Post")
    child = Category.objects.create(key="post-late", name_zh="延误", name_en="Late", parent=parent)
    team, agent = make_team(), make_staff()
    field = CustomField.objects.create(key="batch", label_zh="批号", label_en="Batch", kind="number")
    calendar = make_calendar()
    ticket = make_ticket(
        customer=make_customer(tier="gold"), order_id=shop_order.pk, shop_id=shop_order.shop_id, category_id=child.pk,
        team_id=team.pk, assignee_id=agent.pk, tags=["急"], text="坏了，要退款 Refunds please", subject="杯子有裂纹",
    )  # fmt: skip
    fill_fields(ticket_id=ticket.pk, values={field.pk: "12"}, actor=SYSTEM, at=timezone.now())
    own = f"field:{field.pk}"
    cases = {
        What.CHANNEL: [(Op.IS, ["form"], True), (Op.IS_NOT, ["form"], False)],
        What.CATEGORY: [(Op.IS, [parent.pk], True), (Op.IS_NOT, [child.pk], False), (Op.IS, [0], False)],
        What.PRIORITY: [(Op.AT_LEAST, [20], True), (Op.AT_MOST, [10], False), (Op.IS_NOT, [30], True)],
        What.STATUS: [(Op.IS, ["new"], True), (Op.IS_NOT, ["new", "open"], False)],
        What.SUBJECT: [(Op.CONTAINS, ["裂纹"], True), (Op.LACKS, ["裂纹"], False)],
        What.TEXT: [(Op.CONTAINS, ["refund"], True), (Op.CONTAINS, ["裂纹"], False), (Op.LACKS, ["fund"], True)],
        What.WORDS: [(Op.CONTAINS, ["裂纹", "no"], True), (Op.LACKS, ["退款"], False)],
        What.TAGS: [(Op.HAS_ANY, ["急", "x"], True), (Op.HAS_ALL, ["急", "x"], False), (Op.HAS_NONE, ["x"], True)],
        What.TEAM: [(Op.IS, [team.pk], True), (Op.IS_NOT, [team.pk], False)],
        What.ASSIGNEE: [(Op.IS, [0], False), (Op.IS_NOT, [0], True), (Op.IS, [agent.pk], True)],
        What.SHOP: [(Op.IS, [shop_order.shop_id], True), (Op.IS_NOT, [shop_order.shop_id], False)],
        What.TIER: [(Op.IS, ["gold", "vip"], True), (Op.IS_NOT, ["gold"], False)],
        What.LANGUAGE: [(Op.IS, ["zh-hans"], True), (Op.IS_NOT, ["zh-hans"], False)],
        What.ORDER: [(Op.PRESENT, [], True), (Op.ABSENT, [], False)],
        What.ORDER_STATUS: [(Op.IS, [shop_order.status], True), (Op.IS_NOT, [shop_order.status], False)],
        What.HOURS: [(Op.WITHIN, [calendar.pk], True), (Op.OUTSIDE, [calendar.pk], False)],
        What.REPEAT: [(Op.NO, [], True), (Op.YES, [], False)],
        own: [(Op.EQUALS, ["12.0"], True), (Op.AT_LEAST, ["13"], False), (Op.AT_MOST, ["12"], True)],
    }  # fmt: skip
    assert set(SPECS) <= set(cases)
    monday = datetime(2027, 11, 22, 3, 0, tzinfo=UTC)  # 11:00 in the calendar's zone, before its lunch
    while monday < ticket.opened_at:
        monday += timedelta(days=7)
    facts = LiveFacts(fresh(ticket), Moment(at=monday, event_id=1))
    for what, tries in cases.items():
        for op, value, wanted in tries:
            assert holds(Condition(what, op, tuple(value)), facts) is wanted, (what, op, value)


def test_words_are_found_whatever_their_width_and_case():
    assert contains("ＲＥＦＵＮＤＳ 请尽快", "refund")
    assert contains("我要退 款", "退 款")
    assert not contains("prefund", "fund")
    assert not contains("", "x")


def test_all_and_any_groups_decide_together():
    ticket_tag = [(What.CHANNEL, Op.IS, "form")]
    some = [(What.SUBJECT, Op.CONTAINS, "没有的词"), (What.PRIORITY, Op.AT_LEAST, 20)]
    make_rule(every=ticket_tag, some=some)
    make_rule(every=ticket_tag, some=some[:1])
    ticket = make_ticket()
    run_rules()
    (run,) = RuleRun.objects.all()
    assert (run.ticket_id, run.held, run.state) == (ticket.pk, [1], "done")


def test_a_repeat_contact_is_one():
    make_rule(every=[(What.REPEAT, Op.YES)])
    customer, now = make_customer(), timezone.now()
    make_ticket(customer=customer, at=now - timedelta(days=8))
    first = make_ticket(customer=customer, at=now - timedelta(days=6))
    second = make_ticket(customer=customer, at=now)
    run_rules()
    assert first.pk != second.pk
    assert "ruled" in fresh(second).tags
    assert RuleRun.objects.filter(ticket=second).count() == 1


def test_every_action_is_done_by_its_own_service():
    make_staff(roles=["supervisor"])
    agent, team = make_staff(), make_team("Second line")
    department = make_team("Warehouse")
    Department.objects.create(team=department)
    category = Category.objects.create(key="odd", name_zh="其他", name_en="Odd")
    reply = CannedReply.objects.create(
        title="收到", shortcut="sd-x", body="{customer_name}您好，{ticket_number} 已收到。"
    )
    make_rule(
        do=[
            (Do.PRIORITY, {"priority": 40}), (Do.CATEGORY, {"id": category.pk}), (Do.ADD_TAGS, {"tags": ["a", "b"]}),
            (Do.REMOVE_TAGS, {"tags": ["b"]}), (Do.TEAM, {"id": team.pk}), (Do.AGENT, {"id": agent.pk}),
            (Do.NOTE, {"text": "按规则处理"}), (Do.ANSWER, {"id": reply.pk}),
            (Do.NOTIFY, {"to": "staff", "id": agent.pk}),
            (Do.TASK, {"id": department.pk, "text": "请查 {ticket_number}", "hours": 4, "blocks": False}),
            (Do.STATUS, {"status": "waiting_customer"}), (Do.STOP,),
        ]
    )  # fmt: skip
    make_rule(name="Never asked")
    ticket = make_ticket(customer=make_customer(name="张伟"), contact_email="z@mail.example")
    run_rules()
    (run,) = RuleRun.objects.all()
    assert [(step["do"], step["state"]) for step in run.steps] == [(step["do"], "done") for step in run.steps], (
        run.steps
    )
    now = fresh(ticket)
    assert (now.priority, now.category_id, now.tags, now.team_id, now.assignee_id, now.status) == (
        40, category.pk, ["a"], team.pk, agent.pk, "waiting_customer",
    )  # fmt: skip
    assert (now.first_response_at, now.customer_turn_at) == (None, ticket.opened_at)
    sent = now.messages.get(kind="public", author_type="bot")
    assert sent.text == f"张伟您好，{ticket.number} 已收到。"
    event = Event.objects.get(kind="message.sent")
    assert (event.actor_type, event.actor_id, event.data["is_first"], event.depth) == ("rule", run.rule_id, False, 1)
    assert Delivery.objects.get(template="tickets.rule_answer").headers["Auto-Submitted"] == "auto-generated"
    assert now.messages.filter(kind="note", text="按规则处理").exists()
    assert Notification.objects.filter(staff=agent, kind="ticket.rule_told").count() == 1
    assert DepartmentTask.objects.get(ticket=ticket).asked == f"请查 {ticket.number}"
    acted = Event.objects.get(kind="rule.acted")
    assert (acted.ticket_id, acted.data["failed"], acted.data["number"]) == (ticket.pk, [], 1)


def test_what_fails_is_said_in_words_and_stops_nothing_else():
    agent, team = make_staff(), make_team("Gone soon")
    field = CustomField.objects.create(key="batch", label_zh="批号", label_en="Batch", is_required=True)
    reply = CannedReply.objects.create(title="查单", shortcut="cd-x", body="单号 {tracking_number}")
    make_rule(
        do=[
            (Do.TEAM, {"id": team.pk}), (Do.AGENT, {"id": agent.pk}), (Do.STATUS, {"status": "closed"}),
            (Do.STATUS, {"status": "resolved"}), (Do.ANSWER, {"id": reply.pk}), (Do.NOTIFY, {"to": "assignee"}),
        ],
    )  # fmt: skip
    make_rule(name="Next")
    team.archived_at = timezone.now()
    team.save()
    agent.is_active = False
    agent.save()
    ticket = make_ticket()
    run_rules()
    first, second = RuleRun.objects.order_by("pk")
    assert [step["state"] for step in first.steps] == ["failed"] * 6
    codes = [step["code"] for step in first.steps]
    assert codes == [
        "invalid",
        "invalid",
        "transition_not_allowed",
        "fields_missing",
        "answer_incomplete",
        "nobody_to_tell",
    ]
    assert "团队" in first.steps[0]["zh"] or first.steps[0]["zh"]
    assert (first.state, second.state, fresh(ticket).tags, field.pk > 0) == ("failed", "done", ["ruled"], True)
    assert fresh(ticket).team_id != team.pk


def test_a_joined_ticket_is_left_alone_with_a_word():
    make_rule(do=[(Do.NOTE, {"text": "x"}), TAG])
    customer = make_customer()
    target, source = make_ticket(customer=customer), make_ticket(customer=customer)
    merge_tickets(target_id=target.pk, source_id=source.pk, actor=SYSTEM, at=timezone.now())
    run_rules()
    run = RuleRun.objects.get(ticket=source)
    assert [step["code"] for step in run.steps] == ["ticket_merged"] * 2
    assert RuleRun.objects.get(ticket=target).state == "done"


def test_rules_are_asked_in_their_order_and_see_what_the_one_before_did():
    make_rule(name="second", every=[(What.PRIORITY, Op.IS, 40)])
    first = make_rule(name="first", do=[(Do.PRIORITY, {"priority": 40})])
    move_rule(pk=first.pk, up=True, actor=SYSTEM)
    ticket = make_ticket()
    run_rules()
    assert [run.rule.name for run in RuleRun.objects.order_by("pk")] == ["first", "second"]
    assert fresh(ticket).tags == ["ruled"]


def test_two_rules_that_undo_each_other_end():
    one = make_rule(Trigger.PRIORITY, every=[(What.PRIORITY, Op.IS, 30)], do=[(Do.PRIORITY, {"priority": 10})])
    two = make_rule(Trigger.PRIORITY, every=[(What.PRIORITY, Op.IS, 10)], do=[(Do.PRIORITY, {"priority": 30})])
    ticket = make_ticket()
    services.set_priority(ticket_id=ticket.pk, priority=30, actor=SYSTEM, at=timezone.now())
    run_rules()
    runs = list(RuleRun.objects.order_by("pk").values_list("rule_id", "state", "reason"))
    refused = (one.pk, "refused", "loop")
    assert runs == [(one.pk, "done", ""), (two.pk, "done", ""), refused, refused]
    assert fresh(ticket).priority == 30
    services.set_priority(ticket_id=ticket.pk, priority=10, actor=SYSTEM, at=timezone.now())  # a new chain
    run_rules()
    assert states()[4:] == ["done", "done", "refused", "refused"]


def test_a_chain_of_causes_that_grows_too_long_is_cut_and_leaves_nothing():
    make_rule(do=[(Do.PRIORITY, {"priority": 40})])
    ticket = make_ticket()
    event = Event.objects.get(kind="ticket.opened", ticket_id=ticket.pk)
    with caused_by(event.pk, 8, event.pk):
        (run,) = ask_rules(event=event, at=timezone.now())
    assert (run.state, run.steps, fresh(ticket).priority) == ("refused", [], 20)


def test_rules_that_do_not_fit_cost_no_statement(django_assert_num_queries):
    make_rule(every=[(What.CHANNEL, Op.IS, "form")], do=[(Do.PRIORITY, {"priority": 40})])
    for number in (0, 5):
        for _n in range(number):
            make_rule(every=[(What.PRIORITY, Op.IS, 10), (What.TEXT, Op.CONTAINS, "x")])
        ticket = make_ticket()
        event = Event.objects.get(kind="ticket.opened", ticket_id=ticket.pk)
        with django_assert_num_queries(ONE_RULE):
            assert len(ask_rules(event=event, at=timezone.now())) == 1


def test_machines_that_answer_each_other_end():
    reply = CannedReply.objects.create(title="收到", shortcut="sd-x", body="已收到。")
    make_rule(Trigger.CUSTOMER_WROTE, do=[(Do.ANSWER, {"id": reply.pk})])
    ticket = make_ticket()
    for _n in range(5):
        services.add_customer_message(
            ticket_id=ticket.pk, text="自动回复", channel="email", actor=Actor.customer(ticket.customer_id),
            at=timezone.now(),
        )  # fmt: skip
        run_rules()
    assert states() == ["done"] * 3 + ["failed"] * 2
    make_reply(ticket, make_staff())
    services.add_customer_message(
        ticket_id=ticket.pk, text="谢谢", channel="email", actor=Actor.customer(ticket.customer_id), at=timezone.now()
    )
    run_rules()
    assert states()[-1] == "done"


def test_a_rule_that_is_off_or_deleted_does_nothing_and_keeps_its_log():
    rule = make_rule()
    make_ticket()
    run_rules()
    switch_rule(pk=rule.pk, on=False, actor=SYSTEM, at=timezone.now())
    make_ticket()
    delete_rule(pk=rule.pk, actor=SYSTEM, at=timezone.now())
    make_ticket()
    run_rules()
    assert RuleRun.objects.count() == 1
    assert list(Event.objects.filter(subject_type="rule").order_by("id").values_list("kind", flat=True)) == [
        "rule.saved", "rule.switched_on", "rule.switched_off", "rule.deleted",
    ]  # fmt: skip
