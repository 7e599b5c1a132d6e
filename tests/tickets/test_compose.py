"""What agents write: marks made safe everywhere, colleagues mentioned, orders named, news shown before sending."""

from __future__ import annotations

import re
import threading
from email import message_from_bytes, policy
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Notification, Staff
from core.actors import Actor
from core.events import Code, record
from core.models import Event
from notifications.channels.email import compose
from notifications.models import Delivery
from orders.events import OrderStep
from tests.factories.accounts import make_staff, make_team
from tests.factories.desk import make_canned, make_desk_order, make_desk_ticket
from tests.factories.tickets import jpeg, make_reply, make_ticket
from tests.security.test_markup import faults_of
from tests.security.vectors import VECTORS
from tickets import services
from tickets.errors import SeenTooLittle
from tickets.models import Message, Ticket
from tickets.permissions import customer_url
from tickets.rich_text import as_html, as_text, has_marks
from tickets.selectors.mentions import mentioned_in
from tickets.selectors.snapshots import read_snapshot
from tickets.services.safety import Seen

pytestmark = pytest.mark.django_db
MARKED = [
    *VECTORS,
    *[f"**{vector}**" for vector in VECTORS],
    *[f"- {vector}\n- **b**" for vector in VECTORS],
    *[f"> {vector}" for vector in VECTORS],
    *[f"[{vector[:80]}](https://example.com/{vector[:40]})" for vector in VECTORS],
    "[x](javascript:window.__xss=1)", "[x](data:text/html,<script>window.__xss=1</script>)",
    '[x](https://a.example/"onmouseover="window.__xss=1)', "![x](https://evil.example/pixel.png)",
    '![" onerror="window.__xss=1](file:abcdefgh12)', "[a](https://x.example/)[b](javascript:window.__xss=1)",
    "**<img src=x onerror=window.__xss=1>**", "1. <svg onload=window.__xss=1>\n2. b", "[x](JaVaScRiPt:window.__xss=1)",
    "[x](vbscript:window.__xss=1)", "**bold\u202e**", "**a** <script>window.__xss=1</script>",
]  # fmt: skip


def current_snapshot() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_snapshot()::text")
        return str(cursor.fetchone()[0])


@pytest.mark.parametrize(
    ("source", "text", "html"),
    [
        ("您好，马上处理。", "您好，马上处理。", ""),
        ("5*3*2 = 30，a**b", "5*3*2 = 30，a**b", ""),
        ("请**今天**寄回", "请今天寄回", "<p>请<strong>今天</strong>寄回</p>"),
        ("- 发票\n- 照片", "- 发票\n- 照片", "<ul><li>发票</li><li>照片</li></ul>"),
        ("1. 拆\n2. 装", "1. 拆\n2. 装", "<ol><li>拆</li><li>装</li></ol>"),
        ("3. 明天", "3. 明天", ""),
        ("> 您写道", "> 您写道", "<blockquote>您写道</blockquote>"),
        ("看[这里](https://a.example/x)", "看这里 (https://a.example/x)",
         '<p>看<a href="https://a.example/x">这里</a></p>'),
        ("一\n二\n\n- 三", "一\n二\n\n- 三", "<p>一<br>二</p><ul><li>三</li></ul>"),
        ("![图](file:abcdefgh12)", "[图]", "<p></p>"),
    ],
)  # fmt: skip
def test_marks_read_as_text_and_as_html(source: str, text: str, html: str) -> None:
    assert (as_text(source), str(as_html(source))) == (text, html)
    assert has_marks(source) == bool(html)


def test_no_mark_lets_anything_in_stored_on_the_desk_at_the_customers_or_in_the_mail(client: Client) -> None:
    staff, ticket = make_staff(roles=["agent_senior"]), make_ticket(contact_email="lin@example.com")
    client.force_login(staff)
    for vector in MARKED:
        make_reply(ticket, staff, vector)
    for message in Message.objects.filter(ticket=ticket, author_type="staff"):
        assert faults_of(message.html) == []
        assert "onerror=" not in re.sub(r">[^<]*<", "><", f">{message.html}<")
    pages = [client.get(reverse("tickets:ticket", args=[ticket.pk])).content.decode()]
    pages += [Client().get(customer_url(ticket)).content.decode()]
    pages += [delivery.html for delivery in Delivery.objects.filter(template="tickets.reply")]
    assert [faults_of(page) for page in pages] == [[] for _page in pages]
    assert not any(re.search(r"<img[^>]*evil\.example", page) for page in pages)
    previews = [client.post(reverse("tickets:preview", args=[ticket.pk]), {"text": one}) for one in MARKED[::7]]
    assert [faults_of(one.content.decode()) for one in previews] == [[] for _one in previews]


def test_a_marked_answer_is_multipart_mail_with_right_plain_text(client: Client) -> None:
    staff, ticket = make_staff(), make_ticket(contact_email="lin@example.com")
    make_reply(ticket, staff, "请**今天**寄回：\n- 杯子\n- 盒子")
    delivery = Delivery.objects.get(template="tickets.reply")
    mail = message_from_bytes(compose(delivery, "lin@example.com"), policy=policy.default)
    plain, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert plain is not None
    assert html is not None
    assert "请今天寄回：\n- 杯子\n- 盒子" in plain.get_content().replace("\r\n", "\n")
    assert "<strong>今天</strong>" in html.get_content()
    assert "<li>杯子</li>" in html.get_content()


