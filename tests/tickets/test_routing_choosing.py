"""Who gets a ticket: each rule alone, their order, and what nobody may break."""

from datetime import timedelta

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from accounts.availability import Limits
from accounts.enums import PresenceStatus
from accounts.models import Presence
from core.models import Event
from tests.factories.desk import make_category, make_person
from tests.factories.routing import make_agent, make_dedicated, make_queued, make_routed_team
from tickets.models import CategorySkill, GivenBack, Ticket
from tickets.selectors.routing import Agent, Need, Pool
from tickets.services.routing.choosing import choose
from tickets.services.routing.draining import drain_team

NOW = timezone.now()


def drain(team):
    return drain_team(team_id=team.pk, at=timezone.now()).given


def reason_of(ticket):
    event = Event.objects.filter(ticket_id=ticket.pk, kind="ticket.assigned").order_by("-id").first()
    return event.reason if event else None


def agent_and_reason(ticket):
    ticket.refresh_from_db()
    return ticket.assignee, reason_of(ticket)


@pytest.mark.django_db
def test_a_ticket_goes_to_whoever_has_least_in_work():
    team = make_routed_team()
    busy, free = make_agent(team), make_agent(team)
    make_queued(team, assignee=busy)
    ticket = make_queued(team)
    assert drain(team) == 1
    assert agent_and_reason(ticket) == (free, "least_load")
    event = Event.objects.get(ticket_id=ticket.pk, kind="ticket.assigned")
    assert (event.actor_type, event.data["load"], event.data["rivals"]) == ("system", 0, 1)


@pytest.mark.django_db
def test_with_the_same_load_it_goes_to_whoever_waited_longest():
    team, now = make_routed_team(), timezone.now()
    make_agent(team, given_at=now - timedelta(minutes=1))
    idle = make_agent(team, given_at=now - timedelta(minutes=9))
    ticket = make_queued(team)
    drain(team)
    assert agent_and_reason(ticket) == (idle, "longest_idle")


@pytest.mark.django_db
@pytest.mark.parametrize("status", ["busy", "break", "away", "offline"])
def test_nobody_who_is_not_online_is_given_anything(status):
    team = make_routed_team()
    make_agent(team, status=status)
    ticket = make_queued(team)
    assert drain(team) == 0
    assert agent_and_reason(ticket) == (None, None)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "fields", [{"roles": ["quality"]}, {"is_active": False}, {"capacity": 0}, {"roles": ["supervisor"]}]
)
def test_nobody_is_given_what_she_may_not_have(fields):
    team = make_routed_team()
    make_agent(team, **fields)
    make_agent(make_routed_team())
    make_queued(team)
    assert drain(team) == 0


@pytest.mark.django_db
def test_capacity_holds_in_total_and_per_channel():
    team = make_routed_team()
    agent = make_agent(team, capacity=3, per_channel={"phone": 1})
    calls = [make_queued(team, channel="phone") for _ in range(2)]
    forms = [make_queued(team) for _ in range(4)]
    assert drain(team) == 3
    mine = Ticket.objects.filter(assignee=agent)
    assert mine.filter(pk__in=[ticket.pk for ticket in calls]).count() == 1
    assert mine.filter(pk__in=[ticket.pk for ticket in forms]).count() == 2


@pytest.mark.django_db
def test_tickets_that_wait_for_others_take_no_place():
    team = make_routed_team()
    agent = make_agent(team, capacity=1)
    make_queued(team, assignee=agent, status="waiting_customer", waiting_since=timezone.now())
    make_queued(team, assignee=agent, is_spam=True)
    ticket = make_queued(team)
    drain(team)
    assert agent_and_reason(ticket) == (agent, "only_one_free")


@pytest.mark.django_db
def test_a_category_asks_for_a_skill_and_a_child_for_its_parents():
    team = make_routed_team()
    parent = make_category()
    child = make_category(parent=parent)
    CategorySkill.objects.create(category=parent, skill="returns")
    make_agent(team)
    skilled = make_agent(team, skills=["returns"])
    make_queued(team, assignee=skilled)
    ticket = make_queued(team, category=child)
    drain(team)
    assert agent_and_reason(ticket) == (skilled, "only_one_free")


@pytest.mark.django_db
def test_without_the_skill_here_a_ticket_waits_its_time_and_no_longer():
    team = make_routed_team(widen=15)
    category = make_category()
    CategorySkill.objects.create(category=category, skill="returns")
    make_agent(team, skills=["returns"], status="offline")
    other = make_agent(team)
    ticket = make_queued(team, category=category)
    assert drain(team) == 0
    late = drain_team(team_id=team.pk, at=timezone.now() + timedelta(minutes=6)).given
    assert (late, agent_and_reason(ticket)) == (1, (other, "only_one_free"))


@pytest.mark.django_db
def test_a_skill_nobody_has_or_a_language_nobody_speaks_holds_nothing_up():
    team = make_routed_team()
    category = make_category()
    CategorySkill.objects.create(category=category, skill="technical")
    agent = make_agent(team, languages=["zh-hans"])
    ticket = make_queued(team, category=category, language="en")
    drain(team)
    assert agent_and_reason(ticket)[0] == agent


@pytest.mark.django_db
def test_the_customers_language_counts():
    team = make_routed_team()
    make_agent(team, languages=["zh-hans"])
    english = make_agent(team, languages=["zh-hans", "en"])
    make_queued(team, assignee=english)
    ticket = make_queued(team, language="en")
    drain(team)
    assert agent_and_reason(ticket)[0] == english


