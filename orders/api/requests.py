"""What shops are asked to do with orders, read and answered by their own systems."""

from __future__ import annotations

from typing import Any, cast

from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.models import ApiKey
from core.actors import Actor
from core.errors import InvalidInput, NotFound
from core.idempotency import answer_once, read_key
from orders.api.serializers import ProblemOut, TextField
from orders.models import OrderRequest
from orders.request_enums import ANSWERS, REQUEST_OPEN, SAID_BY_SHOP, AnswerReason, RequestKind, RequestState
from orders.request_permissions import requests_visible_to
from orders.services.requests import answer_request
from orders.services.requests.wording import told_in

PAGE = 100
SCOPE = "orders.requests"
_KEY = OpenApiParameter(
    "Idempotency-Key", str, OpenApiParameter.HEADER, description="The same key gets the same answer."
)


class RequestLineOut(serializers.Serializer):
    """So many of one line of the order."""

    line = serializers.IntegerField()
    quantity = serializers.IntegerField()


class ToldOut(serializers.Serializer):
    """The new address, where a part that is empty stays as it is, and the agent's words to the shop."""

    recipient = serializers.CharField()
    phone = serializers.CharField()
    region = serializers.CharField()
    street = serializers.CharField()
    note = serializers.CharField()


class RequestOut(serializers.Serializer):
    """One request as it stands; `told` is given while it is open, null afterwards."""

    id = serializers.IntegerField()
    kind = serializers.ChoiceField(RequestKind.values)
    state = serializers.ChoiceField(RequestState.values)
    shop = serializers.CharField(source="shop.code")
    order_number = serializers.CharField(source="order.number")
    why = serializers.CharField()
    lines = RequestLineOut(many=True)
    told = serializers.SerializerMethodField()
    asked_at = serializers.DateTimeField()
    due_at = serializers.DateTimeField()
    answered_at = serializers.DateTimeField(allow_null=True)
    reason = serializers.ChoiceField(["", *AnswerReason.values], source="answer_reason")

    @extend_schema_field(ToldOut(allow_null=True))
    def get_told(self, request: OrderRequest) -> dict[str, str] | None:
        """Return what is personal, only as long as somebody has to act on it."""
        return dict(ToldOut(told_in(request)).data) if request.is_open else None


class RequestPage(serializers.Serializer):
    """One page of requests, the oldest first; `next` is the cursor of the following one, null on the last."""

    results = RequestOut(many=True)
    next = serializers.CharField(allow_null=True)


class AnswerIn(serializers.Serializer):
    """What the shop did. `reason` goes with refused, and only with it."""

    state = serializers.ChoiceField([str(one) for one in ANSWERS])
    reason = serializers.ChoiceField(["", *(str(one) for one in SAID_BY_SHOP)], required=False, default="")
    answer = TextField(max_length=400, required=False, allow_blank=True, default="", help_text="Words to the agent.")


class OrderRequests(APIView):
    """What the shops a key may see are asked to do."""

    read_scope = SCOPE

    @extend_schema(
        operation_id="list_order_requests",
        summary="List requests about orders, the oldest first",
        parameters=[
            OpenApiParameter("state", str, enum=["open", *RequestState.values], description="open without."),
            OpenApiParameter("shop", str, description="A shop's code."),
            OpenApiParameter("cursor", str, description="`next` of the page before."),
        ],
        responses={200: RequestPage, 422: ProblemOut},
    )
    def get(self, request: Request) -> Response:
        """List requests."""
        rows = requests_visible_to(cast(ApiKey, request.auth)).select_related("shop", "order").order_by("pk")
        state = request.query_params.get("state", "open")
        if state != "open" and state not in RequestState.values:
            raise InvalidInput(fields={"state": [_("This is not a state of a request.")]})
        rows = rows.filter(state__in=REQUEST_OPEN if state == "open" else [state])
        if shop := request.query_params.get("shop", ""):
            rows = rows.filter(shop__code=shop.strip().lower()[:32])
        if cursor := request.query_params.get("cursor", ""):
            if not cursor.isascii() or not cursor.isdigit() or len(cursor) > 18:
                raise InvalidInput(fields={"cursor": [_("Use the value of next as it was given.")]})
            rows = rows.filter(pk__gt=int(cursor))
        found = list(rows[: PAGE + 1])
        following = str(found[PAGE - 1].pk) if len(found) > PAGE else None
        return Response({"results": RequestOut(found[:PAGE], many=True).data, "next": following})


class OneOrderRequest(APIView):
    """One request by its id."""

    read_scope = SCOPE

    @extend_schema(
        operation_id="get_order_request",
        summary="Get a request about an order",
        responses={200: RequestOut, 404: ProblemOut},
    )
    def get(self, request: Request, request_id: int) -> Response:
        """Return the request."""
        return Response(RequestOut(_request(request, request_id)).data)


class OrderRequestAnswer(APIView):
    """The shop's answer to a request."""

    write_scope = SCOPE

    @extend_schema(
        operation_id="answer_order_request",
        summary="Answer a request about an order",
        description="`accepted` says that the shop is at it, `done` and `refused` close the request and tell the agent."
        " The same answer again changes nothing; another one after it was closed is refused with 409.",
        request=AnswerIn,
        parameters=[_KEY],
        responses={200: RequestOut, 404: ProblemOut, 409: ProblemOut, 422: ProblemOut},
        examples=[
            OpenApiExample("Done", {"state": "done"}, request_only=True),
            OpenApiExample("Refused", {"state": "refused", "reason": "packed"}, request_only=True),
        ],
    )
    def post(self, request: Request, request_id: int) -> Response:
        """Take the answer."""
        key = cast(ApiKey, request.auth)
        found = _request(request, request_id)
        reply = answer_once(
            scope=f"api.{key.pk}.order_requests",
            key=read_key(request._request),
            request_data=[found.pk, request.data],
            work=lambda: (200, _answer(key, found.pk, request.data)),
        )
        return Response(reply.body, status=reply.status, headers={"Idempotent-Replayed": str(reply.is_repeat).lower()})


def _request(request: Request, request_id: int) -> OrderRequest:
    rows = requests_visible_to(cast(ApiKey, request.auth)).select_related("shop", "order")
    found = rows.filter(pk=request_id).first() if request_id < 2**63 else None
    if found is None:
        raise NotFound
    return found


def _answer(key: ApiKey, request_id: int, body: Any) -> dict[str, Any]:
    reader = AnswerIn(data=body)
    reader.is_valid(raise_exception=True)
    told = reader.validated_data
    found = answer_request(
        request_id=request_id, to=told["state"], reason=told["reason"], answer=told["answer"], actor=Actor.api(key),
        at=timezone.now(),
    )  # fmt: skip
    return dict(RequestOut(found).data)
