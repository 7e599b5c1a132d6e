"""Erase what orders hold about a person; figures, numbers and amounts stay."""

from __future__ import annotations

from django.db import transaction

from orders.models import InboundHook, Order, Refund, Scan, SourceOrder


@transaction.atomic
def erase_order_texts(customer_id: int) -> int:
    """Erase recipient, address, phone, note and the carriers' words in a customer's orders; return the rows changed."""
    orders = Order.objects.filter(customer_id=customer_id)
    rows = orders.update(
        recipient="",
        region="",
        street_enc=None,
        phone_enc=None,
        phone_index=None,
        phone_last4_index=None,
        buyer_note="",
        content_hash=None,
    )
    # What shop systems told of them goes too, folded and raw, and is not taken in again.
    sources = SourceOrder.objects.filter(order__customer_id=customer_id)
    for connection_id, source_id in sources.values_list("connection_id", "source_id"):
        InboundHook.objects.filter(connection_id=connection_id, source_id=source_id).update(body_enc=None)
    sources.update(state_enc=None, is_erased=True)
    Refund.objects.filter(order__customer_id=customer_id).update(note="")
    # Carriers write names and courier phones into their scans.
    return rows + Scan.objects.filter(parcel__order__customer_id=customer_id).update(text="", place="")
