"""Rules that wait, rules under real concurrency, rules tried on the past."""

import random
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import transaction
from django.utils import timezone

from core.actors import SYSTEM, Actor
from core.calendar import due
from core.calendar.selectors import load_calendar
from core.errors import InvalidInput, StaleEdit
from core.jobs import drain
from core.jobs.queue import claim, run_job
from core.models import Event, Job
from tests.factories.accounts import make_staff, make_team
from tests.factories.calendars import make_calendar
from tests.factories.rules import make_rule, run_rules, terms
from tests.factories.tickets import make_reply, make_ticket
from tests.tickets.test_races import at_once
from tickets import services
from tickets.models import Category, Message, RuleRun, RuleTimer, RuleTrial, RuleTrialHit, RuleVersion, Ticket
from tickets.rule_enums import Do, Op, Trigger, What
from tickets.services.rules import engine
from tickets.services.rules.editing import save_rule, switch_rule
from tickets.services.rules.replaying import Replay
from tickets.services.rules.trying import cancel_trial, start_trial, try_part

pytestmark = pytest.mark.django_db
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
NOON = datetime(2026, 11, 18, 4, 0, tzinfo=UTC)  # a Wednesday, 12:00 in Shanghai
NOTE = [(Do.NOTE, {"text": "等了很久"})]


def due_jobs(state="ready"):
    return list(Job.objects.filter(name="tickets.rule_due", state=state).values_list("due_at", flat=True))


def wait(ticket, at, status="waiting_customer"):
    services.change_status(ticket_id=ticket.pk, status=status, actor=SYSTEM, at=at)
    run_rules()


def let_due():
    """Let what waits be due now, and run it."""
    Job.objects.filter(name="tickets.rule_due", state="ready").update(due_at=timezone.now() - HOUR)
    return run_rules()


def test_a_wait_is_due_once_and_again_only_after_something_new():
    make_rule(Trigger.WAITING, after_minutes=3 * 1440, do=NOTE)
    now = timezone.now()
    ticket = make_ticket(at=now - HOUR)
    wait(ticket, now)
    assert due_jobs() == [now + 3 * DAY]
    let_due()
    (run,) = RuleRun.objects.all()
    assert (run.state, run.since, run.event_id) == ("done", now, None)
    assert due_jobs() == []
    assert Event.objects.get(kind="message.noted").cause_id == Event.objects.get(kind="ticket.status_changed").pk
    services.set_priority(ticket_id=ticket.pk, priority=30, actor=SYSTEM, at=now)
    run_rules()
    assert due_jobs() == []


def test_a_wait_ends_with_what_it_waited_for():
    make_rule(Trigger.WAITING, after_minutes=60, do=NOTE)
    ticket = make_ticket()
    wait(ticket, timezone.now())
    services.add_customer_message(
        ticket_id=ticket.pk, text="在的", channel="form", actor=Actor.customer(ticket.customer_id), at=timezone.now()
    )
    run_rules()
    assert (due_jobs(), len(due_jobs("cancelled")), RuleTimer.objects.count()) == ([], 1, 0)
    let_due()
    assert not RuleRun.objects.exists()


def test_a_touch_by_one_of_us_begins_untouched_anew():
    make_rule(Trigger.UNTOUCHED, after_minutes=240, do=NOTE)
    agent, now = make_staff(), timezone.now()
    ticket = make_ticket(at=now - HOUR)
    run_rules()
    assert due_jobs() == [now + 3 * HOUR]
    services.add_note(ticket_id=ticket.pk, text="在查", actor=Actor.staff(agent), at=now)
    services.set_priority(ticket_id=ticket.pk, priority=30, actor=SYSTEM, at=now + HOUR)  # no person: no touch
    run_rules()
    assert due_jobs() == [now + 4 * HOUR]
    let_due()
    assert RuleRun.objects.get().since == now


def test_business_hours_count_in_their_calendar():
    calendar = make_calendar()
    make_rule(Trigger.UNTOUCHED, after_minutes=600, is_business_time=True, calendar_id=calendar.pk)
    with time_machine.travel(NOON, tick=False):
        make_ticket(at=NOON)
        run_rules(("tickets.ask_rules",))
    assert due_jobs() == [due(load_calendar(calendar.pk), NOON, timedelta(minutes=600))]
    assert due_jobs()[0] > NOON + 10 * HOUR


