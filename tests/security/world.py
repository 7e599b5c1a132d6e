"""Two shops with a team each and one of everything in both; names, words and numbers are the caller's."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import uuid4

from django.utils import timezone

from accounts.models import Staff, Team
from core.actors import SYSTEM, Actor
from core.services import reach_step, save_company
from customers.models import Customer
from customers.services import find_or_add_customer
from feedback.models import Answer
from feedback.services.answering import Submission, submit_answer
from notifications.models import InboundMail
from notifications.selectors.inbound import Target
from notifications.services import receive_mail
from orders.models import ImportRun, Order, Parcel
from orders.services import complete_order
from orders.services.requests import add_order_note
from orders.services.requests.wording import Told
from tests.factories.accounts import make_notice, make_staff, make_team
from tests.factories.calls import make_line, make_seat, told
from tests.factories.exceptions import make_exception
from tests.factories.feedback import make_invitation, run_jobs
from tests.factories.incidents import make_incident
from tests.factories.notifications import mail_bytes, make_mailbox, queue
from tests.factories.orders import make_order, make_parcel, make_shop
from tests.factories.promotions import make_promotion
from tests.factories.quality import make_rubric, make_submitted
from tests.factories.requests import make_request
from tests.factories.tickets import jpeg, make_reply, make_ticket
from tickets.models import Attachment, Category, PhoneEvent, ScreenFinding, Ticket
from tickets.services import add_note, store_attachment
from tickets.services.calls.applying import apply_message
from tickets.services.calls.reading import read_message
from tickets.services.calls.receiving import store_message
from tickets.services.calls.wrapping import WrapUp, wrap_up_call
from tickets.services.quality.appealing import appeal_review
from tickets.services.quality.calibrating import start_calibration


@dataclass(frozen=True)
class Words:
    """What people typed."""

    name: str = "陈静怡"
    phone: str = "13655550001"
    email: str = "chen@mail.example"
    street: str = "竹林路 17 号 4 幢 502"
    region: str = "浙江省 杭州市 西湖区"
    text: str = "收到的杯子有裂纹"
    subject: str = "杯子有裂纹"
    comment: str = "很满意"


@dataclass
class Side:
    """One shop's half of the world; `ids` maps the names in addresses to its rows."""

    team: Team
    supervisor: Staff
    agent: Staff
    customer: Customer
    order: Order
    parcel: Parcel
    ticket: Ticket
    survey_token: str
    ids: dict[str, Any] = field(default_factory=dict)


def found_company() -> None:
    """Have the first-run wizard behind us."""
    save_company(name="青禾", timezone="Asia/Shanghai", language="zh-hans", version=None, at=timezone.now())
    reach_step(step="done", at=timezone.now())


def make_side(code: str, words: Words) -> Side:
    """Make a shop with a team and one of everything."""
    now = timezone.now()
    shop = make_shop(code)
    team = make_team(f"Team {code}", shop_ids=[shop.pk])
    supervisor = make_staff(roles=["supervisor"], teams=[team])
    agent = make_staff(roles=["agent"], teams=[team])
    customer = find_or_add_customer(
        phone=words.phone, email=words.email, name=words.name, shop_id=shop.pk, source="form", actor=SYSTEM, at=now
    )
    customer.identities.update(is_primary=True)
    order = make_order(
        shop=shop, at=now, recipient=words.name, phone=words.phone, street=words.street, region=words.region,
        email=words.email, buyer_note=words.text,
    )  # fmt: skip
    parcel = make_parcel(order)
    Parcel.objects.filter(pk=parcel.pk).update(place=words.text[:80])
    category = Category.objects.create(key=f"kind-{code}", name_zh=words.subject[:60], name_en=words.subject[:60])
    ticket = make_ticket(
        customer=customer, shop_id=shop.pk, order_id=order.pk, text=words.text, subject=words.subject,
        category_id=category.pk, contact_email=words.email,
    )  # fmt: skip
    Ticket.objects.filter(pk=ticket.pk).update(team=team, tags=[words.subject[:40]])
    ticket.refresh_from_db()
    photo = _photo(ticket, agent, now)
    make_reply(ticket, agent, text=words.text, attachment_ids=[photo.pk])
    add_note(ticket_id=ticket.pk, text=words.text, actor=SYSTEM, at=now, client_id=None)
    invitation, token = make_invitation(ticket_id=ticket.pk, customer_id=customer.pk, shop_id=shop.pk)
    answers: dict[str, object] = {"csat": 2, "comment": words.comment}
    submit_answer(token=token, submission=Submission(answers=answers, language="zh-hans", seconds=30), at=now)
    complete_order(order_id=order.pk, actor=SYSTEM, at=now - timedelta(days=3))
    run_jobs()
    side = Side(team, supervisor, agent, customer, order, parcel, ticket, token)
    side.ids = {
        "ticket_id": ticket.pk,
        "order_id": order.pk,
        "shop_id": shop.pk,
        "answer_id": Answer.objects.get(invitation=invitation).pk,
        "visit_id": order.visits.get().pk if hasattr(order, "visits") else _visit(order),
        "run_id": _import(shop, supervisor, words),
        "mailbox_id": make_mailbox(f"{code}@service.example", shop_id=shop.pk, name_zh=words.subject[:80]).pk,
        "delivery_id": queue(to=words.email, shop_id=shop.pk, customer_id=customer.pk).pk,
        "inbound_id": _inbound(shop.pk, code, words),
        "notice_id": make_notice(agent).pk,
        "incident_id": make_incident(supervisor, title=words.subject[:120], shop_ids=[shop.pk]).pk,
        "promotion_id": make_promotion(shop).pk,
        "request_id": _request(order, agent, words),
        "exception_id": make_exception(parcel, note=words.text[:400]).pk,
    }
    side.ids["attachment"] = photo.key
    side.ids |= _calls(shop, team, agent, words)
    side.ids |= _quality(ticket, agent, words)
    return side


