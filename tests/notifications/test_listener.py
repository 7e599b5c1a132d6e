"""The listener: what it acknowledges is kept, what it cannot keep it does not acknowledge."""

from __future__ import annotations

import contextlib
import os
import signal
import smtplib
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db import connection
from django.utils import timezone

from core.models import Event
from cs_portal.runtime.ports import free_port, wait_until_accepts
from notifications import reply_address
from notifications.models import InboundMail
from notifications.services.keeping import sweep_orphans
from notifications.storage import raw_older_than
from tests.factories.notifications import mail_bytes, make_mailbox

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = Path(__file__).resolve().parent.parent.parent


def environment(**more: str) -> dict[str, str]:
    """Return what a process of ours needs to work on this test's database."""
    place = connection.settings_dict
    url = f"postgresql://{place['USER']}:{place['PASSWORD']}@{place['HOST']}:{place['PORT']}/{place['NAME']}"
    return {**os.environ, "DJANGO_SETTINGS_MODULE": "cs_portal.settings.test", "DATABASE_URL": url, **more}


@contextlib.contextmanager
def listener(folder: Path, **more: str) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """Run manage.py run_mail as a process."""
    port = free_port()
    env = environment(INBOUND_SMTP_PORT=str(port), MEDIA_ROOT=str(folder.parent), **more)
    process = subprocess.Popen(
        [sys.executable, "manage.py", "run_mail"], cwd=ROOT, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    try:
        assert wait_until_accepts("127.0.0.1", port, seconds=60), process.stderr and process.stderr.read().decode()
        yield process, port
    finally:
        process.terminate()
        try:
            process.wait(40)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stderr:
            process.stderr.close()


def hand_over(port: int, raw: bytes, to: str = "care@service.example", sender: str = "wang@customer.example") -> int:
    """Hand a mail over and return the answer's code."""
    try:
        with smtplib.SMTP("127.0.0.1", port, timeout=60) as server:
            server.sendmail(sender, [to], raw)
        return 250
    except smtplib.SMTPRecipientsRefused as error:
        return next(iter(error.recipients.values()))[0]
    except smtplib.SMTPResponseException as error:
        return error.smtp_code


@pytest.mark.slow
def test_mail_is_kept_before_it_is_acknowledged_and_once(mail_folder: Path) -> None:
    box = make_mailbox("care@service.example")
    with listener(mail_folder) as (process, port):
        raw = mail_bytes()
        assert hand_over(port, raw) == 250
        assert hand_over(port, raw) == 250
        assert hand_over(port, mail_bytes(), to=reply_address(77)) == 250
        assert hand_over(port, raw, to="nobody@service.example") == 550
        assert hand_over(port, raw, to="reply+78.aaaaaaaaaaaaaaaa@service.example") == 550
        assert hand_over(port, raw, to="care@elsewhere.example") == 550
        process.send_signal(signal.SIGTERM)
        assert process.wait(40) == 0
    first, second = InboundMail.objects.order_by("pk")
    assert (first.mailbox_id, first.reply_ticket_id, first.kind) == (box.pk, None, "message")
    assert (second.reply_ticket_id, second.state) == (77, "received")
    assert (mail_folder / first.raw_name).read_bytes().replace(b"\r\n", b"\n").strip() == raw.replace(
        b"\r\n", b"\n"
    ).strip()
    assert [event.data["reply_ticket_id"] for event in Event.objects.filter(kind="mail.received").order_by("id")] == [
        None,
        77,
    ]
    box.refresh_from_db()
    assert box.last_in_at is not None


@pytest.mark.slow
def test_too_large_mail_is_refused(mail_folder: Path) -> None:
    make_mailbox("care@service.example")
    with listener(mail_folder, INBOUND_MAX_BYTES="20000") as (_process, port):
        with smtplib.SMTP("127.0.0.1", port, timeout=60) as server:
            server.ehlo("there")
            code, _words = server.mail("wang@customer.example")
            assert code == 250
            server.rcpt("care@service.example")
            code, _words = server.data(mail_bytes(text="x" * 70 + "\r\n" + "y" * 60_000))
            assert code == 552
    assert not InboundMail.objects.exists()


@pytest.mark.slow
def test_peer_past_its_limit_is_asked_to_wait(mail_folder: Path) -> None:
    make_mailbox("care@service.example")
    with listener(mail_folder, INBOUND_PER_MINUTE="2") as (_process, port):
        assert [hand_over(port, mail_bytes()) for _ in range(3)] == [250, 250, 451]


@pytest.mark.slow
def test_database_down_makes_the_sender_try_again(mail_folder: Path) -> None:
    make_mailbox("care@service.example")
    nowhere = f"postgresql://cs_portal:x@127.0.0.1:{free_port()}/none"
    with listener(mail_folder, DATABASE_URL=nowhere) as (_process, port):
        assert hand_over(port, mail_bytes()) == 451


@pytest.mark.slow
def test_table_gone_between_recipient_and_data_makes_the_sender_try_again(mail_folder: Path) -> None:
    make_mailbox("care@service.example")
    with listener(mail_folder) as (_process, port), smtplib.SMTP("127.0.0.1", port, timeout=60) as server:
        server.ehlo("there")
        server.mail("wang@customer.example")
        assert server.rcpt("care@service.example")[0] == 250
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE notifications_inbound_mail RENAME TO somewhere_else")
        assert server.data(mail_bytes())[0] == 451
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE somewhere_else RENAME TO notifications_inbound_mail")
    assert not InboundMail.objects.exists()
    with listener(mail_folder) as (_process, port):
        assert hand_over(port, mail_bytes()) == 250


@pytest.mark.faults
def test_killed_listener_loses_nothing_it_acknowledged(mail_folder: Path) -> None:
    make_mailbox("care@service.example")
    sent: list[bytes] = []
    acknowledged: set[int] = set()
    for round_ in range(4):
        with listener(mail_folder) as (process, port):
            killer = threading.Timer(0.7 + round_ * 0.31, process.kill)
            killer.start()
            with contextlib.suppress(OSError, smtplib.SMTPServerDisconnected):
                while True:
                    sent.append(mail_bytes(subject=f"mail {len(sent)}", text="x" * 50_000))
                    if hand_over(port, sent[-1]) == 250:
                        acknowledged.add(len(sent) - 1)
            killer.join()
            process.wait()
    kept = InboundMail.objects.count()
    assert len(acknowledged) <= kept <= len(sent)
    with listener(mail_folder) as (_process, port):
        for raw in sent:  # every sender tries again what it is not sure of
            assert hand_over(port, raw) == 250
    assert InboundMail.objects.count() == len(sent)
    assert acknowledged
    for row in InboundMail.objects.all():
        assert (mail_folder / row.raw_name).stat().st_size == row.size


def test_file_without_row_is_swept(mail_folder: Path) -> None:
    lone = mail_folder / "inbound" / "2026-11-20" / "0123.eml"
    half = lone.with_name("0124.eml.part")
    lone.parent.mkdir(parents=True)
    for file in (lone, half):
        file.write_bytes(b"x")
        os.utime(file, (time.time() - 7200, time.time() - 7200))
    assert sweep_orphans(now=timezone.now()) == 2
    assert list(raw_older_than("inbound", timezone.now())) == []
    assert django_settings.INBOUND_KEEP_DAYS == 30


def test_settings_point_to_this_folder(mail_folder: Path, settings: Any) -> None:
    assert settings.STORAGES["attachments"]["OPTIONS"]["location"] == str(mail_folder)
