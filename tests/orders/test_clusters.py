"""Standstills: found from silent parcels, once, followed, dismissed, closed together."""

from __future__ import annotations

import random
import threading
from collections import Counter
from datetime import timedelta
from math import comb
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.urls import reverse

from accounts.models import Notification, Staff
from core.actors import SYSTEM
from core.errors import StaleEdit, TransitionNotAllowed
from core.models import Event
from orders.enums import ParcelStatus
from orders.incident_enums import ClusterLevel, IncidentState
from orders.models import AffectedOrder, FoundCluster, Incident, Order, Parcel, ParcelException
from orders.selectors import carrier_ids
from orders.services import ScanData, add_scans
from orders.services import incidents as services
from orders.services.clusters import dismiss_finding, find_clusters, settle_exceptions
from orders.services.clusters.ending import RESTS_FOR
from orders.services.clusters.judging import (
    LEAST,
    SHARE,
    USUAL_SHARE,
    Key,
    Silent,
    Spot,
    chance_of,
    find_standstills,
    is_standstill,
)
from orders.services.exceptions import judge_due
from tests.factories.accounts import make_staff, make_team
from tests.factories.feedback import run_jobs
from tests.factories.incidents import copies, run_reactions, send_prepared, tell
from tests.factories.orders import AT, make_order, make_parcel, make_shop
from tickets.models import IncidentNotice, IncidentUpdate

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
HUB = "武汉转运中心"


def parcels_at(hub: str, silent: int, moving: int = 0, *, carrier: str = "shunfeng", **fields: Any) -> list[Parcel]:
    """Make parcels last seen at a hub, so many of them silent for longer than their lane knows."""
    made = []
    for index in range(silent + moving):
        order = make_order(**fields)
        heard = AT - timedelta(hours=40 if index < silent else 3)
        parcel = make_parcel(
            order, carrier=carrier, place=hub, status=ParcelStatus.IN_TRANSIT, rank=30, rank_at=heard,
            shipped_at=AT - 60 * HOUR, last_scan_at=heard, moved_at=heard, estimated_status=ParcelStatus.IN_TRANSIT,
            estimated_scan_at=heard, quiet_at=heard + 30 * HOUR,
        )  # fmt: skip
        made.append(parcel)
    return made


@pytest.fixture
def manager() -> Staff:
    make_shop(ships_from="浙江省杭州市")
    return make_staff(roles=["manager"])


def inside(**fields: Any) -> set[int]:
    rows = AffectedOrder.objects.filter(removed_at=None, **fields)
    return set(rows.values_list("order_id", flat=True))


def told(kind: str) -> int:
    return Event.objects.filter(kind=kind).count()


def hear(parcel: Parcel) -> None:
    scan = ScanData(at=AT, status=ParcelStatus.IN_TRANSIT, text="已离开", code="")
    add_scans(parcel_id=parcel.pk, scans=[scan], actor=SYSTEM, received_at=AT)


def test_a_bound_is_never_below_the_chance_itself() -> None:
    dice = random.Random(4)
    for _round in range(300):
        all_of, usual = dice.randrange(1, 120), dice.uniform(0.01, 0.6)
        silent = dice.randrange(all_of + 1)
        exact = sum(comb(all_of, k) * usual**k * (1 - usual) ** (all_of - k) for k in range(silent, all_of + 1))
        assert chance_of(silent, all_of, usual) >= exact - 1e-9


def test_the_edges_of_a_standstill() -> None:
    for level in ClusterLevel:
        least = LEAST[level]
        assert is_standstill(level, least, least, USUAL_SHARE)
        assert not is_standstill(level, least - 1, least - 1, USUAL_SHARE)
        assert not is_standstill(level, least, int(least / SHARE[level]) + 1, USUAL_SHARE)
    assert not is_standstill(ClusterLevel.HUB, 30, 60, 0.45), "all of the carrier is silent: the hub is not special"


def test_usual_silence_at_random_is_no_standstill_and_a_stuck_hub_among_it_is_the_only_one() -> None:
    for seed in range(40):
        dice = random.Random(seed)
        crowd: Counter[Spot] = Counter()
        silent: list[Silent] = []
        for parcel in range(dice.randrange(100, 1500)):
            spot = Spot(dice.randrange(1, 4), f"hub {dice.randrange(12)}", f"lane {dice.randrange(9)}")
            crowd[spot] += 1
            if dice.random() < USUAL_SHARE:
                silent.append(Silent(parcel, parcel, spot))
        assert find_standstills(silent, crowd) == [], seed
        stuck = [
            Silent(10_000 + n, 10_000 + n, Spot(1, "stuck", f"lane {n % 9}")) for n in range(dice.randrange(8, 40))
        ]
        crowd.update(one.spot for one in stuck)
        found = find_standstills([*silent, *stuck], crowd)
        assert [(one.key, set(one.members)) for one in found] == [(Key(1, "hub", "stuck"), set(stuck))], seed
        assert find_standstills([*silent, *stuck], crowd, [Key(1, "hub", "stuck")]) == []


