"""Orders in and out over HTTP, and carriers' scans in."""

from __future__ import annotations

import base64
import binascii
from datetime import UTC, datetime
from typing import Any, cast
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, PolymorphicProxySerializer, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.models import ApiKey
from core.actors import Actor
from core.api import flatten
from core.errors import Conflict, InvalidInput, NotFound
from core.idempotency import answer_once, read_key
from core.text import normalise_order_number
from orders import services
from orders.api.serializers import (
    MAX_BATCH,
    OrderIn,
    OrderOut,
    OrderPage,
    ParcelOut,
    ProblemOut,
    ResultOut,
    ResultsOut,
    ScansIn,
    ScansOut,
    scans_of,
)
from orders.enums import OrderStatus
from orders.errors import PROBLEMS
from orders.models import Order, Parcel, Shop
from orders.permissions import orders_visible_to, shops_visible_to
from orders.selectors import carrier_codes, parcels_by_tracking
from orders.services.data import clean_tracking

PAGE, MAX_PAGE = 50, 200
_ONE_OR_MANY = PolymorphicProxySerializer(
    component_name="ResultOrResults", serializers=[ResultOut, ResultsOut], resource_type_field_name=None
)
_KEY = OpenApiParameter(
    "Idempotency-Key", str, OpenApiParameter.HEADER, description="The same key gets the same answer."
)
_EXAMPLE = {
    "shop": "main",
    "number": "3000000000000000001",
    "placed_at": "2026-11-20T09:05:00+08:00",
    "status": "shipped",
    "recipient": "李小红",
    "phone": "13800138000",
    "region": "浙江省杭州市西湖区",
    "street": "文三路 138 号",
    "items": [{"title": "保温杯 500ml 白色", "sku": "CUP-500-W", "quantity": 2, "unit_price": "89.00"}],
    "parcels": [{"carrier": "shunfeng", "tracking_number": "SF1234567890", "shipped_at": "2026-11-21T08:00:00+08:00"}],
}


class Orders(APIView):
    """The orders of the shops a key may see."""

    read_scope, write_scope = "orders.read", "orders.write"

    @extend_schema(
        operation_id="send_orders",
        summary="Send one order or up to 500",
        request={"application/json": OrderIn},
        parameters=[_KEY],
        responses={200: _ONE_OR_MANY, 201: ResultOut, 409: ProblemOut, 422: ProblemOut},
        examples=[
            OpenApiExample("One order", _EXAMPLE, request_only=True),
            OpenApiExample("A batch", {"orders": [_EXAMPLE]}, request_only=True),
        ],
        description="A body with `orders` is a batch: each order is told on its own as new, changed, same or error"
        " with its fields, and those without an error are in. Sending the same order again changes nothing.",
    )
    def post(self, request: Request) -> Response:
        """Take orders in."""
        key = cast(ApiKey, request.auth)
        body = request.data
        if not isinstance(body, dict):
            raise InvalidInput(fields={"body": [_("Send one order, or an object with a list called orders.")]})
        reply = answer_once(
            scope=f"api.{key.pk}.orders",
            key=read_key(request._request),
            request_data=body,
            work=lambda: take_orders(key, body, timezone.now()),
        )
        return Response(reply.body, status=reply.status, headers={"Idempotent-Replayed": str(reply.is_repeat).lower()})

    @extend_schema(
        operation_id="list_orders",
        summary="List orders, the newest first",
        parameters=[
            OpenApiParameter("shop", str, description="A shop's code."),
            OpenApiParameter("status", str, enum=OrderStatus.values),
            OpenApiParameter("cursor", str, description="`next` of the page before."),
            OpenApiParameter("limit", int, description="1 to 200, 50 without."),
        ],
        responses={200: OrderPage, 422: ProblemOut},
    )
    def get(self, request: Request) -> Response:
        """List orders by placing time."""
        limit = _limit(request.query_params.get("limit", ""))
        rows = _filtered(request)
        if cursor := request.query_params.get("cursor", ""):
            moment, pk = _read_cursor(cursor)
            rows = rows.filter(Q(placed_at__lt=moment) | Q(placed_at=moment, pk__lt=pk))
        found = list(rows.order_by("-placed_at", "-pk")[: limit + 1])
        following = _cursor(found[limit - 1]) if len(found) > limit else None
        return Response({"results": OrderOut(found[:limit], many=True).data, "next": following})


class OneOrder(APIView):
    """One order by its number."""

    read_scope = "orders.read"

    @extend_schema(
        operation_id="get_order",
        summary="Get an order by its number",
        parameters=[OpenApiParameter("shop", str, description="Needed when two shops have the same number.")],
        responses={200: OrderOut, 404: ProblemOut, 409: ProblemOut},
    )
    def get(self, request: Request, number: str) -> Response:
        """Return the order."""
        found = list(_filtered(request).filter(number=normalise_order_number(number)[:64])[:2])
        if not found:
            raise NotFound
        if len(found) > 1:
            raise Conflict(_("Several shops have this number. Say which with ?shop=."), code="ambiguous_number")
        return Response(OrderOut(found[0]).data)


class ParcelScans(APIView):
    """A carrier's scans of a parcel."""

    write_scope = "orders.write"

    @extend_schema(
        operation_id="send_scans",
        summary="Send scans of a parcel",
        request=ScansIn,
        parameters=[_KEY],
        responses={200: ScansOut, 404: ProblemOut, 422: ProblemOut},
        examples=[
            OpenApiExample(
                "Delivered",
                {
                    "scans": [
                        {
                            "at": "2026-11-21T10:00:00+08:00",
                            "status": "delivered",
                            "code": "301",
                            "text": "已签收",
                            "place": "杭州市",
                        }
                    ]
                },
                request_only=True,
            )
        ],
    )
    def post(self, request: Request, tracking: str) -> Response:
        """Take scans in; each counts once however often it is sent."""
        key = cast(ApiKey, request.auth)
        reply = answer_once(
            scope=f"api.{key.pk}.scans",
            key=read_key(request._request),
            request_data=[tracking, request.data],
            work=lambda: take_scans(orders_visible_to(key), tracking, request.data, Actor.api(key), timezone.now()),
        )
        return Response(reply.body, status=reply.status, headers={"Idempotent-Replayed": str(reply.is_repeat).lower()})


