"""The archive to take along: whole, once, only for who asked and may, in her own time, gone after a day."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.storage import storages
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Notification, PersonalDataAccess, Staff
from core.jobs import drain
from core.models import Job
from tests.factories.accounts import make_staff, make_team
from tests.factories.customers import make_customer
from tests.factories.orders import make_order, make_shop
from tests.factories.tickets import make_reply, make_ticket
from tickets.archive_errors import ArchiveBusy
from tickets.archive_zip import Packed, stream_zip, zip_size
from tickets.models import Archive, Message, Ticket
from tickets.selectors import archives as tables
from tickets.services import archives as service
from tickets.services.archives import writing

pytestmark = pytest.mark.django_db
HOME = "/settings/archive/"


def wish(**more: Any) -> service.Wish:
    return service.Wish(**{"press": uuid4(), "archive_format": "csv"} | more)


def write(staff: Staff, **more: Any) -> Archive:
    asked = service.ask_archive(wish=wish(**more), staff=staff, at=timezone.now())
    while service.write_slice(archive_id=asked.pk, at=timezone.now()):
        pass
    return Archive.objects.get(pk=asked.pk)


def fetch(archive: Archive, staff: Staff) -> zipfile.ZipFile:
    _row, parts, size = service.fetch_archive(
        archive_id=archive.pk, key=service.fetch_key(archive), staff=staff, at=timezone.now(), ip=None
    )
    data = b"".join(parts)
    assert len(data) == size == archive.size
    return zipfile.ZipFile(io.BytesIO(data))


def rows_of(book: zipfile.ZipFile, table: str) -> list[list[str]]:
    """Return the rows of all files of a table, headings left out."""
    found = []
    for name in sorted(one for one in book.namelist() if one.startswith(f"{table}-")):
        found += list(csv.reader(io.StringIO(book.read(name).decode("utf-8-sig"))))[1:]
    return found


def stored(archive: Archive) -> list[str]:
    try:
        return sorted(storages["attachments"].listdir(archive.folder)[1])
    except FileNotFoundError:
        return []


def test_everything_stands_in_it_readable_and_in_the_readers_time() -> None:
    lead = make_staff(roles=["manager"], language="en", timezone="America/New_York")
    opened = datetime(2026, 3, 2, 2, 30, tzinfo=UTC)
    shop = make_shop("north")
    customer = make_customer(email="wang@example.com", phone="+8613800001111", name="王小明")
    order = make_order(shop=shop, recipient="王小明", street="竹林路 17 号", phone="+8613800001111")
    ticket = make_ticket(customer=customer, shop_id=shop.pk, order_id=order.pk, text="=1+1 裂了", subject="@SUM(A1)")
    make_reply(ticket, lead, text="马上补发")
    Ticket.objects.filter(pk=ticket.pk).update(opened_at=opened)
    book = fetch(write(lead), lead)
    assert book.testzip() is None
    (told,) = rows_of(book, "tickets")
    assert told[:3] == [ticket.number, "'@SUM(A1)", "Open"]
    assert told[12] == "2026-03-01 21:30:00"
    said = rows_of(book, "messages")
    assert [row[6] for row in said][::2] == ["'=1+1 裂了", "马上补发"]  # between them the automatic answer
    assert {row[0] for row in said} == {ticket.number}
    assert said[-1][5] == lead.display_name
    people = {row[0]: row for row in rows_of(book, "customers")}
    assert people[str(customer.pk)][1:6:4] == ["王小明", "wang@example.com"]
    assert people[str(customer.pk)][4] == "'+8613800001111"
    (bought,) = rows_of(book, "orders")
    assert (bought[0], bought[12], bought[15]) == (order.number, "王小明", "竹林路 17 号")
    assert {row[0] for row in rows_of(book, "items")} == {order.number}


def test_json_has_the_same_rows_with_stable_names() -> None:
    lead = make_staff(roles=["manager"])
    ticket = make_ticket(text="=1+1", subject="裂了")
    book = fetch(write(lead, archive_format="json"), lead)
    (told,) = [json.loads(line) for line in book.read("tickets-1.json").splitlines()]
    assert (told["number"], told["subject"]) == (int(ticket.number), "裂了")
    assert told["opened_at"].endswith("+08:00")
    assert json.loads(book.read("messages-1.json").splitlines()[0])["text"] == "=1+1"


def test_period_and_shop_choose_and_customers_follow() -> None:
    lead = make_staff(roles=["manager"])
    north, south = make_shop("north"), make_shop("south")
    inside = datetime(2026, 3, 2, tzinfo=UTC)
    kept, early, other = (make_customer(email=f"{name}@example.com") for name in ("kept", "early", "other"))
    for customer, shop, at in (
        (kept, north, inside),
        (early, north, inside - timedelta(days=9)),
        (other, south, inside),
    ):
        row = make_ticket(customer=customer, shop_id=shop.pk)
        Ticket.objects.filter(pk=row.pk).update(opened_at=at)
    since = inside - timedelta(days=1)
    book = fetch(write(lead, shop_id=north.pk, since=since, until=inside + timedelta(days=1)), lead)
    assert [row[9] for row in rows_of(book, "tickets")] == [str(kept.pk)]
    assert [row[0] for row in rows_of(book, "customers")] == [str(kept.pk)]
    assert {row[0] for row in rows_of(book, "messages")} == {rows_of(book, "tickets")[0][0]}


def test_a_supervisor_takes_out_what_her_teams_see() -> None:
    shop, far = make_shop("north"), make_shop("south")
    team = make_team("北", shop_ids=[shop.pk])
    lead = make_staff(roles=["supervisor"], teams=[team])
    mine, theirs = make_customer(email="mine@example.com"), make_customer(email="theirs@example.com")
    make_ticket(customer=mine, shop_id=shop.pk)
    hidden = make_ticket(customer=theirs, shop_id=far.pk)
    Ticket.objects.filter(pk=hidden.pk).update(team=make_team("南", shop_ids=[far.pk]))
    make_order(shop=far)
    book = fetch(write(lead), lead)
    assert [row[9] for row in rows_of(book, "tickets")] == [str(mine.pk)]
    assert [row[0] for row in rows_of(book, "customers")] == [str(mine.pk)]
    assert rows_of(book, "orders") == rows_of(book, "items") == []


def test_many_pages_and_pieces_lose_and_double_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    lead = make_staff(roles=["manager"])
    for number in range(5):
        ticket = make_ticket(text=f"第 {number} 张")
        for again in range(number):
            make_reply(ticket, lead, text=f"答 {again}")
        make_order()
    whole = fetch(write(lead), lead)
    monkeypatch.setattr(tables, "PAGE", 2)
    monkeypatch.setattr(tables, "LINES", 3)
    monkeypatch.setattr(tables, "PARENTS", 2)
    monkeypatch.setattr(writing, "PIECE_ROWS", 3)
    asked = service.ask_archive(wish=wish(), staff=lead, at=timezone.now())
    slices = 1
    while service.write_slice(archive_id=asked.pk, at=timezone.now(), seconds=0):
        slices += 1
    asked.refresh_from_db()
    assert slices >= len(asked.pieces) > 8
    split = fetch(asked, lead)
    for table in ("tickets", "messages", "customers", "orders", "items"):
        assert rows_of(split, table) == rows_of(whole, table) != [], table
    assert asked.rows_done == asked.rows_total
    assert len(rows_of(split, "messages")) == Message.objects.count()


def test_asked_twice_is_one_and_another_waits() -> None:
    lead = make_staff(roles=["manager"])
    first = wish()
    asked = service.ask_archive(wish=first, staff=lead, at=timezone.now())
    assert service.ask_archive(wish=first, staff=lead, at=timezone.now()) == asked
    assert service.ask_archive(wish=wish(), staff=lead, at=timezone.now()) == asked
    with pytest.raises(ArchiveBusy):
        service.ask_archive(wish=wish(archive_format="json"), staff=lead, at=timezone.now())
    assert Job.objects.filter(name="tickets.write_archive").count() == 1
    while service.write_slice(archive_id=asked.pk, at=timezone.now()):
        pass
    assert service.ask_archive(wish=first, staff=lead, at=timezone.now()) == asked  # the form sent again later
    assert Notification.objects.filter(staff=lead, kind="archive.ready").count() == 1


def test_called_off_half_way_no_file_stays(
    monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    lead = make_staff(roles=["manager"])
    make_ticket()
    asked = service.ask_archive(wish=wish(), staff=lead, at=timezone.now())
    assert service.write_slice(archive_id=asked.pk, at=timezone.now(), seconds=0)
    assert len(stored(asked)) == 1
    told = tables.TABLES[1]

    def meanwhile(archive: Archive, staff: Staff, after: Any) -> Any:
        with django_capture_on_commit_callbacks(execute=True):
            service.cancel_archive(archive_id=asked.pk, staff=lead, at=timezone.now())
        return told.page(archive, staff, after)

    changed = list(tables.TABLES)
    changed[1] = tables.Table(told.name, told.heads, meanwhile)
    monkeypatch.setattr(writing, "TABLES", tuple(changed))
    assert not service.write_slice(archive_id=asked.pk, at=timezone.now())
    asked.refresh_from_db()
    assert (asked.state, stored(asked)) == ("cancelled", [])


def test_over_after_a_day_and_swept(client: Client, django_capture_on_commit_callbacks: Any) -> None:
    lead = make_staff(roles=["manager"])
    make_ticket()
    ready = write(lead)
    client.force_login(lead)
    address = f"{reverse('tickets:archive_download', args=[ready.pk])}?key={service.fetch_key(ready)}"
    assert client.get(address).status_code == 200
    late = timezone.now() + timedelta(hours=25)
    Archive.objects.filter(pk=ready.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    assert client.get(address).status_code == 410
    with django_capture_on_commit_callbacks(execute=True):
        assert service.sweep_archives(at=late) == 1
    ready.refresh_from_db()
    assert (ready.state, stored(ready), ready.pieces) == ("expired", [], [])
    assert service.sweep_archives(at=late) == 0


def test_the_file_of_a_killed_worker_goes_with_the_archive(django_capture_on_commit_callbacks: Any) -> None:
    from django.core.files.base import ContentFile

    lead = make_staff(roles=["manager"])
    ready = write(lead)
    storages["attachments"].save(f"{ready.folder}/half", ContentFile(b"x"))  # no row names it
    assert "half" in stored(ready)
    assert "half" not in "".join(piece["key"] for piece in ready.pieces)
    with django_capture_on_commit_callbacks(execute=True):
        service.cancel_archive(archive_id=ready.pk, staff=lead, at=timezone.now())
    assert stored(ready) == []


def test_only_who_asked_and_still_may_gets_it_and_it_is_written_down(client: Client) -> None:
    lead, other = make_staff(roles=["manager"]), make_staff(roles=["manager"])
    make_ticket()
    ready = write(lead)
    address = reverse("tickets:archive_download", args=[ready.pk])
    key = service.fetch_key(ready)
    client.force_login(lead)
    assert client.get(address).status_code == 404
    assert client.get(address, {"key": key + "x"}).status_code == 404
    answer = client.get(address, {"key": key})
    body = b"".join(answer.streaming_content)  # type: ignore[arg-type]
    assert (answer["Content-Type"], answer["Content-Length"]) == ("application/zip", str(len(body)))
    entry = PersonalDataAccess.objects.get(subject_type="ticket_archive", subject_id=ready.pk)
    assert (entry.actor_id, entry.purpose) == (lead.pk, "export: archive (unmasked)")
    client.force_login(other)
    assert client.get(address, {"key": key}).status_code == 404
    Staff.objects.filter(pk=lead.pk).update(roles=["supervisor"])  # sees her teams alone from now on
    client.force_login(lead)
    assert client.get(address, {"key": key}).status_code == 410
    Staff.objects.filter(pk=lead.pk).update(roles=["agent"])
    assert client.get(address, {"key": key}).status_code == 403
    assert PersonalDataAccess.objects.filter(subject_type="ticket_archive").count() == 1


def test_rights_lost_meanwhile_end_it_and_an_erased_customer_throws_it_away(
    django_capture_on_commit_callbacks: Any,
) -> None:
    lead = make_staff(roles=["manager"])
    asked = service.ask_archive(wish=wish(), staff=lead, at=timezone.now())
    Staff.objects.filter(pk=lead.pk).update(roles=["agent"])
    assert not service.write_slice(archive_id=asked.pk, at=timezone.now())
    asked.refresh_from_db()
    assert (asked.state, asked.failure_code) == ("failed", "no_right")
    Staff.objects.filter(pk=lead.pk).update(roles=["manager"])
    ready = write(Staff.objects.get(pk=lead.pk))
    assert stored(ready)
    with django_capture_on_commit_callbacks(execute=True):
        assert service.drop_archives(make_customer().pk) == 1
    ready.refresh_from_db()
    assert (ready.state, ready.failure_code, stored(ready)) == ("expired", "erased", [])


def test_the_page_asks_shows_progress_and_offers_the_file(client: Client) -> None:
    lead = make_staff(roles=["manager"])
    make_ticket()
    client.force_login(lead)
    page = client.get(HOME)
    assert page.status_code == 200
    form = {"press": str(uuid4()), "archive_format": "csv", "since": "2020-01-01", "until": "2019-01-01"}
    assert client.post(HOME, form).status_code == 422
    assert client.post(HOME, form | {"until": ""}).status_code == 302
    assert client.post(HOME, form | {"until": ""}).status_code == 302
    assert Archive.objects.count() == 1
    assert 'hx-trigger="live, every 3s"' in client.get(HOME).content.decode()
    drain(seconds=20)
    told = client.get(HOME, headers={"HX-Request": "true"}).content.decode()
    assert "/download/?key=" in told
    assert "<html" not in told
    client.force_login(make_staff(roles=["analyst"]))
    assert client.get(HOME).status_code == 403


def test_a_zip_of_packed_files_is_what_unzip_reads() -> None:
    import zlib

    texts = {"a.csv": b"1,2\r\n" * 1000, "b.csv": b"", "\u4e2d.csv": "中".encode()}
    packed, files = {}, []
    for name, text in texts.items():
        deflate = zlib.compressobj(6, zlib.DEFLATED, -15)
        packed[name] = deflate.compress(text) + deflate.flush()
        files.append(Packed(name, name, zlib.crc32(text), len(text), len(packed[name]), 0))
    at = datetime(2026, 11, 22, 12, 0, 2, tzinfo=UTC)
    data = b"".join(stream_zip(files, lambda key: io.BytesIO(packed[key]), at=at))
    assert len(data) == zip_size(files, at=at)
    with zipfile.ZipFile(io.BytesIO(data)) as book:
        assert {name: book.read(name) for name in book.namelist()} == texts
        assert book.infolist()[0].date_time == (2026, 11, 22, 12, 0, 2)