def test_a_carrier_is_found_before_its_hubs_and_a_lane_when_no_hub_explains_it() -> None:
    spots = [Spot(7, f"hub {n % 5}", f"lane {n % 7}") for n in range(50)]
    silent = [Silent(n, n, spot) for n, spot in enumerate(spots[:40])]
    assert [one.key for one in find_standstills(silent, Counter(spots))] == [Key(7, "carrier", "")]
    spread = [Spot(7, f"place {n}", "浙江→广东") for n in range(10)]
    crowd = Counter([*spread, *(Spot(7, f"place {n % 10}", "浙江→北京") for n in range(200))])
    found = find_standstills([Silent(n, n, spot) for n, spot in enumerate(spread)], crowd)
    assert [one.key for one in found] == [Key(7, "lane", "浙江→广东")]


def test_a_stuck_hub_is_one_incident_with_its_orders_and_a_prepared_answer(manager: Staff) -> None:
    stuck = parcels_at(HUB, 10, 2)
    parcels_at("杭州转运中心", 1, 30)
    assert find_clusters(at=AT) == 1
    assert find_clusters(at=AT) == 0
    cluster = FoundCluster.objects.get()
    incident = cluster.incident
    assert (cluster.level, cluster.place, cluster.silent, cluster.under_way) == ("hub", HUB, 10, 12)
    assert (incident.state, incident.declared_by_id, incident.owner_id) == ("declared", None, manager.pk)
    assert inside(incident=incident) == {one.order_id for one in stuck[:10]}
    assert Event.objects.get(kind="incident.found").data == {
        "carrier_id": cluster.carrier_id, "carrier": "shunfeng", "level": "hub", "silent": 10, "under_way": 12
    }  # fmt: skip
    run_jobs("tickets.prepare_found")
    draft = IncidentUpdate.objects.get(incident=incident)
    assert (draft.state, set(draft.texts)) == ("draft", {"zh-hans", "en"})
    assert IncidentNotice.objects.count() == 0, "nobody hears anything before a person sends it"


def test_what_is_confirmed_is_told_once_and_latecomers_once(manager: Staff) -> None:
    parcels_at(HUB, 9)
    find_clusters(at=AT)
    run_jobs("tickets.prepare_found")
    incident = Incident.objects.get()
    update = tell(send_prepared(incident))
    incident.refresh_from_db()
    assert incident.state == IncidentState.UNDER_WAY
    assert len(copies(update)) == 9
    late = parcels_at(HUB, 2)
    for _look in range(2):
        find_clusters(at=AT + HOUR)
        run_reactions()
    assert inside() >= {one.order_id for one in late}
    update.refresh_from_db()
    tell(update)
    assert len(copies(update)) == 11
    assert IncidentNotice.objects.count() == 11


def test_one_that_is_heard_of_is_marked_and_a_dissolved_one_may_be_closed(manager: Staff) -> None:
    stuck = parcels_at(HUB, 10)
    find_clusters(at=AT)
    hear(stuck[0])
    find_clusters(at=AT + HOUR)
    assert list(AffectedOrder.objects.exclude(moving_at=None).values_list("order_id", flat=True)) == [stuck[0].order_id]
    assert FoundCluster.objects.get().dissolved_at is None
    for parcel in stuck[1:8]:
        hear(parcel)
    for _look in range(2):
        find_clusters(at=AT + 2 * HOUR)
    cluster = FoundCluster.objects.get()
    assert (cluster.still, cluster.peak, cluster.dissolved_at) == (2, 10, AT + 2 * HOUR)
    assert told("incident.dissolved") == 1
    assert Notification.objects.filter(kind="incident.dissolved", staff_id=manager.pk).count() == 1
    parcels_at(HUB, 6)
    find_clusters(at=AT + 3 * HOUR)
    cluster.refresh_from_db()
    assert (cluster.still, cluster.dissolved_at) == (8, None)
    assert told("incident.stands_again") == 1
    find_clusters(at=AT + HOUR)  # a look that comes late changes nothing
    cluster.refresh_from_db()
    assert cluster.looked_at == AT + 3 * HOUR


def test_an_end_closes_the_exceptions_of_who_moves_and_keeps_those_that_stand(manager: Staff) -> None:
    stuck = parcels_at(HUB, 10)
    find_clusters(at=AT)
    judge_due(at=AT)
    assert ParcelException.objects.filter(state="open").count() == 10
    for parcel in stuck[:9]:
        hear(parcel)
    find_clusters(at=AT + HOUR)
    incident = Incident.objects.get()
    services.end_incident(incident_id=incident.pk, is_told=False, reason="已恢复", actor=SYSTEM, at=AT + HOUR)
    assert FoundCluster.objects.get().ended_at == AT + HOUR
    run_jobs("orders.settle_incident")
    left = ParcelException.objects.filter(state="open")
    assert list(left.values_list("parcel_id", flat=True)) == [stuck[9].pk]
    assert settle_exceptions(incident_id=incident.pk, after=0, at=AT + 2 * HOUR) is None
    assert told("exception.closed") == 9
    parcels_at(HUB, 8)
    assert find_clusters(at=AT + 2 * HOUR) == 1, "after its end a new standstill is a new incident"


