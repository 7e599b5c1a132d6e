"""Orders, parcels and scans as the API speaks them."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from core.crypto import CannotDecrypt, decrypt
from core.text import mask_name, mask_phone
from orders.enums import OrderStatus, ParcelStatus, ScanStatus
from orders.models import Order, Parcel, Shop
from orders.services import ItemData, OrderData, ParcelData, PaymentData, ScanData

MAX_ITEMS, MAX_PARCELS, MAX_SCANS, MAX_BATCH = 500, 50, 500, 500


class TextField(serializers.CharField):
    """Text only: a number or a truth value where text belongs is a mistake worth telling."""

    def to_internal_value(self, data: Any) -> str:
        """Return the text."""
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class WholeField(serializers.IntegerField):
    """A whole number, not a text that looks like one and not a truth value."""

    def to_internal_value(self, data: Any) -> int:
        """Return the number."""
        if isinstance(data, bool) or not isinstance(data, int):
            self.fail("invalid")
        return super().to_internal_value(data)


class MoneyField(serializers.DecimalField):
    """An amount as text ("1299.00") or number."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_digits=12, decimal_places=2, min_value=Decimal(0), **kwargs)

    def to_internal_value(self, data: Any) -> Decimal:
        """Return the amount."""
        if isinstance(data, bool) or not isinstance(data, str | int | float):
            self.fail("invalid")
        return super().to_internal_value(data)


class MomentField(serializers.DateTimeField):
    """A moment in ISO 8601; without an offset it is in the shop's time zone."""

    def enforce_timezone(self, value: datetime) -> datetime:
        """Leave a moment without offset as it is; the shop's zone is added later."""
        return value


class ItemIn(serializers.Serializer):
    """One line of an order."""

    title = TextField(max_length=200)
    sku = TextField(max_length=64, required=False, allow_blank=True, default="")
    quantity = WholeField(min_value=1, max_value=100_000, default=1)
    unit_price = MoneyField(default=Decimal(0))


class PaymentIn(serializers.Serializer):
    """One payment."""

    method = TextField(max_length=24, help_text="alipay, wechat, card, …")
    reference = TextField(max_length=80)
    amount = MoneyField()
    currency = TextField(max_length=3, required=False, allow_blank=True, default="")
    paid_at = MomentField()


class ParcelIn(serializers.Serializer):
    """One parcel of an order."""

    carrier = TextField(max_length=32, help_text="A carrier's code or name, such as shunfeng or 顺丰.")
    tracking_number = TextField(max_length=64)
    status = serializers.ChoiceField(ParcelStatus.choices, required=False, allow_blank=True, default="")
    shipped_at = MomentField(required=False, allow_null=True, default=None)
    delivered_at = MomentField(required=False, allow_null=True, default=None)
    expected_at = MomentField(required=False, allow_null=True, default=None)


_TEXTS = ("recipient", "region", "street", "phone", "email", "account", "buyer_note")
_MOMENTS = (
    "placed_at", "paid_at", "packed_at", "shipped_at", "delivered_at", "completed_at", "cancelled_at", "promised_at",
)  # fmt: skip


class OrderIn(serializers.Serializer):
    """One order. What is left out stays as it was; status and dates only ever grow."""

    shop = TextField(max_length=32, help_text="The shop's code.")
    number = TextField(max_length=64)
    placed_at = MomentField(required=False, allow_null=True, default=None)
    status = serializers.ChoiceField(OrderStatus.choices, required=False, allow_blank=True, default="")
    currency = TextField(max_length=3, required=False, allow_blank=True, default="")
    total = MoneyField(required=False, allow_null=True, default=None)
    paid = MoneyField(required=False, allow_null=True, default=None)
    discount = MoneyField(required=False, allow_null=True, default=None)
    shipping_fee = MoneyField(required=False, allow_null=True, default=None)
    paid_at = MomentField(required=False, allow_null=True, default=None)
    packed_at = MomentField(required=False, allow_null=True, default=None)
    shipped_at = MomentField(required=False, allow_null=True, default=None)
    delivered_at = MomentField(required=False, allow_null=True, default=None)
    completed_at = MomentField(required=False, allow_null=True, default=None)
    cancelled_at = MomentField(required=False, allow_null=True, default=None)
    promised_at = MomentField(required=False, allow_null=True, default=None)
    recipient = TextField(max_length=120, required=False, allow_blank=True, default="")
    region = TextField(max_length=120, required=False, allow_blank=True, default="")
    street = TextField(max_length=300, required=False, allow_blank=True, default="")
    phone = TextField(max_length=40, required=False, allow_blank=True, default="")
    email = TextField(max_length=254, required=False, allow_blank=True, default="")
    account = TextField(
        max_length=120, required=False, allow_blank=True, default="", help_text="Buyer's name in the shop."
    )
    buyer_note = TextField(max_length=2000, required=False, allow_blank=True, default="")
    items = ItemIn(many=True, required=False, max_length=MAX_ITEMS, default=list)  # type: ignore[call-arg]
    payments = PaymentIn(many=True, required=False, max_length=MAX_PARCELS, default=list)  # type: ignore[call-arg]
    parcels = ParcelIn(many=True, required=False, max_length=MAX_PARCELS, default=list)  # type: ignore[call-arg]

    def to_data(self, shop: Shop, told: dict[str, Any]) -> OrderData:
        """Return what was told as the service wants it; moments without offset get the shop's zone."""
        zone = ZoneInfo(shop.timezone)
        return OrderData(
            number=told["number"],
            status=told["status"],
            currency=told["currency"],
            total=told["total"],
            paid=told["paid"],
            discount=told["discount"],
            shipping_fee=told["shipping_fee"],
            items=tuple(ItemData(**item) for item in told["items"]),
            payments=tuple(PaymentData(**_zoned(payment, zone)) for payment in told["payments"]),
            parcels=tuple(ParcelData(**_zoned(parcel, zone)) for parcel in told["parcels"]),
            **{name: told[name] for name in _TEXTS},
            **{name: in_zone(told[name], zone) for name in _MOMENTS},  # type: ignore[arg-type]
        )


