"""Expected arrivals: where a place lies, what quantiles say, what is learnt, what is refreshed."""

import random
import threading
from datetime import timedelta
from itertools import pairwise

import pytest
from django.db import connection, transaction
from hypothesis import given
from hypothesis import settings as rules
from hypothesis import strategies as st

from core.actors import SYSTEM
from core.models import Event
from orders.estimate_enums import LateLevel, Level, StatKind
from orders.gazetteer import CITIES, is_region_key, region_of
from orders.models import ArrivalEstimate, LaneModel, LaneStat, Order, Parcel, Scan
from orders.selectors.silence import silent_parcels
from orders.services import ScanData, add_scans
from orders.services.estimates import learn_lanes, refresh_due, refresh_estimates
from orders.services.estimates import quantiles as q
from orders.services.estimates.lanes import current_lanes
from orders.services.estimates.learning import USUAL_SILENCE, Place
from tests.factories.orders import AT, make_order, make_parcel, make_shop

HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("浙江省杭州市西湖区", "浙江/杭州"), ("浙江 杭州", "浙江/杭州"),
        ("杭州转运中心", "浙江/杭州"),
        ("【广州市】快件已到达", "广东/广州"), ("内蒙古自治区锡林郭勒盟", "内蒙古/锡林郭勒"),
        ("上海市黄浦区南京东路", "上海/上海"),
        ("吉林省吉林市船营区", "吉林/吉林"), ("吉林市", "吉林/吉林"), ("吉林省长春市", "吉林/长春"),
        ("海南省海口市", "海南/海口"),
        ("青海省海南州共和县", "青海/海南州"), ("新疆维吾尔自治区喀什地区", "新疆/喀什"), ("广西壮族自治区", "广西"),
        ("Shanghai", ""), ("", ""), ("某某营业部", ""), ("辽宁省朝阳市", "辽宁/朝阳"), ("北京市朝阳区", "北京/北京"),
    ],
)  # fmt: skip
def test_region_of_what_people_and_carriers_write(text, key):
    assert region_of(text).key == key


def test_every_city_is_found_by_its_full_name():
    for province, names in CITIES.items():
        for city in names.split():
            found = region_of(f"{province}{city}")
            assert found.key == f"{province}/{city}"
            assert is_region_key(found.key)


vectors = st.lists(st.floats(0, 500), min_size=len(q.GRID), max_size=len(q.GRID)).map(sorted)


@given(vectors, st.floats(0, 2000), st.floats(0, 2000))
def test_survival_never_rises_and_stays_a_share(vector, one, two):
    low, high = sorted((one, two))
    assert 0 <= q.survival(vector, high) <= q.survival(vector, low) <= 1


@given(vectors, st.floats(0, 5000), st.floats(0.01, 0.99))
def test_what_is_left_lies_ahead_and_grows_with_the_point(vector, age, point):
    value = q.given_age(vector, age, point)
    assert value >= age
    assert q.given_age(vector, age, min(0.995, point + 0.004)) >= value - 1e-6


@given(vectors, st.floats(0, 1000), st.floats(0, 1500))
def test_chance_to_be_late_is_a_share_and_certain_once_past(vector, age, hours):
    chance = q.chance_of_more(vector, age, hours)
    assert 0 <= chance <= 1
    if hours <= age:
        assert chance == 1


@given(vectors, vectors, st.integers(1, 10_000))
def test_shrinking_lies_between_and_keeps_the_order(own, wider, count):
    drawn = q.shrunk(own, count, wider, weight=25)
    assert all(min(a, b) - 1e-9 <= d <= max(a, b) + 1e-9 for a, b, d in zip(own, wider, drawn, strict=True))
    assert all(a <= b + 1e-9 for a, b in pairwise(drawn))


