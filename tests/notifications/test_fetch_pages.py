"""The pages of a mailbox whose mail is fetched: set up, tried out, watched; the received mails and what can be done."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.html import escape

from notifications.models import InboundMail, Mailbox, MailboxPoll
from notifications.selectors.mailboxes import imap_account
from notifications.services import polling
from notifications.wordings import words_for_receiving
from tests.factories.accounts import make_staff, make_team
from tests.factories.notifications import mail_bytes, make_mailbox
from tests.imap import imap_server
from tests.notifications.test_pages import mailbox_values

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def staff(client: Client) -> Client:
    client.force_login(make_staff(roles=["manager"]))
    return client


def fetched(**changes: Any) -> dict[str, Any]:
    values = {
        "receives": "fetched", "imap_host": "127.0.0.1", "imap_port": "993", "imap_security": "none",
        "imap_username": "care@shop.example", "imap_password": "app-code", "imap_folder": "INBOX", "imap_after": "seen",
        "imap_move_to": "", "imap_seconds": "60",
    }  # fmt: skip
    return mailbox_values(**{**values, **changes})


def said(code: str) -> str:
    """Return the words for a code, as the page has them."""
    with translation.override("zh-hans"):
        return str(escape(words_for_receiving(code)))


def test_set_up_tried_out_and_watched(staff: Client, settings: Any) -> None:
    settings.OUTGOING_ALLOW = ["127.0.0.1"]
    with imap_server() as server:
        answer = staff.post(reverse("notifications:mailbox_new"), fetched(imap_port=str(server.port)))
        box = Mailbox.objects.get()
        url = reverse("notifications:mailbox", args=[box.pk])
        assert answer["Location"] == url
        assert b"app-code" not in bytes(box.imap_sealed)
        page = staff.get(url).content.decode()
        assert "app-code" not in page
        assert 'value="care@shop.example"' in page
        look = reverse("notifications:mailbox_look", args=[box.pk])
        good = staff.post(look, headers={"HX-Request": "true"}).content.decode()
        assert "alert-good" in good
        assert "<html" not in good
        server.password = "changed"
        bad = staff.post(look).content.decode()
        assert "login_refused" in bad
        assert "alert-bad" in bad
        polling.poll_mailbox(mailbox_id=box.pk, at=timezone.now())
        assert said("login_refused") in staff.get(reverse("notifications:mailboxes")).content.decode()
        kept = fetched(imap_port=str(server.port), imap_password="", version=1, is_default="on", imap_seconds="300")
        assert staff.post(url, kept).status_code == 302
        box.refresh_from_db()
        account = imap_account(box)
        assert account is not None
        assert (account.password, box.imap_seconds) == ("app-code", 300)
        assert MailboxPoll.objects.get().failures == 0


def test_the_kept_password_goes_nowhere_else(staff: Client) -> None:
    staff.post(reverse("notifications:mailbox_new"), fetched())
    box = Mailbox.objects.get()
    url = reverse("notifications:mailbox", args=[box.pk])
    moved = fetched(imap_host="evil.example", imap_password="", version=1, is_default="on")
    assert staff.post(url, moved).status_code == 422
    assert staff.post(url, fetched(imap_after="move", version=1, is_default="on")).status_code == 422
    assert staff.post(url, fetched(imap_username="", version=1, is_default="on")).status_code == 422
    assert staff.post(url, fetched(imap_folder="a\r\nb", version=1, is_default="on")).status_code == 422
    assert staff.post(url, mailbox_values(version=1, is_default="on")).status_code == 302
    assert not MailboxPoll.objects.exists()
    box.refresh_from_db()
    assert bytes(box.imap_sealed) == b""


def test_strangers_and_other_shops_try_nothing_out(client: Client) -> None:
    box = make_mailbox(shop_id=8)
    url = reverse("notifications:mailbox_look", args=[box.pk])
    client.force_login(make_staff(roles=["agent"]))
    assert client.post(url).status_code == 403
    client.force_login(make_staff(roles=["supervisor"], teams=[make_team(shop_ids=[7])]))
    assert client.post(url).status_code == 404
    assert client.get(url).status_code == 405


def test_received_mails_are_filtered_and_a_refused_one_is_fetched_again(staff: Client, settings: Any) -> None:
    settings.OUTGOING_ALLOW = ["127.0.0.1"]
    with imap_server() as server:
        staff.post(reverse("notifications:mailbox_new"), fetched(imap_port=str(server.port)))
        box = Mailbox.objects.get()
        server.put(mail_bytes(sender="a@customer.example"))
        server.put(mail_bytes(sender="b@customer.example", subject="自动回复"))
        server.inject("UID FETCH BODY", "no", "", "no", "no")
        for _ in range(4):
            polling.poll_mailbox(mailbox_id=box.pk, at=timezone.now())
        listed = reverse("notifications:inbound")
        odd, auto = InboundMail.objects.get(kind="odd"), InboundMail.objects.get(kind="auto")
        links = [reverse("notifications:inbound_mail", args=[row.pk]) for row in (odd, auto)]
        by_kind = staff.get(listed, {"kind": "auto", "state": "ignored"}).content.decode()
        assert [link in by_kind for link in links] == [False, True]
        page = staff.get(links[0]).content.decode()
        assert 'value="fetch"' in page
        assert staff.post(f"{links[0]}decide/", {"action": "fetch"}).status_code == 302
        odd.refresh_from_db()
        assert (odd.state, odd.reason) == ("ignored", "fetched_again")
        polling.poll_mailbox(mailbox_id=box.pk, at=timezone.now())
        assert InboundMail.objects.filter(kind="message").count() == 1
        assert staff.post(f"{links[0]}decide/", {"action": "fetch"}).status_code == 302
