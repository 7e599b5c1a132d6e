"""Incidents: the way they move, what a search finds, who sees them; each order attached once whoever is at it."""

from __future__ import annotations

import random
import threading
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.enums import Permission
from accounts.models import Notification, Staff
from core.actors import SYSTEM
from core.errors import InvalidInput, NotAllowed, NotFound, StaleEdit, TransitionNotAllowed
from core.models import Event, Job
from orders.incident_enums import INCIDENT_TRANSITIONS, IncidentState
from orders.incident_permissions import get_incident_for, may_steer
from orders.models import AffectedOrder, AttachRun, Incident, Order, OrderItem, Parcel
from orders.selectors.affected import affected_by, preview_affected, read_pasted
from orders.services import ItemData
from orders.services import incidents as services
from orders.services.incidents import IncidentDraft, Review, attaching
from tests.factories.accounts import make_staff, make_team
from tests.factories.incidents import attach, make_incident
from tests.factories.orders import AT, make_order, make_parcel, make_shop

pytestmark = pytest.mark.django_db
REVIEW = Review("货车侧翻", "雨天超速", "一小时内告知全部顾客", "换线路", Decimal("1200.50"))


def in_state(state: str) -> Incident:
    """Return an incident brought into a state by its services."""
    incident, now = make_incident(), timezone.now()
    given: dict[str, Any] = {"incident_id": incident.pk, "actor": SYSTEM, "at": now}
    if state == IncidentState.DISMISSED:
        Incident.objects.filter(pk=incident.pk).update(state=state, over_at=now)
    elif state != IncidentState.DECLARED:
        services.start_incident(**given)
    if state in {IncidentState.OVER, IncidentState.REVIEWED}:
        incident = services.end_incident(**given, is_told=False, reason="已电话告知")
    if state == IncidentState.REVIEWED:
        services.review_incident(**given, review=REVIEW, version=incident.version)
    return Incident.objects.get(pk=incident.pk)


def test_only_the_steps_of_the_table_are_possible() -> None:
    steps = {
        "under_way": lambda one: services.start_incident(incident_id=one.pk, actor=SYSTEM, at=timezone.now()),
        "over": lambda one: services.end_incident(
            incident_id=one.pk, is_told=True, reason="", actor=SYSTEM, at=timezone.now()
        ),
        "reviewed": lambda one: services.review_incident(
            incident_id=one.pk, review=REVIEW, actor=SYSTEM, at=timezone.now(), version=one.version
        ),
        "again": lambda one: services.reopen_incident(incident_id=one.pk, actor=SYSTEM, at=timezone.now()),
    }
    for state in IncidentState.values:
        for name, step in steps.items():
            incident = in_state(state)
            to = "under_way" if name == "again" else name
            allowed = to in INCIDENT_TRANSITIONS[state] and (
                to != "under_way" or (name == "again") == (state == "over")
            )
            if allowed:
                step(incident)
                assert Incident.objects.get(pk=incident.pk).state == to
            elif (state, name) != ("under_way", "under_way"):  # said twice is said once
                with pytest.raises(TransitionNotAllowed):
                    step(incident)
                assert Incident.objects.get(pk=incident.pk).state == state


def test_an_end_needs_a_last_word_or_a_reason_and_a_review_is_asked_for() -> None:
    incident, now = make_incident(), timezone.now()
    with pytest.raises(InvalidInput):
        services.end_incident(incident_id=incident.pk, is_told=False, reason="  ", actor=SYSTEM, at=now)
    services.end_incident(incident_id=incident.pk, is_told=False, reason="顾客已收到货", actor=SYSTEM, at=now)
    job = Job.objects.get(name="orders.incident_review_due")
    assert job.due_at == now + timedelta(days=3)
    assert services.remind_of_review(incident_id=incident.pk, round_=1, at=now) is True
    assert Notification.objects.filter(kind="incident.review_due", staff_id=incident.owner_id).count() == 1
    services.reopen_incident(incident_id=incident.pk, actor=SYSTEM, at=now)
    assert services.remind_of_review(incident_id=incident.pk, round_=1, at=now) is False


