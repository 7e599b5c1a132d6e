"""Requests to shops for tests, asked through the service as they are in life."""

from datetime import datetime
from typing import Any
from uuid import uuid4

from accounts.models import Staff
from orders.models import Order, OrderRequest
from orders.request_enums import ASK_REASONS
from orders.services.requests import Asked, open_request, seen_of
from orders.services.requests.wording import Told
from tests.factories.accounts import make_staff
from tests.factories.orders import AT

NEW = {"recipient": "王小明", "phone": "13700137000", "region": "上海市浦东新区", "street": "世纪大道 88 号 1201"}


def asked_for(kind: str, **fields: Any) -> Asked:
    """Return what is asked: a whole new address, the first item, or nothing but the kind."""
    told = fields.pop("told", Told(**NEW) if kind == "address" else Told())
    lines = fields.pop("lines", ((1, 1),) if kind in ("split", "resend") else ())
    return Asked(kind=kind, why=fields.pop("why", ASK_REASONS[kind][0]), told=told, lines=lines)


def make_request(
    order: Order, kind: str = "address", *, staff: Staff | None = None, at: datetime | None = None, **fields: Any
) -> OrderRequest:
    """Ask the shop for something."""
    order.refresh_from_db()
    return open_request(
        order_id=order.pk, asked=asked_for(kind, **fields), seen=seen_of(order), key=uuid4(),
        staff=staff or make_staff(roles=["agent_senior"]), at=at or AT,
    )  # fmt: skip
