"""Files: what is taken, what is refused, where it lies, who gets it, what is cleaned up."""

import errno
import io
import os
import struct
import threading
import time
import zipfile
import zlib
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from unittest import mock

import pytest
from django.core.files.storage import storages
from django.db import connection
from django.db.models import Sum
from django.utils import timezone
from PIL import Image

from core.actors import Actor
from core.crypto import hash_token
from core.errors import InvalidInput, NotFound
from tests.factories.accounts import make_staff, make_team
from tests.factories.tickets import jpeg, make_reply, make_ticket
from tickets import services
from tickets.attachments.sniff import safe_name, sniff
from tickets.attachments.store import all_files, fetch, path_of
from tickets.errors import FileRefused, FileTooLarge, NoRoom
from tickets.models import Attachment, StoredBytes
from tickets.permissions import customer_url
from tickets.selectors.files import bytes_used
from tickets.services.attachments import sweep_orphans, sweep_unsent

pytestmark = pytest.mark.django_db
PDF = b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'


def keep(data=PDF, name="a.pdf", **fields):
    return services.store_attachment(file=data, name=name, at=timezone.now(), **fields)


def stored_bytes(key):
    with fetch(key) as handle:
        return handle.read()


def archive():
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as file:
        file.writestr("a.txt", "x")
    return target.getvalue()


def png_claiming(width, height):
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    ("data", "mime"),
    [
        (PDF, "application/pdf"),
        (archive(), "application/zip"),
        ("快递单号 SF123".encode(), "text/plain"),
        ("快递单号".encode("gb18030"), "text/plain"),
        (b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom" + b"\0" * 64, "video/mp4"),
    ],
)
def test_what_is_taken(data, mime):
    row = keep(data, "x")
    assert (row.mime, row.width, row.thumbnail_key) == (mime, None, "")
    assert stored_bytes(row.key) == data


@pytest.mark.parametrize(
    "data",
    [
        b"",
        SVG,
        b"  \n<!DOCTYPE html><script>alert(1)</script>",
        b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
        b"MZ" + b"\0" * 200,
        b"\x7fELF" + b"\0" * 200,
        b"hello\n<script>alert(1)</script>",
        b"\x00\x01\x02\x03\x04random",
        b"#!/bin/sh\nrm -rf /\n\x00",
        b"\xca\xfe\xba\xbe" + b"\0" * 100,
    ],
)
def test_what_is_refused(data):
    with pytest.raises(FileRefused):
        keep(data, "photo.jpg")
    assert not Attachment.objects.exists()


def test_a_photo_is_drawn_anew_without_where_it_was_taken(file_folder):
    exif = Image.Exif()
    exif[0x0110] = "SECRET-CAMERA"
    exif[0x8825] = {1: "N", 2: (31.0, 14.0, 0.0)}
    exif[0x0112] = 6
    data = jpeg(800, 400, exif=exif.tobytes()) + b"<script>alert(1)</script>"
    row = keep(data, "IMG_001.JPG")
    stored = stored_bytes(row.key)
    assert (row.mime, row.width, row.height, row.name) == ("image/jpeg", 400, 800, "IMG_001.jpg")
    assert b"SECRET" not in stored
    assert b"script" not in stored
    assert not Image.open(io.BytesIO(stored)).getexif()
    small = Image.open(io.BytesIO(stored_bytes(row.thumbnail_key)))
    assert (small.format, max(small.size)) == ("WEBP", 480)
    assert oct(os.stat(file_folder / path_of(row.key)).st_mode)[-3:] == "640"


def heic(width=1200, height=800, **fields):
    """Return a photo as an iPhone makes it."""
    import pillow_heif

    target = io.BytesIO()
    picture = Image.linear_gradient("L").resize((width, height)).convert("RGB")
    pillow_heif.from_pillow(picture).save(target, quality=50, **fields)
    return target.getvalue()


