"""Any order and repetition of a real trace gives the same parcel."""

import random
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import settings as rules
from hypothesis import strategies as st

from core.actors import SYSTEM, Actor
from core.errors import InvalidInput, NotFound
from core.models import Event
from orders.enums import ParcelStatus
from orders.models import Parcel, Scan
from orders.services import ScanData, add_scan, add_scans
from orders.story import lifeline_of, render_parcel_events
from tests.factories.orders import AT, make_order, make_parcel

pytestmark = pytest.mark.django_db
CN = ZoneInfo("Asia/Shanghai")
TRACE = [
    ("2026-11-15 18:02:11", "picked_up", "103", "【杭州西湖区】快件已揽收", "杭州市"),
    ("2026-11-15 21:40:00", "in_transit", "1002", "快件离开【杭州转运中心】,发往【上海转运中心】", "杭州市"),
    ("2026-11-16 03:12:45", "in_transit", "1002", "快件到达【上海转运中心】", "上海市"),
    ("2026-11-16 03:12:45", "in_transit", "1002", "快件在【上海转运中心】分拣中", "上海市"),
    ("2026-11-16 07:55:10", "in_transit", "1001", "快件到达【上海浦东营业部】", "上海市"),
    ("2026-11-16 08:20:00", "out_for_delivery", "5", "派送中,派送员:王师傅", "上海市"),
    ("2026-11-16 12:01:33", "out_for_delivery", "501", "快件已到达丰巢柜", "上海市"),
    ("2026-11-16 19:44:02", "delivered", "304", "已签收,签收人:本人", ""),
]


def scans():
    return [
        ScanData(datetime.fromisoformat(at).replace(tzinfo=CN), status, code, text, place)
        for at, status, code, text, place in TRACE
    ]


def outcome(parcel):
    parcel.refresh_from_db()
    state = (
        parcel.status, parcel.rank, parcel.rank_at, parcel.shipped_at, parcel.delivered_at, parcel.last_scan_at,
        parcel.place,
    )  # fmt: skip
    parcel.order.refresh_from_db()
    order = parcel.order
    rows = set(parcel.scans.values_list("at", "code", "status", "text", "place"))
    return state, (order.status, order.delivered_at), rows


def tell(parcel, batches):
    for batch in batches:
        add_scans(parcel_id=parcel.pk, scans=batch, actor=Actor.carrier(parcel.carrier_id), received_at=AT)


@rules(max_examples=25)
@given(seed=st.integers(0, 10**6), sizes=st.lists(st.integers(1, 5), min_size=1, max_size=8))
def test_any_permutation_and_repetition_gives_the_same_parcel(seed, sizes):
    plain = make_parcel(make_order())
    tell(plain, [scans()])
    rng = random.Random(seed)
    told = scans() + rng.choices(scans(), k=6)
    rng.shuffle(told)
    batches, rest = [], told
    for size in sizes:
        batches.append(rest[:size])
        rest = rest[size:]
    other = make_parcel(make_order())
    tell(other, [batch for batch in [*batches, rest] if batch])
    assert outcome(other) == outcome(plain)
    assert other.scans.count() == len(TRACE)


def test_events_only_when_the_rank_rises():
    parcel = make_parcel(make_order())
    for scan in scans():
        add_scan(
            parcel_id=parcel.pk, at=scan.at, code=scan.code, status=scan.status, text=scan.text, place=scan.place,
            actor=SYSTEM, received_at=AT,
        )  # fmt: skip
    kinds = list(Event.objects.filter(subject_type="parcel", subject_id=parcel.pk).values_list("kind", flat=True))
    assert kinds == ["parcel.picked_up", "parcel.in_transit", "parcel.out_for_delivery", "parcel.delivered"]
    parcel.order.refresh_from_db()
    assert parcel.order.status == "delivered"
    assert parcel.order.shipped_at == scans()[0].at


