"""Connections to shop systems, what came from them, and carriers' names that wait for a match."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, Q, QuerySet

from accounts.models import Staff
from core.errors import NotFound
from orders.enums import HookState
from orders.models import CarrierName, InboundHook, ShopConnection
from orders.permissions import shops_visible_to

PAGE = 50


def connections_for(staff: Staff) -> list[ShopConnection]:
    """Return the connections of the shops one sees, each with how many messages are in which state."""
    counts: dict[str, Any] = {
        f"{state}_count": Count("hooks", filter=Q(hooks__state=state)) for state in HookState.values
    }
    rows = ShopConnection.objects.filter(shop__in=shops_visible_to(staff)).select_related("shop")
    return list(rows.annotate(**counts).order_by("shop__name", "pk"))


def get_connection_for(staff: Staff, connection_id: int) -> ShopConnection:
    """Return a connection of a shop one sees. Raises NotFound."""
    rows = ShopConnection.objects.select_related("shop").filter(shop__in=shops_visible_to(staff))
    connection = rows.filter(pk=connection_id).first()
    if connection is None:
        raise NotFound
    return connection


def hooks_for(staff: Staff) -> QuerySet[InboundHook]:
    """Return the messages of the shops one sees, without their contents."""
    rows = InboundHook.objects.filter(shop__in=shops_visible_to(staff)).select_related("shop", "connection")
    return rows.defer("body_enc", "connection__secret_enc", "shop__hook_secret_enc")


def get_hook_for(staff: Staff, hook_id: int) -> InboundHook:
    """Return a message of a shop one sees. Raises NotFound."""
    hook = hooks_for(staff).filter(pk=hook_id).first()
    if hook is None:
        raise NotFound
    return hook


def hook_page(staff: Staff, state: str, before: int | None) -> list[InboundHook]:
    """Return a page of messages and one more, the newest first."""
    rows = hooks_for(staff).order_by("-pk")
    rows = rows.filter(state=state) if state else rows
    return list((rows.filter(pk__lt=before) if before else rows)[: PAGE + 1])


def carrier_names() -> list[CarrierName]:
    """Return foreign names of carriers, those without a match first."""
    rows = CarrierName.objects.select_related("carrier").order_by("carrier__name", "name")
    return sorted(rows[:500], key=lambda name: name.carrier_id is not None)