def test_a_review_is_whole_and_the_database_holds_it() -> None:
    incident = in_state("over")
    with pytest.raises(InvalidInput) as refused:
        services.review_incident(
            incident_id=incident.pk, review=Review("x", " ", "y", ""), actor=SYSTEM, at=timezone.now(),
            version=incident.version,
        )  # fmt: skip
    assert set(refused.value.fields) == {"cause", "changes"}
    with pytest.raises(IntegrityError), transaction.atomic():
        Incident.objects.filter(pk=incident.pk).update(state="reviewed", reviewed_at=timezone.now())


def test_editing_an_older_version_is_refused() -> None:
    incident = make_incident()
    draft = IncidentDraft("杭州转运中心停运", "hub_stuck", incident.owner_id)
    given: dict[str, Any] = {"incident_id": incident.pk, "actor": SYSTEM, "at": timezone.now()}
    services.change_incident(**given, draft=draft, version=incident.version)
    with pytest.raises(StaleEdit):
        services.change_incident(**given, draft=draft, version=incident.version)
    assert Event.objects.filter(kind="incident.changed").count() == 1


PLACES, REGIONS = ("杭州转运中心", "上海分拨", ""), ("浙江省杭州市", "上海市浦东新区", "广东省深圳市")


def fill_shop(dice: random.Random, count: int) -> Incident:
    """Make orders of two shops with parcels, at random, and an incident of one of them."""
    shops = [make_shop(), make_shop()]
    for _index in range(count):
        placed = AT - timedelta(hours=dice.randrange(200))
        item = ItemData(title=dice.choice(["保温杯", "羽绒被"]), sku=dice.choice(["CUP-1", "QUILT"]), quantity=1)
        order = make_order(
            shop=dice.choice(shops), placed_at=placed, region=dice.choice(REGIONS), items=(item,),
        )  # fmt: skip
        moment = placed + timedelta(hours=dice.randrange(1, 60))
        status = dice.choice(["paid", "shipped", "delivered"])
        Order.objects.filter(pk=order.pk).update(
            status=status, paid_at=placed, shipped_at=moment if status != "paid" else None
        )
        for _number in range(dice.randrange(3)):
            make_parcel(
                order, carrier=dice.choice(["shunfeng", "zhongtong"]), place=dice.choice(PLACES), shipped_at=moment,
                status=dice.choice(["in_transit", "delivered", "lost"]),
                last_scan_at=dice.choice([None, moment + timedelta(hours=dice.randrange(40))]),
            )  # fmt: skip
    return make_incident(shop_ids=[shops[0].pk])


def oracle(incident: Incident, conditions: dict[str, Any]) -> set[int]:
    """Say which orders fit, one by one, in plain Python."""

    def moment(name: str) -> datetime | None:
        return datetime.fromisoformat(conditions[name]) if name in conditions else None

    def fits_parcel(parcel: Parcel) -> bool:
        heard = parcel.last_scan_at or parcel.shipped_at or parcel.created_at
        silent = moment("silent_since")
        return (
            ("carriers" not in conditions or parcel.carrier_id in conditions["carriers"])
            and ("parcel_statuses" not in conditions or parcel.status in conditions["parcel_statuses"])
            and conditions.get("place", "") in parcel.place
            and (
                silent is None or (heard < silent and parcel.status not in {"delivered", "refused", "returned", "lost"})
            )
        )

    def fits(order: Order) -> bool:
        for name in ("placed", "paid", "shipped"):
            at, since, until = getattr(order, f"{name}_at"), moment(f"{name}_from"), moment(f"{name}_to")
            if (since and (at is None or at < since)) or (until and (at is None or at > until)):
                return False
        items = list(OrderItem.objects.filter(order=order))
        word = conditions.get("product", "").lower()
        about_parcels = {"carriers", "parcel_statuses", "place", "silent_since"} & conditions.keys()
        return (
            order.shop_id in incident.shop_ids
            and ("statuses" not in conditions or order.status in conditions["statuses"])
            and conditions.get("region", "") in order.region
            and (not word or any(word in item.sku.lower() or word in item.title.lower() for item in items))
            and (not about_parcels or any(fits_parcel(parcel) for parcel in order.parcels.all()))
        )

    return {order.pk for order in Order.objects.all() if fits(order)}


