"""The door: which tickets a person, an API key or a customer's link may see, and what a person may do with them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.exceptions import EmptyResultSet
from django.db.models import F, Q, QuerySet
from django.db.models.functions import JSONObject
from django.urls import reverse
from django.utils import timezone

from accounts.models import ApiKey, Staff
from accounts.permissions import Permission, require, scope_key, sees_only_area, shop_scope, stand_in, team_scope
from core.crypto import link_mac, same, sign, verify
from core.errors import Expired, NotFound
from core.kept import Kept
from tickets.area import tickets_in_area
from tickets.models import Ticket
from tickets.slots import STAFF, TICKET, person_and_ticket

FOR_STATUS: dict[str, Permission] = {
    "resolved": Permission.TICKET_RESOLVE,
    "closed": Permission.TICKET_RESOLVE,
}
LINK_LIFE = timedelta(days=180)
LINK_PURPOSE = "ticket"
SHORT_LINK = re.compile(r"([0-9a-f]{1,15})\.([A-Za-z0-9_-]{22})")


def tickets_visible_to(who: Staff | ApiKey) -> QuerySet[Ticket]:
    """Return the tickets of the person's teams, her own ones, and teamless ones of her shops.

    A key sees its shops', another department what was handed to it and its area.
    """
    if isinstance(who, ApiKey):
        shops = shop_scope(who)
        return Ticket.objects.all() if shops is None else Ticket.objects.filter(shop_id__in=shops)
    teams = team_scope(who)
    if teams is None:
        return Ticket.objects.all()
    if sees_only_area(who):
        return tickets_in_area(teams, shop_scope(who))
    if not teams:
        return Ticket.objects.filter(assignee_id=who.pk) if who.is_active else Ticket.objects.none()
    shops = shop_scope(who)
    teamless = Q(team__isnull=True)
    if shops is not None:
        teamless &= Q(shop__isnull=True) | Q(shop_id__in=shops)
    return Ticket.objects.filter(Q(team_id__in=teams) | Q(assignee_id=who.pk) | teamless)


RELATED = ("shop", "customer", "order", "category", "assignee", "team")
# What the desk says of them: a whole row of each would double what opening a ticket costs.
NAMES = {
    "shop": ("name",),
    "customer": ("name",),
    "order": ("number",),
    "category": ("key", "name_zh", "name_en"),
    "assignee": ("display_name",),
}


def get_ticket_for(
    who: Staff | ApiKey,
    ticket_id: int,
    permission: Permission = Permission.TICKET_VIEW,
) -> Ticket:
    """Return a ticket this person may see and do that with, with shop, customer, order, category, assignee and team.

    Raises NotFound for one she may not see, NotAllowed without the right.
    """
    if isinstance(who, Staff):
        require(who, Permission.TICKET_VIEW)
    rows = tickets_visible_to(who).select_related(*RELATED)
    ticket = next(iter(rows.filter(pk=ticket_id)), None)  # first() would order by the key, for nothing
    if ticket is None:
        raise NotFound
    if isinstance(who, Staff):
        require(who, permission)
    return ticket


_pages = Kept(person_and_ticket)


def get_ticket_page_for(
    staff: Staff, ticket_id: int, permission: Permission, marks: Callable[[Staff], dict[str, Any]]
) -> Ticket:
    """Return a ticket as get_ticket_for does, with the marks of a page as annotations, in one kept statement.

    Shop, customer and the others come with their names only; what else is asked of them is read then.
    """
    require(staff, Permission.TICKET_VIEW)

    def asked() -> QuerySet[Ticket]:
        other = stand_in(staff, STAFF.sample)
        return tickets_visible_to(other).annotate(names=_names(), **marks(other)).filter(pk=TICKET.sample)

    key = (marks, *scope_key(staff))
    try:
        found = _pages.instances(key, asked, staff=staff.pk, ticket=ticket_id)
    except EmptyResultSet:
        found = []
    if not found:
        raise NotFound
    require(staff, permission)
    _take_names(found[0])
    return found[0]


def _names() -> JSONObject:
    return JSONObject(**{f"{key}__{name}": F(f"{key}__{name}") for key, names in NAMES.items() for name in names})


def _take_names(ticket: Ticket) -> None:
    told: dict[str, Any] = ticket.__dict__.pop("names")
    for key, names in NAMES.items():
        field = Ticket._meta.get_field(key)
        pk = getattr(ticket, f"{key}_id")
        if pk is not None and field.related_model is not None:
            row = field.related_model.from_db("default", ["id", *names], [pk, *(told[f"{key}__{n}"] for n in names)])
            setattr(ticket, key, row)


def desk_url(ticket_id: int) -> str:
    """Return the path of a ticket on the desk."""
    return reverse("tickets:ticket", args=[ticket_id])


def customer_url(ticket: Ticket) -> str:
    """Return the absolute secret link to the customer's own page of a ticket; works for half a year."""
    token = sign({"t": ticket.pk}, LINK_PURPOSE)
    return settings.PUBLIC_URL.rstrip("/") + reverse("tickets:public_ticket", args=[token])


def short_customer_url(ticket: Ticket) -> str:
    """Return a link to the same page that fits into a text message; works for half a year after the last message."""
    token = f"{ticket.pk:x}.{link_mac(str(ticket.pk), LINK_PURPOSE)}"
    return settings.PUBLIC_URL.rstrip("/") + reverse("tickets:public_ticket", args=[token])


def get_ticket_by_link(token: str) -> Ticket:
    """Return the ticket of a customer's secret link. Raises Expired, NotFound (also after the person was erased)."""
    short = SHORT_LINK.fullmatch(token)
    if short is not None:
        ticket_id: object = int(short[1], 16)
        if not same(short[2], link_mac(str(ticket_id), LINK_PURPOSE)):
            raise NotFound
    else:
        payload = verify(token, LINK_PURPOSE, max_age=LINK_LIFE)
        ticket_id = payload.get("t") if isinstance(payload, dict) else None
    rows = Ticket.objects.select_related("shop", "customer", "order", "merged_into")
    ticket = rows.filter(pk=ticket_id).first() if isinstance(ticket_id, int) else None
    if ticket is None or (ticket.customer is not None and ticket.customer.erased_at is not None):
        raise NotFound
    ticket = ticket.merged_into or ticket
    if short is not None and (ticket.last_message_at or ticket.opened_at) < timezone.now() - LINK_LIFE:
        raise Expired
    return ticket


def permission_for_status(status: str) -> Permission:
    """Return the right needed to put a ticket into a status."""
    return FOR_STATUS.get(status, Permission.TICKET_REPLY)
