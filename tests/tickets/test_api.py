"""The tickets API: doors, idempotency, lists, refusals."""

import json
from uuid import uuid4

import pytest
from django.test import Client

from tests.factories.accounts import make_api_key, make_staff
from tests.factories.orders import make_order, make_shop
from tests.factories.tickets import make_ticket
from tickets import services
from tickets.models import Message, Ticket

pytestmark = pytest.mark.django_db
BOTH = ("tickets.read", "tickets.write")


class Api:
    """A caller with a key."""

    def __init__(self, **fields):
        self.key, plain = make_api_key(**{"scopes": BOTH, **fields})
        self.client = Client(headers={"Authorization": f"Bearer {plain}"})

    def get(self, path, status=200):
        response = self.client.get(f"/api/v1{path}")
        assert response.status_code == status, response.content
        return response.json()

    def post(self, path, body, status=201, key=None):
        headers = {"Idempotency-Key": key} if key else {}
        response = self.client.post(
            f"/api/v1{path}", json.dumps(body), content_type="application/json", headers=headers
        )
        assert response.status_code == status, response.content
        if status >= 400:
            assert response["Content-Type"] == "application/problem+json"
        return response.json()


def wanted(**fields):
    return {"customer": {"phone": "138 0013 8000", "name": "王小明"}, "text": "杯子坏了", **fields}


def test_open_read_and_add():
    shop, api = make_shop(code="main"), Api()
    order = make_order(shop=shop)
    ticket = api.post("/tickets/", wanted(shop="main", order_number=order.number, category="quality-defect"))
    assert (ticket["shop"], ticket["order_number"], ticket["category"]) == ("main", order.number, "quality-defect")
    assert ticket["customer"]["name"] == "王**"
    assert "138" not in json.dumps(ticket)
    assert api.get(f"/tickets/{ticket['id']}/")["number"] == ticket["number"]
    api.post(f"/tickets/{ticket['id']}/messages/", {"text": "还有一张照片"})
    api.post(f"/tickets/{ticket['id']}/messages/", {"text": "内部", "kind": "note"})
    page = api.get(f"/tickets/{ticket['id']}/messages/?after=1&limit=2")
    assert [row["seq"] for row in page["results"]] == [2, 3]
    assert (page["head"], page["has_more"]) == (4, True)
    note = api.get(f"/tickets/{ticket['id']}/messages/?after=3")["results"][0]
    assert (note["kind"], note["public_seq"], note["author_type"]) == ("note", None, "system")


def test_the_same_key_gives_the_same_answer_and_other_content_is_refused():
    api = Api()
    first = api.post("/tickets/", wanted(), key="k-1")
    assert api.post("/tickets/", wanted(), key="k-1") == first
    assert Ticket.objects.count() == 1
    assert api.post("/tickets/", wanted(text="别的"), key="k-1", status=409)["code"] == "idempotency_key_reused"
    Api().post("/tickets/", wanted(), key="k-1")
    assert Ticket.objects.count() == 2


def test_a_client_id_twice_is_one_message():
    api, ticket, body = Api(), make_ticket(), {"text": "再说一次", "client_id": str(uuid4())}
    first = api.post(f"/tickets/{ticket.pk}/messages/", body)
    assert api.post(f"/tickets/{ticket.pk}/messages/", body)["id"] == first["id"]
    assert Message.objects.filter(ticket=ticket, text="再说一次").count() == 1


def test_a_customers_message_reopens():
    api, ticket = Api(), make_ticket()
    from django.utils import timezone

    from core.actors import Actor

    services.resolve_ticket(ticket_id=ticket.pk, actor=Actor.staff(make_staff()), at=timezone.now())
    api.post(f"/tickets/{ticket.pk}/messages/", {"text": "还没好"})
    assert api.get(f"/tickets/{ticket.pk}/")["status"] == "open"


def test_a_key_sees_its_shops_only():
    mine, other = make_shop(code="mine"), make_shop(code="other")
    ours, theirs = make_ticket(shop_id=mine.pk), make_ticket(shop_id=other.pk)
    api = Api(shop_ids=[mine.pk])
    assert [row["id"] for row in api.get("/tickets/")["results"]] == [ours.pk]
    assert api.get(f"/tickets/{theirs.pk}/", status=404)["code"] == "not_found"
    assert api.get(f"/tickets/{theirs.pk}/messages/", status=404)
    assert api.post(f"/tickets/{theirs.pk}/messages/", {"text": "x"}, status=404)
    assert list(api.post("/tickets/", wanted(shop="other"), status=422)["errors"]) == ["shop"]
    assert api.post("/tickets/", wanted())["shop"] == "mine"


def test_scopes_decide():
    reader, writer, ticket = Api(scopes=["tickets.read"]), Api(scopes=["tickets.write"]), make_ticket()
    reader.post("/tickets/", wanted(), status=403)
    writer.get("/tickets/", status=403)
    writer.get(f"/tickets/{ticket.pk}/", status=403)
    assert Client().get("/api/v1/tickets/").status_code == 401


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"text": "  "}, "text"),
        ({"text": None}, "text"),
        ({"customer": {}}, "customer.phone"),
        ({"customer": {"phone": "12ab"}}, "customer.phone"),
        ({"customer": {"email": "no"}}, "customer.email"),
        ({"category": "none-such"}, "category"),
        ({"priority": 7}, "priority"),
        ({"language": "fr"}, "language"),
        ({"shop": "nowhere"}, "shop"),
        ({"subject": "x" * 201}, "subject"),
    ],
)
def test_refusals_name_the_field(change, field):
    body = Api().post("/tickets/", {**wanted(), **change}, status=422)
    assert list(body["errors"]) == [field]
    assert not Ticket.objects.exists()


def test_unknown_fields_change_nothing():
    api = Api()
    ticket = api.post("/tickets/", wanted(status="closed", assignee=1, is_spam=True, version=9, id=77))
    row = Ticket.objects.get()
    assert (ticket["status"], row.is_spam, row.assignee_id, row.pk == 77) == ("new", False, None, False)


@pytest.mark.parametrize("body", ["[]", "1", '"x"', "null", "{", '{"text": NaN}', '{"text": "a", "text": "b"}'])
def test_bodies_that_are_no_object(body):
    api = Api()
    response = api.client.post("/api/v1/tickets/", body, content_type="application/json")
    assert response.status_code in {400, 422}
    assert response["Content-Type"] == "application/problem+json"


def test_lists_follow_next_and_filter():
    api = Api()
    made = [make_ticket().pk for _n in range(5)]
    first = api.get("/tickets/?limit=2")
    seen = [row["id"] for row in first["results"]]
    while first["next"]:
        first = api.get(first["next"].split("/api/v1")[1])
        seen += [row["id"] for row in first["results"]]
    assert seen == made[::-1]
    assert api.get("/tickets/?status=closed")["results"] == []
    assert list(api.get("/tickets/?limit=0", status=422)["errors"]) == ["limit"]
    assert list(api.get("/tickets/?status=x", status=422)["errors"]) == ["status"]


@pytest.mark.parametrize("count", [1, 3])
def test_lists_cost_the_same_however_long(count, django_assert_num_queries):
    api = Api()
    shop = make_shop()
    tickets = [make_ticket(shop_id=shop.pk) for _n in range(count)]
    api.get("/tickets/")
    with django_assert_num_queries(3):
        api.get("/tickets/")
    with django_assert_num_queries(5):
        api.get(f"/tickets/{tickets[0].pk}/messages/")
