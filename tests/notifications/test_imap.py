"""Fetching mail: each one once, whatever breaks; what is wrong is said; one bad mail holds nobody up."""

from __future__ import annotations

import ipaddress
import re
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from django.utils import timezone

from core.actors import SYSTEM
from core.jobs import drain
from core.models import Job
from notifications.enums import AfterTaking
from notifications.inbound import imap as client
from notifications.inbound.folders import decode_folder, encode_folder
from notifications.inbound.imap import ImapAccount
from notifications.models import InboundMail, Mailbox, MailboxPoll, PulledMail
from notifications.services import fetch_again, polling, try_receiving
from notifications.services.mailboxes import MailboxDraft, create_mailbox, edit_mailbox
from notifications.wordings import _RECEIVING
from tests.factories.notifications import mail_bytes
from tests.imap import ImapServer, closed_port, imap_server
from tests.notifications.test_listener import ROOT, environment

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def own_network(settings: Any) -> None:
    settings.OUTGOING_ALLOW = ["127.0.0.0/8"]


@pytest.fixture
def server() -> Iterator[ImapServer]:
    with imap_server() as running:
        yield running


def account_at(server: ImapServer, **changes: Any) -> ImapAccount:
    given = {"port": server.port, "username": server.user, "password": server.password, "security": "none"}
    return ImapAccount(server.host, **given | changes)


def box_at(server: ImapServer, *, takes_old: bool = False, **changes: Any) -> Mailbox:
    draft = MailboxDraft("care@shop.example", name_zh="客服", is_default=True, takes_old=takes_old)
    draft = MailboxDraft(**{**vars(draft), "imap": account_at(server, **changes)})
    return create_mailbox(draft=draft, actor=SYSTEM, at=timezone.now())


def look(box: Mailbox) -> MailboxPoll:
    polling.poll_mailbox(mailbox_id=box.pk, at=timezone.now())
    return MailboxPoll.objects.get()


def letter(number: int = 1, **more: Any) -> bytes:
    given = {"sender": f"wang{number}@customer.example", "to": "care@shop.example", "subject": f"第 {number} 封"}
    return mail_bytes(**given | more)


def test_new_mail_is_taken_once_and_marked_as_read(server: ImapServer) -> None:
    server.put(letter(1), at=timezone.now() - timedelta(days=3))
    box = box_at(server)
    uids = [server.put(letter(number)) for number in (2, 3)]
    poll = look(box)
    assert (poll.error_code, poll.waiting, poll.last_uid, poll.failures) == ("", 0, 3, 0)
    assert list(InboundMail.objects.values_list("mailbox_id", "state")) == [(box.pk, "received")] * 2
    assert [server.flags(uid) for uid in uids] == [{"\\Seen"}] * 2
    assert server.flags(1) == set()
    fetched = server.count("UID FETCH")
    look(box)
    assert server.count("UID FETCH") == fetched
    assert set(PulledMail.objects.values_list("state", flat=True)) == {"kept"}
    assert not PulledMail.objects.filter(settled_at=None).exists()


def test_mail_that_lay_there_is_taken_when_wished(server: ImapServer) -> None:
    server.put(letter(1), at=timezone.now() - timedelta(days=300))
    look(box_at(server, takes_old=True))
    assert InboundMail.objects.count() == 1


def test_moving_and_leaving(server: ImapServer) -> None:
    box = box_at(server, after=AfterTaking.MOVE, move_to="已处理")
    server.put(letter(1))
    assert look(box).error_code == ""
    assert (len(server.folders["INBOX"].mails), len(server.folders["已处理"].mails)) == (0, 1)
    server.extensions = ("UIDPLUS",)
    server.put(letter(2))
    look(box)
    assert (len(server.folders["INBOX"].mails), len(server.folders["已处理"].mails)) == (0, 2)
    server.extensions = ()
    server.put(letter(3))
    look(box)
    assert "\\Deleted" in server.folders["INBOX"].mails[0].flags
    assert look(box).failures == 0
    assert InboundMail.objects.count() == 3


def test_left_as_it_is_opens_the_folder_for_reading_only(server: ImapServer) -> None:
    box = box_at(server, after=AfterTaking.LEAVE)
    uid = server.put(letter(1))
    look(box)
    look(box)
    assert (InboundMail.objects.count(), server.flags(uid)) == (1, set())
    assert server.count("SELECT") == 0
    assert server.count("UID STORE") == 0


