"""Parcels of the demo shop in trouble, so that the queue of exceptions has work in it."""

from __future__ import annotations

from datetime import datetime, timedelta

from core.actors import SYSTEM
from orders.enums import ScanStatus
from orders.models import Order, Parcel
from orders.services import ScanData, add_scans
from orders.services.exceptions.judging import judge_parcel

TROUBLE = (
    (ScanStatus.PROBLEM, "201", "【{place}转运中心】外包装破损，已拍照并联系寄件人"),
    (ScanStatus.PROBLEM, "206", "【{place}】收件人电话无法接通，地址不详，正在核实"),
    (ScanStatus.RETURNING, "14", "【{place}】收件人拒收，快件退回寄件人"),
    (ScanStatus.PROBLEM, "201", "【{place}】快件受潮，内件待检查"),
)


def tell_trouble(orders: list[Order], now: datetime) -> int:
    """Put a few parcels that are under way into trouble within the last hours; return how many."""
    under_way = (
        Parcel.objects.filter(
            order__in=[order.pk for order in orders], order__status="shipped", order__is_history=False
        )
        .exclude(place="")
        .order_by("-pk")
    )
    parcels = list(under_way[: 3 * len(TROUBLE) : 3])
    for number, (parcel, (status, code, words)) in enumerate(zip(parcels, TROUBLE, strict=False)):
        at = now - timedelta(hours=2 + 5 * number)
        scan = ScanData(at=at, status=status, code=code, text=words.format(place=parcel.place), place=parcel.place)
        add_scans(parcel_id=parcel.pk, scans=[scan], actor=SYSTEM, received_at=at, origin="demo")
        judge_parcel(parcel_id=parcel.pk, at=at)
    return len(parcels)
