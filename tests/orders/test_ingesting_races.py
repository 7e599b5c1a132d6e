"""Real processes take the same pushes in, beside the scans door and each other, and are killed in the middle."""

import os
import signal
import subprocess
import sys
import time

import psycopg
import pytest

from core.actors import Actor
from core.models import Event
from orders.models import CarrierPush, Scan
from orders.services import add_scans
from orders.services.ingesting import apply_pushes
from tests import servers
from tests.factories.orders import AT, make_order, make_parcel
from tests.factories.plain_carrier import make_account, make_push, trace_of
from tests.orders.test_ingesting import rows_of
from tests.orders.test_scans import scans

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(180)]
APPLY = """
import django
django.setup()
import tests.factories.plain_carrier  # speaks the format of the pushes
from orders.services.ingesting import apply_pushes
from tests.factories.orders import AT
while apply_pushes(at=AT):
    pass
"""
TELL = """
import sys
import django
django.setup()
from core.actors import Actor
from orders.services import add_scans
from tests.factories.orders import AT
from tests.orders.test_scans import scans
for pk in map(int, sys.argv[2:]):
    for scan in scans():
        add_scans(parcel_id=pk, scans=[scan], actor=Actor.carrier(int(sys.argv[1])), received_at=AT)
"""


def start(code, *words):
    env = os.environ | {
        "DJANGO_SETTINGS_MODULE": "cs_portal.settings.test",
        "DATABASE_URL": servers.database_url(servers.database_name()),
    }
    return subprocess.Popen([sys.executable, "-W", "ignore", "-c", code, *map(str, words)], env=env)


def kinds_of(parcel):
    rows = Event.objects.filter(subject_type="parcel", subject_id=parcel.pk).order_by("id")
    return list(rows.values_list("kind", flat=True))


def test_a_worker_killed_in_mid_batch_loses_and_doubles_nothing():
    account = make_account()
    parcels = [make_parcel(make_order()) for _ in range(30)]
    for parcel in parcels:
        make_push(account, trace_of(parcel.tracking_number, scans()))
    with psycopg.connect(servers.database_url(servers.database_name())) as other:
        other.execute("LOCK TABLE core_event IN SHARE MODE")  # the scans are in by then, the events are not
        worker = start(APPLY)
        waiting = "SELECT count(*) FROM pg_locks WHERE relation = 'core_event'::regclass AND NOT granted"
        end = time.monotonic() + 90
        while other.execute(waiting).fetchone()[0] == 0:
            assert time.monotonic() < end
            assert worker.poll() is None
            time.sleep(0.05)
        worker.send_signal(signal.SIGKILL)
        worker.wait()
        assert other.execute("SELECT count(*) FROM orders_scan").fetchone()[0] == 0
    end = time.monotonic() + 30
    while apply_pushes(at=AT) or CarrierPush.objects.filter(state="stored").exists():  # until its locks are gone
        assert time.monotonic() < end
        time.sleep(0.1)
    assert set(CarrierPush.objects.values_list("state", "scan_count")) == {("applied", 8)}
    assert Scan.objects.count() == 8 * len(parcels)
    for parcel in parcels:
        assert kinds_of(parcel) == ["parcel.delivered"]


@pytest.mark.slow
def test_two_appliers_beside_the_scans_door_give_the_same_parcels():
    account, plain = make_account(), make_parcel(make_order())
    add_scans(parcel_id=plain.pk, scans=scans(), actor=Actor.carrier(plain.carrier_id), received_at=AT)
    expected = rows_of(plain)
    parcels = [make_parcel(make_order()) for _ in range(25)]
    for cut in (2, 5, 3, 8, 8):
        for parcel in parcels:
            make_push(account, trace_of(parcel.tracking_number, scans()[:cut]))
    carrier, pks = plain.carrier_id, [parcel.pk for parcel in parcels]
    processes = [start(APPLY), start(APPLY), start(TELL, carrier, *pks), start(TELL, carrier, *reversed(pks))]
    assert [process.wait(timeout=150) for process in processes] == [0, 0, 0, 0]
    assert set(CarrierPush.objects.values_list("state", flat=True)) == {"applied"}
    for parcel in parcels:
        columns, _events, _jobs, told, state = rows_of(parcel)
        columns.pop("version"), expected[0].pop("version", None)
        assert (columns, told, state[:3]) == (expected[0], expected[3], expected[4][:3])
        kinds = kinds_of(parcel)
        assert len(kinds) == len(set(kinds))
        assert kinds[-1] == "parcel.delivered"
