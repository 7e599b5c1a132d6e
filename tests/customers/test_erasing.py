"""Erasing a person leaves no word of theirs in the database, nor ever one in the event log."""

import json
from uuid import uuid4

import pytest
from django.db import connection
from django.utils import timezone

from core.actors import SYSTEM, Actor
from core.jobs import drain
from core.models import Event
from customers import services
from customers.models import Customer
from customers.selectors import find_customer_by_email, find_customer_by_phone
from customers.services.codes import request_code
from tests.factories.accounts import make_staff
from tests.factories.orders import make_order, make_shop
from tests.factories.tickets import jpeg
from tickets import services as tickets
from tickets.attachments.store import path_of
from tickets.services.contact_form import ContactRequest, session_of, submit_contact_form

CANARIES = (
    "金丝雀甲",
    "canary.person",
    "13912345678",
    "3912345678",
    "秘密的话",
    "内部秘密",
    "canary-file",
    "CANARY-ORDER-9",
)


def whole_database():
    """Return every table's rows as text, apart from what is not a person's."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename NOT LIKE 'django_migr%'"
        )
        found = {}
        for (table,) in cursor.fetchall():
            cursor.execute(f"SELECT coalesce(string_agg(t::text, chr(10)), '') FROM \"{table}\" t")
            found[table] = cursor.fetchone()[0]
    return found


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_nothing_of_a_person_is_left(tmp_path, settings):
    options = {**settings.STORAGES["attachments"]["OPTIONS"], "location": str(tmp_path)}
    settings.STORAGES = {**settings.STORAGES, "attachments": {**settings.STORAGES["attachments"], "OPTIONS": options}}
    staff, draft, now = make_staff(), "canary" * 6, timezone.now()
    order = make_order(shop=make_shop(), phone="13912345678", recipient="金丝雀甲")
    file = tickets.store_attachment(file=jpeg(), name="canary-file.jpg", session_hash=session_of(draft), at=now)
    asked = ContactRequest(
        draft=draft, text="秘密的话", phone="+8613912345678", email="canary.person@example.com", name="金丝雀甲",
        order_number=order.number,
    )  # fmt: skip
    ticket = submit_contact_form(request=asked, at=now)
    second = ContactRequest(
        draft=draft + "2",
        text="秘密的话",
        phone="+8613912345678",
        email="canary.person@example.com",
        order_number="CANARY-ORDER-9",
    )
    submit_contact_form(request=second, at=now)
    actor = Actor.staff(staff)
    tickets.add_note(ticket_id=ticket.pk, text="内部秘密", actor=actor, at=now)
    tickets.save_draft(ticket_id=ticket.pk, staff_id=staff.pk, text="秘密的话", at=now)
    tickets.reply_to_ticket(ticket_id=ticket.pk, text="金丝雀甲您好", actor=actor, at=now, client_id=uuid4())
    request_code(
        purpose="own_page", target="canary.person@example.com", asker="", place="::1", language="zh-hans", at=now
    )
    log = json.dumps(list(Event.objects.values_list("data", "reason")), ensure_ascii=False)
    assert [canary for canary in CANARIES if canary in log] == []

    services.erase_customer(customer_id=ticket.customer_id, reason="on_request", actor=SYSTEM, at=now)
    drain(seconds=10)
    left = [(canary, table) for table, text in whole_database().items() for canary in CANARIES if canary in text]
    assert left == []
    assert not (tmp_path / path_of(file.key)).exists()
    assert find_customer_by_phone("13912345678") is None
    assert find_customer_by_email("canary.person@example.com") is None
    assert Customer.objects.get(pk=ticket.customer_id).erased_at is not None
    assert Event.objects.filter(kind="customer.erased").count() == 1
