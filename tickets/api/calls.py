"""Phone calls over HTTP: read only, newest first, numbers masked."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse
from rest_framework.views import APIView

from accounts.enums import ApiScope
from accounts.permissions import shop_scope
from core.errors import InvalidInput
from core.text import mask_name
from tickets.api.views import checked, key_of
from tickets.calls_enums import CallDirection, CallResult, CallState, Disposition
from tickets.calls_permissions import calls_of_key
from tickets.models import Call

CUSTOMER = {
    "type": "object",
    "nullable": True,
    "required": ["id", "name"],
    "properties": {"id": {"type": "integer"}, "name": {"type": "string", "description": "Masked."}},
}


class CallOut(serializers.ModelSerializer[Call]):
    """A phone call; the other side's number and the customer's name are masked."""

    line = serializers.CharField(source="line.name", read_only=True)
    shop = serializers.CharField(source="shop.code", read_only=True, allow_null=True, default=None)
    ticket = serializers.SerializerMethodField(help_text="The ticket it is about, when this key may see it.")
    customer = serializers.SerializerMethodField()
    number = serializers.CharField(source="masked", read_only=True, help_text="Masked; empty when it was withheld.")
    direction = serializers.ChoiceField(choices=CallDirection.choices, read_only=True)
    state = serializers.ChoiceField(choices=CallState.choices, read_only=True)
    result = serializers.ChoiceField(
        choices=CallResult.choices, allow_blank=True, read_only=True, help_text="Empty before its end."
    )
    disposition = serializers.ChoiceField(
        choices=Disposition.choices, allow_blank=True, read_only=True, help_text="Empty before the wrap-up."
    )
    waited = serializers.IntegerField(
        read_only=True, allow_null=True, help_text="Seconds to the answer, or to the end without one."
    )
    talked = serializers.IntegerField(read_only=True, allow_null=True, help_text="Seconds of conversation.")
    is_recorded = serializers.SerializerMethodField(help_text="Whether the PBX told of a recording.")

    class Meta:
        model = Call
        fields = (
            "id", "line", "shop", "ticket", "customer", "number", "direction", "state", "result", "disposition",
            "started_at", "answered_at", "ended_at", "wrapped_at", "waited", "talked", "menu_keys", "wants_call_back",
            "is_recorded", "version",
        )  # fmt: skip
        read_only_fields = fields

    @extend_schema_field({"type": "integer", "nullable": True})
    def get_ticket(self, call: Call) -> int | None:
        """Return the ticket's id, unless it is of a shop this key does not see."""
        shops = self.context["shops"]
        is_seen = call.ticket is not None and (shops is None or call.ticket.shop_id in shops)
        return call.ticket_id if is_seen else None

    @extend_schema_field(CUSTOMER)
    def get_customer(self, call: Call) -> dict[str, Any] | None:
        """Return the customer's id and masked name."""
        return {"id": call.customer.pk, "name": mask_name(call.customer.name)} if call.customer else None

    def get_is_recorded(self, call: Call) -> bool:
        """Say whether there is a recording; its address is never told here."""
        return call.recording_enc is not None


class CallPage(serializers.Serializer[Any]):
    """One page of calls, newest first; `next` is the address of the following page or null."""

    results = CallOut(many=True)
    next = serializers.CharField(allow_null=True)


class CallQuery(serializers.Serializer[Any]):
    """What a list of calls may be narrowed to."""

    ticket = serializers.IntegerField(min_value=1, max_value=2**62, required=False, help_text="A ticket's id.")
    direction = serializers.ChoiceField(choices=CallDirection.choices, required=False)
    since = serializers.DateTimeField(required=False, help_text="Calls that began then or later.")
    until = serializers.DateTimeField(required=False, help_text="Calls that began before then.")
    before = serializers.IntegerField(
        min_value=1, max_value=2**62, required=False, help_text="Calls after this one in the list: a call's id."
    )
    limit = serializers.IntegerField(min_value=1, max_value=100, required=False, default=50)


class CallList(APIView):
    """The phone calls a key may see."""

    read_scope = ApiScope.TICKETS_READ

    @extend_schema(
        operation_id="calls_list",
        summary="List phone calls, newest first",
        parameters=[CallQuery],
        responses={200: CallPage},
        tags=["calls"],
    )
    def get(self, request: Request) -> Response:
        """Return one page; follow `next` for the rest."""
        query, shops = checked(CallQuery, request.query_params), shop_scope(key_of(request))
        visible = calls_of_key(key_of(request))
        rows = _narrowed(visible, query).select_related("line", "shop", "ticket", "customer")
        found = list(rows.order_by("-started_at", "-pk")[: query["limit"] + 1])
        shown = found[: query["limit"]]
        more = None
        if len(found) > query["limit"]:
            wanted = {**query, "before": shown[-1].pk}
            wanted |= {name: wanted[name].isoformat() for name in ("since", "until") if name in wanted}
            more = f"{reverse('api-calls', request=request)}?{urlencode(wanted)}"
        return Response({"results": CallOut(shown, many=True, context={"shops": shops}).data, "next": more})


def _narrowed(visible: QuerySet[Call], query: dict[str, Any]) -> QuerySet[Call]:
    """Narrow the calls of a key. Raises InvalidInput when `before` names a call it does not see."""
    given = {"ticket": "ticket_id", "direction": "direction", "since": "started_at__gte", "until": "started_at__lt"}
    rows = visible.filter(**{column: query[name] for name, column in given.items() if name in query})
    if "before" not in query:
        return rows
    mark = visible.filter(pk=query["before"]).values_list("started_at", "pk").first()
    if mark is None:
        raise InvalidInput(fields={"before": [_("Use the address in next as it was given.")]})
    at, pk = mark
    return rows.filter(Q(started_at__lt=at) | Q(started_at=at, pk__lt=pk), started_at__lte=at)
