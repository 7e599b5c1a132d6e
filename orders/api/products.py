"""Products, stock and promotions over HTTP."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, cast
from zoneinfo import ZoneInfo

from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.models import ApiKey
from core.actors import Actor
from core.api import flatten
from core.errors import Conflict, InvalidInput, NotFound
from core.idempotency import answer_once, read_key
from orders.api.serializers import MAX_BATCH, MomentField, MoneyField, ProblemOut, TextField, WholeField
from orders.errors import PROBLEMS
from orders.models import Shop
from orders.permissions import shops_visible_to
from orders.promotion_enums import PromotionSource
from orders.selectors.products import ProductFacts, facts_of, products_visible_to
from orders.services.products import ProductTold, take_products
from orders.services.promotions import PromotionTold, save_promotion

PAGE = 100
_KEY = OpenApiParameter(
    "Idempotency-Key", str, OpenApiParameter.HEADER, description="The same key gets the same answer."
)


class ProductIn(serializers.Serializer):
    """One product. What is left out stays as it was; a stock counted earlier than the one we know is left out."""

    sku = TextField(max_length=64)
    name = TextField(max_length=200, required=False, allow_blank=True, default="")
    category = TextField(max_length=64, required=False, allow_blank=True, default="")
    price = MoneyField(required=False, allow_null=True, default=None)
    currency = TextField(max_length=3, required=False, allow_blank=True, default="")
    stock = WholeField(required=False, allow_null=True, default=None)
    stock_at = MomentField(required=False, allow_null=True, default=None)
    is_active = serializers.BooleanField(required=False, allow_null=True, default=None)


class PromotionIn(serializers.Serializer):
    """One promotion: a price or a percentage off, for some article numbers or (none) all, for a while."""

    code = TextField(max_length=64)
    title = TextField(max_length=120)
    starts_at = MomentField()
    ends_at = MomentField(required=False, allow_null=True, default=None)
    price = MoneyField(required=False, allow_null=True, default=None)
    percent = serializers.DecimalField(
        max_digits=5, decimal_places=2, min_value=Decimal("0.01"), max_value=Decimal(100), required=False,
        allow_null=True, default=None,
    )  # fmt: skip
    skus = serializers.ListField(child=TextField(max_length=64), required=False, default=list, max_length=500)
    is_active = serializers.BooleanField(required=False, default=True)


class ProductsIn(serializers.Serializer):
    """Up to 500 products and 500 promotions of one shop."""

    shop = TextField(max_length=32, help_text="The shop's code.")
    products = ProductIn(many=True, required=False)
    promotions = PromotionIn(many=True, required=False)


class ProductResultOut(serializers.Serializer):
    """What became of one product or promotion; `errors` maps a field's path to sentences."""

    key = serializers.CharField()
    result = serializers.ChoiceField(["new", "changed", "same", "error"])
    errors = serializers.DictField(  # type: ignore[assignment]
        child=serializers.ListField(child=serializers.CharField()), required=False
    )


class ProductResultsOut(serializers.Serializer):
    """What became of each, in the order they were sent."""

    products = ProductResultOut(many=True)
    promotions = ProductResultOut(many=True)


class ProductOut(serializers.Serializer):
    """One product as it is now; `price_now` is the lowest of its price and its promotions in force."""

    shop = serializers.CharField(source="product.shop.code")
    sku = serializers.CharField(source="product.sku")
    name = serializers.CharField(source="product.name")
    category = serializers.CharField(source="product.category")
    price = serializers.DecimalField(12, 2, source="product.price", allow_null=True)
    price_now = serializers.DecimalField(12, 2, source="price", allow_null=True)
    currency = serializers.CharField(source="product.currency")
    stock = serializers.IntegerField(source="product.stock", allow_null=True)
    stock_at = serializers.DateTimeField(source="product.stock_at", allow_null=True)
    is_active = serializers.BooleanField(source="product.is_active")
    promotions = serializers.SerializerMethodField()

    def get_promotions(self, told: ProductFacts) -> list[str]:
        """Return the codes of what is in force."""
        return [one.code for one in told.promotions]


class ProductPage(serializers.Serializer):
    """One page of products; `next` is the cursor of the following one, null on the last."""

    results = ProductOut(many=True)
    next = serializers.CharField(allow_null=True)


