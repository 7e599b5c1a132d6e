"""Follow-up visits: planned from completed orders, due on their day, counted when their days are over."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Notification
from core.actors import SYSTEM
from core.errors import InvalidInput, StaleEdit
from core.events import record
from core.models import Event, Job
from customers.services import set_contact_choice
from feedback import services
from feedback.enums import VISIT_TRANSITIONS, VisitState
from feedback.errors import VisitDone, VisitTaken
from feedback.models import FollowUpPlan, Visit, VisitAttempt
from feedback.selectors.visits import count_due
from feedback.services import Attempt
from feedback.services.dimensions import move_visit
from orders.events import OrderStep
from tests.factories.accounts import make_staff, make_team
from tests.factories.desk import make_shop
from tests.factories.feedback import make_completed_order, make_invitation, make_visit, run_jobs
from tickets.models import Ticket

pytestmark = pytest.mark.django_db


def attempt(visit: Visit, staff: Any, outcome: str = "answered", **fields: Any) -> Visit:
    visit.refresh_from_db()
    if outcome == "answered":
        fields.setdefault("satisfaction", 5)
    at = fields.pop("at", timezone.now())
    version = fields.pop("version", visit.version)
    return services.record_attempt(
        visit_id=visit.pk, attempt=Attempt(outcome, **fields), version=version, staff_id=staff.pk, at=at
    )


def test_completed_order_owes_one_visit() -> None:
    order = make_completed_order()
    visit = Visit.objects.get(order=order)
    assert order.completed_at is not None
    assert (visit.due_at - order.completed_at, visit.deadline_at - order.completed_at) == (timedelta(2), timedelta(7))
    assert visit.state == "planned"
    event = Event.objects.get(kind="visit.planned")
    assert (event.subject_type, event.order_id, event.customer_id) == ("visit", order.pk, order.customer_id)
    record("order.completed", subject=order, actor=SYSTEM, at=timezone.now(), data=OrderStep("delivered"))
    run_jobs()
    assert Visit.objects.count() == 1
    assert Event.objects.filter(kind="visit.planned").count() == 1
    due = {job.name: job.due_at for job in Job.objects.filter(payload__visit_id=visit.pk)}
    assert due == {"feedback.visit_due": visit.due_at, "feedback.close_window": visit.deadline_at}


def test_history_owes_no_visit() -> None:
    order = make_completed_order(origin="import")
    assert not Visit.objects.exists()
    assert services.plan_visit(order_id=order.pk, at=timezone.now()) is None


def test_no_plan_no_visit() -> None:
    FollowUpPlan.objects.update(is_active=False)
    make_completed_order()
    assert not Visit.objects.exists()


def test_customer_who_wants_no_visits_is_skipped_and_counted() -> None:
    order = make_completed_order(run=False)
    set_contact_choice(
        customer_id=order.customer_id,
        channel="phone",
        purpose="follow_up",
        is_allowed=False,
        source="t",
        actor=SYSTEM,
        at=timezone.now(),
    )
    run_jobs()
    visit = Visit.objects.get()
    assert (visit.state, visit.skip_reason) == ("skipped", "refused_contact")
    assert not Job.objects.filter(name="feedback.visit_due").exists()
    assert services.close_window(visit_id=visit.pk, at=visit.deadline_at) is True


def test_visit_becomes_due_on_its_day() -> None:
    visit = Visit.objects.get(order=make_completed_order())
    assert services.make_visit_due(visit_id=visit.pk, at=visit.due_at - timedelta(seconds=1)) is False
    assert services.make_visit_due(visit_id=visit.pk, at=visit.due_at) is True
    visit.refresh_from_db()
    assert visit.state == "due"


def test_overdue_job_makes_it_due_at_once() -> None:
    assert make_visit().state == "due"


def test_answered_visit() -> None:
    staff, visit = make_staff(), make_visit()
    done = attempt(visit, staff, satisfaction=4, note="都好")
    assert (done.state, done.satisfaction, done.attempts, done.agent_id) == ("answered", 4, 1, staff.pk)
    event = Event.objects.get(kind="visit.answered")
    assert (event.data["satisfaction"], event.data["agent_id"], event.actor_id) == (4, staff.pk, staff.pk)
    with pytest.raises(VisitDone):
        attempt(visit, staff)


@pytest.mark.parametrize(("outcome", "state"), [("wrong_number", "unreachable"), ("declined", "declined")])
def test_ends_without_talk(outcome: str, state: str) -> None:
    visit = attempt(make_visit(), make_staff(), outcome)
    assert visit.state == state
    assert visit.done_at is not None
    assert Event.objects.get(kind="visit.attempted").data["outcome"] == outcome


def test_no_answer_comes_back_at_the_time_chosen_and_ends_after_three() -> None:
    staff, visit, now = make_staff(), make_visit(), timezone.now()
    again = now + timedelta(hours=2)
    visit = attempt(visit, staff, "no_answer", next_try_at=again, at=now)
    assert (visit.state, visit.show_at, visit.claimed_at) == ("attempted", again, None)
    assert Job.objects.get(name="feedback.visit_due", key=f"{visit.pk}:1").due_at == again
    attempt(visit, staff, "call_back", next_try_at=again + timedelta(hours=1), at=now)
    last = attempt(visit, staff, "no_answer", at=now)
    assert (last.state, last.attempts, VisitAttempt.objects.count()) == ("unreachable", 3, 3)
    assert [e.data["attempt"] for e in Event.objects.filter(kind="visit.attempted").order_by("id")] == [1, 2, 3]


@pytest.mark.parametrize(
    "fields",
    [
        {"outcome": "answered", "satisfaction": 0},
        {"outcome": "answered", "satisfaction": None},
        {"outcome": "dancing"},
        {"outcome": "no_answer"},
        {"outcome": "call_back", "next_try_at": timezone.now() - timedelta(hours=1)},
        {"outcome": "call_back", "next_try_at": timezone.now() + timedelta(days=31)},
    ],
)
def test_incomplete_attempt_is_refused(fields: dict[str, Any]) -> None:
    staff, visit = make_staff(), make_visit()
    with pytest.raises(InvalidInput):
        services.record_attempt(
            visit_id=visit.pk, attempt=Attempt(**fields), version=visit.version, staff_id=staff.pk, at=timezone.now()
        )
    visit.refresh_from_db()
    assert visit.attempts == 0


def test_stale_attempt_is_refused() -> None:
    staff, visit = make_staff(), make_visit()
    with pytest.raises(StaleEdit):
        attempt(visit, staff, version=visit.version - 1)
    with pytest.raises(StaleEdit):
        services.skip_visit(visit_id=visit.pk, why="no_contact", version=0, staff_id=staff.pk, at=timezone.now())


def test_colleague_holds_a_visit_for_half_an_hour() -> None:
    one, two, visit, now = make_staff(), make_staff(), make_visit(), timezone.now()
    services.claim_visit(visit_id=visit.pk, staff_id=one.pk, at=now)
    for act in (services.claim_visit, services.release_visit):
        with pytest.raises(VisitTaken):
            act(visit_id=visit.pk, staff_id=two.pk, at=now + timedelta(minutes=29))
    with pytest.raises(VisitTaken):
        attempt(visit, two)
    services.claim_visit(visit_id=visit.pk, staff_id=two.pk, at=now + timedelta(minutes=31))
    services.release_visit(visit_id=visit.pk, staff_id=two.pk, at=now + timedelta(minutes=31))
    visit.refresh_from_db()
    assert visit.agent_id is None


def closed(visit: Visit) -> dict[str, Any]:
    assert services.close_window(visit_id=visit.pk, at=visit.deadline_at + timedelta(minutes=1)) is True
    assert services.close_window(visit_id=visit.pk, at=visit.deadline_at + timedelta(minutes=2)) is False
    event = Event.objects.get(kind="visit.window_closed", subject_id=visit.pk)
    assert event.data["completed_at"] == visit.completed_at.isoformat()
    return {key: event.data[key] for key in ("is_attempted", "is_collected")}


def test_window_of_a_visit_never_tried() -> None:
    visit = make_visit()
    assert services.close_window(visit_id=visit.pk, at=visit.deadline_at - timedelta(seconds=1)) is False
    assert closed(visit) == {"is_attempted": False, "is_collected": False}


def test_window_of_a_visit_tried_in_vain() -> None:
    visit = make_visit()
    attempt(visit, make_staff(), "declined")
    assert closed(visit) == {"is_attempted": True, "is_collected": False}


def test_window_of_a_visit_answered() -> None:
    visit = make_visit()
    attempt(visit, make_staff())
    assert closed(visit) == {"is_attempted": True, "is_collected": True}


def test_late_attempt_does_not_count() -> None:
    visit = make_visit(completed=timedelta(days=8))
    attempt(visit, make_staff())
    event = Event.objects.get(kind="visit.window_closed")
    assert (event.data["is_attempted"], event.data["is_collected"]) == (False, False)


def test_survey_about_the_order_is_feedback_too() -> None:
    visit = make_visit()
    _invitation, token = make_invitation(
        survey_key="order_csat", order_id=visit.order_id, customer_id=_with_mail(visit)
    )
    given = {"csat": 5, "nps": 9}
    services.submit_answer(token=token, submission=services.Submission(given, "zh-hans", 20), at=timezone.now())
    assert closed(visit) == {"is_attempted": False, "is_collected": True}


def _with_mail(visit: Visit) -> int:
    from customers.services import find_or_add_customer

    find_or_add_customer(
        email="a@mail.example",
        phone=visit.customer.identities.get(kind="phone").value,
        source="form",
        actor=SYSTEM,
        at=timezone.now(),
    )
    visit.customer.identities.filter(kind="email").update(is_primary=True)
    return visit.customer_id


def test_dissatisfied_visit_opens_a_complaint() -> None:
    boss, visit = make_staff(roles=["supervisor"]), make_visit()
    attempt(visit, make_staff(), satisfaction=1, note="杯子碎了")
    run_jobs()
    visit.refresh_from_db()
    ticket = Ticket.objects.get(channel="survey")
    assert (visit.recovery_ticket_id, ticket.order_id) == (ticket.pk, visit.order_id)
    assert Notification.objects.filter(staff=boss, kind="feedback.dissatisfied").exists()


@pytest.mark.parametrize("before", VisitState.values)
@pytest.mark.parametrize("after", VisitState.values)
def test_every_step_not_in_the_table_is_refused(before: str, after: str) -> None:
    from core.errors import TransitionNotAllowed

    visit = Visit(state=before)
    if after in VISIT_TRANSITIONS[before]:
        move_visit(visit, after)
        assert visit.state == after
    else:
        with pytest.raises(TransitionNotAllowed):
            move_visit(visit, after)


def test_the_rail_counts_what_is_due_now_to_whom_may_see_it(django_assert_num_queries: Any) -> None:
    """Asked again and again with a statement that is written once."""
    company = make_staff(roles=["manager"])
    make_shop()  # the visit's
    shop = make_shop()
    team = make_team("Team of one shop", shop_ids=[shop.pk])
    agent = make_staff(roles=["agent"], teams=[team])
    assert (count_due(company), count_due(agent)) == (0, 0)
    visit = make_visit()
    with django_assert_num_queries(1):
        assert count_due(company) == 1
    assert count_due(agent) == 0
    Visit.objects.filter(pk=visit.pk).update(shop=shop)
    assert (count_due(company), count_due(agent)) == (1, 1)
    Visit.objects.filter(pk=visit.pk).update(show_at=timezone.now() + timedelta(hours=1))
    assert (count_due(company), count_due(agent)) == (0, 0)
