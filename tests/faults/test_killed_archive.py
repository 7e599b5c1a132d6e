"""A worker that writes an archive is killed -9 in the middle of pieces: no half file is ever fetched, none stays."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
import zipfile
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from django.conf import settings
from django.core.files.storage import storages
from django.db import connection
from django.test import Client
from django.utils import timezone

from core.jobs.orphans import free_orphans
from core.models import Job, JobState
from tests.factories.accounts import make_staff
from tests.factories.tickets import make_ticket
from tickets.models import Archive, Message, Ticket
from tickets.services import archives as service

ROOT = Path(__file__).resolve().parent.parent.parent
pytestmark = [pytest.mark.faults, pytest.mark.django_db(transaction=True)]

# The worker stops where it is told: in the middle of a piece, or with the piece in the store and not in the row.
WORKER = """
import sys, time, django
django.setup()
from django.conf import settings
settings.STORAGES["attachments"]["OPTIONS"]["location"] = sys.argv[3]
from core.jobs import drain
from tickets.services.archives import writing

where, left = sys.argv[1], int(sys.argv[2])
writing.PIECE_ROWS = 5

def stopping(owner, name, place):
    real = getattr(owner, name)
    def act(*given, **named):
        global left
        left -= place == where
        if place == where and left == 0:
            print("here", flush=True)
            time.sleep(60)
        return real(*given, **named)
    setattr(owner, name, act)

stopping(writing.Packer, "close", "piece")
stopping(writing, "_add", "stored")
drain(seconds=30)
"""


def worker(where: str, left: int) -> subprocess.Popen[str]:
    server = connection.settings_dict
    address = f"postgresql://{server['USER']}:{server['PASSWORD']}@{server['HOST']}:{server['PORT']}/{server['NAME']}"
    return subprocess.Popen(
        [sys.executable, "-c", WORKER, where, str(left), settings.STORAGES["attachments"]["OPTIONS"]["location"]],
        cwd=ROOT, text=True, env={**os.environ, "DATABASE_URL": address, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip


def kill(where: str, left: int) -> None:
    process = worker(where, left)
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "here\n", f"the worker never came to {where} {left}"
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait(10)
        process.stdout.close()
    end = time.monotonic() + 20
    mine = Job.objects.filter(name="tickets.write_archive")
    while mine.exclude(state=JobState.READY).exists():
        assert time.monotonic() < end, "the job of the dead worker was never given back"
        free_orphans()
        time.sleep(0.05)
    mine.update(due_at=timezone.now() - timedelta(seconds=5), retry_at=None)


def test_killed_in_the_middle_of_pieces_the_archive_is_whole_or_not_there(client: Client) -> None:
    lead = make_staff(roles=["manager"])
    for number in range(12):
        make_ticket(text=f"第 {number} 张")
    Job.objects.exclude(name="tickets.write_archive").update(state=JobState.CANCELLED)
    asked = service.ask_archive(wish=service.Wish(press=uuid4(), archive_format="csv"), staff=lead, at=timezone.now())
    client.force_login(lead)
    address = f"/settings/archive/{asked.pk}/download/"
    for where, left in (("piece", 2), ("stored", 2)):
        before = len(Archive.objects.get(pk=asked.pk).pieces)
        kill(where, left)
        half = Archive.objects.get(pk=asked.pk)
        assert (half.state, len(half.pieces)) == ("writing", before + 1)
        assert client.get(address, {"key": service.fetch_key(half)}).status_code == 410
    folder = storages["attachments"].listdir(asked.folder)[1]
    assert len(folder) == len(half.pieces) + 1  # what the second one had stored and not told
    worker("nowhere", 0).communicate(timeout=60)
    answer = client.get(address, {"key": service.fetch_key(Archive.objects.get(pk=asked.pk))})
    assert answer.status_code == 200
    with zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content))) as book:  # type: ignore[arg-type]
        assert book.testzip() is None
        lines = {name: book.read(name).decode().count("\r\n") - 1 for name in book.namelist()}
    assert sum(count for name, count in lines.items() if name.startswith("tickets-")) == Ticket.objects.count() == 12
    said = sum(count for name, count in lines.items() if name.startswith("messages-"))
    assert said == Message.objects.count()
    service.cancel_archive(archive_id=asked.pk, staff=lead, at=timezone.now())
    assert storages["attachments"].listdir(asked.folder)[1] == []
