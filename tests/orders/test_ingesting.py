"""Many pushes at once do exactly what the scans door does one after the other."""

import json
import random
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as rules
from hypothesis import strategies as st

from core.actors import Actor
from core.models import Event, Job
from core.reactions import REACTIONS, ReactionRule
from orders.enums import ScanStatus
from orders.models import Order, Parcel, Tracking
from orders.services import ScanData, add_scans
from orders.services.ingesting import apply_batch, apply_pushes, give_up_waiting, wake_waiting
from orders.services.ingesting.draining import WAIT
from tests.factories.orders import AT, make_order, make_parcel
from tests.factories.plain_carrier import make_account, make_push, trace_of
from tests.orders.test_scans import scans

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
SCAN = st.builds(
    lambda hours, status, code, place: ScanData(AT - hours * HOUR, status, code, f"{status} {place}", place),
    st.integers(-20, 60), st.sampled_from(ScanStatus.values), st.sampled_from(["", "1", "22", "123456789"]),
    st.sampled_from(["", "上海市", "杭州市 \\ 西湖"]),
)  # fmt: skip


@pytest.fixture
def reactions(monkeypatch):
    """Let somebody react, so that there are jobs to compare."""
    for kind in ("parcel.in_transit", "parcel.delivered", "parcel.found", "order.shipped", "order.delivered"):
        rules_ = [
            ReactionRule("test.always", None, False),
            ReactionRule("test.asked", lambda e: bool(e.data["before"]), True),
        ]
        monkeypatch.setitem(REACTIONS, kind, rules_)


def rows_of(parcel):
    """Return all that stands in the database about a parcel and its order, without the numbers of rows."""
    parcel.refresh_from_db()
    order = parcel.order
    order.refresh_from_db()
    columns = {f.attname: getattr(parcel, f.attname) for f in Parcel._meta.concrete_fields}
    for own in ("id", "order_id", "tracking_number", "created_at", "estimated_at"):
        columns.pop(own, None)
    events = [
        (e.kind, e.at, e.origin, e.actor_type, e.actor_id, e.subject_type, e.data, e.schema_v, e.depth, e.cause_id,
         e.shop_id, e.customer_id == order.customer_id, e.reason, e.subject_id in {parcel.pk, order.pk})
        for e in Event.objects.filter(order_id=order.pk).order_by("id")
    ]  # fmt: skip
    kinds = dict(Event.objects.filter(order_id=order.pk).values_list("pk", "kind"))
    jobs = sorted(
        (j.name, kinds[j.event_id], j.key == str(j.event_id), j.payload == {"event_id": j.event_id},
         j.shard.split(":")[0], j.state, j.fence, j.attempts, j.cause_depth)
        for j in Job.objects.filter(event_id__in=kinds)
    )  # fmt: skip
    told = sorted(parcel.scans.values_list("at", "code", "status", "text", "text_hash", "place", "received_at"))
    state = (order.status, order.shipped_at, order.delivered_at, order.version, order.updated_at, order.is_history)
    return columns, events, jobs, [tuple(map(str, row)) for row in told], state


def both_doors(batches, *, is_history=False, is_partly_sent=False):
    """Tell the same to two parcels, through each door; return the rows of both."""
    account = make_account()
    one, two = make_parcel(make_order()), make_parcel(make_order())
    Order.objects.filter(pk__in=[one.order_id, two.order_id]).update(
        is_history=is_history, is_partly_sent=is_partly_sent, created_at=AT - 20 * HOUR
    )
    for batch in batches:
        add_scans(parcel_id=one.pk, scans=batch, actor=Actor.carrier(one.carrier_id), received_at=AT)
        push = make_push(account, trace_of(two.tracking_number, batch))
        apply_batch(at=AT)
        push.refresh_from_db()
        assert (push.state, push.error_code) == ("applied", "")
    return rows_of(one), rows_of(two)


