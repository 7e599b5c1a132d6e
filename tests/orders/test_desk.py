"""The order list and page: bounded queries, masked data, doors."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core.actors import SYSTEM
from orders.services import ScanData, add_scans
from tests.factories.accounts import make_staff, make_team
from tests.factories.orders import AT, make_order, make_parcel, make_product, make_shop

pytestmark = pytest.mark.django_db


@pytest.fixture
def agent(client):
    staff = make_staff()
    client.force_login(staff)
    return client


def queries(client, url):
    client.get(url)
    with CaptureQueriesContext(connection) as seen:
        response = client.get(url)
    assert response.status_code == 200
    return [q["sql"] for q in seen.captured_queries]


def told(parcel, n=4):
    add_scans(
        parcel_id=parcel.pk,
        scans=[
            ScanData(AT - timedelta(hours=9 - i), "in_transit", "1002", f"到达 {i} 号站", "上海市") for i in range(n)
        ],
        actor=SYSTEM,
        received_at=AT,
    )


def test_list_takes_the_same_statements_for_one_and_three_rows(agent):
    told(make_parcel(make_order()))
    one = queries(agent, "/desk/orders/")
    for _ in range(2):
        told(make_parcel(make_order()))
    three = queries(agent, "/desk/orders/")
    assert len(one) == len(three)
    assert len(three) <= 12


def test_page_takes_the_same_statements_for_few_and_many_rows(agent):
    order = make_order()
    told(make_parcel(order))
    few = queries(agent, f"/desk/orders/{order.pk}/")
    for _ in range(2):
        told(make_parcel(order), n=9)
    make_product(order.shop, "X-1")
    many = queries(agent, f"/desk/orders/{order.pk}/")
    assert len(few) == len(many)
    assert len(many) <= 16


def test_page_shows_nothing_personal_in_full(agent):
    order = make_order(recipient="李小红", phone="13912345678", street="文三路 138 号 2 幢 301")
    make_parcel(order)
    html = agent.get(f"/desk/orders/{order.pk}/").content.decode()
    assert "李**" in html
    assert "139****5678" in html
    for secret in ("李小红", "13912345678", "文三路"):
        assert secret not in html


@pytest.mark.parametrize(
    "path",
    ["/desk/orders/", "/desk/orders/?status=placed&shop=1&from=2026-01-01&to=2026-12-31", "/desk/orders/?q=A2026",
     "/desk/orders/?status=x&shop=99999999999999999999&from=x&before=x_y", "/desk/orders/?before=1e400_1",
     "/desk/orders/?q=%00%25_", "/desk/orders/import/", "/desk/orders/panel/?order=1"],
)  # fmt: skip
def test_odd_addresses_never_break_the_list(agent, path):
    make_order()
    assert agent.get(path).status_code in {200, 403, 404}


def test_filters_and_pages(agent):
    shop = make_shop()
    for number in range(53):
        make_order(shop=shop, number=f"P-{number:03d}", placed_at=AT - timedelta(days=2, minutes=number))
    first = agent.get("/desk/orders/")
    assert len(first.context["orders"]) == 50
    second = agent.get("/desk/orders/" + first.context["next_url"])
    assert [row["order"].number for row in second.context["orders"]] == ["P-050", "P-051", "P-052"]
    assert agent.get("/desk/orders/?status=shipped").context["orders"] == []


def test_other_shops_are_closed(client):
    order = make_order(shop=make_shop())
    client.force_login(make_staff(teams=[make_team(shop_ids=[make_shop().pk])]))
    for path in ("", "panel/"):
        assert client.get(f"/desk/orders/{order.pk}/{path}").status_code == 404
    assert client.get("/desk/orders/").context["orders"] == []
    assert client.get(f"/desk/orders/of-customer/{order.customer_id}/").context["orders"] == []


def test_supervisor_completes_and_nobody_twice(client):
    client.force_login(make_staff(roles=["supervisor"]))
    order = make_order(status="delivered", delivered_at=AT)
    assert client.post(f"/desk/orders/{order.pk}/complete/").status_code == 302
    assert client.post(f"/desk/orders/{order.pk}/complete/").status_code in {400, 409}
    order.refresh_from_db()
    assert order.status == "completed"


def test_story_tells_scans_once(agent):
    order = make_order()
    told(make_parcel(order), n=3)
    html = agent.get(f"/desk/orders/{order.pk}/?story=parcel").content.decode()
    assert [html.count(f"到达 {i} 号站") for i in range(3)] == [1, 1, 1]
