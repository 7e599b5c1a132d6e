"""Tickets and messages over HTTP: keyset lists, idempotent creation, the same door as everywhere."""

from __future__ import annotations

from typing import Any, cast
from urllib.parse import urlencode

from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse
from rest_framework.views import APIView

from accounts.enums import ApiScope
from accounts.models import ApiKey
from core.actors import Actor
from core.errors import InvalidInput
from core.idempotency import answer_once, read_key
from tickets.api.serializers import (
    ListQuery,
    MessageIn,
    MessageOut,
    MessagePage,
    MessageQuery,
    TicketIn,
    TicketOut,
    TicketPage,
)
from tickets.enums import Channel
from tickets.models import Message
from tickets.permissions import get_ticket_for, tickets_visible_to
from tickets.services import add_customer_message, add_note
from tickets.services.api_opening import ApiTicket, open_ticket_for_key

IDEMPOTENCY = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "minLength": 1, "maxLength": 255, "pattern": r"^[\x21-\x7e]+$"},
    OpenApiParameter.HEADER,
    description="Send the same key again and get the same answer, for 24 hours; another body with it is refused.",
)
TICKET_ID = OpenApiParameter("ticket_id", {"type": "integer", "minimum": 1, "maximum": 2**62}, OpenApiParameter.PATH)


class TicketList(APIView):
    """The tickets a key may see."""

    read_scope, write_scope = ApiScope.TICKETS_READ, ApiScope.TICKETS_WRITE

    @extend_schema(
        operation_id="tickets_list",
        summary="List tickets, newest first",
        parameters=[ListQuery],
        responses={200: TicketPage},
        tags=["tickets"],
    )
    def get(self, request: Request) -> Response:
        """Return one page; follow `next` for the rest."""
        query = checked(ListQuery, request.query_params)
        rows = tickets_visible_to(key_of(request)).select_related("shop", "order", "category", "customer")
        if "status" in query:
            rows = rows.filter(status=query["status"])
        if "shop" in query:
            rows = rows.filter(shop__code=query["shop"])
        if "before" in query:
            rows = rows.filter(pk__lt=query["before"])
        found = list(rows.order_by("-pk")[: query["limit"] + 1])
        shown = found[: query["limit"]]
        more = None
        if len(found) > query["limit"]:
            wanted = {**query, "before": shown[-1].pk}
            more = f"{reverse('api-tickets', request=request)}?{urlencode(wanted)}"
        return Response({"results": TicketOut(shown, many=True).data, "next": more})

    @extend_schema(
        operation_id="tickets_open",
        summary="Open a ticket in a customer's name",
        parameters=[IDEMPOTENCY],
        request=TicketIn,
        responses={201: TicketOut},
        examples=[
            OpenApiExample(
                "A cracked cup",
                request_only=True,
                value={
                    "shop": "main",
                    "customer": {"phone": "13800138000", "email": "wang@example.com", "name": "王小明"},
                    "subject": "杯子有裂纹",
                    "text": "收到的杯子有裂纹，怎么办？",
                    "order_number": "SO20261121008",
                    "category": "quality-defect",
                },
            )
        ],
        tags=["tickets"],
    )
    def post(self, request: Request) -> Response:
        """Open it once per Idempotency-Key."""
        key = read_key(request._request)
        data = checked(TicketIn, request.data)
        wanted = ApiTicket(
            shop=data["shop"],
            phone=data["customer"]["phone"],
            email=data["customer"]["email"],
            name=data["customer"]["name"],
            subject=data["subject"],
            text=data["text"],
            order_number=data["order_number"],
            category=data["category"],
            priority=data["priority"],
            language=data["language"] or "",
        )

        def work() -> tuple[int, Any]:
            ticket = open_ticket_for_key(key=key_of(request), wanted=wanted, at=timezone.now())
            return 201, TicketOut(ticket).data

        scope = f"api.{key_of(request).pk}.tickets"
        reply = answer_once(scope=scope, key=key, request_data=request.data, work=work)
        return Response(reply.body, status=reply.status)


class TicketDetail(APIView):
    """One ticket."""

    read_scope = ApiScope.TICKETS_READ

    @extend_schema(
        operation_id="tickets_get",
        summary="Get a ticket",
        parameters=[TICKET_ID],
        responses={200: TicketOut},
        tags=["tickets"],
    )
    def get(self, request: Request, ticket_id: int) -> Response:
        """Return it, or 404 when this key may not see it."""
        return Response(TicketOut(get_ticket_for(key_of(request), ticket_id)).data)


class MessageList(APIView):
    """The messages of a ticket."""

    read_scope, write_scope = ApiScope.TICKETS_READ, ApiScope.TICKETS_WRITE

    @extend_schema(
        operation_id="messages_list",
        summary="List a ticket's messages after a seq",
        parameters=[TICKET_ID, MessageQuery],
        responses={200: MessagePage},
        tags=["tickets"],
    )
    def get(self, request: Request, ticket_id: int) -> Response:
        """Return messages in order; `seq` has no gaps, so a gap means: ask again."""
        query = checked(MessageQuery, request.query_params)
        ticket = get_ticket_for(key_of(request), ticket_id)
        rows = Message.objects.filter(ticket=ticket, seq__gt=query["after"]).prefetch_related("attachments")
        found = list(rows.order_by("seq")[: query["limit"] + 1])
        shown = found[: query["limit"]]
        body = {
            "results": MessageOut(shown, many=True).data,
            "head": ticket.last_seq,
            "has_more": len(found) > query["limit"],
        }
        return Response(body)

    @extend_schema(
        operation_id="messages_add",
        summary="Add a customer's message or an internal note",
        parameters=[TICKET_ID, IDEMPOTENCY],
        request=MessageIn,
        responses={201: MessageOut},
        examples=[OpenApiExample("The customer adds", request_only=True, value={"text": "照片发到邮箱了。"})],
        tags=["tickets"],
    )
    def post(self, request: Request, ticket_id: int) -> Response:
        """Add it once per Idempotency-Key or client_id; a resolved ticket opens again."""
        key = read_key(request._request)
        data = checked(MessageIn, request.data)
        ticket = get_ticket_for(key_of(request), ticket_id)
        actor, at = Actor.api(key_of(request)), timezone.now()

        def work() -> tuple[int, Any]:
            if data["kind"] == "note":
                message = add_note(
                    ticket_id=ticket.pk, text=data["text"], actor=actor, at=at, client_id=data["client_id"]
                )
            else:
                message = add_customer_message(
                    ticket_id=ticket.pk, text=data["text"], channel=Channel.API, client_id=data["client_id"],
                    actor=actor, at=at,
                )  # fmt: skip
            return 201, MessageOut(message).data

        scope = f"api.{key_of(request).pk}.messages.{ticket.pk}"
        reply = answer_once(scope=scope, key=key, request_data=request.data, work=work)
        return Response(reply.body, status=reply.status)


def key_of(request: Request) -> ApiKey:
    """Return the key the permission class has let in."""
    return cast(ApiKey, request.auth)


def checked(serializer: type[Any], data: Any) -> dict[str, Any]:
    """Return validated data. Raises InvalidInput through the problem handler (422)."""
    if not hasattr(data, "get"):
        raise InvalidInput(fields={"body": [_("Send a JSON object.")]})
    form = serializer(data=data)
    form.is_valid(raise_exception=True)
    return dict(form.validated_data)