@pytest.mark.slow
def test_a_search_finds_what_looking_at_each_order_finds() -> None:
    dice = random.Random(13)
    incident = fill_shop(dice, 60)
    carriers = list(Parcel.objects.values_list("carrier_id", flat=True).distinct())
    hours = lambda most: (AT - timedelta(hours=dice.randrange(most))).isoformat()  # noqa: E731
    offers: dict[str, Any] = {
        "placed_from": lambda: hours(200), "placed_to": lambda: hours(200), "shipped_from": lambda: hours(150),
        "shipped_to": lambda: hours(100), "paid_from": lambda: hours(200), "silent_since": lambda: hours(100),
        "statuses": lambda: dice.sample(["paid", "shipped", "delivered"], 2),
        "region": lambda: dice.choice(["杭州", "上海"]),
        "parcel_statuses": lambda: dice.sample(["in_transit", "delivered", "lost"], 2), "place": lambda: "转运",
        "carriers": lambda: [dice.choice(carriers)], "product": lambda: dice.choice(["cup", "被", "没有"]),
    }  # fmt: skip
    hits = 0
    for _round in range(80):
        names = dice.sample(sorted(offers), dice.randrange(1, 4))
        conditions = {name: offers[name]() for name in names}
        found = set(affected_by(incident, conditions).values_list("pk", flat=True))
        assert found == oracle(incident, conditions), conditions
        hits += len(found)
    assert hits > 100


def test_a_pasted_list_says_what_is_wrong_with_which_line() -> None:
    mine, other = make_shop(), make_shop()
    order, foreign = make_order(shop=mine), make_order(shop=other)
    twin = make_order(shop=mine)
    make_parcel(order, tracking="SF7000000001")
    make_parcel(twin, tracking="SF7000000001")
    incident = make_incident(shop_ids=[mine.pk])
    text = f"订单号\n{order.number}\nSF7000000001，{order.number}\n\n{foreign.number}\n{'9' * 70}"
    found = read_pasted(incident, text)
    assert set(found.ids) == {order.pk, twin.pk}
    assert [(bad.line, bad.reason) for bad in found.bad] == [
        (1, "unknown"), (3, "twice"), (5, "unknown"), (6, "too_long")
    ]  # fmt: skip
    same = make_order(shop=other, number=order.number)
    wide = read_pasted(make_incident(), f"{same.number}")
    assert (wide.ids, [bad.reason for bad in wide.bad]) == ([], ["several"])


def test_again_finds_only_new_ones_and_what_was_taken_out_stays_out() -> None:
    shop = make_shop()
    first, second = make_order(shop=shop), make_order(shop=shop)
    incident = make_incident()
    assert attach(incident, shops=[shop.pk]).added == 2
    version = Incident.objects.get(pk=incident.pk).version
    given: dict[str, Any] = {"incident_id": incident.pk, "actor": SYSTEM, "at": timezone.now()}
    assert services.take_out_orders(**given, order_ids=[first.pk], version=version) == 1
    with pytest.raises(StaleEdit):
        services.take_out_orders(**given, order_ids=[second.pk], version=version)
    third = make_order(shop=shop)
    preview = preview_affected(incident, {"shops": [shop.pk]})
    assert (preview.found, preview.known, preview.fresh) == (3, 2, 1)
    run = attach(incident, shops=[shop.pk])
    assert (run.found, run.added, run.state) == (3, 1, "done")
    inside = AffectedOrder.objects.filter(incident=incident, removed_at__isnull=True)
    assert set(inside.values_list("order_id", flat=True)) == {second.pk, third.pk}
    told = Event.objects.filter(order_id=first.pk, kind__startswith="incident.").order_by("id")
    assert list(told.values_list("kind", flat=True)) == ["incident.order_affected", "incident.order_taken_out"]