def take_orders(key: ApiKey, body: dict[str, Any], at: datetime) -> tuple[int, Any]:
    """Take one order or a batch in; returns (status, body). Raises InvalidInput with paths of fields."""
    shops = {shop.code: shop for shop in shops_visible_to(key)}
    if "orders" not in body:
        reader = OrderIn(data=body)
        reader.is_valid(raise_exception=True)
        result = _take(reader, reader.validated_data, shops, Actor.api(key), at)
        return (201 if result["result"] == "new" else 200), result
    return 200, {"results": _take_batch(body["orders"], shops, Actor.api(key), at)}


def _take_batch(sent: Any, shops: dict[str, Shop], actor: Actor, at: datetime) -> list[dict[str, Any]]:
    """Take each order in or say what is wrong with it; those that are fine are in whatever the others are."""
    if not isinstance(sent, list) or not 1 <= len(sent) <= MAX_BATCH:
        raise InvalidInput(fields={"orders": [_("Send a list of 1 to %(max)s orders.") % {"max": MAX_BATCH}]})
    results: dict[int, dict[str, Any]] = {}
    fine: list[tuple[int, dict[str, Any]]] = []
    for index, one in enumerate(sent):
        reader = OrderIn(data=one)
        if reader.is_valid():
            fine.append((index, reader.validated_data))
        else:
            results[index] = _refused(one, flatten(reader.errors))
    for index, told in sorted(fine, key=lambda row: (row[1]["shop"], row[1]["number"])):  # locks in one order
        try:
            with transaction.atomic():
                results[index] = _take(OrderIn(), told, shops, actor, at)
        except InvalidInput as error:
            results[index] = _refused(told, error.fields)
    return [results[index] for index in range(len(sent))]


def _refused(told: Any, fields: dict[str, list[Any]]) -> dict[str, Any]:
    named = {key: told.get(key) if isinstance(told, dict) else "" for key in ("number", "shop")}
    known = {key: value[:64] if isinstance(value, str) else "" for key, value in named.items()}
    return {
        **known,
        "result": "error",
        "errors": {name: [str(text) for text in texts] for name, texts in fields.items()},
    }


def _take(reader: OrderIn, told: dict[str, Any], shops: dict[str, Shop], actor: Actor, at: datetime) -> dict[str, Any]:
    shop = shops.get(told["shop"].strip().lower())
    if shop is None:
        raise InvalidInput(fields={"shop": [PROBLEMS["unknown_shop"]]})
    order, result = services.upsert_order(
        shop_id=shop.pk, data=reader.to_data(shop, told), actor=actor, at=at, source="api"
    )
    return {"id": order.pk, "number": order.number, "shop": shop.code, "status": str(order.status), "result": result}


def take_scans(
    visible: QuerySet[Order], tracking: str, body: Any, actor: Actor, at: datetime
) -> tuple[int, dict[str, Any]]:
    """Take scans in for every visible parcel with the number; returns (status, body). Raises NotFound, InvalidInput."""
    reader = ScansIn(data=body)
    reader.is_valid(raise_exception=True)
    told = reader.validated_data
    parcels = parcels_by_tracking(clean_tracking(tracking)[:64]).filter(order__in=visible)
    if told["carrier"]:
        parcels = parcels.filter(carrier__code=carrier_codes().get(told["carrier"].strip().lower(), ""))
    found = list(parcels[:20])
    if not found:
        raise NotFound
    new = 0
    with transaction.atomic():
        for parcel in found:
            scans = scans_of(told, ZoneInfo(parcel.order.shop.timezone))
            new += services.add_scans(parcel_id=parcel.pk, scans=scans, actor=actor, received_at=at)
    fresh = Parcel.objects.filter(pk__in=[parcel.pk for parcel in found]).select_related("carrier").order_by("pk")
    return 200, {"new": new, "parcels": ParcelOut(fresh, many=True).data}


def _filtered(request: Request) -> QuerySet[Order]:
    rows = (
        orders_visible_to(cast(ApiKey, request.auth))
        .select_related("shop")
        .prefetch_related("items", "parcels__carrier")
    )
    if shop := request.query_params.get("shop", ""):
        rows = rows.filter(shop__code=shop.strip().lower()[:32])
    status = request.query_params.get("status", "")
    if status and status not in OrderStatus.values:
        raise InvalidInput(fields={"status": [PROBLEMS["not_status"] % {"value": status[:20]}]})
    return rows.filter(status=status) if status else rows


def _limit(text: str) -> int:
    if not text:
        return PAGE
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:9]) <= MAX_PAGE:
        raise InvalidInput(fields={"limit": [_("A whole number from 1 to 200.")]})
    return int(text)


def _cursor(order: Order) -> str:
    text = f"{order.placed_at.astimezone(UTC).isoformat()}|{order.pk}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _read_cursor(cursor: str) -> tuple[datetime, int]:
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        moment, _bar, pk = text.partition("|")
        found = datetime.fromisoformat(moment)
        if found.tzinfo is None or not pk.isdigit() or len(pk) > 18:
            raise ValueError(cursor)
        return found, int(pk)
    except (ValueError, binascii.Error, UnicodeError):
        raise InvalidInput(fields={"cursor": [_("Use the value of next as it was given.")]}) from None
