"""/track/: what a customer sees of her parcels, and what nobody else sees."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.staticfiles import finders
from django.test import Client

from core.actors import SYSTEM
from orders.enums import ParcelStatus
from orders.models import Order, Parcel, TrackingLink, TrackingLookup
from orders.scan_data import ScanData
from orders.selectors.track import tracking_lookup_rate
from orders.services import add_scans
from orders.services.lookups import forget_lookups
from orders.services.tracking_links import renew_tracking_link, tracking_url
from tests.factories.orders import make_order, make_parcel, make_shop

pytestmark = pytest.mark.django_db
AT = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)  # noon in Shanghai


@pytest.fixture(autouse=True)
def _now(time_machine: Any) -> None:
    time_machine.move_to(AT, tick=False)


def path_of(order: Order) -> str:
    return "/track/" + tracking_url(order_id=order.pk).split("/track/")[1]


def text_of(client: Client, order: Order, language: str = "zh-hans") -> str:
    answer = client.get(path_of(order), headers={"accept-language": language})
    assert answer.status_code == 200
    return str(answer.content.decode())


def scanned(parcel: Parcel, *told: tuple[str, str, timedelta]) -> None:
    scans = [ScanData(at=AT - ago, status=status, text=text) for status, text, ago in told]
    add_scans(parcel_id=parcel.pk, scans=scans, actor=SYSTEM, received_at=AT)


def test_page_behind_the_link_tells_day_number_scans_and_the_way_to_us(client: Client) -> None:
    shop = make_shop("hill", name="山野生活馆", color="#C2410C", contact_phone="400-820-0042")
    order = make_order(shop=shop, paid=None)
    parcel = make_parcel(order, tracking="SF1402938475621", expected_at=AT + timedelta(hours=30))
    scanned(
        parcel,
        ("picked_up", "已揽收", timedelta(hours=20)),
        ("in_transit", "到达<b>杭州</b>转运中心", timedelta(hours=2)),
    )
    page = text_of(client, order)
    assert "预计明天 18:00 前送达" in page
    assert "SF1402938475621" in page
    assert "顺丰" in page
    assert "山野生活馆" in page
    assert "#c2410c" in page.lower()
    assert "到达&lt;b&gt;杭州&lt;/b&gt;转运中心" in page
    scans = page.split('class="track-days"')[1]
    assert scans.index("10:00") < scans.index("16:00")  # the newest first, in the shop's own time
    assert f"/contact/?shop=hill&amp;order={order.number}" in page
    assert "李**" in page or "李*" in page
    assert order.recipient not in page
    assert "文三路" not in page


def test_answers_stay_out_of_caches_and_search_engines(client: Client) -> None:
    order = make_order()
    for path in ("/track/", path_of(order), "/track/" + "x" * 32 + "/"):
        answer = client.get(path)
        assert answer["Cache-Control"] == "no-store, private"
        assert "noindex" in answer["X-Robots-Tag"]
        assert answer["Referrer-Policy"] == "same-origin"


@pytest.mark.parametrize(
    ("expected", "words"),
    [
        (timedelta(hours=3), "预计今天 15:00 前送达"),
        (timedelta(hours=12), "预计今天送达"),  # midnight is the end of today
        (timedelta(days=4), "预计11月25日 12:00 前送达"),
        (timedelta(hours=26, minutes=32), "预计明天送达"),  # nobody promised 14:32
        (timedelta(hours=-1), "比说好的时间晚了"),
        (None, "您的包裹正在路上"),
    ],
)
def test_headline_says_the_day_or_honestly_that_none_is_known(
    client: Client, expected: timedelta | None, words: str
) -> None:
    order = make_order()
    Order.objects.filter(pk=order.pk).update(promised_at=None)
    parcel = make_parcel(order, expected_at=AT + expected if expected else None)
    scanned(parcel, ("in_transit", "运输中", timedelta(hours=5)))
    assert words in text_of(client, order)


def test_learnt_day_is_told_by_its_late_end_and_not_for_the_night(client: Client) -> None:
    order = make_order()
    learnt = {"expected_at": AT + timedelta(hours=20), "expected_low": AT + timedelta(hours=10)}
    parcel = make_parcel(order, **learnt, expected_high=AT + timedelta(hours=28, minutes=20))
    assert "预计明天 17:00 前送达" in text_of(client, order)
    Parcel.objects.filter(pk=parcel.pk).update(expected_high=AT + timedelta(hours=34))
    assert "预计明天送达" in text_of(client, order)


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("delivered", "11月21日 11:00 签收"), ("refused", "有包裹被拒收"), ("returned", "有包裹退回了商家"),
        ("lost", "有包裹可能丢失了"), ("out_for_delivery", "快递员正在送来的路上"),
        ("returning", "有包裹正在退回商家"), ("ready_for_pickup", "包裹在取件点等您"),
    ],
)  # fmt: skip
def test_each_state_says_what_to_do(client: Client, status: str, words: str) -> None:
    order = make_order()
    Order.objects.filter(pk=order.pk).update(promised_at=None)
    parcel = make_parcel(order)
    scanned(parcel, (status, "x", timedelta(hours=1)))
    page = text_of(client, order)
    assert words in page
    assert 'class="alert' in page
    assert ("data-refresh" in page) is (
        status in {"out_for_delivery", "ready_for_pickup", "returning"}
    )  # what is over is not asked about again


def test_order_without_parcels_waits_for_money_or_for_the_warehouse(client: Client) -> None:
    order = make_order()
    Order.objects.filter(pk=order.pk).update(promised_at=AT + timedelta(days=1), paid_at=AT, status="paid")
    assert "预计明天 12:00 前送达" in text_of(client, order)
    Order.objects.filter(pk=order.pk).update(paid_at=None, status="placed", total=10)
    assert "等待付款" in text_of(client, order)
    Order.objects.filter(pk=order.pk).update(status="cancelled", cancelled_at=AT)
    assert "这笔订单已取消" in text_of(client, order)


def test_several_parcels_are_told_one_by_one(client: Client) -> None:
    order = make_order()
    Order.objects.filter(pk=order.pk).update(promised_at=None)
    first, second = make_parcel(order), make_parcel(order, carrier="zhongtong")
    scanned(first, ("delivered", "已签收", timedelta(hours=1)))
    scanned(second, ("in_transit", "运输中", timedelta(hours=1)))
    page = text_of(client, order)
    assert "2 个包裹中已送达 1 个" in page
    assert "第 1 个包裹，共 2 个" in page
    assert first.tracking_number in page
    assert second.tracking_number in page


PICKUP = "快件已存放至菜鸟驿站，请凭取件码 8-2-3011 领取，快递员电话：13800138000"


def plain(answer: Any, typed: str) -> str:
    """Return a page without what differs from visit to visit and what was typed."""
    body = re.sub(r'(nonce|name="csrfmiddlewaretoken" value)="[^"]*"', "", answer.content.decode())
    return body.replace(typed, "")


def by_number(client: Client, order: Order, phone: str, **extra: Any) -> Any:
    return client.post("/track/", {"number": order.number, "phone": phone}, **extra)


def test_code_and_phones_are_for_the_link_alone(client: Client) -> None:
    order = make_order(phone="13912345678")
    scanned(make_parcel(order), ("in_transit", PICKUP, timedelta(hours=1)))
    linked = text_of(client, order)
    assert '<p class="track-code num">8-2-3011</p>' in linked
    assert "13800138000" in linked
    answer = by_number(client, order, "5678")
    assert answer.status_code == 303
    shown = client.get(answer["Location"], headers={"accept-language": "zh-hans"}).content.decode()
    assert "8-2-3011" not in shown
    assert "13800138000" not in shown
    assert "****8000" in shown
    assert TrackingLink.objects.get().token_hash is not None
    token = path_of(order).split("/")[2]
    assert token not in shown  # the number never leads to the link


def test_who_signed_is_masked_everywhere(client: Client) -> None:
    order = make_order()
    scanned(make_parcel(order), ("delivered", "已签收，签收人：王小明，感谢使用", timedelta(hours=1)))
    page = text_of(client, order)
    assert "王小明" not in page
    assert "签收人：王**" in page


@pytest.mark.parametrize("phone", ["5678", "13912345678", "+86 139 1234 5678", "１３９１２３４５６７８", " 5678 "])
def test_number_and_phone_find_the_order(client: Client, phone: str) -> None:
    order = make_order(phone="13912345678")
    answer = by_number(client, order, phone)
    assert answer.status_code == 303
    assert order.number in client.get(answer["Location"]).content.decode()


@pytest.mark.parametrize("number", ["", "  ", "NONE", "A' OR 1=1--", "%", "0" * 64])
@pytest.mark.parametrize("phone", ["0000", "13800000000", "", "abc", "567", "****", "5678\x00"])
def test_whatever_does_not_fit_is_refused(client: Client, number: str, phone: str) -> None:
    make_order(phone="13912345678")
    assert client.post("/track/", {"number": number, "phone": phone}).status_code == 422


def test_unknown_number_and_wrong_phone_are_told_apart_by_nobody(
    client: Client, django_assert_num_queries: Any
) -> None:
    order = make_order(phone="13912345678")
    bare = make_order(phone="")
    pages, counts = set(), []
    for number, phone in ((order.number, "0000"), ("A00000000000000", "0000"), (bare.number, "0000")):
        with django_assert_num_queries(7) as seen:  # shops, four counters, one look, one row: the same for all
            answer = client.post("/track/", {"number": number, "phone": phone})
        counts.append(len(seen))
        assert answer.status_code == 422
        pages.add(plain(answer, number))
    assert len(pages) == 1
    assert counts == [7, 7, 7]
    outcomes = list(TrackingLookup.objects.order_by("pk").values_list("outcome", flat=True))
    assert outcomes == ["other_phone", "unknown_number", "no_phone"]  # what we learn from, and she never hears


def test_another_shop_does_not_answer_for_its_neighbour(client: Client) -> None:
    own, far = make_shop("own"), make_shop("far")
    order = make_order(shop=far, phone="13912345678")
    address = {"number": order.number, "phone": "5678"}
    assert client.post("/track/?shop=own", address).status_code == 422
    assert client.post("/track/?shop=far", address).status_code == 303
    assert client.post("/track/", address).status_code == 303
    assert own.pk != far.pk


def test_forged_and_old_visits_show_nothing(client: Client, time_machine: Any) -> None:
    order = make_order(phone="13912345678")
    path = by_number(client, order, "5678")["Location"]
    assert client.get(path).status_code == 200
    assert client.get(path[:-2] + "x/").status_code == 410
    from core.crypto import sign

    for forged in (sign({"o": order.pk}, "contact.done"), sign({"o": order.pk}, "survey.started")):
        assert client.get(f"/track/seen/{forged}/").status_code == 410
    time_machine.move_to(AT + timedelta(hours=2, minutes=1), tick=False)
    assert client.get(path).status_code == 410


def test_link_is_one_for_all_messages_until_it_is_replaced(client: Client) -> None:
    order, other = make_order(), make_order()
    first = path_of(order)
    assert path_of(order) == first
    assert path_of(other) != first
    token = first.split("/")[2]
    assert len(token) == 32  # 192 bits
    link = TrackingLink.objects.get(order=order)
    assert token.encode() not in bytes(link.token_enc)
    renew_tracking_link(order_id=order.pk, actor=SYSTEM, at=AT)
    assert client.get(first).status_code == 410
    assert path_of(order) != first
    assert client.get(path_of(order)).status_code == 200


def test_wrong_withdrawn_and_old_links_look_alike(client: Client) -> None:
    gone, old = make_order(), make_order()
    paths = [path_of(gone), path_of(old), "/track/" + "x" * 32 + "/", "/track/short/"]
    renew_tracking_link(order_id=gone.pk, actor=SYSTEM, at=AT)
    long_ago = AT - timedelta(days=200)
    Order.objects.filter(pk=old.pk).update(placed_at=long_ago, status="delivered", delivered_at=long_ago)
    bodies = set()
    for path in paths:
        answer = client.get(path)
        assert answer.status_code == 410
        bodies.add(plain(answer, path))
    assert len(bodies) == 1


def test_link_stays_while_the_parcel_is_on_its_way(client: Client) -> None:
    order = make_order()
    Order.objects.filter(pk=order.pk).update(placed_at=AT - timedelta(days=300), status="shipped")
    assert client.get(path_of(order)).status_code == 200


def test_an_erased_person_has_no_page(client: Client) -> None:
    order = make_order(phone="13912345678")
    path = path_of(order)
    seen = by_number(client, order, "5678")["Location"]
    order.customer.erased_at = AT
    order.customer.save(update_fields=["erased_at"])
    assert client.get(path).status_code == 410
    assert client.get(seen).status_code == 410
    assert by_number(client, order, "5678").status_code == 422


@pytest.mark.parametrize("scans", [1, 30])
def test_page_is_light_and_asks_a_fixed_number_of_times(
    client: Client, django_assert_num_queries: Any, scans: int
) -> None:
    order = make_order()
    parcel = make_parcel(order, expected_at=AT + timedelta(hours=30))
    text = "【杭州市】快件已到达杭州转运中心，准备发往下一站上海浦东集散点"
    scanned(parcel, *(("in_transit", f"{text}{n}", timedelta(hours=n + 1)) for n in range(scans)))
    path = path_of(order)
    # tries of this place, the link with its order, the account of push notices, parcels with scans, the look-up
    with django_assert_num_queries(5):
        answer = client.get(path)
    page = answer.content.decode()
    assert page.count('<li class="track-scan') == scans
    assert weight_of(page) < 100_000


def weight_of(page: str) -> int:
    """Return the bytes a browser loads for a page, uncompressed: itself and every file it names."""
    wanted = set(re.findall(r'(?:src|href)="/static/([^"#]+)', page))
    assert any(name.endswith("track.css") or "track." in name for name in wanted)
    total = len(page.encode())
    for name in wanted:
        plain = re.sub(r"\.[0-9a-f]{12}(?=\.)", "", name)
        found = finders.find(plain)
        assert found, name
        with open(str(found), "rb") as file:
            body = file.read()
        assert b"import " not in body or not plain.endswith(".js")  # a module would bring others along
        total += len(body)
    return total


def test_lookups_are_counted_with_the_rows_behind_them(client: Client) -> None:
    order = make_order(phone="13912345678")
    path = path_of(order)
    client.get(path)
    client.get(path, headers={"x-track-refresh": "1"})  # the page looking again is no customer looking
    client.head(path)
    client.get("/track/" + "y" * 32 + "/")
    by_number(client, order, "5678")
    by_number(client, order, "0000")
    rate = tracking_lookup_rate(AT, AT + timedelta(seconds=1))
    assert (rate.total, rate.found, rate.rate) == (4, 2, 0.5)
    assert rate.reasons == {"unknown_link": 1, "other_phone": 1}
    assert TrackingLookup.objects.count() == rate.total
    assert tracking_lookup_rate(AT + timedelta(days=1), AT + timedelta(days=2)).rate is None
    assert forget_lookups(at=AT + timedelta(days=399)) == 0
    assert forget_lookups(at=AT + timedelta(days=401)) == 4


def test_a_status_of_every_kind_has_a_page(client: Client) -> None:
    for status in ParcelStatus.values:
        order = make_order()
        make_parcel(order, status=status)
        for language in ("zh-hans", "en"):
            assert order.number in text_of(client, order, language)