class Products(APIView):
    """The products of the shops a key may see."""

    read_scope, write_scope = "orders.read", "orders.write"

    @extend_schema(
        operation_id="send_products",
        summary="Send products with stock, and promotions",
        request=ProductsIn,
        parameters=[_KEY],
        responses={200: ProductResultsOut, 409: ProblemOut, 422: ProblemOut},
        examples=[
            OpenApiExample(
                "Stock",
                {"shop": "main", "products": [{"sku": "CUP-500-W", "name": "保温杯", "price": "89.00", "stock": 120}]},
                request_only=True,
            )
        ],
    )
    def post(self, request: Request) -> Response:
        """Take products and promotions in, each on its own."""
        key, body = cast(ApiKey, request.auth), request.data
        if not isinstance(body, dict):
            raise InvalidInput(fields={"body": [_("Send an object with shop, products and promotions.")]})
        reply = answer_once(
            scope=f"api.{key.pk}.products",
            key=read_key(request._request),
            request_data=body,
            work=lambda: (200, _take(key, body)),
        )
        return Response(reply.body, status=reply.status, headers={"Idempotent-Replayed": str(reply.is_repeat).lower()})

    @extend_schema(
        operation_id="list_products",
        summary="List products by their number",
        parameters=[
            OpenApiParameter("shop", str, description="A shop's code."),
            OpenApiParameter("cursor", str, description="`next` of the page before."),
        ],
        responses={200: ProductPage, 422: ProblemOut},
    )
    def get(self, request: Request) -> Response:
        """List products."""
        rows = products_visible_to(cast(ApiKey, request.auth)).order_by("pk")
        if shop := request.query_params.get("shop", ""):
            rows = rows.filter(shop__code=shop.strip().lower()[:32])
        if cursor := request.query_params.get("cursor", ""):
            if not cursor.isascii() or not cursor.isdigit() or len(cursor) > 18:
                raise InvalidInput(fields={"cursor": [_("Use the value of next as it was given.")]})
            rows = rows.filter(pk__gt=int(cursor))
        found = list(rows[: PAGE + 1])
        following = str(found[PAGE - 1].pk) if len(found) > PAGE else None
        results = ProductOut(facts_of(found[:PAGE], timezone.now()), many=True).data
        return Response({"results": results, "next": following})


class OneProduct(APIView):
    """One product by its number."""

    read_scope = "orders.read"

    @extend_schema(
        operation_id="get_product",
        summary="Get a product by its number",
        parameters=[OpenApiParameter("shop", str, description="Needed when two shops have the same number.")],
        responses={200: ProductOut, 404: ProblemOut, 409: ProblemOut},
    )
    def get(self, request: Request, sku: str) -> Response:
        """Return the product."""
        rows = products_visible_to(cast(ApiKey, request.auth)).filter(sku=sku[:64])
        if shop := request.query_params.get("shop", ""):
            rows = rows.filter(shop__code=shop.strip().lower()[:32])
        found = list(rows[:2])
        if not found:
            raise NotFound
        if len(found) > 1:
            raise Conflict(_("Several shops have this number. Say which with ?shop=."), code="ambiguous_number")
        return Response(ProductOut(facts_of(found, timezone.now())[0]).data)


def _take(key: ApiKey, body: dict[str, Any]) -> dict[str, Any]:
    code, at = body.get("shop"), timezone.now()
    known = shops_visible_to(key).filter(code=code.strip().lower()[:32]) if isinstance(code, str) else None
    shop = known.first() if known is not None else None
    if shop is None:
        raise InvalidInput(fields={"shop": [PROBLEMS["unknown_shop"]]})
    products, promotions = _listed(body, "products"), _listed(body, "promotions")
    if not products and not promotions:
        raise InvalidInput(fields={"products": [_("Send at least one product or promotion.")]})
    return {
        "products": _take_products(shop, products, at),
        "promotions": [_take_promotion(shop, one, Actor.api(key), at) for one in promotions],
    }


def _listed(body: dict[str, Any], name: str) -> list[Any]:
    sent = body.get(name, [])
    if not isinstance(sent, list) or len(sent) > MAX_BATCH:
        raise InvalidInput(fields={name: [_("Send a list of at most %(max)s.") % {"max": MAX_BATCH}]})
    return sent


def _take_products(shop: Shop, sent: list[Any], at: Any) -> list[dict[str, Any]]:
    results: dict[int, dict[str, Any]] = {}
    fine: list[tuple[int, ProductTold]] = []
    for index, one in enumerate(sent):
        reader = ProductIn(data=one)
        if reader.is_valid():
            fine.append((index, ProductTold(**_zoned(reader.validated_data, shop))))
        else:
            results[index] = _result(one, "sku", "error", flatten(reader.errors))
    done = take_products(shop=shop, products=[told for _index, told in fine], at=at)
    for (index, told), (result, fields) in zip(fine, done, strict=True):
        results[index] = _result({"sku": told.sku}, "sku", result, fields)
    return [results[index] for index in range(len(sent))]


def _take_promotion(shop: Shop, one: Any, actor: Actor, at: Any) -> dict[str, Any]:
    reader = PromotionIn(data=one)
    if not reader.is_valid():
        return _result(one, "code", "error", flatten(reader.errors))
    told = _zoned(reader.validated_data, shop)
    try:
        what = PromotionTold(**{**told, "skus": tuple(told["skus"])})
        result = save_promotion(shop=shop, told=what, source=PromotionSource.API, actor=actor, at=at)
    except InvalidInput as error:
        return _result(told, "code", "error", error.fields)
    return _result(told, "code", result, {})


def _zoned(told: dict[str, Any], shop: Shop) -> dict[str, Any]:
    """Return the fields with moments that name no zone read in the shop's."""
    zone = ZoneInfo(shop.timezone)
    return {
        key: value.replace(tzinfo=zone) if key.endswith("_at") and value is not None and value.tzinfo is None else value
        for key, value in told.items()
    }


def _result(told: Any, name: str, result: str, fields: dict[str, list[Any]]) -> dict[str, Any]:
    key = told.get(name) if isinstance(told, dict) else ""
    found: dict[str, Any] = {"key": key[:64] if isinstance(key, str) else "", "result": result}
    if fields:
        found["errors"] = {path: [str(text) for text in texts] for path, texts in fields.items()}
    return found
