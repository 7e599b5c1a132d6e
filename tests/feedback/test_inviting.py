"""Who is invited, when, once; how an invitation arrives, is reminded of, runs out."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from core.actors import SYSTEM
from core.crypto import hash_token
from core.events import record
from core.models import Event, Job
from customers.models import Customer
from customers.services import erase_customer, set_contact_choice
from feedback import services
from feedback.models import Answer, Invitation, Survey
from notifications.models import Delivery
from orders.events import OrderStep
from tests.factories.accounts import make_staff, make_team
from tests.factories.feedback import (
    make_completed_order,
    make_customer,
    make_invitation,
    make_ticket,
    resolve,
    run_jobs,
)
from tickets.services import mark_spam, reopen_ticket

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _at_once(settings: Any) -> None:
    settings.TRIAL = True


def mails(customer: Customer) -> list[Delivery]:
    return list(Delivery.objects.filter(customer_id=customer.pk, purpose="survey"))


def test_resolved_ticket_sends_one_link() -> None:
    team, customer = make_team("售后"), make_customer()
    staff = make_staff(teams=[team])
    ticket = make_ticket(customer, assignee_id=staff.pk, team_id=team.pk)
    resolve(ticket, staff)
    run_jobs()
    invitation = Invitation.objects.get()
    assert (invitation.ticket_id, invitation.agent_id, invitation.team_id) == (ticket.pk, staff.pk, team.pk)
    assert (invitation.channel, invitation.tier, invitation.state) == ("form", "standard", "invited")
    mail = mails(customer)[0]
    assert mail.pk == invitation.delivery_id
    assert "/s/" in mail.text
    assert "?score=5" in mail.text
    assert "List-Unsubscribe" in mail.headers
    event = Event.objects.get(kind="survey.invited")
    assert event.data["agent_id"] == staff.pk
    assert event.ticket_id == ticket.pk


def test_token_is_long_and_only_its_digest_is_kept() -> None:
    invitation, token = make_invitation()
    assert len(token) >= 32
    invitation.refresh_from_db()
    assert bytes(invitation.token_hash) == hash_token(token)
    row = Invitation.objects.filter(pk=invitation.pk).values().get()
    assert token not in repr(row)


def test_survey_waits_its_delay(settings: Any) -> None:
    settings.TRIAL = False
    ticket = resolve(make_ticket())
    run_jobs()
    job = Job.objects.get(name="feedback.invite_after_ticket")
    assert ticket.resolved_at is not None
    assert job.due_at == ticket.resolved_at + timedelta(minutes=30)
    assert not Invitation.objects.exists()


def test_reopened_ticket_takes_the_survey_back(settings: Any) -> None:
    settings.TRIAL = False
    ticket = resolve(make_ticket())
    run_jobs()
    reopen_ticket(ticket_id=ticket.pk, actor=SYSTEM, at=timezone.now())
    run_jobs()
    assert Job.objects.get(name="feedback.invite_after_ticket").state == "cancelled"
    resolve(ticket)
    run_jobs()
    assert set(Job.objects.filter(name="feedback.invite_after_ticket").values_list("state", flat=True)) == {
        "cancelled",
        "ready",
    }


def test_job_of_an_earlier_resolution_invites_nobody() -> None:
    from feedback.services.touchpoints import invite_for_ticket

    ticket = resolve(make_ticket())
    survey = Survey.objects.get(key="ticket_csat")
    now = timezone.now()
    assert invite_for_ticket(ticket_id=ticket.pk, survey_id=survey.pk, resolved_at=now + timedelta(1), at=now) is None
    reopen_ticket(ticket_id=ticket.pk, actor=SYSTEM, at=now)
    assert ticket.resolved_at is not None
    assert invite_for_ticket(ticket_id=ticket.pk, survey_id=survey.pk, resolved_at=ticket.resolved_at, at=now) is None


def test_second_resolution_does_not_ask_again_whom_the_first_still_asks() -> None:
    ticket = resolve(make_ticket())
    run_jobs()
    reopen_ticket(ticket_id=ticket.pk, actor=SYSTEM, at=timezone.now())
    resolve(ticket)
    run_jobs()
    assert Invitation.objects.count() == 1


def test_a_ticket_resolved_anew_after_an_answer_is_asked_about_once_more() -> None:
    ticket = resolve(make_ticket())
    run_jobs()
    for expected in (1, 2, 2):
        asked = Invitation.objects.filter(ticket=ticket).order_by("pk")
        assert asked.count() == expected
        newest = asked[expected - 1]
        Invitation.objects.filter(pk=newest.pk).update(state="answered", answered_at=timezone.now())
        reopen_ticket(ticket_id=ticket.pk, actor=SYSTEM, at=timezone.now())
        resolve(ticket)
        run_jobs()
    assert Invitation.objects.filter(ticket=ticket).count() == 2


def test_an_answer_given_after_the_new_resolution_asks_no_more() -> None:
    ticket = resolve(make_ticket())
    run_jobs()
    reopen_ticket(ticket_id=ticket.pk, actor=SYSTEM, at=timezone.now())
    resolve(ticket)
    Invitation.objects.update(state="answered", answered_at=timezone.now())
    run_jobs()
    assert Invitation.objects.count() == 1


def test_a_second_time_keeps_the_period_of_other_tickets() -> None:
    customer = make_customer()
    ticket = resolve(make_ticket(customer))
    run_jobs()
    long_ago = timezone.now() - timedelta(days=40)
    Invitation.objects.update(state="answered", answered_at=timezone.now(), invited_at=long_ago)
    other = resolve(make_ticket(customer))
    run_jobs()
    assert Invitation.objects.filter(ticket=other).count() == 1
    reopen_ticket(ticket_id=ticket.pk, actor=SYSTEM, at=timezone.now())
    resolve(ticket)
    run_jobs()
    assert Invitation.objects.filter(ticket=ticket).count() == 1


def test_nobody_is_asked_about_spam_or_a_survey_ticket() -> None:
    spam = make_ticket()
    resolve(spam)
    mark_spam(ticket_id=spam.pk, is_spam=True, actor=SYSTEM, at=timezone.now())
    resolve(make_ticket(channel="survey"))
    run_jobs()
    assert not Invitation.objects.exists()


@pytest.mark.parametrize("why", ["no", "off", "blocked", "erased", "no_address"])
def test_reasons_not_to_ask(why: str) -> None:
    customer = make_customer()
    ticket = make_ticket(customer, contact_email="" if why == "no_address" else "a@mail.example")
    now = timezone.now()
    if why == "no":
        set_contact_choice(
            customer_id=customer.pk,
            channel="email",
            purpose="survey",
            is_allowed=False,
            source="test",
            actor=SYSTEM,
            at=now,
        )
    elif why == "off":
        Survey.objects.update(is_active=False)
    elif why == "blocked":
        Customer.objects.update(is_blocked=True)
    elif why == "erased":
        Customer.objects.update(erased_at=now)
    else:
        customer.identities.all().delete()
    resolve(ticket)
    run_jobs()
    assert not Invitation.objects.exists()


def test_once_per_customer_and_period() -> None:
    customer, now = make_customer(), timezone.now()

    def ask(at: Any) -> Any:
        return services.invite(
            survey_key="ticket_csat", ticket_id=make_ticket(customer).pk, customer_id=customer.pk, shop_id=None, at=at
        )

    assert ask(now) is not None
    assert ask(now + timedelta(days=29)) is None
    assert ask(now + timedelta(days=31)) is not None
    Survey.objects.update(period_days=0)
    assert ask(now + timedelta(days=31)) is not None


def test_mail_that_arrived_is_counted_once_even_after_the_answer() -> None:
    invitation, token = make_invitation()
    now = timezone.now()
    services.submit_answer(token=token, submission=services.Submission({"csat": 5}, "zh-hans", 9), at=now)
    assert services.note_delivered(delivery_id=invitation.delivery_id or 0, at=now) is True
    assert services.note_delivered(delivery_id=invitation.delivery_id or 0, at=now) is False
    invitation.refresh_from_db()
    assert (invitation.state, invitation.delivered_at) == ("answered", now)
    assert Event.objects.filter(kind="survey.delivered").count() == 1


def test_delivery_event_marks_the_invitation() -> None:
    from notifications.services.deliveries import record_move

    invitation, _token = make_invitation()
    delivery = Delivery.objects.get(pk=invitation.delivery_id)
    record_move("delivery.sent", delivery, actor=SYSTEM, at=timezone.now())
    run_jobs()
    invitation.refresh_from_db()
    assert invitation.state == "delivered"
    event = Event.objects.get(kind="survey.delivered")
    assert event.data["survey"] == "ticket_csat"
    assert event.data["channel"] == "form"


def test_reminder_goes_out_once_with_a_link_of_its_own(client: Any) -> None:
    invitation, token = make_invitation()
    later = timezone.now() + timedelta(days=3)
    assert services.remind_invitation(invitation_id=invitation.pk, at=later) is True
    assert services.remind_invitation(invitation_id=invitation.pk, at=later) is False
    invitation.refresh_from_db()
    mail = Delivery.objects.get(pk=invitation.reminder_delivery_id)
    second = mail.text.split("/s/")[1].split("?")[0].split()[0]
    assert second != token
    assert "唯一一次提醒" in mail.text
    assert [client.get(f"/s/{one}").status_code for one in (token, second)] == [200, 200]
    assert client.post(f"/s/{second}", {"csat": "5"}).status_code == 303
    assert client.post(f"/s/{token}", {"csat": "1", "reasons": "slow"}).status_code == 303
    assert Answer.objects.get().csat == 5


@pytest.mark.parametrize("why", ["answered", "no", "expired", "off"])
def test_no_reminder(why: str) -> None:
    invitation, token = make_invitation()
    now = timezone.now()
    at = now + timedelta(days=20 if why == "expired" else 3)
    if why == "answered":
        services.submit_answer(token=token, submission=services.Submission({"csat": 5}, "zh-hans", 9), at=now)
    elif why == "off":
        Survey.objects.update(is_active=False)
    elif why == "no":
        set_contact_choice(
            customer_id=invitation.customer_id,
            channel="email",
            purpose="survey",
            is_allowed=False,
            source="t",
            actor=SYSTEM,
            at=now,
        )
    assert services.remind_invitation(invitation_id=invitation.pk, at=at) is False


def test_invitation_runs_out_once() -> None:
    invitation, _token = make_invitation()
    end = invitation.expires_at
    assert services.expire_invitation(invitation_id=invitation.pk, at=end - timedelta(seconds=1)) is False
    assert services.expire_invitation(invitation_id=invitation.pk, at=end) is True
    assert services.expire_invitation(invitation_id=invitation.pk, at=end) is False
    assert Event.objects.filter(kind="survey.expired").count() == 1
    names = set(Job.objects.filter(key=str(invitation.pk)).values_list("name", flat=True))
    assert {"feedback.remind", "feedback.expire_invitation"} <= names


def test_imported_history_asks_nobody() -> None:
    order = make_completed_order(origin="import")
    assert order.status == "completed"
    assert Event.objects.get(kind="order.completed").origin == "import"
    assert not Invitation.objects.exists()
    record(
        "order.completed", subject=order, actor=SYSTEM, at=timezone.now(), data=OrderStep("delivered"), origin="demo"
    )
    assert run_jobs() == 0


def test_completed_order_asks_its_customer() -> None:
    order = make_completed_order(email="a@mail.example", run=False)
    order.customer.identities.filter(kind="email").update(is_primary=True)
    run_jobs()
    invitation = Invitation.objects.get()
    assert (invitation.survey.key, invitation.order_id, invitation.ticket_id) == ("order_csat", order.pk, None)


def test_erased_customer_leaves_no_words(client: Any) -> None:
    invitation, token = make_invitation()
    given = {"csat": 2, "reasons": ["slow"], "comment": "我住在文三路"}
    services.submit_answer(token=token, submission=services.Submission(given, "zh-hans", 20), at=timezone.now())
    other = make_ticket(invitation.customer)
    Survey.objects.update(period_days=0)
    open_one, open_token = make_invitation(ticket_id=other.pk, customer_id=invitation.customer_id)
    services.save_partial(token=open_token, answers={"comment": "我叫李小红"}, at=timezone.now())
    erase_customer(customer_id=invitation.customer_id, reason="asked", actor=SYSTEM, at=timezone.now())
    answer = Answer.objects.get()
    open_one.refresh_from_db()
    assert (answer.answers, answer.comment, answer.csat) == ({"csat": 2}, "", 2)
    assert (open_one.state, open_one.partial) == ("expired", {})
    assert client.get(f"/s/{open_token}").status_code == 410
