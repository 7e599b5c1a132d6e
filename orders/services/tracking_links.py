"""The secret link to an order's tracking page: made when a message first needs it, withdrawn by hand."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from core.actors import Actor
from core.crypto import decrypt, encrypt, hash_token, random_token
from core.errors import NotFound
from core.events import record
from core.inserting import insert_once
from orders.models import Order, TrackingLink


def tracking_url(*, order_id: int) -> str:
    """Return the whole address of the order's tracking page, the same each time; makes the link when there is none.

    The address lets whoever holds it in: it goes to the customer only. Raises NotFound for an order that is none.
    """
    return f"{settings.PUBLIC_URL.rstrip('/')}{tracking_path(order_id=order_id, at=timezone.now())}"


@transaction.atomic
def tracking_path(*, order_id: int, at: datetime) -> str:
    """Return the path of the order's tracking page; of two callers at once both get the same. Raises NotFound."""
    link = _working(order_id)
    if link is None:
        if not Order.objects.filter(pk=order_id).exists():
            raise NotFound
        link = _make(order_id, at)
    return reverse("orders:tracked", args=[decrypt(link.token_enc)])


@transaction.atomic
def renew_tracking_link(*, order_id: int, actor: Actor, at: datetime) -> TrackingLink:
    """Withdraw the order's link and make another: who has the old one sees nothing any more. Raises NotFound."""
    order = Order.objects.select_for_update(no_key=True).filter(pk=order_id).first()
    if order is None:
        raise NotFound
    TrackingLink.objects.filter(order_id=order_id, revoked_at__isnull=True).update(revoked_at=at)
    record("order.link_renewed", subject=order, actor=actor, at=at)
    return _make(order_id, at)


def _working(order_id: int) -> TrackingLink | None:
    return TrackingLink.objects.filter(order_id=order_id, revoked_at__isnull=True).first()


def _make(order_id: int, at: datetime) -> TrackingLink:
    token = random_token()
    link = TrackingLink(order_id=order_id, token_hash=hash_token(token), token_enc=encrypt(token), created_at=at)
    if insert_once(link):
        return link
    return TrackingLink.objects.get(order_id=order_id, revoked_at__isnull=True)  # somebody was first: theirs counts
