"""A view as an Excel file: text stays text, in the reader's language and zone, in bounded memory, on record."""

from __future__ import annotations

import io
import tracemalloc
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client
from openpyxl import load_workbook

from accounts.models import PersonalDataAccess, Staff
from tests.factories.accounts import make_staff, make_team
from tests.factories.desk import make_desk_ticket, make_person
from tickets.exporting import write_tickets
from tickets.models import Ticket

pytestmark = pytest.mark.django_db
NASTY = (
    "=cmd|' /C calc'!A0",
    "+1+1",
    "-2+3",
    "@SUM(1)",
    "＝1+1",
    "\t=1",
    '=HYPERLINK("http://x")',
    "http://evil.example",
)


@pytest.fixture
def boss() -> Staff:
    return make_staff(roles=["manager"])


def sheet_of(response: Any) -> list[tuple[Any, ...]]:
    book = load_workbook(io.BytesIO(response.content))
    cells = [cell for row in book.active.iter_rows() for cell in row]
    assert not [cell for cell in cells if cell.data_type == "f" or cell.hyperlink]
    return [tuple(row) for row in book.active.iter_rows(values_only=True)]


def test_what_looks_like_a_formula_stays_text(boss: Staff) -> None:
    for text in NASTY:
        make_desk_ticket(subject=text, text=text, customer=make_person(text), tags=[text[:40]])
    client = Client()
    client.force_login(boss)
    rows = sheet_of(client.get("/desk/export/?view=open"))
    assert {row[1] for row in rows[1:]} == set(NASTY)
    assert {row[5] for row in rows[1:]} == set(NASTY)


def test_export_is_in_the_readers_language_zone_and_order(boss: Staff) -> None:
    at = datetime(2026, 3, 1, 20, 30, tzinfo=UTC)
    make_desk_ticket(opened_at=at, priority=10)
    urgent = make_desk_ticket(opened_at=at, priority=40)
    client = Client()
    client.force_login(boss)
    rows = sheet_of(client.get("/desk/export/?view=open&sort=priority"))
    assert rows[1][0] == int(urgent.number)
    assert rows[1][13] == "2026-03-02 04:30:00"
    rows = sheet_of(client.get("/desk/export/?view=open", HTTP_ACCEPT_LANGUAGE="en"))
    assert rows[0][:3] == ("Ticket", "Subject", "Status")
    assert rows[1][2] == "New"


def test_export_needs_its_right_and_is_written_down(boss: Staff) -> None:
    client = Client()
    client.force_login(make_staff(roles=["agent_lead"]))
    assert client.get("/desk/export/?view=open").status_code == 403
    assert not PersonalDataAccess.objects.exists()
    client.force_login(boss)
    sheet_of(client.get("/desk/export/?view=open"))
    entry = PersonalDataAccess.objects.get()
    assert (entry.actor_id, entry.subject_type, entry.purpose) == (boss.pk, "ticket_list", "export: open")


def test_export_shows_only_what_the_reader_sees() -> None:
    reader = make_staff(roles=["supervisor"], teams=[make_team("一组")])
    make_desk_ticket(team=make_team("他组"), subject="机密")
    client = Client()
    client.force_login(reader)
    assert len(sheet_of(client.get("/desk/export/?view=open"))) == 1


@pytest.mark.slow
def test_fifty_thousand_rows_take_bounded_memory(boss: Staff) -> None:
    ticket = make_desk_ticket(subject="长" * 150)
    names = [field.attname for field in Ticket._meta.concrete_fields if field.attname != "id"]
    values = {name: getattr(ticket, name) for name in names}
    for _part in range(10):
        Ticket.objects.bulk_create([Ticket(**values) for _n in range(5000)])
    tracemalloc.start()
    book = write_tickets(boss, "open", now=ticket.opened_at)
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 60 * 1024 * 1024
    rows = sum(1 for _row in load_workbook(io.BytesIO(book), read_only=True).active.iter_rows())
    assert rows == 50_002
