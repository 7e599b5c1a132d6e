"""Other departments sign in: they see their tasks and their area, nothing else by any address; the weekly digest."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.enums import Permission
from accounts.models import Staff, Team
from core.crypto import decrypt
from core.jobs import drain
from core.models import Job
from feedback.models import Answer
from notifications.models import Delivery
from orders.permissions import orders_visible_to
from tests.factories.accounts import make_staff, make_team
from tests.factories.desk import make_category
from tests.factories.orders import make_order, make_shop
from tests.factories.tickets import make_ticket
from tests.factories.work import make_commitment, make_department, make_member, make_standard, make_task
from tests.security.walk import MISSING, routes
from tickets.models import Department, Ticket
from tickets.permissions import tickets_visible_to
from tickets.services.departments import choose_digest
from tickets.services.digest import DIGEST_JOB, send_digest
from tickets.work_jobs import weekly_digest

pytestmark = pytest.mark.django_db
MONDAY = datetime(2026, 11, 23, tzinfo=UTC)


def visible(staff: Staff) -> list[int]:
    return sorted(tickets_visible_to(Staff.objects.get(pk=staff.pk)).values_list("pk", flat=True))


def test_a_department_sees_what_was_handed_to_it_and_its_area() -> None:
    category, below = make_category(), make_category()
    type(below).objects.filter(pk=below.pk).update(parent=category)
    one, two = make_shop(), make_shop()
    department = make_department(make_team(shop_ids=[one.pk]), category_ids=(category.pk,))
    member = make_member(department)
    handed, withdrawn, area, child, far, other, spam = (make_ticket(shop_id=one.pk) for _n in range(7))
    Ticket.objects.filter(pk__in=[area.pk, spam.pk]).update(category=category)
    Ticket.objects.filter(pk=child.pk).update(category=below)
    Ticket.objects.filter(pk=far.pk).update(category=category, shop=two)
    Ticket.objects.filter(pk=spam.pk).update(is_spam=True)
    make_task(handed, department)
    from core.actors import SYSTEM
    from tickets.services.tasks import withdraw_task

    withdraw_task(task_id=make_task(withdrawn, department).pk, actor=SYSTEM, at=timezone.now())
    assert visible(member) == sorted([handed.pk, area.pk, child.pk])
    assert other.pk not in visible(member)
    Department.objects.update(is_active=False)
    assert visible(member) == [handed.pk]
    assert visible(make_staff(roles=["department"], teams=())) == []


def test_orders_of_the_area_only() -> None:
    shop = make_shop()
    mine, other = make_order(shop=shop), make_order(shop=shop)
    department = make_department()
    member = make_member(department)
    ticket = make_ticket(shop_id=shop.pk, order_id=mine.pk)
    assert not orders_visible_to(member).exists()
    make_task(ticket, department)
    assert list(orders_visible_to(member)) == [mine]
    client = Client()
    client.force_login(member)
    assert client.get(f"/desk/orders/{mine.pk}/").status_code == 200
    assert client.get(f"/desk/orders/{other.pk}/").status_code == 404


def test_no_address_shows_a_department_another_ticket(client: Client) -> None:
    """Every address with an id, every method: another department's rows look like rows that do not exist."""
    category = make_category()
    department, far_department = make_department(), make_department()
    member = make_member(department)
    shop = make_shop()
    order = make_order(shop=shop)
    ticket = make_ticket(shop_id=shop.pk, order_id=order.pk, category_id=category.pk)
    make_standard(category)
    task = make_task(ticket, far_department)
    promise = make_commitment(ticket, make_staff())
    ids: dict[str, Any] = {
        "ticket_id": ticket.pk, "order_id": order.pk, "task_id": task.pk, "promise_id": promise.pk,
        "customer_id": ticket.customer_id, "shop_id": shop.pk, "category_id": category.pk,
        "team_id": far_department.pk, "joint_id": MISSING,
    }  # fmt: skip
    client.force_login(member)
    client.raise_request_exception = False
    found = []
    for route in routes():
        if not ids.keys() & set(route.params) or route.pattern.startswith("api/"):
            continue
        for method in ("get", "post"):
            theirs = getattr(client, method)(route.at(ids))
            nobodys = getattr(client, method)(route.at(dict.fromkeys(ids, MISSING)))
            shown = theirs.content.decode(errors="replace") if theirs.status_code < 300 else ""
            told = order.number in shown or ticket.subject in shown or ticket.number in shown
            if told or theirs.status_code != nobodys.status_code:
                found.append(f"{method} {route.pattern}: {theirs.status_code}, missing {nobodys.status_code}")
    assert found == []


