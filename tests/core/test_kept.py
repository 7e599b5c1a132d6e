"""Kept statements: the same rows as the queryset they were written from, with the values of each call."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Barrier
from typing import Any

import psycopg
import pytest
from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Staff
from accounts.permissions import stand_in
from core import kept
from core.kept import Kept, Slot, number_slot, run_prepared, write_kept
from core.models import Event
from tests.factories.accounts import make_staff, make_team
from tests.factories.desk import make_desk_ticket
from tests.servers import database_name, database_url
from tickets.models import Ticket

pytestmark = pytest.mark.django_db
WHO = number_slot("who", 7)
WHEN = Slot("when", datetime(2001, 2, 3, 4, 5, 6, 789, tzinfo=UTC), "timestamptz")


def both() -> tuple[Slot, ...]:
    return WHO, WHEN


def test_a_kept_statement_gives_what_its_queryset_gives() -> None:
    mine, other = make_staff(), make_staff()
    for staff in (mine, mine, other):
        make_desk_ticket(assignee=staff, subject="100% “好” it's", tags=["甲", "乙"])
    at = datetime(2100, 1, 1, tzinfo=UTC)
    statements = Kept(both)

    def asked(who: int, when: datetime) -> Any:
        rows = Ticket.objects.filter(assignee_id=who, opened_at__lt=when, subject__contains="100%")
        return rows.order_by("pk").values_list("pk", "tags", "opened_at", "subject")

    for staff in (mine, other):
        told = statements.rows("key", lambda: asked(WHO.sample, WHEN.sample), who=staff.pk, when=at)
        assert told == list(asked(staff.pk, at))
    assert statements.rows("key", lambda: 1 / 0, who=mine.pk, when=datetime(1990, 1, 1, tzinfo=UTC)) == []  # type: ignore[arg-type, return-value]


def test_kept_models_carry_annotations_and_can_be_saved() -> None:
    staff = make_staff()
    ticket = make_desk_ticket(assignee=staff)
    statements = Kept(both)
    found = statements.instances(
        1, lambda: Ticket.objects.filter(assignee_id=WHO.sample).select_related("assignee"), who=staff.pk
    )
    assert [(row.pk, row.assignee.pk, row.opened_at) for row in found] == [(ticket.pk, staff.pk, ticket.opened_at)]
    assert found[0]._state.adding is False


def test_a_sample_that_cannot_be_filled_in_is_refused() -> None:
    with pytest.raises(ValueError, match="sample"):
        write_kept("SELECT %s", [f"x{WHO.sample}"], [WHO])
    with pytest.raises(ValueError, match="sample"):
        write_kept("SELECT %s", [[WHO.sample, 2]], [WHO])
    assert run_prepared(write_kept("SELECT %s::bigint[]", [[WHO.sample]], [WHO]), {"who": 5}) == [([5],)]


def test_nothing_that_can_be_found_is_said_as_django_says_it() -> None:
    with pytest.raises(EmptyResultSet):
        Kept(both).rows("none", lambda: Event.objects.none().values_list("pk"))


def test_statements_are_counted_and_known_to_the_database_by_name() -> None:
    with CaptureQueriesContext(
        connection,
    ) as seen:
        for number in range(3):
            assert run_prepared("SELECT %(n)s + 1 AS kept_here", {"n": number}) == [(number + 1,)]
    assert len(seen) == 3
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%%kept_here%%'", [])
        assert cursor.fetchone() == (1,)


def test_the_store_stays_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "MOST", 3)
    statements = Kept(both)
    for number in range(10):
        assert statements.text(number, lambda: ("SELECT %s", [WHO.sample])) == "SELECT %(who)s::bigint"
    assert len(statements._known) <= 3


def test_who_stands_in_sees_what_the_person_sees() -> None:
    staff = make_staff(roles=["agent"], teams=[make_team("一组")])
    other = stand_in(Staff.objects.get(pk=staff.pk), WHO.sample)
    assert (other.pk, staff.pk != WHO.sample) == (WHO.sample, True)
    with CaptureQueriesContext(connection) as seen:
        from accounts.permissions import scope_key

        assert scope_key(other) == scope_key(Staff.objects.get(pk=staff.pk))
    assert len(seen) == 2  # the person and her teams; the other one brought them along


def test_a_kept_statement_is_planned_once() -> None:
    staff = make_staff()
    statements = Kept(both)

    def asked() -> Any:
        return Ticket.objects.filter(assignee_id=WHO.sample).values_list("pk")

    for _time in range(8):
        statements.rows("planned", asked, who=staff.pk)
    with connection.cursor() as cursor:
        cursor.execute("SELECT generic_plans, custom_plans FROM pg_prepared_statements WHERE generic_plans > 7")
        assert (8, 0) in cursor.fetchall()


@pytest.mark.django_db(transaction=True)
def test_kept_statements_outlive_a_changed_table() -> None:
    mine = make_desk_ticket(assignee=(staff := make_staff()))
    statements = Kept(both)

    def asked() -> list[tuple[Any, ...]]:
        build = Ticket.objects.filter(assignee_id=WHO.sample).values_list("pk", "subject")
        return statements.rows("changed", lambda: build, who=staff.pk)

    before = asked()
    with psycopg.connect(database_url(database_name()), autocommit=True) as other:
        try:
            for change in ("ADD COLUMN passing text DEFAULT 'x'", "ALTER COLUMN subject SET STATISTICS 50"):
                other.execute(f"ALTER TABLE tickets_ticket {change}")  # type: ignore[call-overload]
                assert asked() == before == [(mine.pk, mine.subject)]
        finally:
            other.execute("ALTER TABLE tickets_ticket DROP COLUMN IF EXISTS passing")
    assert asked() == before


@pytest.mark.django_db(transaction=True)
def test_threads_that_share_a_kept_statement_get_their_own_rows() -> None:
    people = [make_staff() for _number in range(4)]
    wanted = {staff.pk: [(make_desk_ticket(assignee=staff).pk,)] for staff in people}
    statements = Kept(both)
    barrier = Barrier(8)

    def ask(number: int) -> bool:
        barrier.wait(10)
        try:
            return all(
                statements.rows(
                    "threads",
                    lambda: Ticket.objects.filter(assignee_id=WHO.sample).values_list("pk"),
                    who=staff.pk,
                )
                == wanted[staff.pk]
                for staff in (people * 25)[number:]
            )
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(ask, range(8))) == [True] * 8


def test_bytes_are_filled_in_too() -> None:
    sought = Slot("sought", b"like nothing else", "bytea")
    text = write_kept("SELECT %s = %s", [connection.Database.Binary(sought.sample), b"12"], [sought])
    assert run_prepared(text, {"sought": b"12"}) == [(True,)]
    assert run_prepared(text, {"sought": b"13"}) == [(False,)]
    with pytest.raises(ValueError, match="sample"):
        write_kept("SELECT %s", [b"x" + b"like nothing else"], [sought])
