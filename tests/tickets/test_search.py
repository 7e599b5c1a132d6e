"""What a search finds: compared with reading every message, over filters, joined tickets, names and subjects."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest
from django.db import connection
from django.db.models import Max
from django.test import Client

from accounts.models import Staff
from orders.models import Carrier, Parcel
from tests.factories.accounts import make_staff, make_team
from tests.factories.desk import make_category, make_desk_order, make_desk_ticket, make_person, make_shop
from tickets.models import Message, Ticket
from tickets.selectors import search, search_words
from tickets.selectors.search import Found, count_tickets, search_tickets

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 10, 12, tzinfo=UTC)
SIGNS = "快递退款发票尺码掉色漏水换货安装屏幕充电保修"


@pytest.fixture
def boss() -> Staff:
    return make_staff(roles=["manager"])


@pytest.fixture
def talk() -> None:
    """120 tickets with 360 messages of random signs, their ids spread over many buckets of the index."""
    pick, number = Random(7), 0
    for _ticket in range(120):
        ticket = make_desk_ticket(text="。", subject="".join(pick.choices(SIGNS, k=4)), opened_at=NOW)
        rows = []
        for seq in range(2, 5):
            number += 1
            text = "".join(pick.choices(SIGNS, k=12))
            rows.append(
                Message(
                    pk=100_000 + number * 3001,
                    ticket=ticket,
                    seq=seq,
                    kind="note",
                    author_type="staff",
                    channel="form",
                    text=text,
                    at=NOW,
                )
            )
        Message.objects.bulk_create(rows)


def found_by(staff: Staff, text: str, limit: int = search.MOST) -> Found:
    return search_tickets(staff, text, now=NOW, limit=limit)


def ids_of(found: Found) -> list[int]:
    return [hit.row.id for hit in found.hits]


def read_all(word: str) -> list[int]:
    """Return the tickets whose messages hold the word, the newest such message first, by looking at every text."""
    newest: dict[int, int] = {}
    for pk, ticket, text, heading in Message.objects.values_list("pk", "ticket_id", "text", "heading"):
        if word in text or word in heading:
            newest[ticket] = max(pk, newest.get(ticket, 0))
    return sorted(newest, key=lambda ticket: newest[ticket], reverse=True)


@pytest.mark.parametrize("largest", [3, 12, 1500])  # with few at a time the buckets are walked to the end
def test_every_two_signs_are_found_wherever_they_stand(
    boss: Staff, talk: None, monkeypatch: pytest.MonkeyPatch, largest: int
) -> None:
    """Small steps, so that the newest, the buckets and what is older than those all have their part."""
    monkeypatch.setattr(search_words, "NEWEST", 20)
    monkeypatch.setattr(search_words, "BUCKETS", 3)
    monkeypatch.setattr(search_words, "LARGEST", largest)
    monkeypatch.setattr(search, "SMALLEST", min(largest, search.SMALLEST))
    pick = Random(11)
    words = {"".join(pick.choices(SIGNS, k=2)) for _ in range(60)}
    for word in words:
        wanted = read_all(word)
        assert ids_of(found_by(boss, word)) == wanted[: search.MOST], word
        assert ids_of(found_by(boss, word, limit=3)) == wanted[:3], word
        assert found_by(boss, word, limit=3).is_more == (len(wanted) > 3), word
        assert count_tickets(boss, word, now=NOW) == len(wanted), word
    assert sum(bool(read_all(word)) for word in words) > 40


def test_no_planner_looks_for_a_rare_word_along_the_primary_key(talk: None) -> None:
    """With four million messages that took eleven seconds."""
    statement = "EXPLAIN " + search_words.OLDER_ONES.format(fitting="SELECT id FROM tickets_ticket LIMIT 1")
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(statement, ["退款", 10**9, 100])
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "message_search" in plan
    assert "tickets_message_pkey" not in plan


def test_few_fitting_tickets_among_many_with_the_word_are_all_found(
    boss: Staff, talk: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "LOOKED_AT", 10)
    rare = list(Ticket.objects.order_by("pk").values_list("pk", flat=True)[::17])
    Ticket.objects.filter(pk__in=rare).update(tags=["稀少"])
    for word in ("退款", "快递", "发票"):
        wanted = [pk for pk in read_all(word) if pk in rare]
        assert ids_of(found_by(boss, f"{word} tag:稀少")) == wanted
        assert count_tickets(boss, f"tag:稀少 {word}", now=NOW) == len(wanted)
    assert ids_of(found_by(boss, "退款 -tag:稀少", limit=10)) == [pk for pk in read_all("退款") if pk not in rare][:10]


def test_filters_find_exactly_what_they_say(boss: Staff) -> None:
    team, shop, parent = make_team("售后组"), make_shop(name="北方 旗舰店"), make_category(name_zh="物流问题")
    below = make_category(parent=parent)
    person = make_person("欧阳娜")
    person.tier = "vip"
    person.save()
    order = make_desk_order(customer=person, shop=shop, number="QH777")
    carrier = Carrier.objects.get(code="shunfeng")
    Parcel.objects.create(order=order, carrier=carrier, tracking_number="SF777")
    ticket = make_desk_ticket(
        text="杯子裂了", customer=person, assignee=boss, team=team, shop=shop, category=below, order=order, priority=40,
        channel="email", tags=["急件"], opened_at=NOW - timedelta(days=2), last_message_by="customer",
        next_due_at=NOW - timedelta(hours=1), status="open",
    )  # fmt: skip
    other = make_desk_ticket(text="杯子裂了", subject="杯子", opened_at=NOW - timedelta(days=40), status="new")
    Ticket.objects.filter(pk=other.pk).update(last_message_by="staff", next_due_at=None)
    for text in (
        "status:open", "状态:处理中", "status：open,resolved", "-status:new", "assignee:me", "处理人:我",
        "assignee:" + boss.email, "team:售后组", '店铺:"北方 旗舰店"', "shop:" + shop.code,
        "category:物流问题", "carrier:sf", "快递:顺丰",
        "order:qh777", "tier:VIP", "priority:urgent", "优先级:紧急", "channel:邮件", "tag:急件", "is:unread",
        "is:overdue", "-is:unassigned", "has:order", "opened:7d", "opened:>2026-11-01", "opened:2026-11",
        "created:2026-11-01..2026-11-10", "-opened:<2026-11-01", "updated:2026-11-08",
    ):  # fmt: skip
        assert ids_of(found_by(boss, text)) == [ticket.pk], text
        assert ids_of(found_by(boss, f"裂了 {text}")) == [ticket.pk], text
        assert count_tickets(boss, text, now=NOW) == 1, text
    assert ids_of(found_by(boss, "status:unresolved 杯子")) == [other.pk, ticket.pk]
    assert ids_of(found_by(boss, "assignee:nobody,me 杯子")) == [other.pk, ticket.pk]


@pytest.mark.parametrize(
    "text",
    ["status:broken", "assignee:谁", "team:x", "shop:x", "category:x", "carrier:x", "opened:2026-13", "opened:下周",
     "is:red", "has:car", "priority:9", "tier:gold,x", "opened:0000-01", "opened:<0001-01", "opened:9999-12",
     "opened:>=9999-12-31", "opened:99999d..1"],
)  # fmt: skip
def test_what_does_not_exist_is_said_and_finds_nothing(boss: Staff, client: Client, text: str) -> None:
    make_desk_ticket(text="杯子")
    found = found_by(boss, f"杯子 {text}")
    assert (found.hits, found.query.words) == ([], "杯子")
    assert text.split(":")[1].split(",")[-1].split("..")[-1].lstrip("<>=") in str(found.query.parts[0].problem)
    client.force_login(boss)
    assert str(found.query.parts[0].problem) in client.get("/desk/search/", {"q": f"杯子 {text}"}).content.decode()


def test_an_unknown_key_is_a_word(boss: Staff) -> None:
    ticket = make_desk_ticket(text="请看 https://shop.example/a 时间 10:30")
    make_desk_ticket(text="别的")
    for text in ("https://shop.example", "时间 10:30", "10:30"):
        assert ids_of(found_by(boss, text)) == [ticket.pk], text


def test_words_of_a_joined_ticket_are_found_in_the_one_it_was_joined_to(boss: Staff) -> None:
    target, source = make_desk_ticket(text="甲"), make_desk_ticket(text="烘干机漏水", subject="烘干机")
    Ticket.objects.filter(pk=source.pk).update(merged_into=target, status="closed", resolved_at=NOW, closed_at=NOW)
    assert ids_of(found_by(boss, "烘干机")) == [target.pk]
    assert ids_of(found_by(boss, "漏水 status:new")) == [target.pk]
    assert search_words.tickets_with("漏水", Ticket.objects.filter(pk=target.pk), most=5) == {
        target.pk: Message.objects.filter(ticket=source).aggregate(pk=Max("pk"))["pk"]
    }


def test_customers_are_found_by_the_beginning_of_their_names(boss: Staff) -> None:
    one = make_desk_ticket(customer=make_person("欧阳娜"), text="您好")
    two = make_desk_ticket(customer=make_person("Anna Lee"), text="hello")
    mention = make_desk_ticket(customer=make_person("别人"), text="我是欧阳娜的朋友")
    assert ids_of(found_by(boss, "欧阳娜")) == [one.pk, mention.pk]
    assert ids_of(found_by(boss, "欧阳")) == [one.pk, mention.pk]
    assert ids_of(found_by(boss, "anna l")) == [two.pk]
    assert ids_of(found_by(boss, "100%")) == []


def test_spam_is_found_only_when_asked_for(boss: Staff) -> None:
    spam, plain = make_desk_ticket(text="中奖 杯子", is_spam=True), make_desk_ticket(text="杯子")
    assert ids_of(found_by(boss, "杯子")) == [plain.pk]
    assert ids_of(found_by(boss, "杯子 is:spam")) == [spam.pk]


def test_a_subject_is_found_as_it_is_now(boss: Staff) -> None:
    ticket = make_desk_ticket(subject="发票抬头", text="麻烦重开")
    assert ids_of(found_by(boss, "抬头")) == [ticket.pk]
    Ticket.objects.filter(pk=ticket.pk).update(subject="换货")
    assert ids_of(found_by(boss, "抬头")) == []
    hit = found_by(boss, "换货").hits[0]
    assert (hit.row.id, hit.subject) == (ticket.pk, "<mark>换货</mark>")
    assert Message.objects.get(ticket=ticket).heading == "换货"


def test_the_page_offers_filters_counts_and_marks_nothing_alive(client: Client, boss: Staff) -> None:
    for _number in range(22):
        make_desk_ticket(text="<b>杯子</b>", subject="<i>杯子")
    client.force_login(boss)
    page = client.get("/desk/search/", {"q": '杯子 status:new "'}).content.decode()
    assert "&lt;b&gt;<mark>杯子</mark>&lt;/b&gt;" in page
    assert "<i>" not in page
    assert page.count('<li id="row-') == 20
    assert "/desk/search/count/?q=" in page
    assert " 22 " in client.get("/desk/search/count/", {"q": "杯子"}).content.decode()
    assert client.get("/desk/search/count/", {"q": "\x00 ：: -:"}).status_code == 200


def test_a_search_takes_the_same_few_statements_however_much_is_found(
    boss: Staff, talk: None, django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(6):
        found_by(boss, "退款", limit=search.FIRST)
    with django_assert_max_num_queries(8):
        found_by(boss, "稀罕物件", limit=search.FIRST)


def test_a_word_that_finds_longer_ones_finds_all_of_them_in_the_order_of_their_messages(
    boss: Staff, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over many buckets and in small steps, as `refund` also finds `refunds` and `refunding`, and not `prefund`."""
    monkeypatch.setattr(search_words, "NEWEST", 5)
    monkeypatch.setattr(search_words, "BUCKETS", 2)
    monkeypatch.setattr(search_words, "LARGEST", 7)
    monkeypatch.setattr(search, "SMALLEST_OPEN", 2)
    pick, rows = Random(5), []
    ticket = [make_desk_ticket(text="。", opened_at=NOW).pk for _number in range(40)]
    for number in range(120):
        word = pick.choice(["refund", "Refunds", "refunding", "prefund", "fund", "退款"])
        rows.append(
            Message(
                pk=100_000 + number * 5003,
                ticket_id=ticket[number % 40],
                seq=10 + number,
                kind="note",
                author_type="staff",
                channel="form",
                text=f"about the {word} of today",
                at=NOW,
            )
        )
    Message.objects.bulk_create(rows)
    newest = {row.ticket_id: row.pk for row in rows if " refund" in row.text.lower()}
    wanted = sorted(newest, key=lambda pk: newest[pk], reverse=True)
    assert 20 < len(wanted) < 40
    assert ids_of(found_by(boss, "refund")) == wanted
    assert ids_of(found_by(boss, "refund", limit=6)) == wanted[:6]
    assert count_tickets(boss, "refund", now=NOW) == len(wanted)