def test_a_picture_in_the_text_stands_there_on_the_desk_at_the_customers_and_in_the_mail(client: Client) -> None:
    staff, ticket = make_staff(roles=["agent_senior"]), make_ticket(contact_email="lin@example.com")
    file = services.store_attachment(
        file=jpeg(), name="shot.jpg", ticket_id=ticket.pk, uploaded_by=staff.pk, at=timezone.now()
    )
    message = make_reply(ticket, staff, f"看图：\n![截图](file:{file.key})")
    assert message.text == "看图：\n[截图]"
    client.force_login(staff)
    desk = client.get(reverse("tickets:ticket", args=[ticket.pk])).content.decode()
    assert f'src="{reverse("tickets:attachment", args=[file.key])}"' in desk
    assert "msg-files" not in desk
    public = Client().get(customer_url(ticket)).content.decode()
    assert f"/{file.key}/" in public
    delivery = Delivery.objects.get(template="tickets.reply")
    mail = message_from_bytes(compose(delivery, "lin@example.com"), policy=policy.default)
    related = [part for part in mail.walk() if part["Content-ID"]]
    assert [part["Content-ID"] for part in related] == [f"<{file.key}@inline>"]
    body = mail.get_body(("html",))
    assert body is not None
    assert f'src="cid:{file.key}@inline"' in body.get_content()


def test_another_persons_picture_does_not_come_along() -> None:
    staff, ticket = make_staff(), make_ticket()
    file = services.store_attachment(
        file=jpeg(), name="a.jpg", ticket_id=ticket.pk, uploaded_by=make_staff().pk, at=timezone.now()
    )
    message = make_reply(ticket, staff, f"**看** ![x](file:{file.key})")
    file.refresh_from_db()
    assert (file.message_id, "img" in message.html) == (None, False)


# mentions


@pytest.fixture
def people() -> dict[str, Any]:
    team = make_team("一组")
    me = make_staff(roles=["agent_senior"], teams=[team], display_name="王晓敏")
    return {
        "team": team,
        "me": me,
        "li": make_staff(roles=["agent"], teams=[team], display_name="李建国"),
        "lijian": make_staff(roles=["agent"], teams=[team], display_name="李建"),
        "far": make_staff(roles=["agent"], teams=[make_team("二组")], display_name="赵远"),
    }


def test_a_note_tells_whom_it_speaks_to_once_and_says_so(client: Client, people: dict[str, Any]) -> None:
    ticket, client_id = make_desk_ticket(team=people["team"]), str(uuid4())
    client.force_login(people["me"])
    for _time in range(2):
        values = {"kind": "note", "text": "@李建国 请看一下，＠赵远 也看", "client_id": client_id}
        client.post(reverse("tickets:reply", args=[ticket.pk]), values)
    assert Notification.objects.filter(kind="ticket.mentioned").values_list("staff_id", flat=True).get() == (
        people["li"].pk
    )
    event = Event.objects.get(kind="message.noted", ticket_id=ticket.pk)
    assert event.data["mentioned"] == [people["li"].pk]
    page = client.get(reverse("tickets:ticket", args=[ticket.pk])).content.decode()
    assert '<span class="mention">@李建国</span>' in page


def test_the_longest_name_counts_and_an_answer_mentions_nobody(client: Client, people: dict[str, Any]) -> None:
    ticket = make_desk_ticket(team=people["team"])
    assert mentioned_in(ticket, "@李建国好", set()) == [people["li"].pk]
    assert mentioned_in(ticket, "@李建 好", set()) == [people["lijian"].pk]
    assert mentioned_in(ticket, "a@b.com 没有人", set()) == []
    client.force_login(people["me"])
    client.post(reverse("tickets:reply", args=[ticket.pk]), {"text": "@李建国 您好", "client_id": str(uuid4())})
    assert not Notification.objects.filter(kind="ticket.mentioned").exists()


def test_of_two_with_one_name_the_chosen_one_is_told(people: dict[str, Any]) -> None:
    twin = make_staff(roles=["agent"], teams=[people["team"]], display_name="李建国")
    ticket = make_desk_ticket(team=people["team"])
    assert mentioned_in(ticket, "@李建国 看", {twin.pk}) == [twin.pk]
    assert mentioned_in(ticket, "@李建国 看", set()) == sorted([twin.pk, people["li"].pk])


def test_the_picker_offers_by_name_and_pinyin_only_who_sees_the_ticket(client: Client, people: dict[str, Any]) -> None:
    ticket = make_desk_ticket(team=people["team"])
    client.force_login(people["me"])
    url = reverse("tickets:colleagues", args=[ticket.pk])
    found = {query: client.get(f"{url}?q={query}").content.decode() for query in ("", "ljg", "赵")}
    assert ("李建国" in found[""], "王晓敏" in found[""], "赵远" in found[""]) == (True, False, False)
    assert ("李建国" in found["ljg"], "李建国" in found["赵"]) == (True, False)