def seed_arrivals(count, *, hours, region="浙江省杭州市", carrier="shunfeng", place="广州市", days_ago=20):
    """Make parcels that arrived: picked up at a place, `hours(i)` later delivered."""
    for n in range(count):
        order = make_order(placed_at=AT - timedelta(days=days_ago, hours=12), region=region)
        picked = AT - timedelta(days=days_ago)
        arrived = picked + timedelta(hours=hours(n))
        parcel = make_parcel(
            order,
            carrier=carrier,
            status="delivered",
            rank=60,
            rank_at=arrived,
            shipped_at=picked,
            delivered_at=arrived,
        )
        for at, status in ((picked, "picked_up"), (picked + HOUR, "in_transit"), (arrived, "delivered")):
            Scan.objects.create(parcel=parcel, at=at, code="", status=status, text_hash=b"x", place=place)


def coming(*, hours_ago=1.0, region="浙江省杭州市", status="picked_up", **fields):
    """Make a parcel under way since so many hours."""
    since = AT - timedelta(hours=hours_ago)
    order = make_order(placed_at=since - 12 * HOUR, region=region, **fields)
    parcel = make_parcel(order, status=status, rank=20, rank_at=since, shipped_at=since, last_scan_at=since)
    Scan.objects.create(parcel=parcel, at=since, code="", status=status, text_hash=b"x", place="广州市")
    return parcel


@pytest.mark.django_db
def test_learns_each_level_and_draws_small_ones_to_the_wider():
    seed_arrivals(40, hours=lambda n: 40 + n / 10)
    seed_arrivals(6, hours=lambda n: 100.0, region="新疆喀什地区")
    model = learn_lanes(at=AT)
    stats = {
        (s.status, s.carrier_id is None, s.origin, s.destination): s
        for s in LaneStat.objects.filter(model=model, kind=StatKind.LEG)
    }
    everything = stats["picked_up", True, "", ""]
    lane = stats["picked_up", False, "广东", "浙江/杭州"]
    far = stats["picked_up", False, "广东", "新疆/喀什"]
    mid = q.GRID.index(0.5)
    assert (everything.count, lane.count, far.count) == (46, 40, 6)
    assert 40 < lane.quantiles[mid] < 46
    assert 44 < far.quantiles[mid] < 100, "six parcels do not make a lane"
    assert model.parcels == 46
    assert model.is_current


@pytest.mark.django_db
def test_a_second_learning_holds_and_the_old_one_is_kept():
    seed_arrivals(5, hours=lambda n: 40.0)
    first, second = learn_lanes(at=AT), learn_lanes(at=AT)
    assert list(LaneModel.objects.filter(is_current=True)) == [second]
    assert LaneModel.objects.filter(pk=first.pk).exists()
    assert current_lanes().model_id == second.pk


@pytest.mark.django_db
def test_nothing_arrived_teaches_nothing():
    assert learn_lanes(at=AT) is None
    assert not LaneModel.objects.exists()


@pytest.mark.django_db
def test_refresh_gives_a_day_with_its_span_and_keeps_the_estimate_once():
    seed_arrivals(60, hours=lambda n: 30 + n)
    learn_lanes(at=AT)
    parcel = coming()
    assert refresh_due(at=AT) >= 1
    parcel.refresh_from_db()
    assert AT < parcel.expected_low < parcel.expected_at < parcel.expected_high
    assert parcel.estimated_status == "picked_up"
    assert parcel.estimate_due_at > AT
    assert refresh_due(at=AT) == 0, "nothing is due twice"
    refresh_estimates(parcel_ids=[parcel.pk], at=AT + HOUR)
    estimate = ArrivalEstimate.objects.get(parcel=parcel)
    assert (estimate.status, estimate.level, estimate.made_at) == ("picked_up", Level.LANE, AT)


@pytest.mark.django_db
def test_the_older_the_later_it_is_expected():
    seed_arrivals(60, hours=lambda n: 30 + n)
    learn_lanes(at=AT)
    parcel = coming()
    seen = []
    for hours in (0, 24, 60, 100, 400):
        refresh_estimates(parcel_ids=[parcel.pk], at=AT + hours * HOUR)
        parcel.refresh_from_db()
        seen.append(parcel.expected_at)
        assert parcel.expected_low >= AT + hours * HOUR - timedelta(seconds=1) or hours == 0
    assert seen == sorted(seen)