def test_a_search_without_conditions_or_hits_is_refused() -> None:
    incident = make_incident()
    make_order()
    given: dict[str, Any] = {"incident_id": incident.pk, "actor": SYSTEM, "at": timezone.now(), "version": None}
    for conditions in ({}, {"region": "火星"}):
        with pytest.raises(InvalidInput):
            services.start_attaching(**given, conditions=conditions, client_id=uuid4())
    same = uuid4()
    first = services.start_attaching(**given, conditions={"region": "杭州"}, client_id=same)
    assert services.start_attaching(**given, conditions={"region": "杭州"}, client_id=same).pk == first.pk


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_two_searches_at_once_attach_each_order_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attaching, "BATCH", 7)
    shop = make_shop()
    orders = [make_order(shop=shop) for _index in range(40)]
    incident = make_incident()
    runs = [
        services.start_attaching(
            incident_id=incident.pk, conditions={"shops": [shop.pk]}, client_id=uuid4(), actor=SYSTEM,
            at=timezone.now(), version=None,
        )
        for _index in range(2)
    ]  # fmt: skip
    failures: list[BaseException] = []

    def work(run: AttachRun) -> None:
        try:
            services.attach_all(run_id=run.pk)
        except BaseException as error:  # noqa: BLE001 - shown by the test
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(run,)) for run in (*runs, runs[0])]  # the first by two workers
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert failures == []
    rows = AffectedOrder.objects.filter(incident=incident)
    assert sorted(rows.values_list("order_id", flat=True)) == sorted(order.pk for order in orders)
    assert sum(AttachRun.objects.filter(incident=incident).values_list("added", flat=True)) == 40
    assert Event.objects.filter(kind="incident.order_affected").count() == 40


def test_a_search_killed_between_batches_goes_on_where_it_stood(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attaching, "BATCH", 2)
    shop = make_shop()
    for _index in range(5):
        make_order(shop=shop)
    incident = make_incident()
    run = services.start_attaching(
        incident_id=incident.pk, conditions={"shops": [shop.pk]}, client_id=uuid4(), actor=SYSTEM, at=timezone.now(),
        version=None,
    )  # fmt: skip
    assert attaching.attach_batch(run_id=run.pk, at=timezone.now()) is True
    with transaction.atomic():
        attaching.attach_batch(run_id=run.pk, at=timezone.now())
        transaction.set_rollback(True)  # the worker dies before the batch is committed
    assert AffectedOrder.objects.filter(incident=incident).count() == 2
    services.attach_all(run_id=run.pk)
    run.refresh_from_db()
    assert (run.state, run.found, run.added) == ("done", 5, 5)
    assert AffectedOrder.objects.filter(incident=incident).count() == 5


def test_the_door_goes_by_shop() -> None:
    near, far = make_shop(), make_shop()
    team = make_team(shop_ids=[near.pk])
    supervisor, agent = (make_staff(roles=[role], teams=[team]) for role in ("supervisor", "agent"))
    own, theirs = make_incident(shop_ids=[near.pk]), make_incident(shop_ids=[far.pk])
    both, everywhere = make_incident(shop_ids=[near.pk, far.pk]), make_incident()
    with pytest.raises(NotFound):
        get_incident_for(supervisor, theirs.pk)
    assert get_incident_for(agent, own.pk).pk == own.pk
    with pytest.raises(NotAllowed):
        get_incident_for(agent, own.pk, Permission.INCIDENT_MANAGE)
    assert [may_steer(supervisor, one) for one in (own, both, everywhere)] == [True, False, False]
    for wide in (both, everywhere):  # seen, since own orders may be inside, but steered by who sees all shops
        assert get_incident_for(supervisor, wide.pk).pk == wide.pk
        with pytest.raises(NotAllowed):
            get_incident_for(supervisor, wide.pk, Permission.INCIDENT_MANAGE)


