"""The story of an order as one stream: every kind told or silent, parts, pages, doors, days, folded scans."""

from __future__ import annotations

import dataclasses
import re
import types
import typing
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core.actors import SYSTEM, Actor
from core.events import Fact, kinds, record_many
from core.models import Event
from core.registry import STORIES
from core.stories import SILENT, Part, kinds_told, part_of, render_whole_story
from orders.events import OrderChanged
from orders.selectors.story import PAGE, Place, read_place, read_stream
from orders.services import ScanData, add_scans
from tests.factories.accounts import make_staff, make_team
from tests.factories.orders import AT, make_order, make_parcel
from tests.factories.tickets import make_ticket
from tickets.services.conversation import add_note

pytestmark = pytest.mark.django_db

NAMES_NO_ORDER = (
    "api_key.", "archive.", "calendar.", "carrier.", "carrier_account.", "channel_account.", "contingency_plan.",
    "customer.", "follow_up_plan.", "import.", "incident.", "incident_update.", "mail.", "mailbox.",
    "message_template.", "migration.", "notice_policy.", "notice_rules.", "phone_line.", "promise_rule.",
    "provider_template.", "push.", "quality_terms.", "rubric.", "rule.", "sampling_plan.", "screen_rule.",
    "shop.", "shop_connection.",
    "staff.", "staff_invitation.", "standard.", "suppression.", "survey_form.", "target.", "team.", "team_routing.",
    "text.", "webhook.",
)  # fmt: skip
"""Kinds whose subjects belong to no order: the house itself, its settings, people."""

CODES: dict[str, dict[str, Any]] = {
    "exception.opened": {"kind": "stalled"},
    "exception.taken": {"kind": "stalled"},
    "exception.handed_over": {"kind": "stalled"},
    "exception.closed": {"kind": "stalled", "why": "moved"},
    "order.compensation_proposed": {"compensation": "coupon"},
    "order_request.": {"kind": "hold"},
    "promise.": {"kind": "call_back"},
    "ticket.changed": {"fields": ["priority"]},
    "delivery.": {"channel": "email", "template": "", "purpose": "notice"},
    "notice.": {"channel": "email", "template": ""},
}


def sample(name: str) -> Event:
    """Return an event of a kind that was never saved, with a payload of the declared shape."""
    hints = typing.get_type_hints(kinds.get_kind(name).payload)
    data = {field: value(hint) for field, hint in hints.items()}
    for prefix, codes in CODES.items():
        if name.startswith(prefix):
            data |= codes
    return Event(
        pk=1, kind=name, at=AT, actor_type="system", subject_type="x", subject_id=1, order_id=1, ticket_id=1, data=data
    )


def value(hint: Any) -> Any:
    if typing.get_origin(hint) in {typing.Union, types.UnionType}:
        hint = next(arg for arg in typing.get_args(hint) if arg is not type(None))
    if typing.get_origin(hint) is tuple:
        return []
    return {int: 1, bool: False, Decimal: "1.00", datetime: AT.isoformat(), float: 0.5}.get(hint, "")


def test_every_kind_is_told_or_silent_for_a_reason_or_names_no_order() -> None:
    unknown = [
        name
        for name in sorted(kinds.KINDS)
        if not name.startswith("probe.") and part_of(name) is None and not name.startswith((*SILENT, *NAMES_NO_ORDER))
    ]
    assert unknown == [], "tell() or keep_silent() these in <app>/story_registrations.py"
    assert all(SILENT.values())


def test_every_kind_that_is_told_has_a_line() -> None:
    viewer = make_staff(roles=["manager"])
    by_rows = ("call.",)  # a line needs its row: tests/tickets/test_calls_desk.py
    told = [name for name in kinds_told(viewer) if not name.startswith(by_rows)]
    assert {part for name in told if (part := part_of(name))} == set(Part)
    assert [name for name in told if not render_whole_story([sample(name)], viewer)] == []
    assert "call." in STORIES


def test_no_one_is_told_what_is_silent() -> None:
    told = kinds_told(make_staff(roles=["admin", "manager"]))
    assert not {"quality.reviewed", "coaching.due", "ticket.worked", "incident.orders_attached"} & set(told)


def words(stream: Any) -> list[str]:
    return [re.sub(r"<[^>]+>", " ", entry.html).strip() for entry in stream.entries]


