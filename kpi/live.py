"""What is going on at this moment, and the names a page of figures needs."""

from __future__ import annotations

from typing import Any

from django.db import connection
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from accounts.models import Staff, Team
from accounts.permissions import shop_scope
from kpi.models import Fact
from orders.models import Shop
from tickets.enums import Channel
from tickets.models import Category


def board_now(staff: Staff) -> list[dict[str, Any]]:
    """Return the live counts of the reader's shops in one statement that reads the partial indexes and no ticket.

    What waits for the customer is taken off the rest, since the index of all open tickets does not know the status.

    Late and at risk is what the running clocks say: their nearest deadline and warning stand on the ticket, which kind
    is late is asked of the clocks themselves.
    """
    scope = shop_scope(staff)
    ours = "NOT is_spam AND merged_into_id IS NULL" + ("" if scope is None else " AND shop_id = ANY(%(shops)s)")
    listed = f"status IN ('new', 'open', 'waiting_customer', 'waiting_department') AND {ours}"
    hers = f"status = 'waiting_customer' AND {ours}"
    with connection.cursor() as cursor:
        cursor.execute(  # allowed: constants, the shops are a parameter
            f"""WITH late AS (
                    SELECT count(*) FILTER (WHERE c.kind = 'first_response') AS first_reply,
                           count(*) FILTER (WHERE c.kind = 'next_response') AS next_reply,
                           count(*) FILTER (WHERE c.kind = 'resolution') AS solution
                      FROM (SELECT id FROM tickets_ticket WHERE {listed} AND next_due_at < now()) t
                      JOIN tickets_sla_clock c ON c.ticket_id = t.id AND c.state = 'running' AND c.due_at < now())
                SELECT (SELECT count(*) FROM tickets_ticket WHERE {listed})
                     - (SELECT count(*) FROM tickets_ticket WHERE {hers}),
                       (SELECT count(*) FROM tickets_ticket WHERE {listed} AND assignee_id IS NULL)
                     - (SELECT count(*) FROM tickets_ticket WHERE {hers} AND assignee_id IS NULL),
                       (SELECT first_reply FROM late), (SELECT next_reply FROM late), (SELECT solution FROM late),
                       (SELECT count(*) FROM tickets_ticket
                         WHERE {listed} AND next_due_at >= now() AND warn_at <= now()),
                       (SELECT count(*) FROM accounts_presence WHERE status = 'online')""",
            {"shops": scope},
        )
        waiting, unassigned, late_reply, late_next, late_solution, at_risk, online = cursor.fetchone()
    lines = [
        (_("Open tickets"), waiting, "", "open"),
        (_("Unassigned tickets"), unassigned, "warn" if unassigned else "", "unassigned"),
        (_("First reply overdue"), late_reply, "bad" if late_reply else "good", "overdue"),
        (_("Next reply overdue"), late_next, "bad" if late_next else "good", "overdue"),
        (_("Solution overdue"), late_solution, "bad" if late_solution else "good", "overdue"),
        (_("At risk"), at_risk, "warn" if at_risk else "", "risk"),
        (_("Agents online"), online, "", ""),
    ]
    return [
        {"label": label, "value": value, "state": state, "url": f"/desk/?view={view}" if view else ""}
        for label, value, state, view in lines
    ]


def filter_choices(staff: Staff) -> dict[str, list[tuple[str, str]]]:
    """Return the shops, teams and channels the reader may narrow the board to."""
    scope = shop_scope(staff)
    shops = Shop.objects.filter(is_active=True).order_by("id")
    if scope is not None:
        shops = shops.filter(pk__in=scope)
    return {
        "shop": [(str(shop.pk), shop.name) for shop in shops],
        "team": [(str(team.pk), team.name) for team in Team.objects.order_by("name")],
        "channel": [(value, str(label)) for value, label in Channel.choices],
    }


def names_of(facts: list[Fact]) -> dict[str, dict[Any, str]]:
    """Return the names of the agents and categories that a page of rows mentions: two statements."""
    language = get_language() or "zh-hans"
    agents = {fact.agent_id for fact in facts if fact.agent_id}
    keys = {fact.category for fact in facts if fact.category}
    return {
        "agents": dict(Staff.objects.filter(pk__in=agents).values_list("pk", "display_name")) if agents else {},
        "categories": {row.key: row.name_in(language) for row in Category.objects.filter(key__in=keys)} if keys else {},
        "channels": {value: str(label) for value, label in Channel.choices},
    }
