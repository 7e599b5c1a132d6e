"""Products, stock and promotions: by the API, on the pages; older stock never overwrites newer."""

import json
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from core.errors import InvalidInput
from orders.models import Product, Promotion
from orders.selectors.products import facts_of, product_facts
from orders.services import ItemData
from orders.services.products import ProductTold, upsert_product
from tests.factories.accounts import make_api_key, make_staff, make_team
from tests.factories.orders import make_order, make_product, make_shop
from tests.factories.promotions import promote

pytestmark = pytest.mark.django_db
URL = "/api/v1/products/"


@pytest.fixture
def shop():
    return make_shop()


@pytest.fixture
def call(client):
    _key, plain = make_api_key(scopes=["orders.read", "orders.write"])

    def send(method, url, body=None, **headers):
        data = {} if body is None else {"data": json.dumps(body)}
        head = {"Authorization": f"Bearer {plain}", **headers}
        return getattr(client, method)(url, **data, content_type="application/json", headers=head)

    return send


def test_stock_follows_the_newest_count_in_any_order(shop):
    now = timezone.now()
    counts = [(now - timedelta(hours=n), 10 + n) for n in (3, 1, 2)]
    for at, stock in counts:
        upsert_product(shop=shop, told=ProductTold("A", "杯", stock=stock, stock_at=at), at=now)
    product = Product.objects.get()
    assert (product.stock, product.stock_at) == (11, now - timedelta(hours=1))
    assert upsert_product(shop=shop, told=ProductTold("A", price=Decimal("8.00")), at=now) == "changed"
    product.refresh_from_db()
    assert (product.name, product.stock, product.price) == ("杯", 11, Decimal("8.00"))
    assert upsert_product(shop=shop, told=ProductTold("A", price=Decimal("8.00")), at=now) == "same"


def test_a_batch_tells_each_on_its_own_and_the_key_answers_again(call, shop):
    body = {
        "shop": shop.code,
        "products": [
            {"sku": "B", "name": "刷", "price": "9.90", "stock": 3}, {"sku": "", "name": "x"}, "x",
            {"sku": "C", "stock": 1, "stock_at": "2999-01-01T00:00:00Z"}, {"sku": "D", "price": "-1"},
        ],
        "promotions": [
            {"code": "P1", "title": "满减", "starts_at": "2026-11-01T00:00:00", "percent": "10", "skus": ["B"]},
            {"code": "P2", "title": "坏", "starts_at": "2026-11-01T00:00:00"},
        ],
    }  # fmt: skip
    answer = call("post", URL, body, **{"Idempotency-Key": "p"})
    results = answer.json()
    assert [row["result"] for row in results["products"]] == ["new", "error", "error", "error", "error"]
    assert [list(row.get("errors", {}))[:1] for row in results["products"]] == [
        [], ["sku"], ["non_field_errors"], ["stock_at"], ["price"],
    ]  # fmt: skip
    assert [row["result"] for row in results["promotions"]] == ["new", "error"]
    assert call("post", URL, body, **{"Idempotency-Key": "p"}).json() == results
    assert call("post", URL, {**body, "promotions": []}, **{"Idempotency-Key": "p"}).status_code == 409
    assert list(Product.objects.values_list("sku", flat=True)) == ["B"]
    one = call("get", f"{URL}B/").json()
    assert (one["price"], one["price_now"], one["stock"], one["promotions"]) == ("9.90", "8.91", 3, ["P1"])
    assert [row["sku"] for row in call("get", f"{URL}?shop={shop.code}").json()["results"]] == ["B"]
    assert call("get", f"{URL}nothing/").status_code == 404
    bad: object
    for bad in (
        [],
        {"shop": "nowhere", "products": [{}]},
        {"shop": shop.code},
        {"shop": shop.code, "products": [{}] * 501},
    ):
        assert call("post", URL, bad).status_code == 422


def test_a_key_reaches_only_its_shops(client, shop):
    other = make_shop()
    make_product(other, "X")
    _key, plain = make_api_key(scopes=["orders.read", "orders.write"], shop_ids=[shop.pk])
    head = {"Authorization": f"Bearer {plain}"}
    assert client.get(URL, headers=head).json()["results"] == []
    assert client.get(f"{URL}X/", headers=head).status_code == 404
    body = json.dumps({"shop": other.code, "products": [{"sku": "X", "stock": 0}]})
    assert client.post(URL, body, content_type="application/json", headers=head).status_code == 422


def test_the_price_now_is_the_lowest_that_holds(shop):
    now = timezone.now()
    cup = make_product(shop, "CUP", price=Decimal("100.00"))
    lamp = make_product(shop, "LAMP", price=Decimal("50.00"))
    promote(shop, code="ALL")
    promote(shop, code="CUP", percent=None, price=Decimal("70.00"), skus=("CUP",))
    promote(shop, code="LATER", percent=Decimal(90), starts_at=now + timedelta(days=1))
    promote(shop, code="OVER", percent=Decimal(90), ends_at=now - timedelta(minutes=1))
    promote(make_shop(), code="ELSEWHERE", percent=Decimal(90))
    facts = facts_of([cup, lamp], now)
    assert [(one.price, [row.code for row in one.promotions]) for one in facts] == [
        (Decimal("70.00"), ["CUP", "ALL"]), (Decimal("40.00"), ["ALL"]),
    ]  # fmt: skip
    assert product_facts([cup.pk], now)[cup.pk].is_reduced


@pytest.mark.parametrize(
    "fields",
    [{"price": Decimal(1), "percent": None}, {"price": Decimal(1)}, {"percent": Decimal(101)}, {"title": " "},
     {"ends_at": timezone.now() - timedelta(days=9)}],
)  # fmt: skip
def test_promotions_that_make_no_sense_are_refused_by_service_and_database(shop, fields):
    with pytest.raises(InvalidInput):
        promote(shop, **fields)
    row = {"code": "X", "title": "t", "starts_at": timezone.now(), "percent": Decimal(5), **fields}
    if fields.get("title") != " ":
        with pytest.raises(IntegrityError), transaction.atomic():
            Promotion.objects.create(shop=shop, **row)


def test_pages_show_stock_and_promotions_by_shop(client):
    mine, theirs = make_shop(), make_shop()
    cup = make_product(mine, "CUP-1", name="保温杯", price=Decimal("100.00"), stock=0)
    hidden = make_product(theirs, "HID-1", name="别家的")
    promote(mine)
    team = make_team(shop_ids=[mine.pk])
    client.force_login(make_staff(roles=["agent"], teams=[team]))
    page = client.get(reverse("orders:products") + "?q=杯").content.decode()
    assert "CUP-1" in page
    assert "双十一" in page
    assert "HID-1" not in client.get(reverse("orders:products")).content.decode()
    assert client.get(reverse("orders:product", args=[cup.pk])).status_code == 200
    assert client.get(reverse("orders:product", args=[hidden.pk])).status_code == 404
    order = make_order(shop=mine, items=(ItemData("保温杯", sku="CUP-1"),))
    assert "保温杯" in client.get(reverse("orders:order_products", args=[order.pk])).content.decode()
