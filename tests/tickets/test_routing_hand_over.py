"""Nothing stays with somebody who went: the pack, the step, deactivation, absence; taking, handing on, giving back."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Presence
from accounts.services import deactivate_staff, mark_absent, set_presence, touch_presence
from core.actors import SYSTEM, Actor
from core.errors import InvalidInput
from core.jobs import drain
from core.models import Event
from tests.factories.accounts import make_staff, make_team
from tests.factories.desk import make_category, make_desk_order, make_person
from tests.factories.orders import make_parcel
from tests.factories.routing import make_agent, make_queued, make_routed_team
from tickets import services
from tickets.errors import NoRoomLeft, NothingWaits, OffShift
from tickets.models import Commitment, GivenBack, Ticket
from tickets.selectors.handing_over import colleagues_for, pack_of
from tickets.services.handing_over import HandOver, go_off_shift
from tickets.services.routing.absence import release_absent
from tickets.services.routing.claiming import claim_next
from tickets.services.work import Target

pytestmark = pytest.mark.django_db


def leave(leaver, **plan):
    return go_off_shift(staff_id=leaver.pk, plan=HandOver(**plan), actor=Actor.staff(leaver), at=timezone.now())


def make_promise(ticket, owner):
    now = timezone.now()
    return Commitment.objects.create(
        ticket=ticket, customer=ticket.customer, made_by=owner, owner=owner, kind="refund", words="周五前退款",
        made_at=now, due_at=now + timedelta(hours=20), warn_at=now + timedelta(hours=16),
    )  # fmt: skip


def test_the_pack_names_what_is_due_promised_expected_and_hot(django_assert_num_queries):
    team, now = make_team(), timezone.now()
    agent = make_agent(team)
    vip = make_person(tier="vip")
    order = make_desk_order(customer=vip)
    hot = make_queued(
        team, assignee=agent, customer=vip, order=order, category=make_category(is_complaint=True),
        next_due_at=now - timedelta(minutes=5), reopen_count=2, priority=40,
    )  # fmt: skip
    quiet = make_queued(team, assignee=agent, next_due_at=now + timedelta(days=3))
    make_queued(team, assignee=agent, status="resolved", resolved_at=now)
    make_promise(hot, agent)
    make_parcel(order=order, status="out_for_delivery")
    with django_assert_num_queries(3):
        first, second = pack_of(agent.pk, at=now)
    assert (first.ticket, second.ticket) == (hot, quiet)
    assert first.hot == ["vip", "complaint", "late", "came_back", "urgent"]
    assert (first.is_due_soon, second.is_due_soon) == (True, False)
    assert ([one.words for one in first.promises], len(first.parcels)) == (["周五前退款"], 1)
    assert (second.hot, second.promises, second.parcels) == ([], [], [])


def test_each_ticket_goes_where_it_was_told_with_a_note_and_an_event():
    team, other = make_team(), make_team()
    leaver, heir = make_agent(team, display_name="王晓慧"), make_agent(team)
    to_heir, to_team, rest = (make_queued(team, assignee=leaver) for _ in range(3))
    waiting = make_queued(team, assignee=leaver, status="waiting_customer", waiting_since=timezone.now())
    promise = make_promise(to_heir, leaver)
    targets = {to_heir.pk: Target(staff_id=heir.pk), to_team.pk: Target(team_id=other.pk)}
    assert leave(leaver, targets=targets, note="仓库下午回电") == 4
    for ticket, who, where in (
        (to_heir, heir.pk, team),
        (to_team, None, other),
        (rest, None, team),
        (waiting, None, team),
    ):
        ticket.refresh_from_db()
        assert (ticket.assignee_id, ticket.team_id) == (who, where.pk)
        note = ticket.messages.get(kind="note")
        assert "王晓慧" in note.text
        assert "仓库下午回电" in note.text
        event = Event.objects.get(ticket_id=ticket.pk, kind="ticket.assigned")
        assert (event.reason, event.actor_id, event.data["before_id"]) == ("handed_over", leaver.pk, leaver.pk)
    promise.refresh_from_db()
    assert promise.owner_id == heir.pk
    assert Presence.objects.get(staff=leaver).status == "offline"
    assert [one.kind for one in heir.notices.all()] == ["ticket.assigned"]


@pytest.mark.parametrize("kind", ["off_shift", "quality", "closed", "herself"])
def test_a_successor_who_cannot_take_it_stops_the_whole_step(kind):
    team = make_team()
    leaver = make_agent(team)
    heir = {
        "off_shift": lambda: make_agent(team, status="offline"),
        "quality": lambda: make_agent(team, roles=["quality"]),
        "closed": lambda: make_agent(team, is_active=False),
        "herself": lambda: leaver,
    }[kind]()
    tickets = [make_queued(team, assignee=leaver) for _ in range(2)]
    with pytest.raises(InvalidInput):
        leave(leaver, targets={tickets[1].pk: Target(staff_id=heir.pk)})
    assert Ticket.objects.filter(assignee=leaver).count() == 2
    assert Presence.objects.get(staff=leaver).status == "online"
    assert not Event.objects.filter(kind="ticket.assigned").exists()


def test_who_could_take_over_is_here_and_near_first():
    team = make_team()
    leaver, admin = make_agent(team), make_staff(roles=["admin"], teams=())
    far, busy = make_agent(make_team()), make_agent(team)
    free = make_agent(team)
    make_agent(team, status="offline")
    make_queued(team, assignee=busy)
    assert [one.pk for one in colleagues_for(leaver, admin)] == [free.pk, busy.pk, far.pk]
    assert [one.pk for one in colleagues_for(leaver, leaver)] == [free.pk, busy.pk]


def test_a_closed_account_leaves_nothing_behind_and_says_so(django_capture_on_commit_callbacks):
    team = make_team()
    leaver, heir = make_agent(team), make_agent(team, status="offline")
    ticket = make_queued(team, assignee=leaver)
    deactivate_staff(staff_id=leaver.pk, successor_id=heir.pk, successor_team_id=None, actor=SYSTEM, at=timezone.now())
    drain(seconds=5)
    ticket.refresh_from_db()
    assert ticket.assignee_id == heir.pk
    assert ticket.messages.filter(kind="note", author_type="system").count() == 1
    assert Event.objects.get(ticket_id=ticket.pk, kind="ticket.assigned").reason == "handed_over"


def test_a_silent_console_means_away_and_a_new_heartbeat_back_again():
    agent, now = make_agent(make_team(), status="busy"), timezone.now()
    assert mark_absent(at=now + timedelta(seconds=80)) == 0
    assert mark_absent(at=now + timedelta(seconds=100)) == 1
    row = Presence.objects.get(staff=agent)
    assert (row.status, row.returns_to) == ("away", "busy")
    touch_presence(staff_id=agent.pk, at=now + timedelta(seconds=130))
    row.refresh_from_db()
    assert (row.status, row.returns_to) == ("busy", "")


def test_away_by_choice_and_off_shift_are_left_alone():
    now = timezone.now()
    for status in ("away", "offline"):
        agent = make_agent(make_team(), status=status)
        mark_absent(at=now + timedelta(hours=2))
        touch_presence(staff_id=agent.pk, at=now + timedelta(hours=3))
        assert Presence.objects.get(staff=agent).status == status


@pytest.mark.parametrize(("minutes", "stays"), [(29, True), (31, False)])
def test_who_is_absent_too_long_is_off_shift_where_tickets_are_handed_out(minutes, stays):
    team, now = make_routed_team(release=30), timezone.now()
    agent = make_agent(team)
    ticket = make_queued(team, assignee=agent)
    mark_absent(at=now + timedelta(minutes=2))
    release_absent(at=now + timedelta(minutes=minutes))
    ticket.refresh_from_db()
    assert (ticket.assignee_id is not None) == stays
    assert Presence.objects.get(staff=agent).status == ("away" if stays else "offline")
    reasons = list(Event.objects.filter(kind="ticket.assigned").values_list("reason", flat=True))
    assert reasons == ([] if stays else ["agent_absent"])


def test_where_tickets_are_taken_by_hand_a_closed_browser_keeps_them():
    team, now = make_team(), timezone.now()
    agent = make_agent(team)
    ticket = make_queued(team, assignee=agent)
    mark_absent(at=now + timedelta(minutes=2))
    assert release_absent(at=now + timedelta(hours=12)) == 0
    ticket.refresh_from_db()
    assert ticket.assignee_id == agent.pk


def test_a_ticket_is_handed_on_only_with_a_note_to_somebody_here():
    team = make_team()
    me, heir, gone = make_agent(team), make_agent(team), make_agent(team, status="offline")
    ticket = make_queued(team, assignee=me)

    def hand_on(to, note="请接着处理"):
        return services.transfer_ticket(ticket_id=ticket.pk, to=to, note=note, actor=Actor.staff(me), at=timezone.now())

    heir_, gone_, me_ = (Target(staff_id=one.pk) for one in (heir, gone, me))
    for to, note in ((heir_, " "), (Target(), "x"), (gone_, "x"), (me_, "x")):
        with pytest.raises(InvalidInput):
            hand_on(to, note)
    assert hand_on(Target(staff_id=heir.pk)).assignee_id == heir.pk
    assert ticket.messages.get(kind="note").text == "请接着处理"
    other = make_team()
    moved = hand_on(Target(team_id=other.pk))
    assert (moved.assignee_id, moved.team_id) == (None, other.pk)
    assert Event.objects.filter(kind="ticket.assigned", reason="transferred").count() == 2


def test_a_ticket_put_back_is_not_handed_to_the_same_person_at_once():
    team = make_routed_team()
    me, other = make_agent(team), make_agent(team, status="busy")
    ticket = make_queued(team, assignee=me)
    services.return_ticket(ticket_id=ticket.pk, actor=Actor.staff(me), at=timezone.now())
    drain(seconds=5)
    ticket.refresh_from_db()
    assert ticket.assignee_id is None
    assert GivenBack.objects.get().staff_id == me.pk
    set_presence(staff_id=other.pk, status="online", at=timezone.now())
    drain(seconds=5)
    ticket.refresh_from_db()
    assert ticket.assignee_id == other.pk


def test_the_next_ticket_is_the_most_urgent_that_fits_and_the_limit_holds():
    team = make_team()
    me = make_agent(team, capacity=2)
    make_queued(make_team(), priority=40)
    calm, urgent = make_queued(team), make_queued(team, priority=40)
    now = timezone.now()
    assert [claim_next(staff_id=me.pk, at=now) for _ in range(2)] == [urgent.pk, calm.pk]
    make_queued(team)
    with pytest.raises(NoRoomLeft):
        claim_next(staff_id=me.pk, at=now)
    Ticket.objects.filter(pk=calm.pk).update(status="waiting_customer", waiting_since=now)
    claim_next(staff_id=me.pk, at=now)
    Ticket.objects.filter(pk=urgent.pk).delete()
    with pytest.raises(NothingWaits):
        claim_next(staff_id=me.pk, at=now)
    set_presence(staff_id=me.pk, status="offline", at=now)
    with pytest.raises(OffShift):
        claim_next(staff_id=me.pk, at=now)