def test_reminders_that_bring_themselves_about_end():
    """A rule that waits, and one that puts the ticket back: the wait was caused by the rules, so the chain ends."""
    make_rule(Trigger.WAITING, after_minutes=60, do=[(Do.STATUS, {"status": "open"})])
    make_rule(Trigger.STATUS, every=[(What.STATUS, Op.IS, "open")], do=[(Do.STATUS, {"status": "waiting_customer"})])
    ticket = make_ticket()
    wait(ticket, timezone.now())
    for _round in range(4):
        let_due()
    assert list(RuleRun.objects.order_by("pk").values_list("state", flat=True)) == ["done", "done", "refused"]


def test_switching_on_waits_for_what_is_not_over_and_leaves_old_tickets_alone():
    now = timezone.now()
    young, old = make_ticket(at=now - 5 * DAY), make_ticket(at=now - 9 * DAY)
    wait(young, now - DAY)
    wait(old, now - 8 * DAY)
    rule = make_rule(Trigger.WAITING, after_minutes=3 * 1440, do=NOTE)
    run_rules()
    assert list(RuleTimer.objects.values_list("ticket_id", flat=True)) == [young.pk]
    save_rule(pk=rule.pk, terms=terms(Trigger.WAITING, after_minutes=4 * 1440), actor=SYSTEM, at=now)
    run_rules()
    assert due_jobs() == [now - DAY + 4 * DAY]
    switch_rule(pk=rule.pk, on=False, actor=SYSTEM, at=now)
    run_rules()
    assert (due_jobs(), RuleTimer.objects.count()) == ([], 0)


def test_saving_makes_versions_and_a_run_remembers_its_own():
    rule = make_rule()
    make_ticket()
    run_rules()
    save_rule(pk=rule.pk, terms=terms(name="new"), actor=SYSTEM, at=timezone.now(), version=2)
    with pytest.raises(StaleEdit):
        save_rule(pk=rule.pk, terms=terms(name="newer"), actor=SYSTEM, at=timezone.now(), version=2)
    make_ticket()
    run_rules()
    assert list(RuleRun.objects.order_by("pk").values_list("number", flat=True)) == [1, 2]
    assert RuleVersion.objects.filter(rule=rule).count() == 2


def test_nonsense_is_refused_beside_its_row():
    with pytest.raises(InvalidInput) as refused:
        save_rule(
            pk=None,
            terms=terms(
                Trigger.WAITING,
                name=" ",
                every=[("colour", "is", "red"), (What.PRIORITY, Op.CONTAINS, "x"), (What.CATEGORY, Op.IS, 999)],
                some=[(What.SUBJECT, Op.CONTAINS, " , "), ("field:99", Op.IS, "x")],
                do=[(Do.PRIORITY, {"priority": 5}), (Do.NOTE, {"text": " "}), ("fly",), (Do.TASK, {"id": 1})],
            ),
            actor=SYSTEM,
            at=timezone.now(),
        )
    assert set(refused.value.fields) == {
        "name", "after", "all-0", "all-1", "all-2", "any-0", "any-1", "do-0", "do-1", "do-2", "do-3",
    }  # fmt: skip


def test_the_same_event_run_twice_acts_once():
    make_rule(do=NOTE)
    ticket = make_ticket()
    event = Event.objects.get(kind="ticket.opened", ticket_id=ticket.pk)
    assert len(engine.ask_rules(event=event, at=timezone.now())) == 1
    assert engine.ask_rules(event=event, at=timezone.now()) == []
    assert Message.objects.filter(ticket=ticket, kind="note").count() == 1


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_the_same_event_run_by_two_processes_acts_once():
    make_rule(do=NOTE)
    tickets = [make_ticket() for _ in range(4)]
    for ticket in tickets:
        event = Event.objects.get(kind="ticket.opened", ticket_id=ticket.pk)
        at_once(*[lambda event=event: engine.ask_rules(event=event, at=timezone.now())] * 3)
        assert Message.objects.filter(ticket=ticket, kind="note").count() == 1
    at_once(*[lambda: drain(seconds=10)] * 3)
    assert RuleRun.objects.count() == 4


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_rule_switched_on_elsewhere_counts_from_its_commit():
    """Another connection switches on; this process has asked before and must ask again."""
    make_ticket()
    at_once(lambda: make_rule())
    ticket = make_ticket()
    assert Job.objects.filter(name="tickets.ask_rules").count() == 1
    drain(seconds=10)
    assert Ticket.objects.get(pk=ticket.pk).tags == ["ruled"]


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_worker_that_dies_halfway_leaves_nothing_and_the_next_does_it_all(monkeypatch):
    make_rule(do=[(Do.PRIORITY, {"priority": 40}), *NOTE])
    ticket = make_ticket()
    (running,) = claim(1, names=["tickets.ask_rules"])

    class Killed(BaseException):
        pass

    real = engine._record
    monkeypatch.setattr(engine, "_record", lambda *args: (_ for _ in ()).throw(Killed()))
    with pytest.raises(Killed):
        run_job(running)
    monkeypatch.setattr(engine, "_record", real)
    assert (RuleRun.objects.count(), Ticket.objects.get(pk=ticket.pk).priority) == (0, 20)
    Job.objects.filter(pk=running.id).update(lease_until=timezone.now() - HOUR)
    drain(seconds=10)
    assert (RuleRun.objects.count(), Ticket.objects.get(pk=ticket.pk).priority) == (1, 40)
    assert run_job(running) is False  # the dead one's fence is old


