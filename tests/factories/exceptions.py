"""Parcel exceptions for tests, opened as they stand."""

from datetime import timedelta
from typing import Any

from orders.exception_enums import ExceptionKind
from orders.models import Parcel, ParcelException
from tests.factories.orders import AT


def make_exception(parcel: Parcel, kind: str = ExceptionKind.STALLED, **fields: Any) -> ParcelException:
    """Make an exception of a parcel without telling anyone."""
    told = {"since": AT - timedelta(days=2), "opened_at": AT, "due_at": AT + timedelta(days=1)}
    return ParcelException.objects.create(
        parcel=parcel, order_id=parcel.order_id, shop_id=parcel.order.shop_id, carrier_id=parcel.carrier_id, kind=kind,
        parcel_version=parcel.version, **{**told, **fields},
    )  # fmt: skip