def test_a_dismissed_one_rests_then_may_be_found_again(manager: Staff) -> None:
    parcels_at(HUB, 10)
    find_clusters(at=AT)
    incident = Incident.objects.get()
    given: dict[str, Any] = {"incident_id": incident.pk, "actor": SYSTEM, "at": AT}
    with pytest.raises(StaleEdit):
        dismiss_finding(**given, version=incident.version + 1)
    dismiss_finding(**given, version=incident.version)
    incident.refresh_from_db()
    assert (incident.state, inside()) == ("dismissed", set())
    assert told("incident.order_taken_out") == 10
    with pytest.raises(TransitionNotAllowed):
        dismiss_finding(**given, version=incident.version)
    assert find_clusters(at=AT + HOUR) == 0
    assert (Incident.objects.count(), told("incident.found")) == (1, 1)
    FoundCluster.objects.update(dismissed_until=AT)
    assert find_clusters(at=AT + HOUR) == 1
    assert timedelta(days=3) == RESTS_FOR


def test_history_and_long_lost_parcels_and_nobody_to_own_open_nothing(manager: Staff) -> None:
    stuck = parcels_at(HUB, 10)
    Order.objects.update(is_history=True)
    assert find_clusters(at=AT) == 0
    Order.objects.update(is_history=False)
    assert find_clusters(at=AT + timedelta(days=8)) == 0
    Staff.objects.filter(pk=manager.pk).update(is_active=False)
    make_staff(roles=["supervisor"], teams=[make_team(shop_ids=[stuck[0].order.shop_id])])
    assert find_clusters(at=AT) == 0
    assert Incident.objects.count() == 0


def test_the_database_holds_one_open_finding_of_a_kind(manager: Staff) -> None:
    parcels_at(HUB, 10)
    find_clusters(at=AT)
    row = FoundCluster.objects.get()
    other = services.declare_incident(
        draft=services.IncidentDraft("x", "other", manager.pk), actor=SYSTEM, at=AT
    )  # fmt: skip
    with pytest.raises(IntegrityError, match="cluster_open_once"), transaction.atomic():
        FoundCluster.objects.create(
            incident=other, carrier_id=row.carrier_id, level=row.level, place=row.place, found_at=AT, silent=8,
            under_way=8, usual=0.05, peak=8, still=8, looked_at=AT,
        )  # fmt: skip


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_three_looks_at_once_open_one_incident_and_attach_each_order_once() -> None:
    make_shop(ships_from="浙江省杭州市")
    make_staff(roles=["manager"])
    stuck = parcels_at(HUB, 12)
    failures: list[BaseException] = []
    start = threading.Barrier(3)

    def look() -> None:
        try:
            start.wait(10)
            find_clusters(at=AT)
        except BaseException as error:  # noqa: BLE001 - shown by the test
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=look) for _index in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert failures == []
    find_clusters(at=AT)
    assert (Incident.objects.count(), told("incident.found"), told("incident.declared")) == (1, 1, 1)
    assert inside() == {one.order_id for one in stuck}
    assert told("incident.order_affected") == 12


def test_the_page_says_why_and_a_manager_dismisses_there(manager: Staff) -> None:
    parcels_at(HUB, 10)
    find_clusters(at=AT)
    incident = Incident.objects.get()
    client = Client()
    client.force_login(manager)
    path = reverse("orders:incident", args=[incident.pk])
    page = client.get(path)
    assert HUB in page.context["cluster_words"]
    assert page.context["may"]["dismiss"] is True
    answer = client.post(reverse("orders:incident_dismiss", args=[incident.pk]), {"version": incident.version})
    assert answer.status_code == 302
    assert client.get(path).context["incident"].state == "dismissed"
    assert client.get(reverse("orders:incidents") + "?tab=done").status_code == 200
    assert client.get(reverse("orders:incident_orders", args=[incident.pk]) + "?show=out").status_code == 200
    stranger = Client()
    stranger.force_login(make_staff(roles=["agent"]))
    assert stranger.post(reverse("orders:incident_dismiss", args=[incident.pk]), {"version": 1}).status_code == 403


def test_where_a_parcel_is_known_by_carrier_too(manager: Staff) -> None:
    parcels_at(HUB, 5, carrier="shunfeng")
    parcels_at(HUB, 5, carrier="zhongtong")
    assert find_clusters(at=AT) == 0, "two carriers' parcels at places of the same name are no cluster"
    assert len(carrier_ids()) > 2