def tried(rule, **kwargs):
    trial = start_trial(rule_id=rule.pk, actor=SYSTEM, at=timezone.now() + timedelta(seconds=1))
    while try_part(trial_id=trial.pk, at=timezone.now(), **kwargs):
        pass
    trial.refresh_from_db()
    return trial


@pytest.mark.django_db(transaction=True)
def test_a_trial_finds_what_would_have_matched_and_writes_nothing():
    now = timezone.now()
    cup, other = make_ticket(at=now - DAY), make_ticket(at=now - DAY, subject="发票", text="要发票")
    make_ticket(at=now - 40 * DAY)
    services.set_priority(ticket_id=cup.pk, priority=40, actor=SYSTEM, at=now)
    rule = make_rule(
        on=False,
        every=[(What.WORDS, Op.CONTAINS, "裂纹"), (What.PRIORITY, Op.IS, 20)],
        do=[(Do.PRIORITY, {"priority": 40})],
    )
    before = (Event.objects.count(), Job.objects.count())
    trial = tried(rule, batch=1)
    assert (trial.state, trial.matched_count, trial.times_count, trial.done_count) == ("done", 1, 1, 3)
    hit = RuleTrialHit.objects.get(trial=trial)
    assert (hit.ticket_id, hit.steps, other.pk != cup.pk) == (cup.pk, ["done"], True)
    assert Event.objects.count() == before[0]
    assert not RuleRun.objects.exists()


def test_a_trial_under_way_is_stopped_at_a_word():
    for _n in range(3):
        make_ticket()
    rule = make_rule(on=False)
    trial = start_trial(rule_id=rule.pk, actor=SYSTEM, at=timezone.now())
    assert start_trial(rule_id=rule.pk, actor=SYSTEM, at=timezone.now()).pk == trial.pk
    assert try_part(trial_id=trial.pk, at=timezone.now(), seconds=0, batch=1) is True
    cancel_trial(trial_id=trial.pk, actor=SYSTEM, at=timezone.now())
    assert try_part(trial_id=trial.pk, at=timezone.now()) is False
    trial = RuleTrial.objects.get()
    assert (trial.state, trial.done_count) == ("cancelled", 1)


def test_a_trial_of_a_batch_costs_the_same_however_many_tickets(django_assert_max_num_queries):
    rule = make_rule(on=False, every=[(What.WORDS, Op.CONTAINS, "裂纹"), (What.HOURS, Op.WITHIN)])
    for _n in range(6):
        make_ticket()
    trial = start_trial(rule_id=rule.pk, actor=SYSTEM, at=timezone.now() + timedelta(seconds=1))
    with django_assert_max_num_queries(12):
        assert try_part(trial_id=trial.pk, at=timezone.now()) is False


STATUSES = ["open", "waiting_customer", "resolved"]