def in_zone(value: datetime | None, zone: ZoneInfo) -> datetime | None:
    """Return a moment with an offset: its own, else the zone's."""
    return value.replace(tzinfo=zone) if value is not None and value.tzinfo is None else value


def _zoned(told: dict[str, Any], zone: ZoneInfo) -> dict[str, Any]:
    return {key: in_zone(value, zone) if isinstance(value, datetime) else value for key, value in told.items()}


class ScanIn(serializers.Serializer):
    """One scan of a carrier."""

    at = MomentField()
    status = serializers.ChoiceField(ScanStatus.choices)
    code = TextField(max_length=20, required=False, allow_blank=True, default="", help_text="The carrier's own code.")
    text = TextField(max_length=400, required=False, allow_blank=True, default="")
    place = TextField(max_length=120, required=False, allow_blank=True, default="")


class ScansIn(serializers.Serializer):
    """Scans of one parcel, in any order, as often as you like."""

    carrier = TextField(
        max_length=32,
        required=False,
        allow_blank=True,
        default="",
        help_text="Needed when two carriers share a number.",
    )
    scans = ScanIn(many=True, allow_empty=False, max_length=MAX_SCANS)  # type: ignore[call-arg]


def scans_of(told: dict[str, Any], zone: ZoneInfo) -> list[ScanData]:
    """Return scans as the service wants them."""
    return [ScanData(**_zoned(scan, zone)) for scan in told["scans"]]


class ItemOut(serializers.Serializer):
    """One line."""

    line = serializers.IntegerField()
    sku = serializers.CharField()
    title = serializers.CharField()
    quantity = serializers.IntegerField()
    unit_price = serializers.DecimalField(max_digits=12, decimal_places=2)


class ParcelOut(serializers.ModelSerializer):
    """One parcel."""

    carrier = serializers.CharField(source="carrier.code")

    class Meta:
        model = Parcel
        fields = (
            "carrier", "tracking_number", "status", "place", "shipped_at", "delivered_at", "last_scan_at",
            "expected_at",
        )  # fmt: skip


class OrderOut(serializers.ModelSerializer):
    """An order as we know it; personal data is masked."""

    shop = serializers.CharField(source="shop.code")
    recipient = serializers.SerializerMethodField()
    phone = serializers.SerializerMethodField()
    items = ItemOut(many=True)
    parcels = ParcelOut(many=True)

    class Meta:
        model = Order
        fields = (
            "id", "shop", "number", "status", "currency", "total", "paid", "discount", "shipping_fee", "placed_at",
            "paid_at",
            "packed_at", "shipped_at", "delivered_at", "completed_at", "cancelled_at", "promised_at", "recipient",
            "phone",
            "region", "source", "version", "updated_at", "items", "parcels",
        )  # fmt: skip

    @extend_schema_field(serializers.CharField())
    def get_recipient(self, order: Order) -> str:
        """Return the recipient, masked."""
        return mask_name(order.recipient)

    @extend_schema_field(serializers.CharField())
    def get_phone(self, order: Order) -> str:
        """Return the phone, masked."""
        try:
            return mask_phone(decrypt(order.phone_enc)) if order.phone_enc else ""
        except CannotDecrypt:
            return "****"


class ResultOut(serializers.Serializer):
    """What became of one order."""

    id = serializers.IntegerField()
    number = serializers.CharField()
    shop = serializers.CharField()
    status = serializers.CharField()
    result = serializers.ChoiceField(["new", "changed", "same"])


class BatchResultOut(serializers.Serializer):
    """What became of one order of a batch; `errors` maps a field's path to sentences."""

    id = serializers.IntegerField(required=False)
    number = serializers.CharField()
    shop = serializers.CharField()
    status = serializers.CharField(required=False)
    result = serializers.ChoiceField(["new", "changed", "same", "error"])
    errors = serializers.DictField(  # type: ignore[assignment]
        child=serializers.ListField(child=serializers.CharField()), required=False
    )


class ResultsOut(serializers.Serializer):
    """What became of each order, in the order they were sent."""

    results = BatchResultOut(many=True)


class OrderPage(serializers.Serializer):
    """One page of orders; `next` is the cursor of the following one, null on the last."""

    results = OrderOut(many=True)
    next = serializers.CharField(allow_null=True)


class ScansOut(serializers.Serializer):
    """How many scans were new, and where the parcels stand."""

    new = serializers.IntegerField()
    parcels = ParcelOut(many=True)


class ProblemOut(serializers.Serializer):
    """RFC 9457 problem; `errors` maps a field's path to sentences."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    code = serializers.CharField()
    errors = serializers.DictField(  # type: ignore[assignment]
        child=serializers.ListField(child=serializers.CharField()), required=False
    )
