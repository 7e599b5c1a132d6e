"""Every odd mail of the corpus through a real door and the real jobs: each ends up where it must, once."""

from __future__ import annotations

import smtplib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from core.actors import SYSTEM
from core.jobs import drain
from notifications.addresses import reply_address, thread_id
from notifications.inbound.imap import ImapAccount
from notifications.models import Delivery, InboundMail, Mailbox, MailboxPoll, PulledMail
from notifications.selectors.inbound import find_target
from notifications.services import polling, receive_mail
from notifications.services.deliveries import loop_mark
from notifications.services.mailboxes import MailboxDraft, create_mailbox
from tests.factories.accounts import make_staff
from tests.factories.customers import make_customer
from tests.factories.notifications import make_mailbox
from tests.factories.tickets import make_reply, make_ticket
from tests.imap import ImapServer, imap_server
from tests.notifications.letters import CARE, HELP, SALE, Facts, Letter, letters
from tests.notifications.test_listener import listener
from tests.smtp import Sink
from tickets.models import Message, Ticket

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def facts(sink: Sink) -> Facts:
    """A ticket of a customer with an answer of ours that went out."""
    make_mailbox(CARE)
    make_mailbox(SALE)
    customer = make_customer(email="li@customer.example")
    ticket = make_ticket(
        customer=customer, contact_email="li@customer.example", channel="email", mail_id="asked@customer.example"
    )
    answer = make_reply(ticket, make_staff(), then_status="resolved")
    drain(seconds=10)
    delivery = Delivery.objects.get(pk=Message.objects.get(pk=answer.pk).delivery_id)
    assert delivery.state == "sent"
    assert thread_id(ticket.pk) in delivery.headers["References"]
    forged = reply_address(ticket.pk)
    forged = forged.replace(".", ".q" if forged.split(".")[1][0] != "q" else ".r", 1)
    return Facts(
        ticket.pk,
        "li@customer.example",
        delivery.message_id,
        "<asked@customer.example>",
        thread_id(ticket.pk),
        reply_address(ticket.pk),
        forged[:6] + forged[6:].replace(forged.split(".")[1][:2], forged.split(".")[1][0], 1),
        loop_mark(),
    )


@pytest.fixture
def help_box(settings: Any) -> Iterator[tuple[Mailbox, ImapServer]]:
    """A mailbox at a provider."""
    settings.OUTGOING_ALLOW = ["127.0.0.1"]
    with imap_server() as server:
        account = ImapAccount(
            server.host, port=server.port, username=server.user, password=server.password, security="none"
        )
        draft = MailboxDraft(HELP, name_zh="客服", imap=account)
        yield create_mailbox(draft=draft, actor=SYSTEM, at=timezone.now()), server


def hand_over(port: int, letter: Letter) -> str:
    """Bring a letter to the listener; "" when it took it, else what it said."""
    with smtplib.SMTP("127.0.0.1", port, timeout=60) as server:
        server.ehlo("there")
        server.mail(letter.sender)
        for address in letter.to:
            assert server.rcpt(address)[0] == 250, letter.name
        code, words = server.data(letter.raw)
        return "" if code == 250 else f"{code} {words!r}"


def fetch_all(box: Mailbox) -> None:
    """Look into the provider's folder until nothing waits."""
    for _ in range(20):
        polling.poll_mailbox(mailbox_id=box.pk, at=timezone.now())
        poll = MailboxPoll.objects.get()
        assert poll.failures == 0, poll.error_code
        if not poll.waiting:
            return
    raise AssertionError("mail waits for ever")


def outcome_of(row: InboundMail, facts: Facts) -> str:
    """Say where a mail ended up, as the corpus does."""
    if row.state == "applied":
        if row.kind == "bounce":
            return "applied:bounce"
        return "joined" if row.ticket_id == facts.ticket_id else "ticket"
    return f"{row.state}:{row.reason}"


def check_words(letter: Letter, row: InboundMail, message: Message) -> None:
    """Compare what an agent reads with what was written."""
    if letter.text:
        assert letter.text in message.text, (letter.name, message.text[:300])
    if letter.quoted:
        assert letter.quoted in message.quoted, (letter.name, message.text[:300])
        assert letter.quoted not in message.text, (letter.name, message.text[:300])
    if letter.files:
        names = list(message.attachments.order_by("pk").values_list("name", flat=True))
        assert tuple(names) == letter.files, letter.name
    if letter.subject and row.ticket_id:
        assert Ticket.objects.get(pk=row.ticket_id).subject == letter.subject[:200], letter.name


