"""The customer's page and panel: masked, revealed with a reason, edited with care, erased on purpose."""

import pytest
from django.utils import timezone

from accounts.models import PersonalDataAccess
from core.actors import SYSTEM
from customers.models import Customer
from customers.services import set_contact_choice
from tests.factories.accounts import make_staff
from tests.factories.customers import make_customer
from tests.factories.tickets import make_ticket

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def customer():
    return make_customer(phone="13812345678", email="wang@example.com", name="王小明")


def url(customer, rest=""):
    return f"/desk/customers/{customer.pk}/{rest}"


def test_the_page_shows_masks_only(client, customer):
    client.force_login(make_staff())
    set_contact_choice(
        customer_id=customer.pk,
        channel="email",
        purpose="survey",
        is_allowed=False,
        source="link",
        actor=SYSTEM,
        at=timezone.now(),
    )
    page = client.get(url(customer)).content.decode()
    assert "138****5678" in page
    assert "w***@example.com" in page
    assert "13812345678" not in page
    assert "wang@example.com" not in page
    assert f"/desk/customers/{customer.pk}/tickets/" in page


def test_reveal_asks_for_a_reason_and_is_written_down(client, customer):
    staff = make_staff()
    client.force_login(staff)
    identity = customer.identities.get(kind="phone")
    asked = {"subject_type": "identity", "subject_id": identity.pk, "field": "value"}
    response = client.post("/desk/reveal/", {**asked, "reason": "call", "words": ""}, headers=HTMX)
    assert response.status_code == 200
    assert "13812345678" in response.content.decode().replace(" ", "")
    entry = PersonalDataAccess.objects.get()
    assert (entry.actor_id, entry.subject_type, entry.subject_id) == (staff.pk, "identity", identity.pk)


def test_without_the_right_no_reveal_is_offered(client, customer):
    client.force_login(make_staff(roles=["agent_junior"]))
    page = client.get(url(customer)).content.decode()
    assert "138****5678" in page
    assert "/desk/reveal/" not in page
    assert 'name="note"' not in page


def test_saving_and_saving_over_a_colleague(client, customer):
    client.force_login(make_staff())
    typed = {
        "name": "王小明",
        "tier": "gold",
        "tags": "常客，喜欢顺丰",
        "note": "生日 5 月",
        "version": customer.version,
    }
    assert client.post(url(customer), typed).status_code == 302
    customer.refresh_from_db()
    assert (customer.tier, customer.tags) == ("gold", ["喜欢顺丰", "常客"])
    late = client.post(url(customer), {**typed, "note": "生日 6 月"}, headers=HTMX)
    page = late.content.decode()
    assert late.status_code == 409
    assert "生日 5 月" in page
    assert "生日 6 月" in page
    assert f'name="version" value="{customer.version}"' in page
    assert client.post(url(customer), {**typed, "tier": "none"}).status_code == 422


def test_block_and_unblock(client, customer):
    client.force_login(make_staff())
    client.post(url(customer, "block/"))
    assert Customer.objects.get(pk=customer.pk).is_blocked
    client.post(url(customer, "block/"), {"blocked": "0"})
    assert not Customer.objects.get(pk=customer.pk).is_blocked


def test_erasing_needs_the_right_and_the_number(client, customer):
    client.force_login(make_staff())
    assert client.get(url(customer, "erase/")).status_code == 403
    client.force_login(make_staff(roles=["manager"]))
    assert client.get(url(customer, "erase/")).status_code == 200
    assert client.post(url(customer, "erase/"), {"confirm": "1234567"}).status_code == 422
    assert client.post(url(customer, "erase/"), {"confirm": str(customer.pk)}).status_code == 302
    page = client.get(url(customer)).content.decode()
    assert "王小明" not in page
    assert 'name="note"' not in page


def test_panel_and_tickets_are_fragments(client, customer):
    client.force_login(make_staff())
    ticket = make_ticket(customer=customer)
    panel = client.get(url(customer, "context/"), headers=HTMX).content.decode()
    assert "<html" not in panel
    assert "138****5678" in panel
    rows = client.get(url(customer, "tickets/"), headers=HTMX).content.decode()
    assert "<html" not in rows
    assert ticket.number in rows


def test_strangers_and_missing_customers(client, customer):
    for rest in ("", "context/", "erase/", "tickets/"):
        assert client.get(url(customer, rest)).status_code == 302
    client.force_login(make_staff(roles=["warehouse"]))
    assert client.get(url(customer)).status_code == 403
    client.force_login(make_staff())
    assert client.get("/desk/customers/999999/").status_code == 404
    assert client.get(url(customer, "block/")).status_code == 405


@pytest.mark.parametrize("count", [1, 3])
def test_the_tickets_fragment_costs_the_same(client, customer, count, django_assert_max_num_queries):
    client.force_login(make_staff())
    for _n in range(count):
        make_ticket(customer=customer)
    client.get(url(customer, "tickets/"), headers=HTMX)
    with django_assert_max_num_queries(7):
        client.get(url(customer, "tickets/"), headers=HTMX)