def test_a_repeated_scan_is_no_news():
    parcel = make_parcel(make_order())
    told = {
        "parcel_id": parcel.pk,
        "at": AT,
        "code": "5",
        "status": "in_transit",
        "text": "到达",
        "place": "上海",
        "actor": SYSTEM,
    }
    assert add_scan(**told, received_at=AT) is True
    assert add_scan(**told, received_at=AT + timedelta(hours=1)) is False
    assert Scan.objects.filter(parcel=parcel).count() == 1


def test_the_order_is_delivered_with_its_last_parcel():
    order = make_order()
    one, two = make_parcel(order), make_parcel(order)
    tell(one, [scans()])
    order.refresh_from_db()
    assert order.status == "shipped"
    tell(two, [scans()])
    order.refresh_from_db()
    assert order.status == "delivered"


def test_a_claimed_future_is_cut_in_the_log_and_kept_beside():
    parcel = make_parcel(make_order())
    ahead = datetime.now(tz=CN) + timedelta(hours=3)
    add_scan(
        parcel_id=parcel.pk, at=ahead, code="3", status="delivered", text="签收", place="", actor=SYSTEM,
        received_at=datetime.now(tz=CN),
    )  # fmt: skip
    event = Event.objects.filter(kind="parcel.delivered", subject_id=parcel.pk).get()
    parcel.refresh_from_db()
    assert parcel.last_scan_at < ahead
    assert event.at < ahead


@pytest.mark.parametrize(
    "wrong",
    [
        {"status": "flying"},
        {"at": AT + timedelta(days=2)},
        {"at": datetime(1999, 1, 1, tzinfo=CN)},
        {"code": "no blanks"},
    ],
)
def test_wrong_scans_are_refused(wrong):
    parcel = make_parcel(make_order())
    scan = {"at": AT, "status": "in_transit", "code": "0", "text": "x", "place": "", **wrong}
    with pytest.raises(InvalidInput):
        add_scans(parcel_id=parcel.pk, scans=[ScanData(**scan)], actor=SYSTEM, received_at=AT)
    assert not Scan.objects.exists()


def test_an_unknown_parcel_is_not_found():
    with pytest.raises(NotFound):
        add_scans(parcel_id=10**9, scans=scans(), actor=SYSTEM, received_at=AT)


def test_a_problem_moves_nothing_is_told_once_and_a_lost_parcel_is_found():
    parcel = make_parcel(make_order())
    day = timedelta(days=1)
    for days, status, code in [
        (4, "in_transit", "0"),
        (3.5, "problem", "201"),
        (3, "problem", "205"),
        (2.5, "out_for_delivery", "5"),
        (2, "problem", "201"),
        (1.5, "lost", "x"),
        (1, "in_transit", "0"),
        (0.5, "ready_for_pickup", "501"),
    ]:
        tell(parcel, [[ScanData(AT - days * day, status, code, "", "")]])
    events = Event.objects.filter(subject_type="parcel", subject_id=parcel.pk).order_by("id")
    assert list(events.values_list("kind", "data__scan_code")) == [
        ("parcel.in_transit", "0"),
        ("parcel.problem_reported", "201"),
        ("parcel.out_for_delivery", "5"),
        ("parcel.problem_reported", "201"),
        ("parcel.lost", "x"),
        ("parcel.found", "0"),
        ("parcel.ready_for_pickup", "501"),
    ]
    parcel.refresh_from_db()
    assert (parcel.status, parcel.is_in_trouble, parcel.problem_code) == ("ready_for_pickup", False, "201")
    lines = render_parcel_events(list(events), None)
    assert "丢失后已找回" in lines[events[5].pk].html
    assert len(lines) == 7


@pytest.mark.parametrize("status", ParcelStatus.values)
def test_every_status_has_its_place_in_the_line_of_life(status):
    parcel = Parcel(status=status, rank=10, rank_at=AT, lost_at=AT, created_at=AT)
    line = lifeline_of(parcel)
    here = [item for item in line if item["label"] == ParcelStatus(status).label]
    assert len(here) == 1
    assert [item["state"] for item in line].count("next") == len(line) - 1 - line.index(here[0])