def test_death_between_keeping_and_marking_takes_it_once_and_marks_it_later(server: ImapServer) -> None:
    box = box_at(server)
    uid = server.put(letter(1))
    server.inject("UID STORE", "drop")
    poll = look(box)
    assert (poll.error_code, poll.failures, InboundMail.objects.count()) == ("connection_lost", 1, 1)
    assert server.flags(uid) == set()
    assert look(box).failures == 0
    assert (InboundMail.objects.count(), server.flags(uid)) == (1, {"\\Seen"})
    assert server.count(f"UID FETCH {uid} (UID BODY") == 1


def test_death_between_the_file_and_our_note_takes_it_again_but_not_twice(server: ImapServer) -> None:
    box = box_at(server)
    server.put(letter(1))
    look(box)
    PulledMail.objects.update(state="fetching", inbound=None, settled_at=None)  # as if we had died before the note
    MailboxPoll.objects.update(last_uid=0)
    look(box)
    assert InboundMail.objects.count() == 1
    assert PulledMail.objects.get().state == "doubled"


@pytest.mark.parametrize("fault", ["drop", "half", "bye"])
def test_a_connection_that_breaks_in_a_mail_holds_no_other_up(server: ImapServer, fault: str) -> None:
    box = box_at(server)
    bad, good = server.put(letter(1)), server.put(letter(2))
    server.inject("UID FETCH BODY", fault)
    assert look(box).error_code in {"connection_lost", "refused"}
    server.inject("UID FETCH BODY", "", fault)  # the other one comes first now
    assert look(box).failures == 2
    assert PulledMail.objects.get(uid=good).state == "kept"
    server.inject("UID FETCH BODY", fault)
    look(box)
    assert look(box).failures == 0
    given_up = PulledMail.objects.get(uid=bad)
    assert (given_up.state, given_up.inbound.state, given_up.inbound.reason) == (
        "given_up", "quarantined", "not_fetched",
    )  # fmt: skip
    assert server.flags(bad) == set()  # unread where it lies: somebody has to look at it
    assert fetch_again(inbound_id=given_up.inbound_id, at=timezone.now())
    look(box)
    assert InboundMail.objects.filter(kind="message").count() == 2
    assert not fetch_again(inbound_id=given_up.inbound_id, at=timezone.now())


def test_a_mail_the_server_refuses_is_passed_by_in_the_same_look(server: ImapServer) -> None:
    box = box_at(server)
    server.put(letter(1))
    server.put(letter(2))
    server.inject("UID FETCH BODY", "no")
    assert look(box).failures == 0
    assert InboundMail.objects.count() == 1
    look(box)
    assert InboundMail.objects.filter(state="received").count() == 2


def test_folder_that_counts_anew_doubles_nothing_and_loses_nothing(server: ImapServer) -> None:
    server.put(letter(9), at=timezone.now() - timedelta(days=30))
    box = box_at(server)
    server.put(letter(1))
    look(box)
    server.renumber()
    server.put(letter(2))
    poll = look(box)
    assert (poll.uidvalidity, poll.last_uid) == (2, 3)
    assert InboundMail.objects.count() == 2
    assert sorted(PulledMail.objects.filter(uidvalidity=2).values_list("state", flat=True)) == ["doubled", "kept"]


def test_another_account_begins_anew(server: ImapServer) -> None:
    box = box_at(server)
    server.put(letter(1))
    look(box)
    with imap_server(user="new@shop.example") as other:
        draft = MailboxDraft(
            "care@shop.example", name_zh="客服", is_default=True, imap=account_at(other, username="new@shop.example")
        )
        edit_mailbox(mailbox_id=box.pk, version=1, draft=draft, actor=SYSTEM, at=timezone.now())
        other.put(letter(2))  # uidvalidity 1, uid 1: as the mail of the old account
        assert look(box).failures == 0
    assert InboundMail.objects.count() == 2


