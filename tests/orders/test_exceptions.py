"""Parcel exceptions: found, owned, worked on, closed; the same judgement twice changes nothing."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from accounts.models import Notification
from core.actors import SYSTEM, Actor
from core.errors import InvalidInput, NotFound, TransitionNotAllowed
from core.models import Event
from core.registry import STORIES
from orders.enums import ParcelStatus
from orders.estimate_enums import LateLevel
from orders.exception_enums import EXCEPTION_OPEN, CloseReason, ExceptionKind
from orders.exception_permissions import exceptions_visible_to, get_exception_for
from orders.models import Order, Parcel, ParcelException
from orders.services import ScanData, add_scans, cancel_order
from orders.services.exceptions import (
    close_exception,
    hand_over_exception,
    judge_due,
    judge_parcel,
    take_exception,
)
from orders.services.exceptions.holding import kind_of_problem
from tests.factories.accounts import make_staff, make_team
from tests.factories.orders import AT, make_order, make_parcel, make_shop

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


def under_way(order: Order | None = None, **more: Any) -> Parcel:
    """Make a parcel that was scanned two days ago."""
    parcel = make_parcel(order or make_order())
    scan(parcel, ParcelStatus.IN_TRANSIT, AT - 48 * HOUR)
    Parcel.objects.filter(pk=parcel.pk).update(**more)
    return Parcel.objects.get(pk=parcel.pk)


def scan(parcel: Parcel, status: str, at: Any = None, text: str = "已到达", code: str = "") -> None:
    row = ScanData(at=at or AT, status=status, text=text, code=code)
    add_scans(parcel_id=parcel.pk, scans=[row], actor=SYSTEM, received_at=AT)


def silence(parcel: Parcel) -> None:
    """Let its lane say that it has been silent for too long."""
    now = Parcel.objects.get(pk=parcel.pk)
    Parcel.objects.filter(pk=parcel.pk).update(
        quiet_at=AT - HOUR, estimated_status=now.status, estimated_scan_at=now.last_scan_at
    )


def kinds(parcel: Parcel) -> list[str]:
    rows = ParcelException.objects.filter(parcel=parcel, state__in=EXCEPTION_OPEN)
    return sorted(rows.values_list("kind", flat=True))


def told(kind: str) -> int:
    return Event.objects.filter(kind=kind).count()


def test_silent_parcel_is_stalled_once_and_over_when_it_is_heard_of():
    parcel = under_way()
    silence(parcel)
    assert judge_due(at=AT) == 1
    found = ParcelException.objects.get()
    assert (found.kind, found.since, found.due_at) == ("stalled", AT - 48 * HOUR, AT + 24 * HOUR)
    assert judge_due(at=AT) == 0, "nothing is news"
    assert not judge_parcel(parcel_id=parcel.pk, at=AT)
    assert told("exception.opened") == 1
    scan(parcel, ParcelStatus.IN_TRANSIT, AT - 2 * HOUR, text="已离开")
    assert judge_due(at=AT + HOUR) == 1
    found.refresh_from_db()
    assert (found.state, found.close_reason, found.closed_at) == ("closed", CloseReason.MOVED, AT + HOUR)
    event = Event.objects.get(kind="exception.closed")
    assert event.data["seconds"] == 3600
    silence(parcel)
    assert judge_due(at=AT + 2 * HOUR) == 1
    assert kinds(parcel) == ["stalled"], "a second standstill is a second exception"


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (ParcelStatus.CREATED, "no_pickup"), (ParcelStatus.PICKED_UP, "stalled"),
        (ParcelStatus.READY_FOR_PICKUP, "unclaimed"), (ParcelStatus.RETURNING, "returned"),
    ],
)  # fmt: skip
def test_silence_means_what_the_parcel_was_doing(status: str, kind: str):
    parcel = make_parcel(make_order())
    scan(parcel, status, AT - 48 * HOUR)
    silence(parcel)
    judge_due(at=AT)
    assert kinds(parcel) == [kind]


@pytest.mark.parametrize(
    ("status", "kind"),
    [(ParcelStatus.REFUSED, "refused"), (ParcelStatus.RETURNED, "returned"), (ParcelStatus.LOST, "lost")],
)
def test_what_ended_badly_stays_until_somebody_closes_it(status: str, kind: str):
    parcel = under_way()
    scan(parcel, status)
    judge_parcel(parcel_id=parcel.pk, at=AT)
    assert kinds(parcel) == [kind]
    judge_due(at=AT + 100 * HOUR)
    assert kinds(parcel) == [kind]


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("派件不成功：收件人电话无人接听", "address"), ("地址不详，无法派送", "address"),
        ("超区件", "address"),
        ("包裹外包装破损", "damaged"), ("内件短少", "damaged"), ("Parcel damaged in transit", "damaged"),
        ("天气原因滞留", "problem"), ("", "problem"),
    ],
)  # fmt: skip
def test_kind_of_problem_from_a_carriers_words(words: str, kind: str):
    assert kind_of_problem(words) == kind


def problem(parcel: Parcel, at: Any) -> None:
    now = Parcel.objects.get(pk=parcel.pk)
    Parcel.objects.filter(pk=parcel.pk).update(problem_at=at, version=now.version + 1)


def test_damage_is_not_over_because_the_parcel_arrived():
    parcel = under_way()
    scan(parcel, ParcelStatus.IN_TRANSIT, AT - HOUR, text="外包装破损")
    problem(parcel, AT - HOUR)
    judge_parcel(parcel_id=parcel.pk, at=AT)
    assert kinds(parcel) == ["damaged"]
    scan(parcel, ParcelStatus.DELIVERED, AT)
    judge_due(at=AT + HOUR)
    assert kinds(parcel) == ["damaged"]
    assert judge_due(at=AT + 2 * HOUR) == 0, "judged, and no news since"


def test_will_be_late_gives_way_to_what_is_the_cause():
    parcel = under_way(late_level=LateLevel.LIKELY)
    judge_parcel(parcel_id=parcel.pk, at=AT)
    assert kinds(parcel) == ["delay"]
    silence(parcel)
    judge_parcel(parcel_id=parcel.pk, at=AT + HOUR)
    assert kinds(parcel) == ["stalled"]
    scan(parcel, ParcelStatus.DELIVERED, AT)
    judge_due(at=AT + 2 * HOUR)
    assert kinds(parcel) == []
    assert ParcelException.objects.get(kind="stalled").close_reason == CloseReason.ARRIVED


def test_cancelled_order_and_history_have_no_exceptions():
    parcel = under_way()
    silence(parcel)
    judge_due(at=AT)
    cancel_order(order_id=parcel.order_id, actor=SYSTEM, at=AT)
    judge_due(at=AT)
    assert ParcelException.objects.get().close_reason == CloseReason.WITHDRAWN
    old = under_way()
    Order.objects.filter(pk=old.order_id).update(is_history=True)
    silence(old)
    assert judge_due(at=AT) == 0
    assert not judge_parcel(parcel_id=old.pk, at=AT)


def test_owner_is_who_is_here_sees_the_shop_and_holds_the_fewest():
    shop, other = make_shop(), make_shop()
    team, elsewhere = make_team(shop_ids=[shop.pk]), make_team(shop_ids=[other.pk])
    make_staff(roles=["analyst"], teams=[team])
    away = make_staff(roles=["agent"], teams=[team])
    make_staff(roles=["agent"], teams=[elsewhere])
    first, second = under_way(make_order(shop=shop)), under_way(make_order(shop=shop))
    for parcel in (first, second):
        silence(parcel)
    judge_parcel(parcel_id=first.pk, at=AT)
    assert ParcelException.objects.get().owner_id == away.pk
    beside = make_staff(roles=["agent"], teams=[team])
    judge_parcel(parcel_id=second.pk, at=AT)
    assert ParcelException.objects.get(parcel=second).owner_id == beside.pk


def opened() -> ParcelException:
    parcel = under_way()
    silence(parcel)
    judge_parcel(parcel_id=parcel.pk, at=AT)
    return ParcelException.objects.get(parcel=parcel)


def test_take_hand_over_and_close():
    found, now = opened(), timezone.now()
    team = make_team()
    one, two = make_staff(roles=["agent"], teams=[team]), make_staff(roles=["agent"], teams=[team])
    outside = make_staff(roles=["analyst"], teams=[team])
    take_exception(exception_id=found.pk, staff=one, at=now)
    take_exception(exception_id=found.pk, staff=one, at=now)
    assert told("exception.taken") == 1
    with pytest.raises(InvalidInput):
        hand_over_exception(exception_id=found.pk, to=outside, actor=Actor.staff(one), at=now, url="/x/")
    hand_over_exception(exception_id=found.pk, to=two, actor=Actor.staff(one), at=now, url="/x/")
    assert Notification.objects.get(staff=two).kind == "exception.yours"
    close = {"note": " 已补发 ", "actor": Actor.staff(two), "staff": two, "at": now}
    with pytest.raises(InvalidInput):
        close_exception(exception_id=found.pk, why="moved", **close)
    done = close_exception(exception_id=found.pk, why="resent", **close)
    assert (done.state, done.close_reason, done.note, done.closed_by) == ("closed", "resent", "已补发", two)
    for again in (
        lambda: close_exception(exception_id=found.pk, why="resent", **close),
        lambda: take_exception(exception_id=found.pk, staff=one, at=now),
        lambda: hand_over_exception(exception_id=found.pk, to=one, actor=SYSTEM, at=now, url="/x/"),
    ):
        with pytest.raises(TransitionNotAllowed):
            again()
    with pytest.raises(NotFound):
        take_exception(exception_id=0, staff=one, at=now)


def test_database_refuses_a_second_of_a_kind_and_a_closed_one_without_reason():
    found = opened()
    fields = {
        name: getattr(found, name)
        for name in ("parcel_id", "order_id", "shop_id", "carrier_id", "kind", "since", "opened_at", "due_at")
    }
    with pytest.raises(IntegrityError), transaction.atomic():
        ParcelException.objects.create(**fields, parcel_version=1)
    with pytest.raises(IntegrityError), transaction.atomic():
        ParcelException.objects.filter(pk=found.pk).update(state="closed")


def test_door_by_shop_and_right():
    found, foreign = opened(), make_shop()
    mine = make_staff(roles=["agent"], teams=[make_team(shop_ids=[found.shop_id])])
    other = make_staff(roles=["agent"], teams=[make_team(shop_ids=[foreign.pk])])
    assert list(exceptions_visible_to(mine)) == [found]
    assert list(exceptions_visible_to(other)) == []
    with pytest.raises(NotFound):
        get_exception_for(other, found.pk)


@pytest.mark.parametrize("count", [1, 3])
def test_queue_and_detail_by_hand(client: Any, count: int, django_assert_max_num_queries: Any):
    rows = [opened() for _ in range(count)]
    staff = make_staff(roles=["agent"], teams=[make_team()])
    client.force_login(staff)
    with django_assert_max_num_queries(14):
        page = client.get("/desk/exceptions/?tab=open").content.decode()
    assert all(row.parcel.tracking_number in page for row in rows)
    for query in ("?tab=closed", "?tab=mine&kind=lost", "?kind=%27&carrier=9999&after=x_1", "?after=2026-01-01_5"):
        assert client.get(f"/desk/exceptions/{query}").status_code == 200
    path = f"/desk/exceptions/{rows[0].pk}/"
    assert client.get(path).status_code == 200
    assert client.get(f"{path}take/").status_code == 405
    assert client.post(f"{path}take/").status_code == 302
    assert client.post(f"{path}close/", {"why": "moved"}).status_code == 422
    assert client.post(f"{path}close/", {"why": "solved", "note": "已联系网点"}).status_code == 302
    assert "已联系网点" in client.get(path).content.decode()
    assert client.post(f"{path}close/", {"why": "solved"}).status_code == 409


def test_hand_over_by_hand_needs_a_right_for_what_is_not_ones_own(client: Any):
    found, team = opened(), make_team()
    junior, lead = make_staff(roles=["agent_junior"], teams=[team]), make_staff(roles=["agent_lead"], teams=[team])
    path = f"/desk/exceptions/{found.pk}/give/"
    client.force_login(junior)
    assert client.post(path, {"to": lead.pk}).status_code == 403
    client.force_login(lead)
    assert client.post(path, {"to": "x"}).status_code == 422
    assert client.post(path, {"to": junior.pk}).status_code == 302
    found.refresh_from_db()
    assert found.owner == junior


@pytest.mark.django_db(transaction=True)
def test_two_judges_at_once_open_one():
    parcel = under_way()
    silence(parcel)
    gate, wrong = threading.Barrier(4), []

    def judge() -> None:
        try:
            gate.wait()
            judge_parcel(parcel_id=parcel.pk, at=AT)
        except Exception as error:  # noqa: BLE001 - whatever went wrong fails the test
            wrong.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=judge) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert ParcelException.objects.count() == 1
    assert told("exception.opened") == 1


def test_every_kind_is_told_in_the_story():
    found = opened()
    event = Event.objects.get(kind="exception.opened")
    render = STORIES["exception."]
    for kind in ExceptionKind:
        event.data["kind"] = kind.value
        line = render([event], None)[event.pk]
        assert str(kind.label) in str(line.html)
    assert event.subject_id == found.pk
