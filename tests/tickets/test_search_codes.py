"""What a number finds: the kept statement of a mere number sees what the one with filters sees, each person hers."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from accounts.models import Staff
from core.actors import SYSTEM
from customers.selectors import last4_index, phone_index
from customers.services import merge_customers
from orders.models import Carrier, Parcel
from tests.factories.accounts import make_staff, make_team
from tests.factories.customers import make_customer
from tests.factories.desk import make_desk_order, make_desk_ticket, make_person, make_shop
from tests.tickets.test_statements import statements
from tickets.models import CustomField, FieldValue, Ticket
from tickets.models.ticket import NUMBER_OFFSET
from tickets.selectors.search import FIRST, search_tickets

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 10, 12, tzinfo=UTC)
PHONE = "+8613900001234"


def found_by(staff: Staff, text: str) -> list[int]:
    return [hit.row.id for hit in search_tickets(staff, text, now=NOW).hits]


@pytest.fixture
def boss() -> Staff:
    return make_staff(roles=["manager"])


def test_every_sort_of_number_finds_its_tickets_with_and_without_filters(boss: Staff) -> None:
    order = make_desk_order(number="QH2026-77", phone_index=phone_index(PHONE), phone_last4_index=last4_index(PHONE))
    Parcel.objects.create(order=order, carrier=Carrier.objects.get(code="shunfeng"), tracking_number="SF7700770077")
    about = make_desk_ticket(order=order, text="甲")
    owner, joined = make_customer(phone=PHONE), make_customer(email="joined@example.com")
    hers, before = make_desk_ticket(customer=owner, text="乙"), make_desk_ticket(customer=joined, text="丙")
    merge_customers(source_id=joined.pk, target_id=owner.pk, actor=SYSTEM, at=NOW)
    field = CustomField.objects.create(key="serial", label_zh="编号", label_en="Serial")
    own = make_desk_ticket(text="丁")
    FieldValue.objects.create(ticket=own, field=field, value="B20261101")
    make_desk_ticket(text="戊")
    family = {hers.pk, before.pk, about.pk}
    for text, wanted in (
        ("qh2026-77", {about.pk}),
        ("SF7700770077", {about.pk}),
        ("sf77 0077 0077", {about.pk}),
        ("13900001234", family),
        ("139 0000 1234", family),
        ("1234", family),
        ("B20261101", {own.pk}),
        (str(own.pk + NUMBER_OFFSET), {own.pk}),
        (f"#{own.pk + NUMBER_OFFSET}", {own.pk}),
        ("QH2026-78", set()),
        ("4321", set()),
    ):
        found = found_by(boss, text)
        assert (set(found), len(found)) == (wanted, len(wanted)), text
        assert found_by(boss, f"{text} status:new") == found, text
        assert found_by(boss, f"{text} status:closed") == [], text


def test_a_number_shows_nobody_more_than_she_may_see() -> None:
    """All of one team ask by one statement; what stands in it is the team's, who asks is not."""
    shop, other = make_shop(), make_shop()
    team, elsewhere = make_team(shop_ids=[shop.pk]), make_team(shop_ids=[other.pk])
    one, two, stranger = make_staff(teams=[team]), make_staff(teams=[team]), make_staff(teams=[elsewhere])
    nobody = make_staff(teams=())
    order = make_desk_order(shop=shop, number="QH2026-99")
    shared = make_desk_ticket(order=order, team=team, shop=shop)
    teamless = make_desk_ticket(order=order, shop=shop)
    lent = make_desk_ticket(order=order, team=elsewhere, shop=other, assignee=one)
    make_desk_ticket(order=order, team=team, shop=shop, is_spam=True)
    into = make_desk_ticket(
        order=order, team=team, shop=shop, merged_into=shared, status="closed", resolved_at=NOW, closed_at=NOW
    )
    for _again in range(2):
        assert set(found_by(one, "QH2026-99")) == {shared.pk, teamless.pk, lent.pk}
        assert set(found_by(two, "QH2026-99")) == {shared.pk, teamless.pk}
        assert found_by(stranger, "QH2026-99") == [lent.pk]
        assert found_by(nobody, "QH2026-99") == []
    assert found_by(one, str(lent.pk + NUMBER_OFFSET)) == [lent.pk]
    assert found_by(two, str(lent.pk + NUMBER_OFFSET)) == []
    assert found_by(one, str(into.pk + NUMBER_OFFSET)) == []


def test_the_newest_come_first_and_more_is_said(boss: Staff) -> None:
    person = make_person()
    order = make_desk_order(customer=person, number="QH2026-55")
    made = [make_desk_ticket(customer=person, order=order).pk for _number in range(FIRST + 2)]
    wanted = Ticket.objects.filter(pk__in=made).order_by("-last_message_at", "-pk").values_list("pk", flat=True)
    assert found_by(boss, "QH2026-55") == list(wanted[:FIRST])
    assert search_tickets(boss, "QH2026-55", now=NOW).is_more
    assert len(search_tickets(boss, "QH2026-55", now=NOW, limit=100).hits) == FIRST + 2


def test_a_number_that_is_nobodys_is_found_where_somebody_wrote_it(boss: Staff) -> None:
    """A customer names an order the shop has not told us of yet: the conversation is what there is."""
    ticket = make_desk_ticket(text="我的订单 QH20269988 到哪里了")
    make_desk_ticket(text="别的")
    assert found_by(boss, "QH20269988") == [ticket.pk]
    make_desk_order(number="QH20269988")  # known now, but no ticket is about it
    assert found_by(boss, "QH20269988") == [ticket.pk]


def test_a_number_with_tickets_takes_one_statement(boss: Staff) -> None:
    order = make_desk_order(number="QH2026-11")
    ticket = make_desk_ticket(order=order)
    assert found_by(boss, "QH2026-11") == [ticket.pk]
    assert len(statements(lambda: search_tickets(boss, "QH2026-11", now=NOW))) == 1
