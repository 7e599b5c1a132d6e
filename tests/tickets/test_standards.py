"""Service standards: versions that never change, a checklist, required steps before resolving."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone

from core.actors import SYSTEM, Actor
from core.errors import InvalidInput, NotFound, StaleEdit
from core.models import Event
from tests.factories.accounts import make_staff
from tests.factories.desk import make_category
from tests.factories.tickets import make_ticket
from tests.factories.work import make_standard
from tickets.models import ServiceStandard, StandardVersion, TicketStep
from tickets.selectors.standards import standard_of
from tickets.services import resolve_ticket
from tickets.services.standards import StandardWords, check_work_done, publish_standard, tick_step
from tickets.work_errors import StepsLeft

pytestmark = pytest.mark.django_db


def test_a_ticket_keeps_the_version_it_began_with() -> None:
    category = make_category()
    make_standard(category)
    ticket = make_ticket(category_id=category.pk)
    make_standard(category, {"新步骤": True}, at=timezone.now() + timedelta(seconds=1))
    later = make_ticket(category_id=category.pk, at=timezone.now() + timedelta(minutes=1))
    first, second = standard_of(ticket), standard_of(later)
    assert first is not None
    assert second is not None
    assert (first.number, second.number) == (1, 2)


def test_a_category_without_its_own_follows_its_parent() -> None:
    top = make_category()
    below = make_category(parent=top)
    make_standard(top)
    standard = standard_of(make_ticket(category_id=below.pk))
    assert standard is not None
    assert standard.standard.category == top
    make_standard(below, {"自己的": False})
    own = standard_of(make_ticket(category_id=below.pk))
    assert own is not None
    assert own.standard.category == below


def test_a_resting_standard_is_followed_by_nobody() -> None:
    category = make_category()
    make_standard(category)
    ticket = make_ticket(category_id=category.pk)
    make_standard(category, is_active=False)
    assert standard_of(ticket) is None
    assert StandardVersion.objects.count() == 1


def test_a_version_cannot_be_changed() -> None:
    make_standard(make_category())
    with pytest.raises(IntegrityError), transaction.atomic():
        StandardVersion.objects.update(summary="其他")


def test_required_steps_stand_before_resolving() -> None:
    category, staff = make_category(), make_staff()
    make_standard(category)
    ticket = make_ticket(category_id=category.pk)
    actor, now = Actor.staff(staff), timezone.now()
    with pytest.raises(StepsLeft) as refused:
        check_work_done(ticket)
    assert "核对订单" in str(refused.value)
    assert tick_step(ticket_id=ticket.pk, key="k0", is_done=True, actor=actor, at=now)
    assert not tick_step(ticket_id=ticket.pk, key="k0", is_done=True, actor=actor, at=now)
    check_work_done(ticket)
    assert tick_step(ticket_id=ticket.pk, key="k0", is_done=False, actor=actor, at=now)
    with pytest.raises(StepsLeft):
        check_work_done(ticket)
    kinds = Event.objects.filter(kind__startswith="ticket_step").order_by("id").values_list("kind", flat=True)
    assert list(kinds) == ["ticket_step.done", "ticket_step.undone"]


def test_a_person_cannot_resolve_past_required_steps_the_system_can() -> None:
    category, staff = make_category(), make_staff()
    make_standard(category)
    ticket = make_ticket(category_id=category.pk)
    with pytest.raises(StepsLeft):
        resolve_ticket(ticket_id=ticket.pk, actor=Actor.staff(staff), at=timezone.now())
    resolve_ticket(ticket_id=ticket.pk, actor=SYSTEM, at=timezone.now())


def test_unknown_steps_are_not_found() -> None:
    category = make_category()
    make_standard(category)
    with pytest.raises(NotFound):
        tick_step(
            ticket_id=make_ticket(category_id=category.pk).pk, key="zz", is_done=True, actor=SYSTEM, at=timezone.now()
        )
    with pytest.raises(NotFound):
        tick_step(ticket_id=make_ticket().pk, key="k0", is_done=True, actor=SYSTEM, at=timezone.now())


def test_what_makes_no_standard_is_refused() -> None:
    category = make_category()
    for words in (StandardWords(), StandardWords(steps=[{"title": " "}]),
                  StandardWords(steps=[{"title": "一"}], owner_role="king"),
                  StandardWords(steps=[{"title": "一", "key": "a"}, {"title": "二", "key": "a"}])):  # fmt: skip
        with pytest.raises(InvalidInput), transaction.atomic():
            publish_standard(category_id=category.pk, words=words, actor=SYSTEM, at=timezone.now())
    row = make_standard(category)
    with pytest.raises(StaleEdit):
        publish_standard(
            category_id=category.pk, words=StandardWords(steps=[{"title": "三"}]), actor=SYSTEM, at=timezone.now(),
            version=row.version - 1,
        )  # fmt: skip


def test_a_supervisor_writes_one_and_an_agent_follows_it(client: Client) -> None:
    category = make_category()
    client.force_login(make_staff(roles=["supervisor"]))
    url = f"/settings/standards/{category.pk}/"
    assert client.get(url).status_code == 200
    assert client.post(url, {"is_active": "on", "title_0": ""}).status_code == 422
    form = {"is_active": "on", "summary": "先致歉", "title_0": "核对订单", "required_0": "on", "title_1": "联系仓库",
            "hint_1": "附照片", "solution_0": "补发", "body_0": "为您补发一件"}  # fmt: skip
    assert client.post(url, form).status_code == 302
    current = ServiceStandard.objects.get().current
    assert current is not None
    assert [step["title"] for step in current.steps] == ["核对订单", "联系仓库"]
    assert client.get("/settings/standards/").status_code == 200
    ticket = make_ticket(category_id=category.pk, at=timezone.now())
    client.force_login(make_staff())
    page = client.get(f"/desk/t/{ticket.pk}/steps/").content.decode()
    assert "核对订单" in page
    assert "为您补发一件" in page
    answer = client.post(f"/desk/t/{ticket.pk}/steps/tick/", {"step": current.steps[0]["key"], "done": "1"})
    assert answer.status_code == 302
    assert TicketStep.objects.get().done_by is not None