def test_a_photo_of_an_iphone_becomes_one_that_browsers_show(client):
    exif = Image.Exif()
    exif[0x0110] = "SECRET-CAMERA"
    exif[0x8825] = {1: "N", 2: (31.0, 14.0, 0.0)}
    data = heic(exif=exif.tobytes())
    assert b"SECRET" in data
    staff, ticket = make_staff(), make_ticket()
    row = keep(data, "IMG_0042.HEIC", ticket_id=ticket.pk, uploaded_by=staff.pk)
    assert (row.mime, row.width, row.height, row.name) == ("image/jpeg", 1200, 800, "IMG_0042.jpg")
    stored = stored_bytes(row.key)
    shown = Image.open(io.BytesIO(stored))
    assert (shown.format, shown.size) == ("JPEG", (1200, 800))
    assert b"SECRET" not in stored
    assert not shown.getexif()
    assert shown.getpixel((600, 10))[0] < 40 < 200 < shown.getpixel((600, 790))[0]
    client.force_login(staff)
    assert serve(client, row)["Content-Disposition"] == 'inline; filename="IMG_0042.jpg"'
    assert Image.open(io.BytesIO(serve(client, row, thumb=1).body)).size == (480, 320)


@pytest.mark.parametrize("damage", [lambda data: data[:300], lambda data: data[:40] + bytes(len(data) - 40)])
def test_a_broken_photo_of_an_iphone_is_refused_with_a_way_out(damage):
    with pytest.raises(FileRefused) as refused:
        keep(damage(heic()), "a.heic")
    assert "JPEG" in str(refused.value)
    assert not Attachment.objects.exists()


@pytest.mark.parametrize("size", [(20_000, 20_000), (60_000, 100)])
def test_a_photo_of_an_iphone_that_claims_too_many_pixels_is_refused_before_it_is_unpacked(size):
    data = heic(1216, 832)
    at = data.index(b"ispe")
    while at >= 0:
        data = data[: at + 8] + struct.pack(">II", *size) + data[at + 16 :]
        at = data.find(b"ispe", at + 16)
    begun = time.monotonic()
    with pytest.raises((FileTooLarge, FileRefused)):
        keep(data, "bomb.heic")
    assert time.monotonic() - begun < 2


@pytest.mark.slow
def test_a_phones_largest_photo_fits_into_the_memory_of_a_web_process():
    import subprocess
    import sys

    import pillow_heif

    target = io.BytesIO()
    pillow_heif.from_pillow(Image.new("RGB", (8064, 6048), (90, 120, 60))).save(target, quality=30)
    script = (
        "import re, sys; from tickets.attachments.pictures import redraw;"
        "peak = lambda: int(re.search(r'VmHWM:\\s+(\\d+)', open('/proc/self/status').read())[1]) // 1024;"
        "before = peak(); p = redraw(sys.stdin.buffer.read(), 'image/heic'); print(p.width, p.height, peak() - before)"
    )
    done = subprocess.run([sys.executable, "-c", script], input=target.getvalue(), capture_output=True, check=True)
    width, height, megabytes = map(int, done.stdout.split())
    assert (width, height) == (4096, 3072)
    print({"megabytes": megabytes})
    assert megabytes < 400


@pytest.mark.parametrize("wanted", ["PNG", "GIF", "WEBP"])
def test_other_pictures_are_drawn_anew(wanted):
    target = io.BytesIO()
    Image.new("RGBA" if wanted != "GIF" else "P", (50, 50)).save(target, wanted)
    row = keep(target.getvalue() + b"PK\x03\x04<html>", "x.png")
    assert row.mime == f"image/{wanted.lower()}"
    assert b"html" not in stored_bytes(row.key)


@pytest.mark.parametrize("size", [(50_000, 50_000), (40_000, 10), (20_000, 20_000)])
def test_a_picture_of_too_many_pixels_is_refused_before_it_is_unpacked(size):
    with pytest.raises(FileTooLarge):
        keep(png_claiming(*size), "bomb.png")


def test_a_broken_picture_is_refused():
    with pytest.raises(FileRefused):
        keep(jpeg(300, 300)[:200], "a.jpg")


def test_too_many_bytes_are_refused_while_they_come(settings):
    settings.ATTACHMENT_MAX_BYTES = 1000

    class Endless:
        given = 0

        def read(self, size):
            self.given += size
            return b"a" * size

    stream = Endless()
    with pytest.raises(FileTooLarge):
        keep(stream, "a.txt")
    assert stream.given < 200_000
    with pytest.raises(FileTooLarge):
        keep(b"a" * 1001, "a.txt")