def test_too_large_a_mail_is_shown_and_stays_unread(server: ImapServer, settings: Any) -> None:
    settings.INBOUND_MAX_BYTES = 200_000
    box = box_at(server)
    large = server.put(letter(1, text="很大" * 90_000))
    server.put(letter(2))
    assert look(box).failures == 0
    row = InboundMail.objects.get(reason="too_large")
    assert (row.state, row.kind, row.raw_name != "") == ("quarantined", "odd", True)
    assert row.size > 200_000
    assert server.flags(large) == set()
    assert InboundMail.objects.filter(state="received").count() == 1


def test_a_server_that_sends_more_than_it_said_is_cut_off(server: ImapServer, settings: Any) -> None:
    settings.INBOUND_MAX_BYTES = 50_000
    box = box_at(server)
    server.put(letter(1, text="很大" * 90_000))
    server.announced_size = 1000
    assert look(box).error_code == "too_much"


def test_odd_bytes_are_kept_for_a_person(server: ImapServer) -> None:
    box = box_at(server)
    server.put(b"")
    server.put(bytes(range(256)) * 4)
    server.put(b"\r\n" * 5 + "只有正文".encode())
    assert look(box).failures == 0
    assert InboundMail.objects.count() == 3


def test_a_report_a_signed_answer_and_a_forged_one(server: ImapServer) -> None:
    from notifications import reply_address

    box = box_at(server)
    server.put(b"Return-Path: <>\r\n" + letter(1, subject="系统退信", sender="PostMaster@qq.example"))
    server.put(letter(2, to=reply_address(77)))
    server.put(letter(3, to=reply_address(77).replace("+77.", "+78.")))
    look(box)
    rows = list(InboundMail.objects.order_by("pk").values_list("kind", "reply_ticket_id", "mailbox_id"))
    assert rows == [("bounce", None, box.pk), ("message", 77, None), ("message", None, box.pk)]


def test_failures_rest_longer_each_time_and_are_seen(server: ImapServer) -> None:
    box = box_at(server)
    server.password = "changed"
    first = look(box)
    assert (first.error_code, first.failures) == ("login_refused", 1)
    second = look(box)
    assert second.next_at - timezone.now() > timedelta(minutes=9)
    assert polling.rest_after(1, "timeout") < polling.rest_after(3, "timeout") <= polling.rest_after(99, "timeout")
    from notifications.health import mail_health

    line = next(one for one in mail_health() if "care@shop.example" in one["label"])
    assert (line["state"], bool(line["hint"])) == ("warn", True)
    MailboxPoll.objects.update(failures=5)
    assert next(one for one in mail_health() if "care@shop.example" in one["label"])["state"] == "bad"
    server.password = "app-code"
    assert look(box).failures == 0


def test_due_mailboxes_are_looked_into_by_a_job_each_one_at_a_time(server: ImapServer) -> None:
    box = box_at(server)
    server.put(letter(1))
    now = timezone.now()
    assert polling.owe_due_polls(now=now) == 1
    assert polling.owe_due_polls(now=now) == 0
    drain(seconds=10)
    assert Job.objects.get(name=polling.POLL).shard == f"mailbox:{box.pk}"
    assert InboundMail.objects.get().state == "applied"
    poll = MailboxPoll.objects.get()
    assert timedelta(seconds=50) < poll.next_at - timezone.now() < timedelta(seconds=70)
    assert polling.owe_due_polls(now=timezone.now()) == 0
    Job.objects.filter(name=polling.POLL).update(state="quarantined")
    MailboxPoll.objects.update(next_at=poll.next_at - timedelta(hours=1))
    late = MailboxPoll.objects.get().next_at
    polling._owe(box.pk, late)
    Job.objects.filter(name=polling.POLL).update(state="quarantined")
    polling.owe_due_polls(now=timezone.now())
    assert MailboxPoll.objects.get().error_code == "interrupted"
    assert polling.owe_due_polls(now=timezone.now()) == 1
    box.is_default = box.is_active = False
    box.save()
    MailboxPoll.objects.update(next_at=late)
    assert polling.owe_due_polls(now=timezone.now()) == 0


def test_time_is_shared_and_the_rest_comes_next(server: ImapServer, monkeypatch: pytest.MonkeyPatch) -> None:
    box = box_at(server)
    for number in range(4):
        server.put(letter(number))
    monkeypatch.setattr(polling, "BUSY_SECONDS", 0.0)
    poll = look(box)
    assert (poll.waiting, InboundMail.objects.count()) == (4, 0)
    assert poll.next_at <= timezone.now()
    monkeypatch.setattr(polling, "BUSY_SECONDS", 15.0)
    assert look(box).waiting == 0
    assert InboundMail.objects.count() == 4


