"""Take in what a provider tells of a number: for every parcel that bears it, each scan once."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from core.actors import Actor
from core.errors import InvalidInput
from orders.carriers import Trace
from orders.services.carrying.following import carrier_meant, correct_company, note_heard, parcels_of
from orders.services.scans import add_scans


@transaction.atomic
def take_trace(*, account_id: int, trace: Trace, at: datetime, pushed: bool) -> int:
    """Add a trace's scans to its parcels and note the number as heard of; return how many scans were new.

    Raises InvalidInput for a number none of our parcels bears, or scans that cannot be.
    """
    number, company = trace.tracking_number, trace.company
    if trace.corrected_company:
        correct_company(
            account_id=account_id, tracking_number=number, old=company, new=trace.corrected_company, at=at
        )  # fmt: skip
        company = trace.corrected_company
    carrier_id = carrier_meant(account_id, company, number)
    parcels = parcels_of(account_id, company, number)
    if carrier_id is None or not parcels:
        raise InvalidInput(code="push_of_unknown_number")
    new = sum(
        add_scans(parcel_id=parcel.pk, scans=trace.scans, actor=Actor.carrier(carrier_id), received_at=at)
        for parcel in parcels
    )
    note_heard(
        account_id=account_id, carrier_id=carrier_id, tracking_number=number, over=trace.over, pushed=pushed, at=at
    )  # fmt: skip
    return new