@rules(
    max_examples=15,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(batches=st.lists(st.lists(SCAN, min_size=1, max_size=5), min_size=1, max_size=4), is_history=st.booleans())
def test_both_doors_write_the_same_rows(reactions, batches, is_history):
    by_hand, at_once = both_doors(batches, is_history=is_history)
    assert at_once == by_hand


def test_an_order_whose_other_parcels_are_to_come_is_not_delivered_by_either_door():
    by_hand, at_once = both_doors([scans()], is_partly_sent=True)
    assert at_once == by_hand
    assert (by_hand[0]["status"], by_hand[4][0]) == ("delivered", "shipped")


def test_both_doors_tell_a_real_trace_alike(reactions):
    by_hand, at_once = both_doors([scans()[:3], scans()[:5], scans(), scans()[2:]])
    assert at_once == by_hand
    assert [event[0] for event in at_once[1]][-2:] == ["parcel.delivered", "order.delivered"]
    assert at_once[2]


@rules(max_examples=6, phases=[Phase.explicit, Phase.generate])
@given(seed=st.integers(0, 10**6))
def test_any_order_repetition_and_batches_of_pushes_give_the_same_parcels(seed):
    rng, account = random.Random(seed), make_account()
    traces = [[rng.choice(scans()) for _ in range(6)] for _ in range(4)]
    plain = [make_parcel(make_order()) for _ in traces]
    for parcel, trace in zip(plain, traces, strict=True):
        add_scans(parcel_id=parcel.pk, scans=trace, actor=Actor.carrier(parcel.carrier_id), received_at=AT)
    others = [make_parcel(make_order()) for _ in traces]
    told = [
        trace_of(parcel.tracking_number, trace[cut:] + trace[:2])
        for parcel, trace in zip(others, traces, strict=True)
        for cut in (0, 3, 0)
    ]
    rng.shuffle(told)
    for push in told:
        make_push(account, push)
    while apply_batch(at=AT, limit=rng.randint(1, 5)).pushes:
        pass
    for one, other in zip(plain, others, strict=True):
        left, right = rows_of(one), rows_of(other)
        left[0].pop("version"), right[0].pop("version")
        assert (left[0], left[3]) == (right[0], right[3])


def test_two_orders_in_one_box_are_both_told():
    account = make_account()
    one, two = make_parcel(make_order(), tracking="SF77"), make_parcel(make_order(), tracking="SF77")
    push = make_push(account, trace_of("sf 77", scans()))
    assert apply_pushes(at=AT) is False
    assert [rows_of(parcel)[0]["status"] for parcel in (one, two)] == ["delivered", "delivered"]
    push.refresh_from_db()
    assert push.scan_count == 2 * len(scans())


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"body": "{}"}, "push_not_list"),
        ({"body": "no json"}, "not_read"),
        ({"scans": [ScanData(AT, "flying", "", "", "")]}, "invalid"),
        ({"scans": [ScanData(AT, "in_transit", "", "a\x00b", "")]}, ""),
    ],
)
def test_a_poisoned_push_is_refused_alone(wrong, code):
    account, parcel = make_account(), make_parcel(make_order())
    good = [make_push(account, trace_of(make_parcel(make_order()).tracking_number, scans())) for _ in range(3)]
    told = [trace_of(parcel.tracking_number, wrong["scans"])] if "scans" in wrong else []
    bad = make_push(account, *told, body=wrong.get("body", ""))
    more = make_push(account, trace_of(make_parcel(make_order()).tracking_number, scans()))
    assert apply_pushes(at=AT) is False
    for push in (*good, more):
        push.refresh_from_db()
        assert (push.state, push.scan_count) == ("applied", 8)
    bad.refresh_from_db()
    assert (bad.state, bad.error_code) == ("refused" if code else "applied", code)


def test_a_push_that_breaks_the_statements_is_found_and_refused_alone(monkeypatch):
    """A trigger stands for whatever the database may ever refuse of one push."""
    account = make_account()
    parcels = [make_parcel(make_order()) for _ in range(7)]
    pushes = [make_push(account, trace_of(parcel.tracking_number, scans())) for parcel in parcels]
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            f"ALTER TABLE orders_scan ADD CONSTRAINT broken CHECK (parcel_id <> {parcels[4].pk})"  # a test's own number
        )
    assert apply_pushes(at=AT) is False
    states = []
    for push in pushes:
        push.refresh_from_db()
        states.append((push.state, push.error_code, push.scan_count))
    assert states == [("refused", "not_applied", 0) if n == 4 else ("applied", "", 8) for n in range(7)]


def test_a_number_nobody_bears_waits_for_its_parcel():
    account = make_account()
    push = make_push(account, trace_of("SF900100", scans()))
    assert apply_pushes(at=AT) is False
    push.refresh_from_db()
    assert (push.state, push.tracking_number, push.waited_at) == ("waiting", "SF900100", AT)
    assert wake_waiting() == 0
    parcel = make_parcel(make_order(), tracking="SF900100")
    assert (wake_waiting(), apply_pushes(at=AT)) == (1, False)
    push.refresh_from_db()
    parcel.refresh_from_db()
    assert (push.state, push.waited_at, parcel.status) == ("applied", None, "delivered")


def test_a_number_nobody_ever_bears_is_refused_in_the_end_and_kept():
    push = make_push(make_account(), trace_of("SF900101", scans()))
    apply_pushes(at=AT)
    assert give_up_waiting(at=AT + WAIT) == 0
    assert give_up_waiting(at=AT + WAIT + HOUR) == 1
    push.refresh_from_db()
    assert (push.state, push.error_code) == ("refused", "push_of_unknown_number")


def test_a_followed_number_is_fresh_and_ends_with_its_parcel():
    account = make_account()
    parcel = make_parcel(make_order())
    row = Tracking.objects.create(
        account=account, carrier_id=parcel.carrier_id, tracking_number=parcel.tracking_number, next_query_at=AT
    )
    make_push(account, trace_of(parcel.tracking_number, scans()[:3]))
    apply_pushes(at=AT)
    row.refresh_from_db()
    assert (row.state, row.fresh_at, row.pushed_at, row.subscribed_at) == ("subscribed", AT, AT, AT)
    assert AT + timedelta(minutes=68) <= row.next_query_at <= AT + timedelta(minutes=80)
    make_push(account, trace_of(parcel.tracking_number, scans()), at=AT + HOUR)
    apply_pushes(at=AT + HOUR)
    row.refresh_from_db()
    assert (row.state, row.ended_at, row.next_query_at) == ("ended", AT + HOUR, None)


def test_a_push_without_a_trace_is_done_with():
    push = make_push(make_account(), body=json.dumps([]))
    assert apply_pushes(at=AT) is False
    push.refresh_from_db()
    assert push.state == "applied"


def test_what_an_order_of_the_past_did_before_it_came_is_silent(reactions):
    _by_hand, (_columns, events, jobs, _scans, state) = both_doors(
        [scans()[:5], [ScanData(AT - HOUR, "delivered", "3", "签收", "")]], is_history=True
    )
    assert [(event[0], event[2]) for event in events if event[0] != "order.placed"] == [
        ("parcel.in_transit", "import"),
        ("order.shipped", "import"),
        ("parcel.delivered", "live"),
        ("order.delivered", "live"),
    ]
    assert state[5] is False
    assert {job[1] for job in jobs if job[0] == "test.always"} == {"parcel.delivered", "order.delivered"}