def test_full_disk_blames_no_mail(server: ImapServer, mail_folder: Any) -> None:
    box = box_at(server)
    server.put(letter(1))
    mail_folder.parent.mkdir(parents=True, exist_ok=True)
    mail_folder.write_bytes(b"")  # where the folder should be
    assert look(box).error_code == "not_kept"
    assert PulledMail.objects.get().attempts == 0
    mail_folder.unlink()
    assert look(box).failures == 0
    assert InboundMail.objects.count() == 1


def outcome(box: Mailbox) -> str:
    return try_receiving(mailbox_id=box.pk, actor=SYSTEM, at=timezone.now()).code


def change(box: Mailbox, **changes: Any) -> None:
    from notifications.selectors.mailboxes import imap_account

    account = imap_account(Mailbox.objects.get(pk=box.pk))
    draft = MailboxDraft(
        "care@shop.example", name_zh="客服", is_default=True, imap=ImapAccount(**{**vars(account), **changes})
    )
    version = Mailbox.objects.get(pk=box.pk).version
    edit_mailbox(mailbox_id=box.pk, version=version, draft=draft, actor=SYSTEM, at=timezone.now())


def test_the_trial_says_what_is_wrong(server: ImapServer, settings: Any) -> None:
    box = box_at(server)
    server.put(letter(1))
    look_ = try_receiving(mailbox_id=box.pk, actor=SYSTEM, at=timezone.now())
    assert (look_.code, look_.mails, look_.folders) == ("", 1, ("INBOX", "已处理"))
    assert (InboundMail.objects.count(), server.flags(1)) == (0, set())
    change(box, password="wrong")
    assert outcome(box) == "login_refused"
    change(box, password=server.password, folder="没有这个")
    assert outcome(box) == "no_folder"
    change(box, folder="INBOX", after="move", move_to="nowhere")
    assert outcome(box) == "no_move_folder"
    change(box, after="seen", security="starttls")
    assert outcome(box) == "no_starttls"
    change(box, security="tls")
    assert outcome(box) == "tls"
    change(box, security="none", port=closed_port(), password=server.password)
    assert outcome(box) == "no_connection"
    change(box, port=server.port, password=server.password)
    server.needs_id, server.extensions = True, ()
    assert outcome(box) == "unsafe_login"
    server.extensions = ("ID",)
    assert outcome(box) == ""
    server.inject("CAPABILITY", "junk")
    assert outcome(box) in {"connection_lost", "no_connection"}
    server.selectable_only = True
    assert outcome(box) == "read_only"
    settings.OUTGOING_ALLOW = []
    assert outcome(box) == "forbidden_place"
    Mailbox.objects.update(imap_sealed=b"\x02zz" + b"0" * 60)
    assert outcome(box) == "key_missing"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file with a key and a certificate for this machine's address, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail.lan")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(7).not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(
            x509.KeyUsage(True, False, False, False, False, True, True, False, False), critical=True
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    place = tmp_path_factory.mktemp("tls") / "both.pem"
    plain = serialization.NoEncryption()
    place.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return place


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_encrypted_conversations(certificate: Path, settings: Any, security: str) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with imap_server(tls=context, is_tls_from_start=security == "tls") as server:
        box = box_at(server, security=security)
        assert outcome(box) == "certificate"
        assert server.count("LOGIN") == 0
        settings.MAIL_CA_FILE = str(certificate)
        assert outcome(box) == ""
        server.put(letter(1))
        assert look(box).failures == 0
        assert InboundMail.objects.count() == 1


