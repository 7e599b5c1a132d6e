"""Erase what orders hold about a person; figures, numbers and amounts stay."""

from __future__ import annotations

from django.db import transaction

from orders.models import Order, Scan


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
    # Carriers write names and courier phones into their scans.
    return rows + Scan.objects.filter(parcel__order__customer_id=customer_id).update(text="", place="")
