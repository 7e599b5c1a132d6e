"""The door to calls, call-backs and lines: a call is its team's; who answered it keeps seeing it."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from accounts.models import ApiKey, Staff
from accounts.permissions import Permission, require, sees_only_area, shop_scope, team_scope
from core.errors import NotFound
from tickets.models import Call, CallBack, PhoneLine


def _of_own_teams(staff: Staff, *also: Q) -> Q:
    if sees_only_area(staff) or not staff.is_active:
        return Q(pk__in=[])
    teams = team_scope(staff)
    if teams is None:
        return Q()
    seen = Q(team_id__in=teams)
    for one in also:
        seen |= one
    return seen


def calls_visible_to(staff: Staff) -> QuerySet[Call]:
    """Return the calls of the person's teams, those she answered and those she asked for."""
    return Call.objects.filter(_of_own_teams(staff, Q(agent_id=staff.pk), Q(asked_by_id=staff.pk)))


def calls_of_key(key: ApiKey) -> QuerySet[Call]:
    """Return the calls of a key's shops; one of a line for all shops belongs to the shop of its ticket."""
    shops = shop_scope(key)
    if shops is None:
        return Call.objects.all()
    return Call.objects.filter(Q(shop_id__in=shops) | Q(shop__isnull=True, ticket__shop_id__in=shops))


def get_call_for(staff: Staff, call_id: int, permission: Permission = Permission.TICKET_VIEW) -> Call:
    """Return a call with line, agent, customer and ticket. Raises NotFound when invisible, NotAllowed."""
    require(staff, Permission.TICKET_VIEW)
    rows = calls_visible_to(staff).select_related("line", "agent", "customer", "ticket", "team")
    call = rows.filter(pk=call_id).first()
    if call is None:
        raise NotFound
    require(staff, permission)
    return call


def call_backs_visible_to(staff: Staff) -> QuerySet[CallBack]:
    """Return who is to be called back by the person's teams, or by her."""
    return CallBack.objects.filter(_of_own_teams(staff, Q(claimed_by_id=staff.pk)))


def get_call_back_for(staff: Staff, call_back_id: int) -> CallBack:
    """Return an entry of the call-back list. Raises NotFound, NotAllowed."""
    require(staff, Permission.TICKET_VIEW)
    rows = call_backs_visible_to(staff).select_related("line", "call", "customer", "claimed_by")
    entry = rows.filter(pk=call_back_id).first()
    if entry is None:
        raise NotFound
    require(staff, Permission.TICKET_REPLY)
    return entry


def lines_visible_to(staff: Staff) -> QuerySet[PhoneLine]:
    """Return the lines of the shops one's teams serve; a line for all shops is seen by who serves all."""
    shops = shop_scope(staff)
    rows = PhoneLine.objects.select_related("shop", "team", "calendar").order_by("-is_active", "name", "pk")
    return rows if shops is None else rows.filter(shop_id__in=shops)


def get_line_for(staff: Staff, line_id: int) -> PhoneLine:
    """Return a line this person may set. Raises NotFound."""
    line = lines_visible_to(staff).filter(pk=line_id).first()
    if line is None:
        raise NotFound
    return line


def may_hear_calls(staff: Staff, _id: int | None) -> bool:
    """Say whether one may listen to the calls' page."""
    return staff.may(Permission.TICKET_VIEW)