@pytest.mark.django_db
def test_without_history_nothing_is_expected_but_silence_is_watched():
    parcel = coming()
    refresh_due(at=AT)
    parcel.refresh_from_db()
    assert parcel.expected_at is None
    assert parcel.quiet_at == parcel.last_scan_at + timedelta(hours=USUAL_SILENCE["picked_up"])


@pytest.mark.django_db
def test_a_told_date_stays_while_it_lies_ahead():
    seed_arrivals(60, hours=lambda n: 30 + n)
    learn_lanes(at=AT)
    parcel = coming()
    told = AT + 90 * HOUR
    Parcel.objects.filter(pk=parcel.pk).update(expected_at=told)
    refresh_due(at=AT)
    parcel.refresh_from_db()
    assert (parcel.expected_at, parcel.expected_low) == (told, None)
    refresh_estimates(parcel_ids=[parcel.pk], at=told + HOUR)
    parcel.refresh_from_db()
    assert parcel.expected_at > told
    assert parcel.expected_low is not None


@pytest.mark.django_db
def test_late_risk_is_told_once_per_level_and_never_for_history():
    seed_arrivals(60, hours=lambda n: 30 + n)
    learn_lanes(at=AT)
    parcel, past = coming(), coming()
    Order.objects.filter(pk__in=[parcel.order_id, past.order_id]).update(promised_at=AT + 62 * HOUR)
    Order.objects.filter(pk=past.order_id).update(is_history=True)
    for hours in (0, 40, 41, 55, 56, 61):
        refresh_estimates(parcel_ids=[parcel.pk, past.pk], at=AT + hours * HOUR)
    told = Event.objects.filter(kind="parcel.late_risk").order_by("id")
    assert [(e.subject_id, e.data["level"]) for e in told] == [(parcel.pk, "possible"), (parcel.pk, "likely")]
    assert all(e.at < AT + 62 * HOUR for e in told), "known before it is late"
    parcel.refresh_from_db()
    assert parcel.late_level == LateLevel.LIKELY


@pytest.mark.django_db
def test_arrival_settles_what_was_estimated_and_ends_the_watch():
    seed_arrivals(60, hours=lambda n: 30 + n)
    learn_lanes(at=AT)
    parcel = coming()
    refresh_due(at=AT)
    arrived = AT + 40 * HOUR
    scan = ScanData(arrived, "delivered", "304", "已签收", "")
    add_scans(parcel_id=parcel.pk, scans=[scan], actor=SYSTEM, received_at=arrived)
    refresh_due(at=arrived)
    parcel.refresh_from_db()
    assert (parcel.quiet_at, parcel.estimate_due_at, parcel.expected_low) == (None, None, None)
    assert ArrivalEstimate.objects.get(parcel=parcel).arrived_at == arrived


@pytest.mark.django_db
def test_imported_arrivals_are_never_taken_up():
    seed_arrivals(3, hours=lambda n: 40.0)
    assert refresh_due(at=AT) == 0


@pytest.mark.django_db
def test_silent_until_the_next_scan_whatever_its_status():
    parcel = coming(hours_ago=31)
    refresh_due(at=AT)
    assert list(silent_parcels(AT)) == [parcel]
    scan = ScanData(AT, "picked_up", "1", "网点复称", "")
    add_scans(parcel_id=parcel.pk, scans=[scan], actor=SYSTEM, received_at=AT)
    assert list(silent_parcels(AT)) == [], "the same status told again ends the silence at once"
    parcel.refresh_from_db()
    refresh_due(at=parcel.estimate_due_at)
    parcel.refresh_from_db()
    assert parcel.quiet_at == AT + timedelta(hours=USUAL_SILENCE["picked_up"])


