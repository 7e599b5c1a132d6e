import pytest
from django.test import Client
from django.utils import timezone

from accounts import notice_words, selectors, services
from accounts.models import Notification
from accounts.notice_words import NoticeWords
from tests.factories.accounts import make_notice, make_staff

pytestmark = pytest.mark.django_db


def test_bell_counts_and_list_reads(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notice_words, "WORDINGS", {})
    notice_words.register_notice("ticket.assigned", lambda p: NoticeWords("inbox", f"Ticket {p['ticket_id']} is yours"))
    staff = make_staff()
    client.force_login(staff)
    services.notify(
        staff_id=staff.pk, kind="ticket.assigned", params={"ticket_id": 12}, url="/desk/?t=12", at=timezone.now()
    )
    make_notice(staff, kind="never.worded")
    make_notice(make_staff())
    page = client.get("/accounts/notifications/")
    html = page.content.decode()
    assert "Ticket 12 is yours" in html
    assert page.context["unread"] == 2
    bell = client.get("/accounts/notifications/count/", headers={"HX-Request": "true"}).content.decode()
    assert ">2<" in bell
    assert f'data-live="staff.{staff.pk}"' in bell
    fragment = client.get("/accounts/notifications/", headers={"HX-Request": "true"})
    assert b"<html" not in fragment.content


def test_opening_marks_as_read_and_goes_there(client: Client) -> None:
    staff = make_staff()
    client.force_login(staff)
    mine, evil, foreign = (
        make_notice(staff, url="/desk/?t=1"),
        make_notice(staff, url="//evil.example"),
        make_notice(make_staff(), url="/x/"),
    )
    assert client.post(f"/accounts/notifications/{mine.pk}/open/")["Location"] == "/desk/?t=1"
    assert client.post(f"/accounts/notifications/{evil.pk}/open/")["Location"] == "/accounts/notifications/"
    assert client.post(f"/accounts/notifications/{foreign.pk}/open/")["Location"] == "/accounts/notifications/"
    assert Notification.objects.get(pk=foreign.pk).read_at is None
    assert selectors.count_unread(staff.pk) == 0


def test_mark_all_spares_what_came_later(client: Client) -> None:
    staff = make_staff()
    client.force_login(staff)
    seen, later = make_notice(staff), make_notice(staff)
    client.post("/accounts/notifications/read/", {"up_to": seen.pk})
    assert [n.read_at is not None for n in Notification.objects.order_by("pk")] == [True, False]
    for odd in ("", "x", "9" * 30, "-1"):
        assert client.post("/accounts/notifications/read/", {"up_to": odd}).status_code == 302
    assert later.pk


def test_preferences_keep_the_last_word() -> None:
    staff = make_staff()
    for value in ({"list": 300}, {"list": 420}):
        services.save_preference(staff_id=staff.pk, key="desk.panes", value=value)
    assert selectors.get_preference(staff.pk, "desk.panes") == {"list": 420}
    assert selectors.get_preference(staff.pk, "none", default=5) == 5
