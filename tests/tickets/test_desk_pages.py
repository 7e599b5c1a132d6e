"""The desk over HTTP: pages and parts, doors, bounded statements, what is shown to whom."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import Staff
from tests.factories.accounts import make_staff, make_team
from tests.factories.desk import add_message, make_canned, make_desk_order, make_desk_ticket, make_person, make_tickets
from tickets.models import Draft, Message, Ticket, TicketRead
from tickets.selectors.views import count_views

pytestmark = pytest.mark.django_db
HTMX = {"HTTP_HX_REQUEST": "true"}


@pytest.fixture
def agent() -> Staff:
    return make_staff(roles=["agent_senior"], display_name="王晓敏")


@pytest.fixture
def desk(agent: Staff) -> Client:
    client = Client()
    client.force_login(agent)
    return client


def ticket_url(ticket: Ticket, name: str = "ticket") -> str:
    return reverse(f"tickets:{name}", args=[ticket.pk])


def statements(client: Client, url: str, **headers: Any) -> int:
    with CaptureQueriesContext(connection) as seen:
        assert client.get(url, **headers).status_code == 200
    return len(seen)


def test_inbox_needs_the_same_few_statements_for_1_and_3_and_50_rows(desk: Client, agent: Staff) -> None:
    make_tickets(1, assignee=agent)
    desk.get("/desk/")
    one = statements(desk, "/desk/?view=mine")
    make_tickets(2, assignee=agent)
    three = statements(desk, "/desk/?view=mine")
    make_tickets(50, assignee=agent)
    assert (one, three, statements(desk, "/desk/?view=mine")) == (one, one, one)
    assert one <= 12


def test_ticket_page_needs_the_same_few_statements_for_1_and_50_messages(desk: Client, agent: Staff) -> None:
    ticket = make_desk_ticket(assignee=agent)
    add_message(ticket, "已经在查了", author=agent)
    desk.get(ticket_url(ticket))
    few = statements(desk, ticket_url(ticket))
    for number in range(50):
        add_message(ticket, f"第 {number} 条", author=agent if number % 2 else None)
    desk.get(ticket_url(ticket))
    assert statements(desk, ticket_url(ticket)) == few
    assert few <= 12


def test_ticket_fragment_carries_conversation_and_context_only(desk: Client) -> None:
    ticket = make_desk_ticket()
    answer = desk.get(ticket_url(ticket), **HTMX, HTTP_HX_TARGET="conversation").content.decode()
    assert 'id="conversation"' in answer
    assert 'id="context"' in answer
    assert "<html" not in answer
    assert 'id="views"' not in answer


def test_opening_a_ticket_marks_it_read_and_never_back(desk: Client, agent: Staff) -> None:
    ticket = make_desk_ticket()
    add_message(ticket, "还有一件事")
    desk.get(ticket_url(ticket))
    assert TicketRead.objects.get(ticket=ticket, staff=agent).seq == 2


def test_unread_row_is_marked_until_opened(desk: Client) -> None:
    ticket = make_desk_ticket()
    before = desk.get("/desk/?view=unassigned").content.decode()
    desk.get(ticket_url(ticket))
    after = desk.get("/desk/?view=unassigned").content.decode()
    assert (before.count("is-unread"), after.count("is-unread")) == (1, 0)


def test_list_turns_pages_by_keyset_without_gap_or_repetition(desk: Client, agent: Staff) -> None:
    same = timezone.now() - timedelta(minutes=5)
    made = [make_desk_ticket(assignee=agent, opened_at=same).pk for _ in range(120)]
    url, seen = "/desk/?view=mine", []
    for _page in range(4):
        response = desk.get(url)
        html = response.content.decode()
        seen += [int(part.split('"')[0]) for part in html.split('<li id="row-')[1:]]
        url = response.context["next_url"]
        if not url:
            break
    assert seen == sorted(made, reverse=True)


def test_counts_follow_the_views(agent: Staff) -> None:
    now = timezone.now()
    make_desk_ticket(assignee=agent)
    make_desk_ticket()
    make_desk_ticket(is_spam=True)
    make_desk_ticket(first_response_due_at=now - timedelta(minutes=1))
    make_desk_ticket(first_response_due_at=now + timedelta(minutes=20))
    make_desk_ticket(status="waiting_customer", waiting_since=now, first_response_at=now)
    make_desk_ticket(status="resolved", resolved_at=now)
    counts = {view.key: view.count for view in count_views(agent, now=now).views}
    assert counts == {
        "mine": 1, "mentions": 0, "watched": 0, "unassigned": 4, "open": 5, "risk": 1, "overdue": 1, "waiting": 1,
        "resolved": 1, "spam": 1,
    }  # fmt: skip


def test_counts_are_one_statement_and_stop_past_999(agent: Staff) -> None:
    ticket = make_desk_ticket()
    values = {
        field.attname: getattr(ticket, field.attname) for field in Ticket._meta.concrete_fields if field.attname != "id"
    }
    Ticket.objects.bulk_create([Ticket(**values) for _ in range(1100)])
    agent.refresh_from_db()
    list(agent.teams.all())
    with CaptureQueriesContext(connection) as seen:
        views = count_views(agent, now=timezone.now())
    assert len(seen) == 2  # the person's teams, the counts
    assert views.find("open").count_words == "999+"  # type: ignore[union-attr]


def test_tickets_of_other_teams_are_not_there(desk: Client) -> None:
    other = make_desk_ticket(team=make_team("别的组"))
    for name in ("ticket", "head", "stream", "here", "canned"):
        assert desk.get(ticket_url(other, name)).status_code == 404
    for name in ("reply", "draft", "resolve", "spam", "priority"):
        assert desk.post(ticket_url(other, name), {"text": "x"}).status_code == 404
    assert f"row-{other.pk}" not in desk.get("/desk/?view=open").content.decode()


@pytest.mark.parametrize("name", ["desk", "list", "views", "search", "palette", "settings_canned"])
def test_strangers_are_sent_to_sign_in(client: Client, name: str) -> None:
    response = client.get(reverse(f"tickets:{name}"))
    assert response.status_code == 302
    assert response["Location"].startswith("/accounts/login/")


def test_analyst_reads_but_cannot_answer() -> None:
    client = Client()
    client.force_login(make_staff(roles=["analyst"]))
    ticket = make_desk_ticket()
    page = client.get(ticket_url(ticket)).content.decode()
    assert 'id="composer"' not in page
    assert client.post(ticket_url(ticket, "reply"), {"text": "您好"}).status_code == 403
    assert client.post(ticket_url(ticket, "resolve")).status_code == 403


def test_reply_twice_with_one_client_id_is_one_message(desk: Client) -> None:
    ticket, client_id = make_desk_ticket(), str(uuid4())
    for _time in range(2):
        response = desk.post(
            ticket_url(ticket, "reply"), {"text": "马上查", "client_id": client_id}, HTTP_ACCEPT="application/json"
        )
        assert response.json()["ok"] is True
    assert Message.objects.filter(ticket=ticket, author_type="staff").count() == 1


def test_plain_form_replies_and_resolves(desk: Client, agent: Staff) -> None:
    ticket = make_desk_ticket()
    response = desk.post(
        ticket_url(ticket, "reply") + "?view=mine", {"text": "已补发", "then": "resolved", "client_id": str(uuid4())}
    )
    assert response["Location"] == f"{ticket_url(ticket)}?view=mine"
    ticket.refresh_from_db()
    assert (ticket.status, ticket.assignee_id) == ("resolved", agent.pk)


def test_empty_reply_is_422_and_keeps_the_page(desk: Client) -> None:
    ticket = make_desk_ticket()
    response = desk.post(ticket_url(ticket, "reply"), {"text": "   "})
    assert response.status_code == 422
    assert 'id="composer"' in response.content.decode()


def test_stale_reply_says_what_happened_and_keeps_the_text(desk: Client) -> None:
    from core.actors import Actor
    from tickets import services

    ticket, colleague = make_desk_ticket(), make_staff(display_name="李建国")
    seen = ticket.version
    services.reply_to_ticket(
        ticket_id=ticket.pk, text="我先回了", actor=Actor.staff(colleague), at=timezone.now(), client_id=uuid4()
    )
    values = {"text": "我也来回", "seen_version": seen, "client_id": str(uuid4())}
    told = desk.post(ticket_url(ticket, "reply"), values, HTTP_ACCEPT="application/json")
    assert told.status_code == 409
    assert any("李建国" in change["words"] for change in told.json()["changes"])
    page = desk.post(ticket_url(ticket, "reply"), values)
    assert page.status_code == 409
    assert "我也来回" in page.content.decode()
    assert (
        desk.post(ticket_url(ticket, "reply"), {**values, "anyway": "1"}, HTTP_ACCEPT="application/json").status_code
        == 200
    )


def test_draft_is_kept_restored_and_let_go(desk: Client, agent: Staff) -> None:
    ticket = make_desk_ticket()
    desk.post(ticket_url(ticket, "draft"), {"text": "写到一半", "kind": "note"})
    page = desk.get(ticket_url(ticket)).content.decode()
    assert "写到一半" in page
    assert "composer is-note" in page
    desk.post(ticket_url(ticket, "draft"), {"text": "", "kind": "note"})
    assert not Draft.objects.filter(ticket=ticket, staff=agent).exists()


def test_stream_gives_only_what_is_new(desk: Client) -> None:
    ticket = make_desk_ticket(text="第一条")
    add_message(ticket, "第二条")
    fresh = desk.get(ticket_url(ticket, "stream"), {"after": 1, "event": 0}, **HTMX).content.decode()
    assert ("第一条" in fresh, "第二条" in fresh) == (False, True)
    assert desk.get(ticket_url(ticket, "stream"), {"after": 2, "event": 2**62}, **HTMX).status_code == 204


def test_long_conversation_shows_the_last_50_and_leads_further_back(desk: Client, agent: Staff) -> None:
    ticket = make_desk_ticket(text="最早的一条")
    for number in range(60):
        add_message(ticket, f"第 {number} 条", author=agent)
    page = desk.get(ticket_url(ticket)).content.decode()
    assert page.count('<article class="msg') == 50
    assert "最早的一条" not in page
    earlier = desk.get(ticket_url(ticket, "stream"), {"before": 12}, **HTMX).content.decode()
    assert "最早的一条" in earlier


def test_mail_markup_is_harmless(desk: Client) -> None:
    ticket = make_desk_ticket()
    evil = (
        '<p onclick="x()">好<img src="https://spy.example/p.gif"><script>alert(1)</script>'
        '<a href="javascript:x()">y</a></p>'
    )
    add_message(ticket, "", html=evil)
    page = desk.get(ticket_url(ticket)).content.decode()
    for trace in ("onclick", "spy.example", "alert(1)", "javascript:x"):
        assert trace not in page


def test_text_is_escaped_and_addresses_become_links(desk: Client) -> None:
    ticket = make_desk_ticket(text='<b>粗</b> https://kuaidi.example/?a=1&b="2')
    page = desk.get(ticket_url(ticket)).content.decode()
    assert "&lt;b&gt;粗&lt;/b&gt;" in page
    assert 'href="https://kuaidi.example/?a=1&amp;b=' in page


def test_canned_variables_are_filled_and_unknown_ones_left(desk: Client, agent: Staff) -> None:
    person = make_person("张伟")
    ticket = make_desk_ticket(customer=person, order=make_desk_order(customer=person, number="QH-77"))
    make_canned(
        "查件",
        "{customer_name}您好，{order_number}，{tracking_number}，{__class__}，{0}，{agent_name}",
        shortcut="zzcj",
    )
    page = desk.get(ticket_url(ticket, "canned"), {"q": "zzcj"}, **HTMX).content.decode()
    assert "张伟您好，QH-77，{tracking_number}，{__class__}，{0}，王晓敏" in page


def test_take_assign_and_undo(desk: Client, agent: Staff) -> None:
    ticket, colleague = make_desk_ticket(), make_staff(display_name="李建国")
    response = desk.post(ticket_url(ticket, "assign"), {"assignee": "me", "was": ""}, **HTMX)
    ticket.refresh_from_db()
    assert (response.status_code, ticket.assignee_id) == (200, agent.pk)
    response = desk.post(ticket_url(ticket, "assign"), {"assignee": str(colleague.pk), "was": str(agent.pk)}, **HTMX)
    import json

    undo = json.loads(response["HX-Trigger"])["toast"]["undo"]["url"]
    desk.post(undo, **HTMX)
    ticket.refresh_from_db()
    assert ticket.assignee_id == agent.pk


def test_take_of_a_ticket_taken_meanwhile_is_refused(desk: Client) -> None:
    colleague = make_staff()
    ticket = make_desk_ticket(assignee=colleague)
    assert desk.post(ticket_url(ticket, "assign"), {"assignee": "me", "was": ""}, **HTMX).status_code == 409


def test_bulk_takes_and_resolves_what_it_may(desk: Client, agent: Staff) -> None:
    mine = make_tickets(3)
    foreign = make_desk_ticket(team=make_team("远方"))
    ids = [ticket.pk for ticket in [*mine, foreign]]
    desk.post("/desk/bulk/", {"ids": ids, "do": "take"}, **HTMX)
    desk.post("/desk/bulk/", {"ids": ids, "do": "resolve"}, **HTMX)
    states = dict(Ticket.objects.values_list("pk", "status"))
    assert [states[ticket.pk] for ticket in mine] == ["resolved"] * 3
    assert states[foreign.pk] == "new"


def test_resolving_goes_on_to_the_next_when_liked(desk: Client, agent: Staff) -> None:
    older, newer = make_tickets(2, assignee=agent)
    desk.post("/desk/after-resolve/", {"then": "next"})
    response = desk.post(ticket_url(newer, "resolve") + "?view=mine")
    assert response["Location"] == f"{ticket_url(older)}?view=mine"


def test_search_finds_numbers_phones_and_words(desk: Client) -> None:
    person = make_person("赵敏")
    ticket = make_desk_ticket(
        customer=person, order=make_desk_order(customer=person, number="QH20269999"), text="沙发脚裂了 the left leg"
    )
    make_desk_ticket(text="发票抬头")
    for query in (str(ticket.number), f"#{ticket.number}", "QH20269999", "qh20269999", "沙发", "裂了", "left leg"):
        page = desk.get("/desk/search/", {"q": query}).content.decode()
        assert page.count('<li id="row-') == 1, query
        assert f"row-{ticket.pk}" in page
    assert "<mark>沙发</mark>" in desk.get("/desk/search/", {"q": "沙发"}).content.decode()


def test_search_and_palette_show_nothing_of_other_teams(desk: Client) -> None:
    make_desk_ticket(team=make_team("他组"), text="机密沙发", subject="机密")
    assert "机密" not in desk.get("/desk/search/", {"q": "机密沙发"}).content.decode().replace(
        'value="机密沙发"', ""
    ).replace("<title>机密沙发", "")
    assert "机密" not in desk.get("/desk/palette/", {"q": "机密"}).content.decode()


def test_search_needs_the_same_statements_for_1_and_3_hits(desk: Client) -> None:
    make_desk_ticket(text="独一无二")
    desk.get("/desk/search/", {"q": "独一无二"})
    one = statements(desk, "/desk/search/?q=独一无二")
    make_desk_ticket(text="独一无二")
    make_desk_ticket(text="独一无二")
    assert statements(desk, "/desk/search/?q=独一无二") == one
    assert one <= 12


def test_palette_finds_commands_by_pinyin_initials(desk: Client) -> None:
    page = desk.get("/desk/palette/", {"q": "kjhf"}).content.decode()
    assert reverse("tickets:settings_canned") in page


def test_panel_that_breaks_leaves_the_conversation(desk: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    from core import registry

    broken = registry.Panel("context", "ticket", "broken", "坏的", "tickets:attachment", 0)
    monkeypatch.setitem(registry.PANELS, ("context", "ticket", "broken"), broken)
    page = desk.get(ticket_url(make_desk_ticket()))
    assert page.status_code == 200
    assert 'id="composer"' in page.content.decode()


def test_search_finds_words_of_the_subject(desk: Client) -> None:
    ticket = make_desk_ticket(subject="发票抬头开错了", text="麻烦重开")
    make_desk_ticket(subject="物流")
    page = desk.get("/desk/search/", {"q": "抬头"}).content.decode()
    assert page.count('<li id="row-') == 1
    assert f"row-{ticket.pk}" in page