def changes(order: Any, count: int, at: datetime = AT) -> None:
    """Write corrections of an order, some at one and the same moment."""
    facts = [
        Fact("order.changed", order, SYSTEM, at + timedelta(seconds=n // 3), OrderChanged(("total",)))  # type: ignore[arg-type]
        for n in range(count)
    ]
    record_many(facts, origin="live")


def scanned(parcel: Any, count: int, at: datetime = AT - timedelta(hours=30)) -> None:
    scans = [
        ScanData(at + timedelta(minutes=n), "in_transit", "1002", f"到达 {n} 号站", "上海市") for n in range(count)
    ]
    add_scans(parcel_id=parcel.pk, scans=scans, actor=SYSTEM, received_at=AT)


def pages(order: Any, viewer: Any, **narrow: Any) -> list[Any]:
    found, before = [], None
    while True:
        stream = read_stream(order, viewer, before=before, **narrow)
        found.append(stream)
        if stream.older is None:
            return found
        before = read_place(str(stream.older))
        assert before == stream.older


def test_pages_tell_all_of_it_once_and_in_order() -> None:
    order, viewer = make_order(), make_staff()
    changes(order, 200)
    scanned(make_parcel(order), 60)
    told = [entry.place for page in pages(order, viewer) for entry in page.entries]
    assert told == sorted(told, reverse=True)
    assert len(told) == len(set(told))
    events = Event.objects.filter(order_id=order.pk)
    assert {place.pk for place in told if place.source} == set(events.values_list("pk", flat=True))
    assert len([place for place in told if not place.source]) == 59  # the first moved the parcel: an event
    assert len(pages(order, viewer)) == -(-len(told) // PAGE)


def test_a_page_that_ends_between_a_parcels_step_and_its_scan_does_not_tell_it_again() -> None:
    order, viewer = make_order(), make_staff()
    scanned(make_parcel(order), 9)
    whole = words(read_stream(order, viewer))
    for most in range(1, len(whole)):
        stream = read_stream(order, viewer, most=most)
        rest = read_stream(order, viewer, before=stream.older)
        assert words(stream) + words(rest) == whole


def test_parts_narrow_and_together_are_everything() -> None:
    viewer, order = make_staff(roles=["manager"]), make_order()
    ticket = make_ticket(customer=order.customer, shop_id=order.shop_id, order_id=order.pk)
    add_note(ticket_id=ticket.pk, text="请仓库查一下", actor=Actor.staff(viewer), at=AT)
    scanned(make_parcel(order), 5)
    every = {entry.place for entry in read_stream(order, viewer).entries}
    parts = {part: {entry.place for entry in read_stream(order, viewer, part=part).entries} for part in Part}
    assert set().union(*parts.values()) == every
    assert sum(map(len, parts.values())) == len(every)
    assert parts[Part.TALK]
    assert parts[Part.INSIDE]
    assert len(parts[Part.PARCELS]) == 5


def test_who_may_not_see_a_ticket_sees_neither_it_nor_how_much_there_is(client: Any) -> None:
    order = make_order()
    own, other = (make_team(shop_ids=[order.shop_id]) for _ in range(2))
    ticket = make_ticket(customer=order.customer, shop_id=order.shop_id, order_id=order.pk, team_id=other.pk)
    add_note(ticket_id=ticket.pk, text="内部说明", actor=Actor.staff(make_staff()), at=AT)
    stranger, colleague = make_staff(teams=[own]), make_staff(teams=[other])
    assert not [entry for entry in read_stream(order, stranger).entries if entry.part in {Part.TALK, Part.INSIDE}]
    assert "内部说明" in " ".join(words(read_stream(order, colleague)))
    client.force_login(stranger)
    for path in ("", "?story=inside", "panel/", "?at=2027-01-01T00:00:00Z"):
        html = client.get(f"/desk/orders/{order.pk}/{path}").content.decode()
        assert "内部说明" not in html
        assert f"/desk/t/{ticket.pk}" not in html


def test_the_page_takes_the_same_statements_for_few_and_hundreds_of_entries(client: Any) -> None:
    client.force_login(make_staff())
    few, many = make_order(), make_order()
    scanned(make_parcel(few), 2)
    changes(few, 1)
    changes(many, 300)
    scanned(make_parcel(many), 80)
    for path in ("", "?at=2026-12-01T00:00:00Z"):
        counts = []
        for order in (few, many):
            url = f"/desk/orders/{order.pk}/{path}"
            client.get(url)
            with CaptureQueriesContext(connection) as seen:
                assert client.get(url).status_code == 200
            counts.append(len(seen))
        assert counts[0] == counts[1]
        assert counts[0] <= 20


def test_the_address_keeps_the_part_the_page_and_the_moment(client: Any) -> None:
    client.force_login(make_staff())
    order = make_order()
    changes(order, 2 * PAGE)
    first = client.get(f"/desk/orders/{order.pk}/?story=order").context["stream"]
    assert [part["key"] for part in first["parts"] if part["is_on"]] == ["order"]
    assert "story=order&before=" in first["older_url"]
    assert first["newest_url"] == ""
    second = client.get(first["older_url"]).context["stream"]
    assert second["rows"]
    assert second["newest_url"]
    for odd in ("story=x", "before=x_y_z", "before=99999999999999999_1_1", "before=1_7_1", "story=order&before=%00"):
        assert client.get(f"/desk/orders/{order.pk}/?{odd}").status_code == 200


def test_days_are_the_readers_and_scans_fold_when_many(client: Any) -> None:
    order = make_order()
    scanned(make_parcel(order), 7, at=datetime.fromisoformat("2026-11-18T22:30:00+08:00"))
    client.force_login(make_staff())
    html = client.get(f"/desk/orders/{order.pk}/?story=parcels").content.decode()
    assert html.count('<details class="story-text story-fold">') == 1
    assert html.count("号站") == 8  # the newest stands in the summary too
    assert "11月18日" in html
    assert "11月19日" not in html


def test_a_place_reads_as_it_was_written() -> None:
    place = Place(AT.replace(microsecond=123456), 1, 9)
    assert read_place(str(place)) == place
    assert [read_place(text) for text in ("", "1_2", "a_1_1", "-1_1_1", "1_2_3", "²_1_1")] == [None] * 6


def test_a_message_tells_who_wrote_and_how_it_begins() -> None:
    viewer, order = make_staff(roles=["manager"]), make_order()
    make_ticket(
        customer=order.customer,
        shop_id=order.shop_id,
        order_id=order.pk,
        text="包裹一直没有动静 <b>！</b>" + "很长" * 200,
    )
    told = " ".join(entry.html for entry in read_stream(order, viewer, part=Part.TALK).entries)
    assert "包裹一直没有动静" in told
    assert "<b>" not in told
    assert "很长" * 90 not in told
    assert dataclasses.is_dataclass(kinds.get_kind("message.received").payload)