def test_nothing_goes_in_the_clear_over_the_internet(server: ImapServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that leads inside when it is looked up first, and outside afterwards, gets no password either."""
    answers: list[str] = []

    def look_up(_host: str, port: int, *_args: Any, **_kwargs: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (answers.pop(0), port))]

    reached: list[tuple[str, int]] = []

    def connect(place: tuple[str, int], *_args: Any, **_kwargs: Any) -> socket.socket:
        reached.append(place)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    monkeypatch.setattr(socket, "create_connection", connect)
    for told, code in ((["8.8.8.8"], "no_tls"), (["127.0.0.1", "8.8.8.8"], "no_connection")):
        answers[:] = told
        with pytest.raises(client.ImapFault, match=code), client.signed_in(ImapAccount("x.example", security="none")):
            pass
    assert [host for host, _port in reached] == ["127.0.0.1"]


def test_more_mail_than_one_look_may_hold_is_taken_in_several_without_a_fault(
    server: ImapServer, settings: Any
) -> None:
    settings.INBOUND_MAX_BYTES = 40_000
    box = box_at(server)
    for number in range(9):
        server.put(letter(number) + b"x" * 30_000)
    kept = []
    for _look in range(9):
        poll = look(box)
        assert (poll.failures, poll.error_code) == (0, "")
        kept.append(InboundMail.objects.count())
        if kept[-1] == 9:
            break
    assert kept[-1] == 9
    assert kept == sorted(set(kept)), "each look takes some"


def test_a_server_that_says_nothing_is_left_in_time(server: ImapServer, monkeypatch: pytest.MonkeyPatch) -> None:
    box = box_at(server)
    monkeypatch.setattr(client, "TIMEOUT", 0.3)
    server.inject("CONNECT", "hang")
    begun = time.monotonic()
    assert outcome(box) in {"timeout", "no_connection"}
    assert time.monotonic() - begun < 5


def test_a_conversation_that_drags_on_is_cut_off(server: ImapServer) -> None:
    server.inject("SELECT", "hang")
    begun = time.monotonic()
    with pytest.raises(client.ImapFault), client.signed_in(account_at(server), seconds=0.4) as session:
        session.open_folder()
    assert time.monotonic() - begun < 5


def test_every_code_has_its_words() -> None:
    source = Path(client.__file__).read_text(encoding="utf-8")
    codes = set(re.findall(r'"([a-z]+(?:_[a-z]+)+|timeout|tls|certificate|busy|refused)"', source))
    codes -= {"no_connection"} - set(_RECEIVING)
    assert {code for code in codes if f'ImapFault("{code}"' in source} <= set(_RECEIVING)
    assert {"cannot_mark", "cannot_move", "not_kept", "interrupted", "no_move_folder", "key_missing"} <= set(_RECEIVING)


@pytest.mark.parametrize("name", ["INBOX", "已处理", "客服 & 售后", 'a"b\\c', "Größe/Über", "台北😀信箱"])
def test_folder_names_survive_the_wire(name: str) -> None:
    wire = encode_folder(name)
    assert wire.isascii()
    inner = wire[1:-1].replace(b'\\"', b'"').replace(b"\\\\", b"\\")
    assert decode_folder(inner) == name
    assert encode_folder("台北") == b'"&U,BTFw-"'  # RFC 3501's own example


def test_dates_of_arrival() -> None:
    assert client._time_in(b'INTERNALDATE " 1-Feb-2026 00:30:00 +0800"') == datetime(2026, 1, 31, 16, 30, tzinfo=UTC)
    assert client._time_in(b'INTERNALDATE "99-Xxx-2026 00:30:00 +0800"') is None


DIES = """
import os, sys, django
django.setup()
from django.utils import timezone
from notifications.services import polling

def die(*args, **facts):
    os._exit(9)

setattr(polling, sys.argv[2], die)
polling.poll_mailbox(mailbox_id=int(sys.argv[1]), at=timezone.now())
"""


@pytest.mark.faults
@pytest.mark.parametrize("step", ["finish_pull", "advance", "settle_taken"])
def test_a_killed_worker_doubles_and_loses_nothing(server: ImapServer, mail_folder: Path, step: str) -> None:
    box = box_at(server)
    uids = [server.put(letter(number)) for number in range(3)]
    env = environment(OUTGOING_ALLOW="127.0.0.1", MEDIA_ROOT=str(mail_folder.parent), PYTHONPATH=str(ROOT))
    for _ in range(2):
        command = [sys.executable, "-c", DIES, str(box.pk), step]
        done = subprocess.run(command, cwd=ROOT, env=env, check=False, capture_output=True)
        assert done.returncode == 9, done.stderr.decode()
    assert look(box).failures == 0
    assert InboundMail.objects.count() == 3
    assert [server.flags(uid) for uid in uids] == [{"\\Seen"}] * 3
