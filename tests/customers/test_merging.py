"""Two records of one person: joined without moving anything, taken apart exactly, under rights and in the log."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import PersonalDataAccess
from core.actors import SYSTEM
from core.events.bulk import History
from core.models import Event
from customers import selectors, services
from customers.enums import ContactPurpose
from customers.errors import AlreadyErased, CannotMerge, CannotUnmerge
from customers.models import ContactChoice, Customer, CustomerMerge, Identity
from customers.services.bulk import find_or_add_customers, person
from orders.selectors import find_order_for_contact
from tests.factories.accounts import make_staff
from tests.factories.customers import make_customer
from tests.factories.orders import make_order
from tests.factories.tickets import make_ticket
from tickets.models import Ticket
from tickets.services.mail_in import is_from_customer
from tickets.services.merging import merge_tickets

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}
AT = timezone.now()


def join(source, target, at=None, **more):
    return services.merge_customers(
        source_id=source.pk, target_id=target.pk, actor=SYSTEM, at=at or timezone.now(), **more
    )


def part(source, at=None):
    return services.unmerge_customer(source_id=source.pk, actor=SYSTEM, at=at or timezone.now())


def choose(customer, allowed, purpose=ContactPurpose.SURVEY, at=None):
    services.set_contact_choice(
        customer_id=customer.pk, channel="email", purpose=purpose, is_allowed=allowed, source="link", actor=SYSTEM,
        at=at or timezone.now(),
    )  # fmt: skip


def state(*customers):
    """Return everything a joining could touch, as it stands in the database."""
    ids = [customer.pk for customer in customers]
    fields = ("pk", "name", "tier", "tags", "note", "is_blocked", "merged_into_id", "language")
    choices = ContactChoice.objects.filter(customer_id__in=ids, is_current=True)
    return (
        sorted(Customer.objects.filter(pk__in=ids).values_list(*fields)),
        sorted(Identity.objects.filter(customer_id__in=ids).values_list("pk", "customer_id", "kind", "is_primary")),
        sorted(choices.values_list("customer_id", "channel", "purpose", "is_allowed", "source")),
    )


@pytest.fixture
def pair():
    one = make_customer(phone="13811110001", email="a@example.com", name="王小明", tier="gold", tags=["常客"])
    two = make_customer(phone="13811110002", email="b@example.com", name="王小明", tags=["退货多"])
    return one, two


def test_looking_up_any_contact_finds_the_record_that_stays(pair):
    source, target = pair
    join(source, target)
    assert selectors.find_customer_by_phone("13811110001").pk == target.pk
    assert selectors.find_customer_by_email("a@example.com").pk == target.pk
    assert [c.pk for c in selectors.search_customers("0001")] == [target.pk]
    assert [c.pk for c in selectors.search_customers("王小明")] == [target.pk]
    assert len(selectors.identities_of(target.pk)) == 4
    assert selectors.primary_address(target.pk, "email") == "b@example.com"
    known = services.find_or_add_customer(email="a@example.com", source="email", actor=SYSTEM, at=timezone.now())
    assert known.pk == target.pk
    with transaction.atomic():
        people = [person(phone="+8613811110001", shop_id=1), person(phone="+8613811110002", shop_id=1)]
        ids = find_or_add_customers(
            people=people, shop_id=1, language="zh-hans", source="import", actor=SYSTEM, at=timezone.now(),
            history=History(actor=SYSTEM),
        )  # fmt: skip
    assert ids == [target.pk, target.pk]


def test_what_wins_and_what_is_written_down(pair):
    source, target = pair
    join(source, target)
    target.refresh_from_db()
    source.refresh_from_db()
    assert (target.tier, target.tags, target.is_blocked) == ("gold", ["常客", "退货多"], False)
    assert (source.merged_into_id, source.tags) == (target.pk, ["常客"])
    kinds = Event.objects.filter(kind__in=["customer.merged", "customer.took_in"]).order_by("id")
    assert list(kinds.values_list("kind", "customer_id", "data")) == [
        ("customer.merged", source.pk, {"other_id": target.pk}),
        ("customer.took_in", target.pk, {"other_id": source.pk}),
    ]


def test_joining_and_parting_restores_everything(pair):
    source, target = pair
    choose(source, False)
    choose(target, True)
    choose(source, True, ContactPurpose.MARKETING)
    before = state(*pair)
    join(source, target)
    assert not selectors.may_contact(target.pk, "email", "survey")
    assert not selectors.may_contact(source.pk, "email", "survey")
    assert selectors.may_contact(target.pk, "email", "marketing")
    part(source)
    assert state(*pair) == before
    join(target, source)
    part(target)
    assert state(*pair) == before


def test_a_word_said_while_joined_counts_and_stays_with_its_contact(pair):
    source, target = pair
    choose(source, False, at=AT - timedelta(days=2))
    choose(target, True, at=AT - timedelta(days=2))
    join(source, target, at=AT - timedelta(days=1))
    choose(source, True, at=AT)  # by a link in a mail to the source's address
    assert selectors.may_contact(target.pk, "email", "survey")
    choose(target, False, at=AT + timedelta(minutes=1))
    assert not selectors.may_contact(target.pk, "email", "survey")
    part(source, at=AT + timedelta(minutes=2))
    assert selectors.may_contact(source.pk, "email", "survey")
    assert not selectors.may_contact(target.pk, "email", "survey")


def test_three_records_taken_apart_in_either_order(pair):
    source, target = pair
    third = make_customer(phone="13811110003", email="c@example.com", name="王小明", tier="vip", tags=["企业"])
    before = state(source, target, third)
    join(source, target)
    join(third, target)
    part(source)
    target.refresh_from_db()
    assert (target.tier, target.tags) == ("vip", ["企业", "退货多"])
    part(third)
    assert state(source, target, third) == before


def test_a_chain_becomes_one_step_and_comes_apart_step_by_step(pair):
    source, target = pair
    third = make_customer(name="王小明")
    before = state(source, target, third)
    join(source, target)
    join(target, third)
    source.refresh_from_db()
    assert source.merged_into_id == third.pk
    with pytest.raises(CannotUnmerge):
        part(source)
    part(target)
    source.refresh_from_db()
    assert source.merged_into_id == target.pk
    part(source)
    assert state(source, target, third) == before


def test_what_cannot_be_joined(pair):
    source, target = pair
    third = make_customer()
    with pytest.raises(CannotMerge):
        join(source, source)
    first = join(source, target)
    assert join(source, target).pk == first.pk
    with pytest.raises(CannotMerge):
        join(source, third)
    with pytest.raises(CannotMerge):
        join(third, source)
    services.erase_customer(customer_id=third.pk, reason="on_request", actor=SYSTEM, at=timezone.now())
    with pytest.raises(AlreadyErased):
        join(third, target)


def test_the_database_holds_one_level(pair):
    source, target = pair
    third = make_customer()
    join(source, target)
    for row, into in ((third, source), (target, third), (third, third)):
        with pytest.raises(IntegrityError), transaction.atomic():
            Customer.objects.filter(pk=row.pk).update(merged_into=into)


def test_new_mail_and_orders_come_to_the_record_that_stays_and_go_with_their_contact(pair):
    source, target = pair
    old = make_ticket(customer=source)
    join(source, target, at=timezone.now() - timedelta(minutes=1))
    by_source = make_ticket(customer=source, contact_email="a@example.com")
    by_target = make_ticket(customer=target, contact_email="b@example.com")
    by_nobody = make_ticket(customer=target)
    order = make_order(phone="13811110001", recipient="王小明")
    assert {t.customer_id for t in (by_source, by_target, by_nobody)} == {target.pk}
    assert order.customer_id == target.pk
    assert Ticket.objects.get(pk=old.pk).customer_id == source.pk
    assert is_from_customer(Ticket.objects.select_related("customer").get(pk=old.pk), "b@example.com")
    # a second address told in a form by the source's phone belongs to the source
    told = services.find_or_add_customer(
        phone="13811110001", email="a2@example.com", source="form", actor=SYSTEM, at=timezone.now()
    )
    assert told.pk == target.pk
    part(source)
    owners = dict(Ticket.objects.values_list("pk", "customer_id"))
    assert [owners[t.pk] for t in (old, by_source, by_target, by_nobody)] == [
        source.pk, source.pk, target.pk, target.pk,
    ]  # fmt: skip
    order.refresh_from_db()
    assert order.customer_id == source.pk
    assert selectors.find_customer_by_email("a2@example.com").pk == source.pk


def test_tickets_of_joined_records_can_be_joined_and_orders_proved_by_either_phone(pair):
    source, target = pair
    order = make_order(phone="13811110001", recipient="王小明", number="A777000111")
    join(source, target)
    assert find_order_for_contact(order.number, "13811110002") == order
    one, two = make_ticket(customer=source), make_ticket(customer=target)
    Ticket.objects.filter(pk=one.pk).update(customer=source)
    assert merge_tickets(source_id=one.pk, target_id=two.pk, actor=SYSTEM, at=timezone.now()).pk == two.pk


def test_erasing_one_erases_all_that_are_joined(pair):
    source, target = pair
    make_ticket(customer=source, contact_email="a@example.com")
    join(source, target)
    services.erase_customer(customer_id=source.pk, reason="on_request", actor=SYSTEM, at=timezone.now())
    rows = Customer.objects.filter(pk__in=[source.pk, target.pk])
    assert all(row.erased_at and row.name == "" and row.tags == [] for row in rows)
    assert not Identity.objects.filter(customer__in=[source, target]).exists()
    assert CustomerMerge.objects.get().taken == {}
    with pytest.raises(AlreadyErased):
        part(source)


def test_tier_and_block_follow_while_joined(pair):
    source, target = pair
    join(source, target)
    services.block_customer(customer_id=source.pk, reason="by_agent", actor=SYSTEM, at=timezone.now())
    source.refresh_from_db()
    target.refresh_from_db()
    assert (source.is_blocked, target.is_blocked) == (True, True)
    part(source)
    source.refresh_from_db()
    target.refresh_from_db()
    assert (source.is_blocked, target.is_blocked) == (False, True)


def test_side_by_side_joined_and_undone_in_the_browser(client, pair):
    source, target = pair
    choose(source, False)
    client.force_login(make_staff(roles=["supervisor"]))
    url = f"/desk/customers/{target.pk}/merge/"
    page = client.get(url, {"with": source.pk}).content.decode()
    assert "138****0001" in page
    assert "138****0002" in page
    assert "13811110001" not in page
    assert f"/desk/orders/of-customer/{source.pk}/facts/" in page
    assert set(PersonalDataAccess.objects.values_list("subject_id", "purpose")) == {
        (source.pk, "compare duplicates"), (target.pk, "compare duplicates"),
    }  # fmt: skip
    source.refresh_from_db()
    target.refresh_from_db()
    typed = {"source": source.pk, "source_version": source.version, "target_version": target.version - 1}
    assert client.post(url, typed).status_code == 409
    answer = client.post(url, typed | {"target_version": target.version}, headers=HTMX)
    assert answer.status_code == 204
    undo = f"/desk/customers/{source.pk}/unmerge/"
    assert undo in answer["HX-Trigger"]
    assert client.get(f"/desk/customers/{source.pk}/")["Location"] == f"/desk/customers/{target.pk}/"
    assert f"#{source.pk}" in client.get(f"/desk/customers/{target.pk}/proposals/", headers=HTMX).content.decode()
    assert client.get(undo).status_code == 200
    assert client.post(undo).status_code == 302
    assert client.get(f"/desk/customers/{source.pk}/").status_code == 200
    assert client.get(undo).status_code == 404


def test_the_doors(client, pair):
    source, target = pair
    client.force_login(make_staff())
    for rest in ("merge/", "unmerge/", "proposals/", "told-apart/"):
        assert client.post(f"/desk/customers/{target.pk}/{rest}").status_code == 403
    assert client.get("/desk/customers/duplicates/").status_code == 403
    client.force_login(make_staff(roles=["crm_specialist"]))
    assert client.get(f"/desk/customers/{target.pk}/merge/").status_code == 200
    assert client.get(f"/desk/customers/{target.pk}/merge/", {"with": "987654"}).status_code == 200
    assert client.post(f"/desk/customers/{target.pk}/merge/", {"source": "x"}).status_code == 422
    assert client.get(f"/desk/customers/{source.pk}/unmerge/").status_code == 404


@pytest.mark.parametrize("count", [1, 3])
def test_panels_over_joined_records_cost_the_same(client, pair, count, django_assert_max_num_queries):
    source, target = pair
    for _n in range(count):
        make_ticket(customer=source)
    join(source, target)
    client.force_login(make_staff())
    client.get(f"/desk/customers/{target.pk}/tickets/", headers=HTMX)
    with django_assert_max_num_queries(7):
        page = client.get(f"/desk/customers/{target.pk}/tickets/", headers=HTMX).content.decode()
    assert page.count("data-href") == count