@pytest.fixture
def manager() -> Staff:
    return make_staff(roles=["manager"])


@pytest.fixture
def desk(manager: Staff) -> Client:
    client = Client()
    client.force_login(manager)
    return client


def test_pages_cost_the_same_with_one_row_and_three_in_both_languages(desk: Client, manager: Staff) -> None:
    shop = make_shop()
    incidents = [make_incident(manager, shop_ids=[shop.pk])]
    attach(incidents[0], make_order(shop=shop))
    costs: dict[str, set[int]] = {}
    for rows, language in ((1, "zh-hans"), (3, "zh-hans"), (3, "en")):
        if rows == 3 and len(incidents) == 1:
            incidents += [make_incident(manager, shop_ids=[shop.pk]) for _index in range(2)]
            attach(incidents[0], make_order(shop=shop), make_order(shop=shop))
        Staff.objects.filter(pk=manager.pk).update(language=language)
        for name, path in (
            ("list", reverse("orders:incidents")),
            ("page", reverse("orders:incident", args=[incidents[0].pk])),
            ("orders", reverse("orders:incident_orders", args=[incidents[0].pk])),
        ):
            with CaptureQueriesContext(connection) as counted:
                answer = desk.get(path)
            assert answer.status_code == 200
            assert ("事件" if language == "zh-hans" else "ncident") in answer.content.decode()
            costs.setdefault(name, set()).add(len(counted))
    assert {name: len(found) for name, found in costs.items()} == {"list": 1, "page": 1, "orders": 1}, costs
    assert max(costs["page"]) <= 12
    assert max(costs["list"]) <= 8


def test_declare_search_attach_in_pages(desk: Client, manager: Staff) -> None:
    shop = make_shop()
    order = make_order(shop=shop, region="浙江省杭州市西湖区")
    answer = desk.post(reverse("orders:incident_declare"), {"title": "", "kind": "weather", "severity": 20})
    assert answer.status_code == 422
    said = {"title": "暴雨", "kind": "weather", "severity": 30, "owner": manager.pk, "what": "", "shops": [shop.pk]}
    said["client_id"] = str(desk.get(reverse("orders:incident_declare")).context["form"]["client_id"].value())
    answer, again = (desk.post(reverse("orders:incident_declare"), said) for _time in range(2))
    incident = Incident.objects.get()
    assert answer["Location"] == again["Location"]
    assert Event.objects.filter(kind="incident.declared").count() == 1
    assert answer["Location"] == reverse("orders:incident_find", args=[incident.pk])
    typed = {"version": incident.version, "client_id": str(uuid4()), "region": "杭州", "do": "preview"}
    page = desk.post(answer["Location"], typed)
    assert page.status_code == 200
    assert page.context["preview"].fresh == 1
    assert AffectedOrder.objects.count() == 0
    assert desk.post(answer["Location"], {**typed, "region": ""}).status_code == 422
    assert desk.post(answer["Location"], {**typed, "do": "attach"}).status_code == 302
    run = AttachRun.objects.get()
    services.attach_all(run_id=run.pk)
    assert AffectedOrder.objects.get().order_id == order.pk
    stale = desk.post(answer["Location"], {**typed, "do": "attach", "version": 99, "client_id": str(uuid4())})
    assert stale.status_code == 409
    typed_list = {**typed, "region": "", "numbers": f"没有这个号\n{order.number}"}
    page = desk.post(answer["Location"], typed_list)
    assert [(one["line"], one["text"]) for one in page.context["bad"]] == [(1, "没有这个号")]