@pytest.mark.django_db
def test_silence_is_relative_to_the_lane():
    for n in range(60):
        slow = n % 2
        order = make_order(placed_at=AT - timedelta(days=12), region="新疆喀什地区" if slow else "浙江杭州")
        begun, gap = AT - timedelta(days=10), timedelta(hours=90 + n / 10 if slow else 12 + n / 10)
        arrived = begun + gap
        parcel = make_parcel(
            order, status="delivered", rank=60, rank_at=arrived, shipped_at=begun, delivered_at=arrived
        )
        Scan.objects.create(parcel=parcel, at=begun, code="", status="in_transit", text_hash=b"x", place="广州市")
        Scan.objects.create(parcel=parcel, at=arrived, code="", status="delivered", text_hash=b"x")
    learn_lanes(at=AT)
    lanes, carrier = current_lanes(), parcel.carrier_id
    near = lanes.silence(Place("in_transit", carrier, "广东", "浙江/杭州"))
    far = lanes.silence(Place("in_transit", carrier, "广东", "新疆/喀什"))
    assert near < 48 < far


@pytest.mark.django_db
def test_lost_and_found_is_looked_at_again():
    parcel = coming()
    refresh_due(at=AT)
    for status, at in (("lost", AT + HOUR), ("in_transit", AT + 2 * HOUR)):
        scan = ScanData(at, status, "1", status, "")
        add_scans(parcel_id=parcel.pk, scans=[scan], actor=SYSTEM, received_at=at)
        assert refresh_due(at=at) == 1
        parcel.refresh_from_db()
        assert parcel.estimated_status == status
    assert parcel.quiet_at is not None


@pytest.mark.django_db
def test_the_sweep_reads_its_index():
    from orders.services.estimates import refreshing

    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        for statement, values, index in (
            (refreshing._STALE, [10], "parcel_estimate_stale"),
            (refreshing._DUE, [AT, 10], "parcel_estimate_due"),
        ):
            cursor.execute("EXPLAIN " + statement, values)
            assert index in "\n".join(row[0] for row in cursor.fetchall())


@pytest.mark.django_db
@rules(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_any_order_of_refreshing_gives_the_same_parcels(seed):
    parcels = [coming(hours_ago=hours) for hours in (1, 20, 70)]
    ids = [parcel.pk for parcel in parcels]
    refresh_estimates(parcel_ids=ids, at=AT)
    rows = Parcel.objects.filter(pk__in=ids).order_by("pk").values("expected_at", "quiet_at", "estimate_due_at")
    together = list(rows.all())
    random.Random(seed).shuffle(ids)
    for one in ids:
        refresh_estimates(parcel_ids=[one, one], at=AT)
    assert list(rows.all()) == together


@pytest.mark.django_db(transaction=True)
def test_two_sweeps_at_once_tell_a_risk_once():
    make_shop()
    seed_arrivals(25, hours=lambda n: 30 + n)
    learn_lanes(at=AT)
    parcels = [coming() for _ in range(6)]
    Order.objects.filter(parcels__in=parcels).update(promised_at=AT + 2 * HOUR)
    barrier = threading.Barrier(4)

    def sweep():
        try:
            barrier.wait()
            for _ in range(3):
                refresh_due(at=AT)
        finally:
            connection.close()

    threads = [threading.Thread(target=sweep) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    told = list(Event.objects.filter(kind="parcel.late_risk").values_list("subject_id", flat=True))
    assert sorted(told) == sorted(parcel.pk for parcel in parcels)
    assert ArrivalEstimate.objects.count() == len(parcels)


@pytest.mark.django_db(transaction=True)
def test_a_sweep_that_dies_midway_leaves_everything_due():
    parcels = [coming() for _ in range(3)]

    def dying():
        with transaction.atomic():
            refresh_due(at=AT)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        dying()
    assert refresh_due(at=AT) == len(parcels)