def test_the_order_picker_offers_the_customers_and_connects(client: Client) -> None:
    staff = make_staff(roles=["agent_senior"])
    order = make_desk_order()
    ticket = make_desk_ticket(customer=order.customer, shop=order.shop)
    client.force_login(staff)
    found = client.get(reverse("tickets:orders_to_name", args=[ticket.pk])).content.decode()
    assert order.number in found
    assert "data-connect" in found
    client.post(reverse("tickets:order", args=[ticket.pk]), {"order": order.pk}, HTTP_HX_REQUEST="true")
    assert "data-connect" not in client.get(reverse("tickets:orders_to_name", args=[ticket.pk])).content.decode()


def test_canned_replies_name_what_is_not_known_and_are_found_by_folder(client: Client) -> None:
    client.force_login(make_staff(roles=["agent_senior"]))
    ticket, reply = make_desk_ticket(), make_canned("查物流", "单号 {tracking_number}")
    type(reply).objects.filter(pk=reply.pk).update(folder="物流")
    shown = client.get(reverse("tickets:canned", args=[ticket.pk]) + "?q=物流").content.decode()
    assert ("{tracking_number}" in shown, "text-warn" in shown, "icon" in shown) == (True, True, True)


# what happened meanwhile


def order_moves(order: Any, kind: str = "order.cancelled") -> None:
    with transaction.atomic():
        record(kind, subject=order, actor=Actor.SYSTEM, at=timezone.now(), data=OrderStep(before=Code("paid")))


def reply_seen(ticket: Ticket, staff: Staff, seen: Seen) -> Message:
    return services.reply_to_ticket(
        ticket_id=ticket.pk, text="好的", actor=Actor.staff(staff), at=timezone.now(), client_id=uuid4(), seen=seen
    )


@pytest.mark.django_db(transaction=True)
def test_a_move_of_the_order_is_shown_first_and_sent_knowing_it() -> None:
    staff, order = make_staff(), make_desk_order()
    ticket = make_desk_ticket(order=order, customer=order.customer)
    seen = Seen(ticket.version, current_snapshot())
    reply_seen(ticket, staff, seen)  # nothing happened
    ticket.refresh_from_db()
    order_moves(order)
    with pytest.raises(SeenTooLittle) as caught:
        reply_seen(ticket, staff, seen)
    assert [change["what"] for change in caught.value.changes] == ["order.cancelled"]
    now = Seen(caught.value.context["version"], caught.value.context["snapshot"])
    reply_seen(ticket, staff, now)
    order_moves(order, "order.completed")
    with pytest.raises(SeenTooLittle):
        reply_seen(ticket, staff, now)


@pytest.mark.django_db(transaction=True)
def test_an_event_begun_before_the_page_and_committed_after_it_is_shown() -> None:
    """Its id and its time are older than the page: only the snapshot tells."""
    staff, order = make_staff(), make_desk_order()
    ticket = make_desk_ticket(order=order, customer=order.customer)
    begun, read = threading.Event(), threading.Event()

    def slow() -> None:
        with transaction.atomic():
            order_moves(order)
            begun.set()
            read.wait(10)
        connection.close()

    thread = threading.Thread(target=slow)
    thread.start()
    begun.wait(10)
    seen = Seen(ticket.version, current_snapshot())
    read.set()
    thread.join()
    with pytest.raises(SeenTooLittle):
        reply_seen(ticket, staff, seen)


@pytest.mark.django_db(transaction=True)
def test_the_page_carries_what_it_shows_and_the_refusal_has_words(client: Client) -> None:
    staff, order = make_staff(roles=["agent_senior"]), make_desk_order()
    ticket = make_desk_ticket(order=order, customer=order.customer)
    client.force_login(staff)
    page = client.get(reverse("tickets:ticket", args=[ticket.pk])).content.decode()
    seen = re.search(r'name="seen" value="([^"]+)"', page)
    assert seen is not None
    order_moves(order)
    values = {"text": "好的", "client_id": str(uuid4()), "seen_version": ticket.version, "seen": seen[1]}
    url = reverse("tickets:reply", args=[ticket.pk])
    told = client.post(url, values, HTTP_ACCEPT="application/json")
    assert told.status_code == 409
    body = told.json()
    assert body["changes"][0]["words"]
    knowing = {"seen_version": body["context"]["version"], "seen": body["context"]["snapshot"]}
    assert client.post(url, {**values, **knowing}, HTTP_ACCEPT="application/json").status_code == 200


@pytest.mark.parametrize(
    "text", ["", "x", "1:0:", "0:1:", "5:9:3", "5:9:7,6", "5:9:7,,8", "1:2:3:4", "9" * 30 + ":1:", "5:9:9", "１:2:"]
)
def test_a_snapshot_that_is_none_is_nothing(text: str) -> None:
    assert read_snapshot(text) == ""


def test_a_real_snapshot_is_read_back() -> None:
    assert read_snapshot(current_snapshot()) == current_snapshot()
    assert read_snapshot("5:9:6,7") == "5:9:6,7"