def test_corpus_is_as_wide_as_promised(facts: Facts) -> None:
    all_ = list(letters(facts))
    assert len(all_) >= 200
    assert len({one.structure for one in all_}) >= 40
    assert max(Counter(one.name for one in all_).values()) == 1


def test_a_sample_ends_up_where_it_must(facts: Facts) -> None:
    wanted = {
        "quote-qq", "w2", "name-2047-b", "stranger-forged-reference", "answer-signed-reference", "auto-subject-zh",
        "qq-free-form", "loop-mark", "no-from",
    }  # fmt: skip
    rows = {}
    for letter in letters(facts):
        if letter.name in wanted:
            targets = [target for address in letter.to if (target := find_target(address))]
            rows[letter.name], _new = receive_mail(
                raw=letter.raw, sender=letter.sender, targets=targets, peer="", at=timezone.now()
            )
            wanted.discard(letter.name)
            rows[letter.name].letter = letter
    assert not wanted
    drain(seconds=20)
    for row in rows.values():
        letter = row.letter
        row.refresh_from_db()
        assert outcome_of(row, facts) == letter.outcome, letter.name


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_the_whole_corpus_twice(facts: Facts, help_box: tuple[Mailbox, ImapServer], mail_folder: Path) -> None:
    box, server = help_box
    all_ = list(letters(facts))
    rows: dict[str, InboundMail] = {}
    with listener(mail_folder) as (_process, port):
        for letter in all_:
            if letter.door == "smtp":
                before = set(InboundMail.objects.values_list("pk", flat=True))
                assert hand_over(port, letter) == "", letter.name
                rows[letter.name] = InboundMail.objects.exclude(pk__in=before).get()
        uids = {server.put(letter.raw): letter.name for letter in all_ if letter.door == "imap"}
        fetch_all(box)
        for pulled in PulledMail.objects.select_related("inbound"):
            assert pulled.state == "kept", uids[pulled.uid]
            assert pulled.inbound is not None
            rows[uids[pulled.uid]] = pulled.inbound
        while drain(seconds=60):
            pass
        assert len(rows) == len(all_) == InboundMail.objects.count()
        wrong = {}
        for letter in all_:
            row = InboundMail.objects.get(pk=rows[letter.name].pk)
            if (got := outcome_of(row, facts)) != letter.outcome:
                wrong[letter.name] = (letter.outcome, got)
        assert wrong == {}
        assert not InboundMail.objects.filter(state="received").exists()
        for letter in all_:
            if letter.outcome in {"ticket", "joined"}:
                row = InboundMail.objects.get(pk=rows[letter.name].pk)
                check_words(letter, row, message_of(row))
        counts = (
            InboundMail.objects.count(),
            Ticket.objects.count(),
            Message.objects.count(),
            Delivery.objects.count(),
        )
        # all of it once more: the senders try again, the provider counts its folder anew
        for letter in all_:
            if letter.door == "smtp":
                assert hand_over(port, letter) == "", letter.name
        server.renumber()
        fetch_all(box)
        while drain(seconds=60):
            pass
    assert counts == (
        InboundMail.objects.count(), Ticket.objects.count(), Message.objects.count(), Delivery.objects.count(),
    )  # fmt: skip
    assert_nobody_was_bothered(all_, rows)


def message_of(row: InboundMail) -> Message:
    """Return the message a mail became."""
    from notifications.selectors import get_parsed_mail
    from tickets.services.outgoing import bare_id

    letter = bytes(row.letter_digest or b"").hex()
    own = bare_id(get_parsed_mail(row.pk).message_id)
    names = [own, f"{letter}@no-message-id"] if own else [f"{letter}@no-message-id"]
    other = Message.objects.filter(ticket_id=row.ticket_id, mail_id=f"{letter}@used-message-id").first()
    return other or Message.objects.get(ticket_id=row.ticket_id, mail_id__in=names)


def assert_nobody_was_bothered(all_: list[Letter], rows: dict[str, InboundMail]) -> None:
    """No machine got an automatic answer."""
    quiet = {"wants-no-answer", "newsletter"}
    tickets = [InboundMail.objects.get(pk=rows[one.name].pk).ticket_id for one in all_ if one.structure in quiet]
    assert len(tickets) == 3
    assert not Delivery.objects.filter(ticket_id__in=tickets).exists()
