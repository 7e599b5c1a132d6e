"""Addresses that get no messages."""

from __future__ import annotations

from django.db.models import QuerySet

from notifications.models import Delivery, Suppression
from notifications.unsubscribing import StopRequest


def is_stopped(stop: StopRequest) -> bool:
    """Tell whether messages of this purpose to this address are stopped."""
    return Suppression.objects.filter(
        address_index=stop.address_index, channel=stop.channel, purpose=stop.purpose
    ).exists()


def suppressions_of(delivery: Delivery) -> QuerySet[Suppression]:
    """Return what stops messages to a delivery's address."""
    return Suppression.objects.filter(address_index=delivery.to_index, channel=delivery.channel).order_by("pk")
