"""Files in a bucket: the real store against a server that speaks S3 over HTTP, also while that server is away."""

from __future__ import annotations

import io
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from email.message import EmailMessage
from typing import Any

import boto3
import pytest
from django.core.files.storage import storages
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone
from PIL import Image

from core.crypto import hash_token, random_token
from core.jobs import drain
from core.models import Job
from notifications.models import Delivery
from notifications.storage import INBOUND, keep_raw, raw_older_than, read_raw
from tests.factories.accounts import make_staff
from tests.factories.notifications import make_mailbox
from tests.factories.tickets import jpeg, make_reply, make_ticket
from tests.security.world import found_company
from tests.smtp import smtp_server
from tickets import services
from tickets.attachments.store import all_files, fetch, path_of
from tickets.errors import NoRoom, StoreAway
from tickets.models import Attachment, Message, Ticket
from tickets.selectors.files import bytes_used
from tickets.services.attachments import sweep_orphans, sweep_unsent

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
PDF = b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF"
BUCKET = "files-of-the-shop"
KEYS = {"aws_access_key_id": "key", "aws_secret_access_key": "secret", "region_name": "us-east-1"}
SERVE = "import sys; from moto.server import main; main(['-H', '127.0.0.1', '-p', sys.argv[1]])"


class Server:
    """A process that speaks S3 on a port of its own; what it stores lives as long as the process."""

    def __init__(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start and wait until it answers."""
        self.process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", SERVE, str(self.port)],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        for _ in range(300):
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                time.sleep(0.1)
        pytest.fail("the S3 server did not start")

    def stop(self) -> None:
        """End the process."""
        if self.process:
            self.process.kill()
            self.process.wait(10)
            self.process = None

    @contextmanager
    def away(self) -> Iterator[None]:
        """Be unreachable for a while: the store's address leads to a closed port."""
        store: Any = storages["attachments"]
        kept, store._connections.connection = store.connection, _connect(f"http://127.0.0.1:{_closed_port()}", store)
        store._bucket = None
        try:
            yield
        finally:
            store._connections.connection, store._bucket = kept, None


def _connect(url: str, store: Any) -> Any:
    return boto3.Session(**KEYS).resource("s3", endpoint_url=url, config=store.client_config)


def _closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    server = Server()
    server.start()
    yield server
    server.stop()


@pytest.fixture
def bucket(server: Server, settings: Any) -> Iterator[Any]:
    """Use an empty bucket as settings with S3_BUCKET would."""
    resource = boto3.resource("s3", endpoint_url=server.url, **KEYS)
    bucket = resource.create_bucket(Bucket=BUCKET)
    options: dict[str, object] = {
        "bucket_name": BUCKET,
        "endpoint_url": server.url,
        "region_name": "us-east-1",
        "addressing_style": "auto",
    }
    options |= {"access_key": "key", "secret_key": "secret", "default_acl": None, "file_overwrite": False}
    store = {"BACKEND": "tickets.bucket.BucketStorage", "OPTIONS": options}
    settings.STORAGES = {**settings.STORAGES, "attachments": store}
    yield bucket
    bucket.objects.all().delete()
    bucket.delete()
    resource.meta.client.close()


def keep(data: bytes = PDF, name: str = "a.pdf", **fields: Any) -> Attachment:
    return services.store_attachment(file=data, name=name, at=timezone.now(), **fields)


def names(bucket: Any) -> list[str]:
    return sorted(item.key for item in bucket.objects.all())


def body(response: Any) -> bytes:
    return response.content


def test_the_settings_choose_the_bucket() -> None:
    """In a process of its own, as S3_BUCKET is read once."""
    import os

    script = (
        "import django; django.setup(); from django.core.files.storage import storages; s = storages['attachments'];"
        "print(type(s).__name__, s.bucket_name, s.endpoint_url, s.addressing_style, s.region_name)"
    )
    env = {**os.environ, "S3_BUCKET": "b", "S3_ENDPOINT": "http://127.0.0.1:9", "S3_ADDRESSING": "virtual"}
    env |= {"S3_ACCESS_KEY": "k", "S3_SECRET_KEY": "s", "S3_REGION": "cn-north-1"}
    done = subprocess.run([sys.executable, "-c", script], env=env, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["BucketStorage", "b", "http://127.0.0.1:9", "virtual", "cn-north-1"]


def test_a_photo_is_stored_served_and_thrown_away(bucket: Any, client: Any) -> None:
    staff, ticket = make_staff(), make_ticket()
    row = keep(jpeg(900, 600), "杯子.jpg", ticket_id=ticket.pk, uploaded_by=staff.pk)
    assert names(bucket) == sorted([path_of(row.key), path_of(row.thumbnail_key)])
    client.force_login(staff)
    whole = client.get(f"/desk/attachments/{row.key}/")
    assert (whole.status_code, whole["Content-Type"]) == (200, "image/jpeg")
    assert Image.open(io.BytesIO(body(whole))).size == (900, 600)
    small = client.get(f"/desk/attachments/{row.key}/", {"thumb": 1})
    assert Image.open(io.BytesIO(body(small))).size == (480, 320)
    services.discard_attachment(attachment_id=row.pk, uploaded_by=staff.pk)
    assert names(bucket) == []
    assert client.get(f"/desk/attachments/{row.key}/").status_code == 404


def test_a_file_gone_from_the_bucket_is_not_found(bucket: Any, client: Any) -> None:
    staff, ticket = make_staff(), make_ticket()
    row = keep(ticket_id=ticket.pk, uploaded_by=staff.pk)
    bucket.objects.all().delete()
    client.force_login(staff)
    assert client.get(f"/desk/attachments/{row.key}/").status_code == 404
    with pytest.raises(FileNotFoundError):
        fetch(row.key)


def test_no_name_is_written_over(bucket: Any) -> None:
    store = storages["attachments"]
    first = store.save("ab/x", _file(b"1"))
    second = store.save("ab/x", _file(b"2"))
    assert first == "ab/x"
    assert second != first
    with store.open("ab/x") as handle:
        assert handle.read() == b"1"


def _file(data: bytes) -> Any:
    return SimpleUploadedFile("x", data)


def test_quota_counts_what_lies_in_the_bucket(bucket: Any, settings: Any) -> None:
    settings.ATTACHMENT_QUOTA_BYTES = len(PDF) + 10
    keep()
    with pytest.raises(NoRoom):
        keep()
    assert len(names(bucket)) == 1
    assert bytes_used() == len(PDF)


def test_sweeps_drop_what_nobody_sent_and_what_nobody_knows(bucket: Any) -> None:
    staff, ticket, now = make_staff(), make_ticket(), timezone.now()
    sent = keep(ticket_id=ticket.pk, uploaded_by=staff.pk)
    make_reply(ticket, staff, attachment_ids=[sent.pk])
    keep(ticket_id=ticket.pk, uploaded_by=staff.pk)
    orphan = keep()
    Attachment.objects.filter(pk=orphan.pk).delete()
    raw = keep_raw(INBOUND, b"raw", now)
    assert len(list(all_files())) == 3
    assert (sweep_unsent(now=now), sweep_orphans(now=now)) == (0, 0)
    later = now + timedelta(hours=25)
    assert (sweep_unsent(now=later), sweep_orphans(now=later)) == (1, 1)
    assert names(bucket) == sorted([path_of(sent.key), raw])
    assert read_raw(raw) == b"raw"
    assert list(raw_older_than(INBOUND, later)) == [raw]


def test_the_walk_goes_through_thousands_in_a_few_questions(bucket: Any) -> None:
    for n in range(1200):
        bucket.put_object(Key=f"{n % 256:02x}/{n:040x}", Body=b"x")
    begun = time.monotonic()
    assert sweep_orphans(now=timezone.now()) == 0
    assert len(list(all_files())) == 1200
    assert time.monotonic() - begun < 10
    assert sweep_orphans(now=timezone.now() + timedelta(days=2)) == 1200
    assert names(bucket) == []


def test_while_the_bucket_is_away_the_form_keeps_the_words(bucket: Any, server: Server, client: Any) -> None:
    found_company()
    draft = random_token()
    photo = SimpleUploadedFile("a.jpg", jpeg(), "image/jpeg")
    fields = {"draft": draft, "stamp": "", "text": "杯子有裂纹，请看照片", "email": "li@mail.example", "website": ""}
    with server.away():
        begun = time.monotonic()
        answer = client.post("/contact/", {**fields, "photos": photo}, headers={"Accept-Language": "zh-CN"})
        assert time.monotonic() - begun < 20
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "杯子有裂纹，请看照片" in page
    assert "a.jpg" in page
    assert not Attachment.objects.exists()
    photo.seek(0)
    again = client.post("/contact/", {**fields, "photos": photo})
    assert again.status_code == 302
    assert Ticket.objects.get().attachments.count() == 1
    assert len(names(bucket)) == 2


def test_while_the_bucket_is_away_a_file_answers_503_and_then_comes_back(
    bucket: Any, server: Server, client: Any
) -> None:
    staff, ticket = make_staff(), make_ticket()
    row = keep(ticket_id=ticket.pk, uploaded_by=staff.pk)
    client.force_login(staff)
    with server.away():
        assert client.get(f"/desk/attachments/{row.key}/").status_code == 503
        with pytest.raises(StoreAway):
            keep()
        services.discard_attachment(attachment_id=keep_away(row, staff, ticket), uploaded_by=staff.pk)
    assert body(client.get(f"/desk/attachments/{row.key}/")) == PDF


def keep_away(row: Attachment, staff: Any, ticket: Any) -> int:
    """Have a second row whose file is thrown away while the bucket is not there: the sweep finds it later."""
    copy = Attachment.objects.create(
        key="f" * 40, name="b.pdf", mime="application/pdf", size=1, sha256=b"", ticket=ticket, uploaded_by=staff.pk
    )
    return copy.pk


def test_answers_and_mails_with_files_wait_for_the_bucket(bucket: Any, server: Server, settings: Any) -> None:
    from notifications.selectors.inbound import find_target
    from notifications.services import receive_mail

    staff, ticket = make_staff(), make_ticket(contact_email="li@mail.example")
    make_mailbox("care@service.example")
    row = keep(ticket_id=ticket.pk, uploaded_by=staff.pk)
    make_reply(ticket, staff, attachment_ids=[row.pk])
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "wang@mail.example", "care@service.example", "照片"
    mail["Message-ID"] = "<waits@mail.example>"
    mail.set_content("见附件")
    mail.add_attachment(PDF, maintype="application", subtype="pdf", filename="发票.pdf")
    target = find_target("care@service.example")
    assert target is not None
    receive_mail(raw=mail.as_bytes(), sender="wang@mail.example", targets=[target], peer="", at=timezone.now())
    with smtp_server() as sink:
        settings.SMTP = sink.settings
        with server.away():
            drain(seconds=30)
        assert not any(b"a.pdf" in bytes(envelope.content) for envelope in sink.envelopes)
        assert not Message.objects.filter(mail_id__contains="waits").exists()
        assert not Job.objects.filter(state="quarantined").exists()
        Job.objects.filter(state="ready").update(retry_at=None)
        drain(seconds=30)
        assert sum(b"a.pdf" in bytes(envelope.content) for envelope in sink.envelopes) == 1
    taken = Message.objects.get(mail_id__contains="waits")
    assert [file.name for file in taken.attachments.all()] == ["发票.pdf"]
    assert Delivery.objects.filter(message_id__isnull=False, state="failed").count() == 0


def test_a_wrong_key_or_bucket_is_said_and_is_no_missing_file(bucket: Any, server: Server) -> None:
    row = keep(session_hash=hash_token("x" * 32))
    store: Any = storages["attachments"]
    store.bucket_name, store._bucket = "no-such-bucket", None
    with pytest.raises(StoreAway):
        keep()
    with pytest.raises((StoreAway, FileNotFoundError)):
        fetch(row.key)
    assert re.fullmatch(r"[0-9a-f]{40}", row.key)