def test_quota(settings):
    settings.ATTACHMENT_QUOTA_BYTES = len(PDF) + 10
    keep()
    with pytest.raises(NoRoom):
        keep()
    assert Attachment.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_parallel_uploads_share_one_quota(settings):
    settings.ATTACHMENT_QUOTA_BYTES = 4 * len(PDF) + 10
    gate = threading.Barrier(12)

    def upload(number):
        gate.wait()
        try:
            for _ in range(2):
                keep()
        except NoRoom:
            return "full"
        finally:
            connection.close()
        return "kept"

    with ThreadPoolExecutor(12) as pool:
        said = Counter(pool.map(upload, range(12)))
    assert Attachment.objects.count() == 4
    assert bytes_used() == 4 * len(PDF)
    assert said["full"] >= 10
    assert len(list(all_files())) == 4  # what was refused left no bytes behind


@pytest.mark.django_db(transaction=True)
def test_the_room_used_is_what_the_rows_say_whatever_wrote_them(settings, monkeypatch):
    monkeypatch.setattr("tickets.services.attachments.FOLD_AT", 3)
    staff, ticket = make_staff(), make_ticket()
    for _ in range(6):
        keep(ticket_id=ticket.pk, uploaded_by=staff.pk)
    Attachment.objects.bulk_create([Attachment(key=f"k{n}", size=100, sha256=b"") for n in range(5)])
    Attachment.objects.filter(key="k1").update(size=1000)
    Attachment.objects.filter(key="k2").delete()
    assert bytes_used() == Attachment.objects.aggregate(total=Sum("size"))["total"] == 6 * len(PDF) + 1300
    assert StoredBytes.objects.count() < 10
    Attachment.objects.all().delete()
    assert bytes_used() == 0


def test_a_full_disk_is_said_cleanly_and_leaves_nothing(file_folder):
    with mock.patch("os.fsync", side_effect=OSError(errno.ENOSPC, "full")), pytest.raises(NoRoom):
        keep()
    assert not Attachment.objects.exists()
    assert [path for path in file_folder.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ("../../etc/passwd", "passwd.txt"),
        ("C:\\temp\\photo.txt", "photo.txt"),
        ('a"b\r\nSet-Cookie: x.txt', "a_b__Set-Cookie_ x.txt"),
        ("invoice\u202etxt.exe", "invoicetxt.exe.txt"),
        ("x.php\u200b.txt", "x.php.txt"),
        ("con.txt", "file_con.txt"),
        ("...", "file.txt"),
        ("", "file.txt"),
        ("\x00a.txt.", "a.txt"),
        ("订单 截图.txt", "订单 截图.txt"),
        ("a" * 4000, "a" * 110 + ".txt"),
    ],
)
def test_hostile_names(given, stored):
    assert safe_name(given, sniff(b"hello")) == stored


def serve(client, row, **query):
    response = client.get(f"/desk/attachments/{row.key}/", query)
    response.body = response.content
    return response


def test_staff_get_files_through_the_tickets_door(client):
    staff, stranger = make_staff(), make_staff(teams=[make_team("Elsewhere", shop_ids=[99])])
    ticket = make_ticket()
    row = keep(name='报价"单.pdf', ticket_id=ticket.pk, uploaded_by=staff.pk)
    client.force_login(staff)
    make_reply(ticket, staff, attachment_ids=[row.pk])
    response = serve(client, row)
    assert response.status_code == 200
    assert response.body == PDF
    disposition = response["Content-Disposition"]
    assert disposition.startswith("attachment; filename*=utf-8''")
    assert '"' not in disposition.split("''")[1]
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Content-Security-Policy"] == "sandbox; default-src 'none'"
    client.force_login(stranger)
    assert serve(client, row).status_code == 404
    client.logout()
    assert serve(client, row).status_code == 302