@pytest.mark.django_db
def test_the_dedicated_agent_comes_first_even_from_another_team_then_the_last_one():
    team, vip = make_routed_team(), make_person(tier="vip")
    dedicated, last = make_agent(make_routed_team()), make_agent(team)
    make_agent(team)
    make_dedicated(vip, dedicated)
    make_queued(team, customer=vip, assignee=last, status="resolved", resolved_at=timezone.now())
    for _ in range(2):
        make_queued(team, assignee=last)
        make_queued(team, assignee=dedicated)
    ticket = make_queued(team, customer=vip)
    drain(team)
    assert agent_and_reason(ticket) == (dedicated, "dedicated_agent")
    Presence.objects.filter(staff=dedicated).update(status="away")
    second = make_queued(team, customer=vip)
    Ticket.objects.filter(pk=ticket.pk).delete()
    drain(team)
    assert agent_and_reason(second) == (last, "last_agent")


@pytest.mark.django_db
def test_a_vip_customer_meets_somebody_trained_for_vips():
    team = make_routed_team()
    make_agent(team)
    trained = make_agent(team, skills=["vip"])
    make_queued(team, assignee=trained)
    ticket = make_queued(team, customer=make_person(tier="gold"))
    drain(team)
    assert agent_and_reason(ticket) == (trained, "vip_trained")


@pytest.mark.django_db
def test_the_queue_goes_by_urgency_then_vip_then_what_is_due_first():
    team, now = make_routed_team(), timezone.now()
    agent = make_agent(team, capacity=0)
    late = make_queued(team, next_due_at=now + timedelta(hours=2))
    soon = make_queued(team, next_due_at=now + timedelta(hours=1))
    vip = make_queued(team, customer=make_person(tier="vip"), next_due_at=now + timedelta(hours=9))
    urgent = make_queued(team, priority=40, next_due_at=None)
    got: list[object] = []
    for room in (1, 2, 3, 4):
        agent.capacity.in_total = room
        agent.capacity.save()
        drain(team)
        got.append(Ticket.objects.filter(assignee=agent).exclude(pk__in=[one.pk for one in got]).get())
    assert got == [urgent, vip, soon, late]


@pytest.mark.django_db
def test_who_put_a_ticket_back_does_not_get_it_again_at_once():
    team, now = make_routed_team(), timezone.now()
    agent = make_agent(team)
    ticket = make_queued(team)
    GivenBack.objects.create(ticket=ticket, staff=agent, at=now)
    assert drain(team) == 0
    GivenBack.objects.update(at=now - timedelta(hours=9))
    assert drain(team) == 1


@pytest.mark.django_db
def test_a_drain_asks_the_same_number_of_times_however_long_the_queue_that_nobody_fits(django_assert_num_queries):
    team = make_routed_team()
    category = make_category()
    CategorySkill.objects.create(category=category, skill="returns")
    make_agent(team, skills=["returns"], status="away")
    make_agent(team)
    counts = []
    for extra in (1, 2):
        for _ in range(extra):
            make_queued(team, category=category)
        with django_assert_num_queries(7):
            assert drain(team) == 0
        counts.append(Ticket.objects.filter(assignee__isnull=True).count())
    assert counts == [1, 3]


agents = st.builds(
    Agent,
    pk=st.integers(1, 12),
    limits=st.builds(Limits, st.integers(0, 4), st.dictionaries(st.sampled_from(["form", "phone"]), st.integers(0, 3))),
    skills=st.frozensets(st.sampled_from(["returns", "vip", "technical"])),
    languages=st.frozensets(st.sampled_from(["zh-hans", "en"])),
    idle_since=st.integers(0, 90).map(lambda minutes: NOW - timedelta(minutes=minutes)),
    is_member=st.booleans(),
    loads=st.dictionaries(st.sampled_from(["form", "phone"]), st.integers(0, 4)),
)
needs = st.builds(
    Need,
    ticket_id=st.just(1),
    team_id=st.just(1),
    channel=st.sampled_from(["form", "phone"]),
    language=st.sampled_from(["zh-hans", "en"]),
    tier=st.sampled_from(["standard", "vip"]),
    skill=st.sampled_from(["", "returns", "technical"]),
    opened_at=st.integers(0, 60).map(lambda minutes: NOW - timedelta(minutes=minutes)),
    dedicated_id=st.none() | st.integers(1, 12),
    last_id=st.none() | st.integers(1, 12),
    not_to=st.frozensets(st.integers(1, 12), max_size=3),
)


@given(st.lists(agents, max_size=8, unique_by=lambda one: one.pk), needs)
def test_whatever_happens_the_chosen_one_has_room_and_is_not_worse_than_another(people, need):
    skills = frozenset(skill for one in people for skill in one.skills)
    languages = frozenset(language for one in people for language in one.languages)
    choice = choose(need, Pool(people, skills, languages), at=NOW, widen_after=timedelta(minutes=15))
    able = [one for one in people if one.has_room(need.channel) and one.pk not in need.not_to]
    if choice is None:
        assert not any(one.pk == need.dedicated_id for one in able)
        assert NOW - need.opened_at < timedelta(minutes=15) or not any(one.is_member for one in able)
        return
    assert choice.agent in able
    assert choice.reason
    if any(one.pk == need.dedicated_id for one in able):
        assert choice.agent.pk == need.dedicated_id
    rivals = [one for one in able if one.is_member and one.skills == choice.agent.skills]
    if choice.reason == "least_load":
        same = [one for one in rivals if one.languages == choice.agent.languages]
        assert all(choice.agent.load <= one.load for one in same)


def test_statuses_cover_what_the_rail_offers():
    assert set(PresenceStatus.values) == {"online", "busy", "break", "away", "offline"}