def _play(dice, tickets, staff, categories, teams, at):
    """Do one random thing to one of the tickets; what is not possible just now is not done."""
    ticket = Ticket.objects.get(pk=dice.choice(tickets).pk)
    same = {"ticket_id": ticket.pk, "at": at, "actor": Actor.staff(dice.choice(staff))}
    deeds = [
        lambda: services.add_customer_message(
            ticket_id=ticket.pk, text=dice.choice(["还没收到", "要退款", "谢谢"]), channel="form",
            actor=Actor.customer(ticket.customer_id), at=at,
        ),
        lambda: make_reply(ticket, dice.choice(staff), at=at, then_status=dice.choice([None, "waiting_customer"])),
        lambda: services.add_note(text="备注", **same),
        lambda: services.change_status(status=dice.choice(STATUSES), **same),
        lambda: services.set_priority(priority=dice.choice([10, 20, 30, 40]), **same),
        lambda: services.categorise_ticket(category_id=dice.choice(categories).pk, **same),
        lambda: services.assign_ticket(
            assignee_id=dice.choice([None, staff[0].pk]), team_id=dice.choice(teams).pk, **same
        ),
    ]  # fmt: skip
    try:
        with transaction.atomic():
            dice.choice(deeds)()
    except Exception as refused:
        if type(refused).__module__.split(".")[0] not in {"core", "tickets"}:
            raise


RULES = [
    (Trigger.OPENED, [(What.TEXT, Op.CONTAINS, "退款", "没收到")], [(Do.PRIORITY, {"priority": 40})]),
    (
        Trigger.CUSTOMER_WROTE, [(What.STATUS, Op.IS, "open"), (What.TEXT, Op.CONTAINS, "退款")],
        [(Do.PRIORITY, {"priority": 40})],
    ),
    (Trigger.STATUS, [(What.STATUS, Op.IS_NOT, "resolved")], [(Do.PRIORITY, {"priority": 10})]),
    (Trigger.PRIORITY, [(What.PRIORITY, Op.AT_LEAST, 20)], [(Do.PRIORITY, {"priority": 30})]),
    (Trigger.ANSWERED, [(What.ASSIGNEE, Op.IS_NOT, 0)], [(Do.STATUS, {"status": "waiting_customer"})]),
    (Trigger.WAITING, [(What.PRIORITY, Op.AT_MOST, 30)], [(Do.STATUS, {"status": "open"})]),
    (Trigger.UNTOUCHED, [(What.CHANNEL, Op.IS, "form")], [(Do.PRIORITY, {"priority": 40})]),
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("number", range(len(RULES)))
def test_a_trial_equals_what_the_rule_really_did(number):
    """Play a random month with the rule on; tried on the same events it names the same moments."""
    trigger, every, do = RULES[number]
    dice, start = random.Random(number), timezone.now() - 20 * DAY
    timed = {"after_minutes": 600} if trigger in {Trigger.WAITING, Trigger.UNTOUCHED} else {}
    with time_machine.travel(start, tick=False) as clock:
        staff, teams = [make_staff(), make_staff()], [make_team(), make_team()]
        categories = [Category.objects.create(key=f"c{n}", name_zh="类", name_en="c") for n in range(3)]
        rule = make_rule(trigger, every=every, do=do, **timed)
        tickets = []
        for step in range(40):
            if step % 8 == 0:
                text = dice.choice(["要退款", "还没收到货", "你好"])
                tickets.append(make_ticket(at=timezone.now(), text=text, acknowledge=False))
            else:
                _play(dice, tickets, staff, categories, teams, timezone.now())
            _run_due_until(clock, timezone.now() + timedelta(hours=dice.randrange(1, 9)))
        real = set(RuleRun.objects.exclude(state="refused").values_list("ticket_id", "event_id", "since"))
        replay = Replay(rule.current, start - DAY, timezone.now())
        found = {
            (ticket.pk, hit.event_id, hit.since)
            for ticket, hits in replay.play(list(Ticket.objects.select_related("order").order_by("pk")))
            for hit in hits
        }
    assert found == real
    assert real


def _run_due_until(clock, moment):
    """Let time pass, stopping at each due job on the way: the database's clock is today's, so all are claimable."""
    run_rules(("tickets.ask_rules", "tickets.rule_arm"))
    while True:
        job = Job.objects.filter(name="tickets.rule_due", state="ready", due_at__lte=moment).order_by("due_at").first()
        if job is None:
            break
        clock.move_to(max(job.due_at, timezone.now()))
        ids = set(
            Job.objects.filter(name="tickets.rule_due", state="ready").exclude(pk=job.pk).values_list("pk", flat=True)
        )
        Job.objects.filter(pk__in=ids).update(retry_at=timezone.now() + 400 * DAY)
        run_rules()
        Job.objects.filter(pk__in=ids).update(retry_at=None)
    clock.move_to(moment)
