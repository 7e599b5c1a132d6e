"""Promotions: who told of them, what a person changes, and what ran when an order was placed."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from core.actors import Actor
from core.errors import InvalidInput, NotFound, StaleEdit
from core.models import Event
from orders.enums import ImportKind
from orders.models import Promotion, PromotionVersion
from orders.promotion_enums import PromotionSource
from orders.selectors.promotions import find_promotions, offers_of, terms_at
from orders.services import ItemData
from orders.services.promotions import add_promotion, change_promotion, end_promotion
from tests.factories.accounts import make_staff, make_team
from tests.factories.orders import make_order, make_product, make_shop
from tests.factories.promotions import make_promotion, promote, told
from tests.orders.files import csv_bytes
from tests.orders.importing import counts, take

pytestmark = pytest.mark.django_db
NOV = datetime(2026, 11, 1, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def shop():
    return make_shop()


@pytest.fixture
def boss():
    return Actor.staff(make_staff(roles=["supervisor"]))


def history(promotion):
    rows = PromotionVersion.objects.filter(promotion=promotion).order_by("version")
    return [(row.version, row.source, row.by_id) for row in rows]


def kinds():
    return list(Event.objects.filter(kind__startswith="shop.promotion").order_by("pk").values_list("kind", flat=True))


def test_each_change_is_a_version_and_an_event_and_the_same_word_is_neither(shop, boss):
    assert promote(shop, starts_at=NOV) == "new"
    assert promote(shop, starts_at=NOV, percent=Decimal("20.00")) == "same"
    assert promote(shop, starts_at=NOV, source=PromotionSource.FILE) == "same"
    assert promote(shop, starts_at=NOV, percent=Decimal(25), source=PromotionSource.FILE) == "changed"
    one = Promotion.objects.get()
    change_promotion(
        promotion_id=one.pk, version=2, told=told(starts_at=NOV, percent=Decimal(30)), actor=boss, at=timezone.now()
    )
    assert end_promotion(promotion_id=one.pk, version=3, actor=boss, at=timezone.now())
    one.refresh_from_db()
    assert history(one) == [(1, "api", None), (2, "file", None), (3, "hand", boss.id), (4, "hand", boss.id)]
    assert (one.version, one.source, one.terms_source) == (4, "api", "hand")
    assert kinds() == ["shop.promotion_saved"] * 3 + ["shop.promotion_ended"]
    assert Event.objects.get(kind="shop.promotion_ended").data == {"promotion_id": one.pk, "version": 4}


def test_what_a_person_changed_holds_until_the_shop_says_something_new(shop, boss):
    one, now = make_promotion(shop), timezone.now()
    again = told(starts_at=one.starts_at)
    end_promotion(promotion_id=one.pk, version=1, actor=boss, at=now)
    assert promote(shop, starts_at=again.starts_at) == "same", "last night's file is no news"
    one.refresh_from_db()
    assert one.state_at(now) == "ended"
    assert promote(shop, starts_at=again.starts_at, percent=Decimal(10)) == "changed"
    one.refresh_from_db()
    assert (one.state_at(now + DAY), one.percent, one.terms_source) == ("running", 10, "api")


def test_the_same_file_twice_is_once_and_does_not_wake_what_a_person_ended(shop, boss):
    headings = ["活动编号", "活动名称", "商品编码", "活动价", "折扣", "开始时间", "结束时间"]
    rows = [["D12", "双十二", "", "", "8折", "2026-11-01 00:00", ""]]
    assert counts(take(csv_bytes(rows, headings), shop, kind=ImportKind.PROMOTIONS)) == (1, 0, 0, 0)
    one = Promotion.objects.get()
    assert (one.source, one.terms_source) == ("file", "file")
    now = timezone.now()
    end_promotion(promotion_id=one.pk, version=1, actor=boss, at=now)
    before = PromotionVersion.objects.count()
    assert counts(take(csv_bytes(rows, headings), shop, kind=ImportKind.PROMOTIONS)) == (0, 0, 1, 0)
    one.refresh_from_db()
    assert (one.state_at(now), PromotionVersion.objects.count()) == ("ended", before)


def test_by_hand_one_is_made_once_and_a_second_look_is_needed_on_a_newer_version(shop, boss):
    now = timezone.now()
    one = add_promotion(shop=shop, told=told(code="H1"), actor=boss, at=now)
    assert history(one) == [(1, "hand", boss.id)]
    with pytest.raises(InvalidInput) as twice:
        add_promotion(shop=shop, told=told(code=" H1 "), actor=boss, at=now)
    assert list(twice.value.fields) == ["code"]
    change_promotion(promotion_id=one.pk, version=1, told=told(code="H1", title="改了"), actor=boss, at=now)
    for version in (1, None):
        with pytest.raises(StaleEdit) as stale:
            change_promotion(promotion_id=one.pk, version=version, told=told(code="H1"), actor=boss, at=now)
        assert [change["theirs"] for change in stale.value.changes if change["field"] == "title"] == ["改了"]
        with pytest.raises(StaleEdit):
            end_promotion(promotion_id=one.pk, version=version, actor=boss, at=now)
    with pytest.raises(NotFound):
        end_promotion(promotion_id=0, version=1, actor=boss, at=now)
    one.refresh_from_db()
    same = told(code="other", title="改了", starts_at=one.starts_at)
    assert change_promotion(promotion_id=one.pk, version=1, told=same, actor=boss, at=now).version == 2
    assert Promotion.objects.get().code == "H1"


def test_one_that_runs_ends_now_and_one_to_come_is_called_off_and_twice_is_once(shop, boss):
    now = timezone.now()
    runs = make_promotion(shop)
    coming = make_promotion(shop, code="P2", starts_at=now + DAY, ends_at=now + 2 * DAY)
    for one in (runs, coming):
        assert end_promotion(promotion_id=one.pk, version=1, actor=boss, at=now)
        assert not end_promotion(promotion_id=one.pk, version=1, actor=boss, at=now + timedelta(seconds=1))
        one.refresh_from_db()
    assert (runs.ends_at, runs.is_active) == (now, True)
    assert (coming.ends_at, coming.is_active) == (now + 2 * DAY, False)
    assert kinds().count("shop.promotion_ended") == 2


def test_the_list_tells_running_coming_and_ended_apart_by_shop_and_words(shop):
    now = timezone.now()
    boss = make_staff(roles=["supervisor"], teams=[make_team(shop_ids=[shop.pk])])
    make_promotion(shop, code="RUN", title="秋季")
    make_promotion(shop, code="COME", starts_at=now + DAY)
    make_promotion(shop, code="OVER", starts_at=now - 3 * DAY, ends_at=now)
    make_promotion(shop, code="BACK", starts_at=now - 2 * DAY, is_active=False)
    make_promotion(shop, code="CUP", starts_at=now - 4 * DAY, percent=None, price=Decimal(5), skus=("CUP-1",))
    make_promotion(make_shop(), code="ELSEWHERE")

    def found(**how):
        return [row.code for row in find_promotions(boss, now=now, **how)]

    assert found() == ["COME", "RUN", "BACK", "OVER", "CUP"]
    assert found(state="running") == ["RUN", "CUP"]
    assert found(state="coming") == ["COME"]
    assert found(state="ended") == ["BACK", "OVER"]
    assert (found(text="秋"), found(text="CUP-1"), found(text="CUP-")) == (["RUN"], ["CUP"], [])
    assert found(shop_id=shop.pk + 1) == []


def ran(shop, moment, *skus):
    return [(row.promotion.code, row.percent) for row in terms_at(shop.pk, moment, skus)]


def test_what_ran_at_a_moment_is_what_it_said_then(shop, boss):
    one = make_promotion(shop, at=NOV, starts_at=NOV, ends_at=NOV + 20 * DAY, skus=("CUP",))
    change = told(starts_at=NOV, ends_at=NOV + 20 * DAY, skus=("CUP",), percent=Decimal(50))
    change_promotion(promotion_id=one.pk, version=1, told=change, actor=boss, at=NOV + 5 * DAY)
    end_promotion(promotion_id=one.pk, version=2, actor=boss, at=NOV + 10 * DAY)
    make_promotion(make_shop(), at=NOV, starts_at=NOV)
    assert ran(shop, NOV - timedelta(seconds=1), "CUP") == []
    assert ran(shop, NOV, "CUP") == [("P1", 20)]
    assert ran(shop, NOV + 4 * DAY, "CUP", "") == [("P1", 20)]
    assert ran(shop, NOV + 5 * DAY, "CUP") == [("P1", 50)]
    assert ran(shop, NOV + 10 * DAY, "CUP") == [], "its end is not part of it"
    assert ran(shop, NOV + 15 * DAY, "CUP") == [], "the first word said so, the newer one did not"
    assert ran(shop, NOV + DAY, "LAMP") == ran(shop, NOV + DAY) == []


def test_one_told_after_it_began_counts_and_a_number_used_again_is_another_time(shop):
    make_promotion(shop, at=NOV + 3 * DAY, starts_at=NOV, ends_at=NOV + 5 * DAY)
    assert ran(shop, NOV + DAY) == [("P1", 20)], "told late, but it ran"
    promote(shop, at=NOV + 20 * DAY, starts_at=NOV + 20 * DAY, percent=Decimal(5))
    assert ran(shop, NOV + DAY) == [("P1", 20)]
    assert ran(shop, NOV + 10 * DAY) == []
    assert ran(shop, NOV + 21 * DAY) == [("P1", 5)]


def test_one_that_was_taken_back_then_did_not_run_though_it_runs_again(shop):
    make_promotion(shop, at=NOV, starts_at=NOV)
    promote(shop, at=NOV + 2 * DAY, starts_at=NOV, is_active=False)
    promote(shop, at=NOV + 4 * DAY, starts_at=NOV)
    assert [bool(ran(shop, NOV + day * DAY)) for day in (1, 3, 5)] == [True, False, True]


def test_rows_from_before_versions_were_kept_count_for_every_moment_they_cover(shop):
    one = Promotion.objects.create(shop=shop, code="OLD", title="旧", starts_at=NOV, percent=Decimal(7))
    PromotionVersion.objects.create(
        promotion=one, version=1, source="api", title="旧", starts_at=NOV, percent=Decimal(7)
    )
    assert ran(shop, NOV + DAY) == [("OLD", 7)]


def test_an_item_shows_what_ran_then_apart_from_what_runs_now_in_as_many_queries_for_many(shop):
    now = timezone.now()
    for sku in ("CUP", "LAMP"):
        make_product(shop, sku, price=Decimal("100.00"))
    make_promotion(shop, code="THEN", at=now - 9 * DAY, starts_at=now - 9 * DAY, ends_at=now - 5 * DAY, skus=("CUP",))
    make_promotion(shop, code="NOW", starts_at=now - DAY, percent=None, price=Decimal("70.00"), skus=("CUP", "GONE"))
    make_promotion(shop, code="LATE", at=now, starts_at=now - 9 * DAY, skus=("LAMP",))
    agent = make_staff(roles=["agent"])
    items = tuple(ItemData(sku, sku=sku) for sku in ("CUP", "LAMP", "GONE"))
    few, many = (
        make_order(shop=shop, at=now - 7 * DAY, placed_at=now - 7 * DAY, items=items[:1]),
        make_order(shop=shop, at=now - 7 * DAY, placed_at=now - 7 * DAY, items=items),
    )
    cup, lamp, gone = offers_of(agent, many, now)
    assert [(one.terms.promotion.code, one.is_late, one.now) for one in cup.ran] == [("THEN", False, "ended")]
    assert [one.code for one in cup.runs] == ["NOW"]
    assert cup.fact.price == Decimal("70.00")
    assert [(one.terms.promotion.code, one.is_late, one.now) for one in lamp.ran] == [("LATE", True, "running")]
    assert ([one.code for one in gone.runs], gone.ran, gone.fact) == (["NOW"], [], None)
    for order in (few, many):
        with CaptureQueriesContext(connection) as read:
            offers_of(agent, order, now)
        assert len(read) == 3
    stranger = make_staff(roles=["agent"], teams=[make_team(shop_ids=[make_shop().pk])])
    assert offers_of(stranger, many, now) == []


@pytest.mark.parametrize(
    "fields",
    [{"percent": Decimal(0)}, {"percent": Decimal("100.01")}, {"percent": None}, {"price": Decimal(1)},
     {"ends_at": NOV}, {"percent": None, "price": Decimal(1)}, {"title": ""}, {"source": "x"}, {"version": 0}],
)  # fmt: skip
def test_the_database_refuses_a_version_that_makes_no_sense(shop, fields):
    one = make_promotion(shop, starts_at=NOV)
    row = {"version": 2, "source": "hand", "title": "t", "starts_at": NOV, "percent": Decimal(5), **fields}
    with pytest.raises(IntegrityError), transaction.atomic():
        PromotionVersion.objects.create(promotion=one, **row)


def test_a_version_is_never_changed_nor_there_twice(shop):
    one = make_promotion(shop)
    with pytest.raises(IntegrityError, match="never changed"), transaction.atomic():
        PromotionVersion.objects.filter(promotion=one).update(percent=Decimal(90))
    with pytest.raises(IntegrityError, match="promotion_version_once"), transaction.atomic():
        PromotionVersion.objects.create(
            promotion=one, version=1, source="api", title="t", starts_at=NOV, percent=Decimal(5)
        )
    with pytest.raises(IntegrityError, match="promotion_source_known"), transaction.atomic():
        Promotion.objects.filter(pk=one.pk).update(source="x")
