"""Tickets for tests, opened through the service as in life."""

import io
import itertools
from datetime import datetime
from typing import Any
from uuid import uuid4

from django.utils import timezone
from PIL import Image

from core.actors import Actor
from customers.models import Customer
from tests.factories.customers import make_customer
from tickets.models import Message, Ticket
from tickets.services import NewTicket, open_ticket, reply_to_ticket

_number = itertools.count(1)


def make_ticket(*, customer: Customer | None = None, at: datetime | None = None, **fields: Any) -> Ticket:
    """Open a ticket by form; keyword arguments are those of NewTicket."""
    n = next(_number)
    customer = customer or make_customer()
    data: dict[str, Any] = {
        "channel": "form",
        "text": f"杯子收到时有裂纹，怎么办？{n}",
        "subject": f"杯子有裂纹 {n}",
        "language": "zh-hans",
    }
    data = {**data, "customer_id": customer.pk, **fields}
    return open_ticket(data=NewTicket(**data), actor=Actor.customer(customer), at=at or timezone.now())


def make_reply(ticket: Ticket, staff: Any, text: str = "您好，马上为您处理。", **fields: Any) -> Message:
    """Answer a ticket."""
    given = {"at": timezone.now(), "client_id": uuid4(), **fields}
    return reply_to_ticket(ticket_id=ticket.pk, text=text, actor=Actor.staff(staff), **given)


def jpeg(width: int = 60, height: int = 40, colour: str = "red", exif: bytes = b"") -> bytes:
    """Return a small photo."""
    target = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(target, "JPEG", **({"exif": exif} if exif else {}))
    return target.getvalue()
