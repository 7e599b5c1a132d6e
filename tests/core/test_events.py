"""The event log: what may stand in it, how it is written, what it refuses."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.utils import Error as DatabaseError
from django.utils import timezone

from core.actors import SYSTEM, Actor
from core.events import (
    BadPayload,
    Code,
    Fact,
    TooDeep,
    UndeclaredKind,
    caused_by,
    declare,
    kinds,
    payload_of,
    record,
    record_many,
    refuse_second_act,
)
from core.events.partitions import MONTH_BITS, month_base, month_number, partition_name, roll_partitions
from core.models import Event


@dataclass(frozen=True)
class Probe:
    """A payload with every allowed kind of value."""

    count: int
    code: Code
    amount: Decimal
    is_on: bool = False
    ids: tuple[int, ...] = ()
    note: Code | None = None


@dataclass(frozen=True)
class Thing:
    """A subject without a table."""

    pk: int
    event_type: str = "thing"

    def event_streams(self) -> dict[str, int | None]:
        return {"ticket_id": self.pk, "customer_id": 7}


declare("probe.made", Probe)
declare("probe.empty")


def probe(**changes: Any) -> Probe:
    return Probe(**({"count": 1, "code": Code("a.b"), "amount": Decimal("1.50")} | changes))


@pytest.mark.django_db
def test_record_keeps_streams_payload_and_transaction():
    at = timezone.now()
    event = record("probe.made", subject=Thing(5), actor=Actor("staff", 3), at=at, data=probe(ids=(1, 2)))
    row = Event.objects.get(pk=event.pk)
    assert (row.ticket_id, row.customer_id, row.order_id, row.actor_type, row.actor_id) == (5, 7, None, "staff", 3)
    assert payload_of(row) == probe(ids=(1, 2))
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_xact_id()::text")
        assert row.xid == int(cursor.fetchone()[0])


@pytest.mark.django_db(transaction=True)
def test_record_outside_a_transaction_is_refused():
    with pytest.raises(transaction.TransactionManagementError):
        record("probe.empty", subject=Thing(1), actor=SYSTEM, at=timezone.now())


@pytest.mark.django_db
def test_undeclared_kind_is_refused():
    with pytest.raises(UndeclaredKind):
        record("probe.unheard_of", subject=Thing(1), actor=SYSTEM, at=timezone.now())


@pytest.mark.django_db
@pytest.mark.parametrize(
    "bad",
    [
        {"code": "Zhang San"},
        {"code": "王小明"},
        {"code": "13812345678"},
        {"code": "+8613812345678"},
        {"code": "a" * 65},
        {"amount": Decimal("NaN")},
        {"amount": 1.5},
        {"count": True},
        {"count": "1"},
        {"ids": ("13812345678",)},
    ],
)
def test_payload_holds_no_words_about_people(bad):
    with pytest.raises(BadPayload):
        record("probe.made", subject=Thing(1), actor=SYSTEM, at=timezone.now(), data=probe(**bad))


def test_declare_refuses_free_text_fields():
    @dataclass(frozen=True)
    class Chatty:
        words: str

    with pytest.raises(BadPayload):
        declare("probe.chatty", Chatty)


@pytest.mark.django_db
def test_reason_is_a_code():
    with pytest.raises(BadPayload):
        record("probe.empty", subject=Thing(1), actor=SYSTEM, at=timezone.now(), reason="because he said so")


@pytest.mark.django_db
def test_untrusted_time_is_cut_and_kept():
    claimed = timezone.now() + timedelta(days=3)
    event = record("probe.empty", subject=Thing(1), actor=SYSTEM, at=claimed, untrusted=True)
    assert event.at <= timezone.now() + timedelta(minutes=5)
    assert event.data["claimed_at"] == claimed.isoformat()
    assert payload_of(event) == kinds.Nothing()


@pytest.mark.django_db
def test_the_log_refuses_change_and_removal():
    event = record("probe.empty", subject=Thing(1), actor=SYSTEM, at=timezone.now())
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        Event.objects.filter(pk=event.pk).update(kind="probe.made")
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        Event.objects.filter(pk=event.pk).delete()
    assert Event.objects.filter(pk=event.pk).count() == 1


@pytest.mark.django_db
def test_causes_are_followed_and_bounded():
    first = record("probe.empty", subject=Thing(1), actor=SYSTEM, at=timezone.now())
    event = first
    for depth in range(1, 9):
        with caused_by(event.pk, event.depth, first.pk):
            event = record("probe.empty", subject=Thing(1), actor=SYSTEM, at=timezone.now())
        assert (event.depth, event.cause_id is not None) == (depth, True)
    with caused_by(event.pk, event.depth, first.pk), pytest.raises(TooDeep):
        record("probe.empty", subject=Thing(1), actor=SYSTEM, at=timezone.now())


@pytest.mark.django_db
def test_a_rule_acts_once_on_a_subject_in_a_chain():
    first = record("probe.empty", subject=Thing(1), actor=SYSTEM, at=timezone.now())
    with caused_by(first.pk, 0):
        refuse_second_act("rule.7", Thing(1))
        refuse_second_act("rule.7", Thing(2))
        with pytest.raises(TooDeep):
            refuse_second_act("rule.7", Thing(1))
    refuse_second_act("rule.7", Thing(1))  # outside a chain nothing is remembered


@pytest.mark.django_db
def test_record_many_writes_history_with_its_own_times():
    at = timezone.now() - timedelta(days=400)
    record_many([Fact("probe.empty", Thing(n), SYSTEM, at) for n in range(1, 51)])
    rows = Event.objects.filter(kind="probe.empty", origin="import")
    assert rows.count() == 50
    assert {row.at for row in rows} == {at}


def test_upcasters_lift_old_payloads():
    @dataclass(frozen=True)
    class Now:
        total: int

    declare(
        "probe.lifted",
        Now,
        schema=3,
        upcasters={1: lambda d: {"sum": d["n"]}, 2: lambda d: {"total": d["sum"] * 10}},
    )
    assert kinds.load("probe.lifted", 1, {"n": 4}) == Now(40)
    assert kinds.load("probe.lifted", 2, {"sum": 4}) == Now(40)
    assert kinds.load("probe.lifted", 3, {"total": 4}) == Now(4)


def test_declare_wants_an_upcaster_for_every_older_schema():
    with pytest.raises(ValueError, match="upcaster"):
        declare("probe.unlifted", Probe, schema=2)


@pytest.mark.django_db(transaction=True)
def test_a_month_is_a_partition_and_ids_rise_across_the_cut():
    now = timezone.now()
    roll_partitions(now)  # the kept cluster may have been migrated in an earlier month
    with transaction.atomic():
        before = record("probe.empty", subject=Thing(1), actor=SYSTEM, at=now)
    later = now + timedelta(days=32)
    number = roll_partitions(later)
    assert roll_partitions(later) == number
    with transaction.atomic():
        after = record("probe.empty", subject=Thing(1), actor=SYSTEM, at=now)
    assert before.pk >> MONTH_BITS == month_number(now.date())
    assert after.pk >= month_base(number) > before.pk
    roll_partitions(now)  # a late, older caller does not set the ids back
    with transaction.atomic():
        assert record("probe.empty", subject=Thing(1), actor=SYSTEM, at=now).pk > after.pk
    with connection.cursor() as cursor:
        cursor.execute("SELECT tableoid::regclass::text FROM core_event WHERE id = %s", [after.pk])
        assert cursor.fetchone()[0] == partition_name(number)


@pytest.mark.django_db
def test_every_declared_kind_has_a_golden_sample_shape():
    """A payload's fields in today's schema: removing or renaming one needs a new schema and an upcaster."""
    import dataclasses
    import json
    from pathlib import Path

    golden = json.loads((Path(__file__).parent / "golden_kinds.json").read_text())
    now = {
        f"{kind.name}:{kind.schema}": sorted(field.name for field in dataclasses.fields(kind.payload))
        for kind in kinds.KINDS.values()
        if not kind.name.startswith("probe.")
    }
    gone = {name: sorted(set(fields) - set(now.get(name, []))) for name, fields in golden.items()}
    gone = {name: fields for name, fields in gone.items() if fields or name not in now}
    assert gone == {}, "a payload lost fields: raise its schema and keep an upcaster"
    new = {name: fields for name, fields in now.items() if name not in golden}
    lines = [f"  {json.dumps(name)}: {json.dumps(fields)}" for name, fields in sorted((golden | new).items())]
    assert new == {}, "the whole of golden_kinds.json:\n{\n" + ",\n".join(lines) + "\n}"