def test_only_our_own_pictures_are_shown_in_place(client):
    staff, ticket = make_staff(), make_ticket()
    client.force_login(staff)
    row = keep(jpeg(), "a.jpg", ticket_id=ticket.pk, uploaded_by=staff.pk)
    assert serve(client, row)["Content-Disposition"] == 'inline; filename="a.jpg"'
    small = serve(client, row, thumb=1)
    assert (small["Content-Type"], small["Content-Disposition"]) == ("image/webp", 'inline; filename="a.webp"')
    text = keep(b"hello", "a.html", ticket_id=ticket.pk, uploaded_by=staff.pk)
    response = serve(client, text)
    assert response["Content-Type"] == "text/plain; charset=utf-8"
    assert response["Content-Disposition"] == 'attachment; filename="a.html.txt"'


def test_an_unsent_file_is_its_uploaders_alone(client):
    staff, colleague, ticket = make_staff(), make_staff(), make_ticket()
    row = keep(ticket_id=ticket.pk, uploaded_by=staff.pk)
    client.force_login(colleague)
    assert serve(client, row).status_code == 404
    with pytest.raises(InvalidInput):
        make_reply(ticket, colleague, attachment_ids=[row.pk])
    with pytest.raises(NotFound):
        services.discard_attachment(attachment_id=row.pk, uploaded_by=colleague.pk)
    with pytest.raises(InvalidInput):
        make_reply(make_ticket(), staff, attachment_ids=[row.pk])
    message = make_reply(ticket, staff, attachment_ids=[row.pk])
    assert list(message.attachments.all()) == [row]
    with pytest.raises(InvalidInput):
        make_reply(ticket, staff, attachment_ids=[row.pk])


def test_the_customers_link_opens_files_of_its_own_ticket_only(client):
    staff, ticket, other = make_staff(), make_ticket(), make_ticket()
    shown = keep(ticket_id=ticket.pk, uploaded_by=staff.pk)
    hidden = keep(ticket_id=ticket.pk, uploaded_by=staff.pk)
    make_reply(ticket, staff, attachment_ids=[shown.pk])
    services.add_note(
        ticket_id=ticket.pk, text="内部", actor=Actor.staff(staff), at=timezone.now(), attachment_ids=[hidden.pk]
    )
    link = "/" + customer_url(ticket).split("/", 3)[3]
    served = client.get(f"{link}files/{shown.key}/")
    assert served.content == PDF
    assert client.get(f"{link}files/{hidden.key}/").status_code == 404
    wrong = "/" + customer_url(other).split("/", 3)[3]
    assert client.get(f"{wrong}files/{shown.key}/").status_code == 404


def test_a_reply_carries_its_files_by_mail():
    from notifications.models import Delivery

    staff, ticket = make_staff(), make_ticket()
    row = keep(ticket_id=ticket.pk, uploaded_by=staff.pk)
    message = make_reply(ticket, staff, attachment_ids=[row.pk])
    files = Delivery.objects.get(pk=message.delivery_id).files
    assert files == [{"storage": path_of(row.key), "name": "a.pdf", "mime": "application/pdf"}]


def test_discard_removes_row_and_file(django_capture_on_commit_callbacks):
    session = hash_token("x" * 32)
    row = keep(session_hash=session)
    with django_capture_on_commit_callbacks(execute=True):
        services.discard_attachment(attachment_id=row.pk, session_hash=session)
    assert not storages["attachments"].exists(path_of(row.key))


def test_sweeps_drop_what_nobody_sent_and_what_nobody_knows(file_folder):
    staff, ticket, now = make_staff(), make_ticket(), timezone.now()
    sent = keep(ticket_id=ticket.pk, uploaded_by=staff.pk)
    make_reply(ticket, staff, attachment_ids=[sent.pk])
    unsent, orphan = keep(ticket_id=ticket.pk, uploaded_by=staff.pk), keep()
    Attachment.objects.filter(pk=orphan.pk).delete()
    foreign = file_folder / "inbound" / "a.eml"
    foreign.parent.mkdir()
    foreign.write_text("x")
    assert (sweep_unsent(now=now), sweep_orphans(now=now)) == (0, 0)
    later = now + timedelta(hours=25)
    assert (sweep_unsent(now=later), sweep_orphans(now=later)) == (1, 1)
    assert storages["attachments"].exists(path_of(sent.key))
    assert not storages["attachments"].exists(path_of(unsent.key))
    assert not storages["attachments"].exists(path_of(orphan.key))
    assert foreign.exists()