def test_a_department_only_reads_the_tickets_of_its_area(client: Client) -> None:
    department = make_department()
    member, ticket = make_member(department), make_ticket()
    make_task(ticket, department)
    client.force_login(member)
    assert client.get(f"/desk/t/{ticket.pk}/").status_code == 200
    assert client.get("/desk/").status_code == 200
    assert client.get(f"/desk/t/{ticket.pk}/promises/").status_code == 200
    assert client.get(f"/desk/t/{ticket.pk}/steps/").status_code == 200
    before = Ticket.objects.get(pk=ticket.pk).version
    found = []
    for route in routes():
        if "ticket_id" not in route.params or route.pattern.startswith("api/"):
            continue
        answer = client.post(route.at({"ticket_id": ticket.pk}))
        if answer.status_code not in {403, 405, 404} and not route.pattern.endswith("/here/"):
            found.append(f"{route.pattern}: {answer.status_code}")
    assert found == []
    assert Ticket.objects.get(pk=ticket.pk).version == before


def test_a_supervisor_makes_a_department_and_names_its_lead(client: Client) -> None:
    team = make_team()
    person = make_staff(roles=["department"], teams=[team])
    category = make_category()
    client.force_login(make_staff(roles=["supervisor"]))
    url = f"/settings/departments/{team.pk}/"
    assert client.get(url).status_code == 200
    assert client.get("/settings/departments/").status_code == 200
    form = {"is_active": "on", "tier": "2", "task_hours": "6", "lead_after_hours": "2", "supervisor_after_hours": "3",
            "leads": [person.pk], "categories": [category.pk]}  # fmt: skip
    assert client.post(url, {**form, "task_hours": "0"}).status_code == 422
    assert client.post(url, form).status_code == 302
    row = Department.objects.get()
    assert (row.tier, row.task_hours, list(row.categories.all())) == (2, 6, [category])
    assert person.memberships.get().is_lead
    assert client.post(url, {**form, "version": row.version - 1, "leads": []}).status_code == 422
    assert client.post(url, {**form, "version": row.version, "leads": []}).status_code == 302
    assert not person.memberships.get().is_lead


def test_the_digest_says_what_happened_and_can_be_stopped(client: Client) -> None:
    category = make_category()
    department = make_department(category_ids=(category.pk,))
    member = make_member(department, display_name="孙仓管")
    at = MONDAY - timedelta(days=3)
    ticket = make_ticket(category_id=category.pk, at=at)
    make_task(ticket, department, at=at, asked="请核实库存批次")
    idle = make_member(make_department())
    weekly_digest(period_start=MONDAY - timedelta(days=1))
    assert not Job.objects.filter(name=DIGEST_JOB).exists()
    weekly_digest(period_start=MONDAY)
    weekly_digest(period_start=MONDAY)
    assert Job.objects.filter(name=DIGEST_JOB).count() == 2
    drain(seconds=20)
    mail = Delivery.objects.get(template="tickets.weekly_digest")
    assert decrypt(mail.to_enc) == member.email
    for words in ("孙仓管", "请核实库存批次", category.name_zh, "/desk/tasks/digest/"):
        assert words in mail.text
    assert not send_digest(staff_id=idle.pk, monday=MONDAY.date(), at=timezone.now())
    client.force_login(member)
    assert client.get("/desk/tasks/digest/").status_code == 200
    assert client.post("/desk/tasks/digest/", {"wanted": "0"}).status_code == 302
    assert not send_digest(staff_id=member.pk, monday=MONDAY.date() + timedelta(days=7), at=timezone.now())
    choose_digest(staff_id=member.pk, wanted=True)
    assert send_digest(staff_id=member.pk, monday=MONDAY.date() + timedelta(days=7), at=timezone.now())


def test_a_department_hears_what_customers_say_about_its_area(client: Client) -> None:
    from feedback.services import Submission, submit_answer
    from tests.factories.feedback import make_invitation

    department = make_department()
    member, ticket, other = make_member(department), make_ticket(), make_ticket()
    make_task(ticket, department)
    for row, words in ((ticket, "包装太差"), (other, "别人的事")):
        _invitation, token = make_invitation(ticket_id=row.pk, customer_id=row.customer_id)
        submit_answer(
            token=token, submission=Submission({"csat": 5, "comment": words}, "zh-hans", 30), at=timezone.now()
        )
    assert Answer.objects.count() == 2
    client.force_login(member)
    page = client.get("/desk/area/answers/").content.decode()
    assert "包装太差" in page
    assert "别人的事" not in page
    assert member.may(Permission.AREA_VIEW)
    assert Team.objects.exists()