def _quality(ticket: Ticket, agent: Staff, words: Words) -> dict[str, int]:
    """Have a conversation reviewed with a low score, appealed against, calibrated and pre-checked."""
    now, reviewer, other = timezone.now(), make_staff(roles=["quality"]), make_staff(roles=["quality"])
    rubric = make_rubric()
    marks = {one["key"]: {"value": 1, "comment": words.text} for one in rubric.current.criteria()}
    review = make_submitted(agent, reviewer, ticket=ticket, rubric=rubric, answers=marks, note=words.text, at=now)
    appeal = appeal_review(review_id=review.pk, reason=words.text, actor=Actor.staff(agent), at=now)
    both = start_calibration(
        ticket_id=ticket.pk, reviewer_ids=[reviewer.pk, other.pk], rubric_id=rubric.pk, actor=SYSTEM, at=now
    )
    message = ticket.messages.filter(author_type="staff").first()
    finding = ScreenFinding.objects.create(
        ticket=ticket, message=message, agent_id=agent.pk, rule="rude", severity=3, start=0, end=2, found_at=now
    )
    return {
        "review_id": review.pk, "appeal_id": appeal.pk, "calibration_id": both.pk, "finding_id": finding.pk,
        "coaching_id": review.coaching.pk,
    }  # fmt: skip


def _visit(order: Order) -> int:
    from feedback.models import Visit

    return Visit.objects.get(order=order).pk


def _photo(ticket: Ticket, agent: Staff, now: Any) -> Attachment:
    from django.core.files.base import ContentFile

    return store_attachment(
        file=ContentFile(jpeg(), name="a.jpg"), name="a.jpg", ticket_id=ticket.pk, uploaded_by=agent.pk, at=now
    )


def _request(order: Order, agent: Staff, words: Words) -> int:
    """Have items asked for again with words to the shop, and a note on the order."""
    add_order_note(order_id=order.pk, text=words.text, key=uuid4(), staff=agent, at=timezone.now())
    return make_request(order, "resend", staff=agent, told=Told(note=words.text[:400])).pk


def _import(shop: Any, staff: Staff, words: Words) -> int:
    run = ImportRun.objects.create(
        shop=shop, file_name=f"{words.subject[:100]}.csv", file_key="none", file_size=10, file_hash=b"0" * 32,
        file_format="csv", headings=[words.subject], started_by=staff,
    )  # fmt: skip
    return run.pk


def _inbound(shop_id: int, code: str, words: Words) -> int:
    from email.header import Header

    raw = mail_bytes(subject=Header(words.subject[:12].replace("\n", " "), "utf-8").encode(), text=words.text)
    receive_mail(
        raw=raw,
        sender=words.email,
        targets=[Target(f"{code}@service.example", 2, shop_id=shop_id)],
        peer="",
        at=timezone.now(),
    )
    row = InboundMail.objects.latest("pk")
    InboundMail.objects.filter(pk=row.pk).update(shop_id=shop_id)
    return row.pk


def _calls(shop: Any, team: Team, agent: Staff, words: Words) -> dict[str, int]:
    """Have a call answered and wrapped up with a note, and another missed, on a line of the shop."""
    now = timezone.now()
    line, _secret = make_line(team, shop_id=shop.pk, name=words.subject[:80])
    make_seat(agent, f"8{shop.pk}")
    steps = [
        *(told("ringing", at=now - timedelta(seconds=60), call=ref, number=phone)
          for ref, phone in (("c1", words.phone), ("c2", "13655559999"))),
        told("answered", at=now - timedelta(seconds=50), call="c1", number=words.phone, extension=f"8{shop.pk}"),
        told("ended", at=now - timedelta(seconds=20), call="c1", number=words.phone, result="answered"),
        told("ended", at=now - timedelta(seconds=20), call="c2", number="13655559999", result="missed"),
    ]  # fmt: skip
    for step in steps:  # by the services: a running product's worker may apply it first, which is the same
        body = json.dumps(step).encode()
        store_message(line_id=line.pk, told=read_message(body, recording_host=""), body=body, at=now)
        apply_message(event_id=PhoneEvent.objects.latest("pk").pk, at=now)
    call = line.calls.get(ref="c1")
    wrap_up_call(
        call_id=call.pk, wrap_up=WrapUp(disposition="solved", note=words.text), actor=Actor.staff(agent), at=now
    )
    return {"call_id": call.pk, "call_back_id": line.call_backs.get().pk, "line_id": line.pk}
