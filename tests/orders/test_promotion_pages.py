"""Promotions on the pages: filters, the form, the shop's clock, two people, one that ends while an agent looks."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import redis
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from core.actors import Actor
from core.live.announce import channel
from core.models import Event
from orders.enums import ImportKind
from orders.models import Promotion
from orders.selectors.promotions import may_hear_promotions
from orders.services import ItemData
from orders.services.promotions import end_promotion
from tests.factories.accounts import make_staff, make_team
from tests.factories.orders import make_order, make_product, make_shop
from tests.factories.promotions import make_promotion, promote
from tests.orders.files import csv_bytes
from tests.orders.importing import upload

pytestmark = pytest.mark.django_db
HX = {"HTTP_HX_REQUEST": "true"}
LIST = "/desk/orders/promotions/"
DAY = timedelta(days=1)


@pytest.fixture
def shop() -> Any:
    return make_shop(timezone="Asia/Tokyo")


def signed_in(role: str = "supervisor", **more: Any) -> Client:
    client = Client()
    client.force_login(make_staff(roles=[role], **more))
    return client


def typed(**fields: Any) -> dict[str, Any]:
    return {
        "version": "", "title": "双十二", "percent": "20", "price": "", "skus": "", "starts_at": "2026-12-12T00:00",
        "ends_at": "2026-12-13T00:00", "is_active": "on", **fields,
    }  # fmt: skip


def test_the_list_says_what_each_promotion_gives_where_and_when(shop):
    make_promotion(
        shop, title="双十二 杯子", percent=None, price=Decimal("59.00"), skus=("CUP", "CUP-2"),
        starts_at=datetime(2026, 12, 11, 15, tzinfo=UTC), ends_at=datetime(2026, 12, 12, 14, 59, 59, tzinfo=UTC),
    )  # fmt: skip
    make_promotion(shop, code="ALL", title="满场", percent=Decimal(15))
    page = signed_in().get(LIST).text
    for words in (
        "双十二 杯子",
        "¥59.00",
        "2 件商品",
        "12月12日 00:00",
        "12月12日 23:59:59",
        "Asia/Tokyo",
        "8.5折",
        "全部商品",
    ):
        assert words in page
    assert 'data-live="promotions"' in page
    assert "ALL" not in signed_in().get(f"{LIST}?state=coming").text
    fragment = signed_in().get(f"{LIST}?q=满", **HX).text
    assert "满场" in fragment
    assert "双十二" not in fragment
    assert "<html" not in fragment
    assert "没有符合的结果" in signed_in().get(f"{LIST}?q=nothing").text
    Promotion.objects.all().delete()
    assert "还没有促销" in signed_in().get(f"{LIST}?state=odd&page=y").text


def test_pages_cost_the_same_for_one_and_for_three(shop):
    client = signed_in()
    client.get(LIST)
    costs: list[list[int]] = []
    for count in (1, 3):
        for number in range(count):
            one = make_promotion(shop, code=f"{count}{number}")
        costs.append([])
        for url in (LIST, f"{LIST}{one.pk}/"):
            with CaptureQueriesContext(connection) as read:
                assert client.get(url).status_code == 200
            costs[-1].append(len(read))
    assert costs[0] == costs[1]


def test_agents_read_and_only_supervisors_of_the_shop_change(shop):
    one = make_promotion(shop)
    team, other = make_team(shop_ids=[shop.pk]), make_team(shop_ids=[make_shop().pk])
    agent, boss, stranger = (
        signed_in("agent", teams=[team]), signed_in(teams=[team]), signed_in(teams=[other]),
    )  # fmt: skip
    new, edit, end = f"{LIST}new/", f"{LIST}{one.pk}/edit/", f"{LIST}{one.pk}/end/"
    shown = agent.get(f"{LIST}{one.pk}/")
    assert (shown.status_code, edit in shown.text, new in agent.get(LIST).text) == (200, False, False)
    assert [agent.get(new).status_code, agent.get(edit).status_code, agent.post(end).status_code] == [403] * 3
    assert [stranger.get(edit).status_code, stranger.post(end).status_code] == [404] * 2
    assert stranger.get(f"{LIST}{one.pk}/").status_code == 404
    assert one.title not in stranger.get(LIST).text
    assert stranger.post(new, typed(shop=shop.pk, code="X")).status_code == 422
    assert edit in boss.get(f"{LIST}{one.pk}/").text
    assert boss.get(end).status_code == 405
    staff = make_staff(roles=["agent"], teams=[team])
    assert (may_hear_promotions(staff, shop.pk), may_hear_promotions(staff, other.shop_ids[0])) == (True, False)


def test_times_are_read_and_shown_by_the_shops_clock_and_saving_unchanged_changes_nothing(shop):
    boss = signed_in()
    made = boss.post(f"{LIST}new/", typed(shop=shop.pk, code="D12", skus="CUP\nCUP-2、CUP"))
    one = Promotion.objects.get()
    assert (made.status_code, made["Location"]) == (302, f"{LIST}{one.pk}/")
    assert one.starts_at == datetime(2026, 12, 11, 15, tzinfo=UTC)
    assert (one.skus, one.source, one.percent, one.is_active) == (["CUP", "CUP-2"], "hand", 20, True)
    page = boss.get(f"{LIST}{one.pk}/edit/").text
    assert 'value="2026-12-12T00:00"' in page
    shown = typed(version=one.version, skus="CUP\r\nCUP-2")
    assert boss.post(f"{LIST}{one.pk}/edit/", shown).status_code == 302
    one.refresh_from_db()
    assert (one.version, Event.objects.filter(kind="shop.promotion_saved").count()) == (1, 1)


def test_seconds_and_numbers_with_commas_come_through_the_form_whole(shop):
    ends = datetime(2026, 12, 12, 14, 59, 59, 999000, tzinfo=UTC)
    one = make_promotion(shop, skus=("A,1", "B"), starts_at=datetime(2026, 12, 1, tzinfo=UTC), ends_at=ends)
    boss = signed_in()
    page = boss.get(f"{LIST}{one.pk}/edit/").text
    assert 'value="2026-12-12T23:59:59"' in page
    assert 'step="1"' in page
    shown = typed(
        version=1, title="改名", skus="A,1\nB\nC,D", starts_at="2026-12-01T09:00", ends_at="2026-12-12T23:59:59"
    )
    assert boss.post(f"{LIST}{one.pk}/edit/", shown).status_code == 302
    one.refresh_from_db()
    assert (one.title, one.skus, one.ends_at) == ("改名", ["A,1", "B", "C", "D"], ends)


@pytest.mark.parametrize(
    ("fields", "field"),
    [({"ends_at": "2026-12-11T00:00"}, "ends_at"), ({"percent": "101"}, "percent"), ({"percent": "x"}, "percent"),
     ({"price": "5", "skus": "CUP"}, "price"), ({"percent": ""}, "price"), ({"percent": "", "price": "5"}, "skus"),
     ({"starts_at": ""}, "starts_at"), ({"title": " "}, "title"), ({"code": ""}, "code"), ({"shop": ""}, "shop"),
     ({"code": "TAKEN"}, "code")],
)  # fmt: skip
def test_what_is_wrong_stands_beside_its_field_and_what_was_typed_is_kept(shop, fields, field):
    make_promotion(shop, code="TAKEN")
    make_shop()
    answer = signed_in().post(f"{LIST}new/", typed(**{"shop": shop.pk, "code": "N1", "skus": "", **fields}))
    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == [field]
    assert 'value="双十二"' in answer.text or field == "title"
    assert Promotion.objects.count() == 1


def test_one_that_ended_while_a_person_typed_is_shown_beside_what_she_typed(shop):
    one, boss = make_promotion(shop, starts_at=datetime(2026, 1, 1, tzinfo=UTC)), signed_in()
    now = timezone.now()
    end_promotion(promotion_id=one.pk, version=1, actor=Actor.staff(make_staff()), at=now)
    what = typed(version=1, title="我的标题", starts_at="2026-01-01T09:00", ends_at="")
    answer = boss.post(f"{LIST}{one.pk}/edit/", what)
    assert answer.status_code == 409
    changed = {str(change["label"]): (change["yours"], change["theirs"]) for change in answer.context["changes"]}
    assert changed["标题"] == ("我的标题", one.title)
    assert changed["结束时间"][0] == "–"
    assert 'value="我的标题"' in answer.text
    assert 'name="version" value="2"' in answer.text
    assert boss.post(f"{LIST}{one.pk}/edit/", {**what, "version": 2}).status_code == 302
    one.refresh_from_db()
    assert (one.title, one.ends_at, one.version) == ("我的标题", None, 3)


def test_ending_one_asks_for_the_version_that_was_looked_at(shop):
    one, boss = make_promotion(shop), signed_in()
    for version, state in (("", "running"), ("7", "running"), ("1", "ended"), ("1", "ended")):
        answer = boss.post(f"{LIST}{one.pk}/end/", {"version": version}, follow=True)
        one.refresh_from_db()
        assert (answer.status_code, one.state_at(timezone.now())) == (200, state)
    assert Event.objects.filter(kind="shop.promotion_ended").count() == 1
    assert "/end/" not in boss.get(f"{LIST}{one.pk}/").text


def test_the_order_shows_what_ran_when_it_was_placed_and_drops_what_ends_while_an_agent_looks(shop):
    now = timezone.now()
    make_product(shop, "CUP", name="保温杯", price=Decimal("100.00"))
    make_promotion(
        shop, code="THEN", title="秋季特惠", at=now - 9 * DAY, starts_at=now - 9 * DAY, ends_at=now - 5 * DAY
    )
    runs = make_promotion(shop, code="NOW", title="冬季特惠", starts_at=now - DAY, percent=Decimal(30))
    make_promotion(shop, code="LATE", title="补录活动", at=now, starts_at=now - 9 * DAY, ends_at=now - 6 * DAY)
    items = (ItemData("保温杯", sku="CUP", unit_price=Decimal("80.00")), ItemData("赠品", sku="GIFT"))
    order, agent = make_order(shop=shop, at=now - 7 * DAY, placed_at=now - 7 * DAY, items=items), signed_in("agent")
    url = f"/desk/orders/{order.pk}/products/"
    shown = agent.get(url, **HX).text
    assert f'data-live="promotions.{shop.pk}"' in shown
    panel = agent.get(f"/desk/orders/{order.pk}/panel/", **HX).text
    assert panel.count(f'data-live="promotions.{shop.pk}"') == 1
    assert "data-live" not in agent.get(f"{url}?held=1", **HX).text, "the place it stands in listens already"
    cup, gift = shown.split("<li")[1:]
    then, today = cup.split("现在</dt>")
    assert [name in then for name in ("秋季特惠", "补录活动", "冬季特惠", "¥80.00")] == [True, True, False, True]
    assert then.count("已结束") == 2
    assert then.count("才录入") == 1
    assert [name in today for name in ("秋季特惠", "补录活动", "冬季特惠", "¥70.00")] == [False, False, True, True]
    assert "不在商品目录中" in gift
    end_promotion(promotion_id=runs.pk, version=1, actor=Actor.staff(make_staff()), at=timezone.now())
    later = agent.get(url, **HX).text
    assert "冬季特惠" not in later
    assert "秋季特惠" in later


def test_open_pages_hear_of_a_change_and_of_the_same_word_told_again_nothing(
    shop, django_capture_on_commit_callbacks: Any
) -> None:
    bus = redis.Redis.from_url(settings.LAYER_URL).pubsub()
    bus.subscribe(channel())
    assert bus.get_message(timeout=5)["type"] == "subscribe"
    starts = timezone.now() - DAY
    with django_capture_on_commit_callbacks(execute=True):
        one = make_promotion(shop, starts_at=starts)
        promote(shop, starts_at=starts)
    heard = [json.loads(bus.get_message(timeout=5)["data"]) for _hint in range(2)]
    assert [(hint["group"], hint["id"]) for hint in heard] == [
        ("promotions", one.pk), (f"promotions.{shop.pk}", one.pk),
    ]  # fmt: skip
    assert bus.get_message(timeout=0.2) is None
    bus.close()


def test_a_promotion_says_which_numbers_the_catalogue_does_not_know(shop):
    make_product(shop, "CUP", name="保温杯")
    one = make_promotion(shop, skus=("CUP", "LOST-1"))
    answer = signed_in("agent").get(f"{LIST}{one.pk}/")
    assert [product.sku for product in answer.context["products"]] == ["CUP"]
    assert answer.context["unknown"] == ["LOST-1"]
    assert "LOST-1" in answer.text


def test_the_preview_of_a_file_says_a_discount_as_the_reader_does(shop: Any) -> None:
    headings = ["活动编号", "活动名称", "商品编码", "活动价", "折扣", "开始时间", "结束时间"]
    rows = [
        ["D12", "双十二", "", "", "8.5折", "2026-12-12 00:00", ""],
        ["CUP", "杯子", "C-1", "59", "", "2026-12-12", ""],
    ]
    run = upload(csv_bytes(rows, headings), shop, kind=ImportKind.PROMOTIONS)
    page = reverse("orders:import", args=[run.pk])
    assert ">8.5折<" in signed_in().get(page).content.decode()
    reader = signed_in()
    reader.cookies[settings.LANGUAGE_COOKIE_NAME] = "en"
    english = reader.get(page).content.decode()
    assert ">15% off<" in english
    assert "59.00" in english
