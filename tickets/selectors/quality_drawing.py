"""What a plan may draw from, who may review it, and who is away."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Count, Q

from accounts.enums import PresenceStatus
from accounts.models import Membership, Staff
from accounts.permissions import Permission, team_scope
from accounts.selectors import active_staff, staff_with
from core.errors import NotFound
from tickets.models import Message, QualityReview, SamplingPlan, Ticket
from tickets.permissions import tickets_visible_to
from tickets.quality_enums import ReviewState, Why
from tickets.team_reach import reach_of_teams, within

REPEATED_WITHIN = timedelta(days=7)
RISKY_FROM = 3
LOW_SCORE = 2

_CANDIDATES = """
WITH t AS (
  SELECT k.id, k.customer_id, k.team_id, k.opened_at, coalesce(c.parent_id, k.category_id, 0) AS top
    FROM tickets_ticket k LEFT JOIN tickets_category c ON c.id = k.category_id
   WHERE k.resolved_at >= %(since)s AND k.resolved_at < %(until)s AND NOT k.is_spam AND k.merged_into_id IS NULL
     AND (cardinality(%(teams)s::bigint[]) = 0 OR k.team_id = ANY (%(teams)s)
          OR (k.team_id IS NULL AND (%(shops)s::bigint[] IS NULL OR k.shop_id IS NULL OR k.shop_id = ANY (%(shops)s))))
     AND (cardinality(%(channels)s::varchar[]) = 0 OR k.channel = ANY (%(channels)s))
     AND (cardinality(%(categories)s::bigint[]) = 0 OR k.category_id = ANY (%(categories)s)
          OR c.parent_id = ANY (%(categories)s))
     AND NOT EXISTS (SELECT 1 FROM tickets_quality_review r
                      WHERE r.ticket_id = k.id AND r.calibration_id IS NULL AND r.state <> 'dropped')),
said AS (
  SELECT m.ticket_id, m.author_id, count(*) AS n, max(m.at) AS last FROM tickets_message m JOIN t ON t.id = m.ticket_id
   WHERE m.author_type = 'staff' AND m.kind <> 'note' AND m.author_id IS NOT NULL GROUP BY m.ticket_id, m.author_id),
main AS (
  SELECT DISTINCT ON (ticket_id) ticket_id, author_id FROM said ORDER BY ticket_id, n DESC, last DESC, author_id)
SELECT t.id, main.author_id, t.team_id,
       EXISTS (SELECT 1 FROM core_event e WHERE e.ticket_id = t.id AND e.kind = 'survey.answered'
                  AND (e.data ->> 'csat')::int <= %(low)s),
       EXISTS (SELECT 1 FROM tickets_ticket o LEFT JOIN tickets_category oc ON oc.id = o.category_id
                WHERE o.customer_id = t.customer_id AND o.id <> t.id AND NOT o.is_spam AND o.merged_into_id IS NULL
                  AND o.opened_at < t.opened_at AND o.opened_at >= t.opened_at - %(repeated)s
                  AND coalesce(oc.parent_id, o.category_id, 0) = t.top),
       EXISTS (SELECT 1 FROM tickets_sla_clock s WHERE s.ticket_id = t.id AND s.breached_at IS NOT NULL),
       coalesce((SELECT sum(f.severity) FROM tickets_screen_finding f
                  WHERE f.ticket_id = t.id AND f.agent_id = main.author_id AND f.verdict <> 'wrong'), 0) >= %(risky)s,
       p.joined_at > %(joined)s
  FROM t JOIN main ON main.ticket_id = t.id JOIN accounts_staff p ON p.id = main.author_id
 WHERE (cardinality(%(agents)s::bigint[]) = 0 OR main.author_id = ANY (%(agents)s))
   AND (cardinality(%(teams)s::bigint[]) = 0 OR t.team_id IS NOT NULL
        OR EXISTS (SELECT 1 FROM accounts_membership b
                    WHERE b.staff_id = main.author_id AND b.team_id = ANY (%(teams)s)))
 ORDER BY t.id
"""
SIGNALS = (Why.LOW_SATISFACTION, Why.REPEAT, Why.BREACHED, Why.RISK, Why.NEW_AGENT)


@dataclass(frozen=True)
class Candidate:
    """A conversation that may be drawn, the agent who answered most of it, and what is remarkable about it."""

    ticket_id: int
    agent_id: int
    team_id: int | None
    signals: tuple[str, ...] = ()


def candidates_of(plan: SamplingPlan, since: datetime, until: datetime, *, new_agent_days: int) -> list[Candidate]:
    """Return the conversations resolved in a period that a plan may draw, by id, in one statement.

    Left out: spam, joined ones, those nobody answered in public, those with a review already. A plan of teams takes
    their conversations, and of those without a team in their shops the ones their people answered most.
    """
    reach = reach_of_teams(plan.team_ids)
    shops = list(reach.shop_ids) if reach is not None and reach.shop_ids is not None else None
    values: dict[str, Any] = {
        "since": since, "until": until, "teams": plan.team_ids, "shops": shops, "channels": plan.channels,
        "categories": plan.category_ids, "agents": plan.agent_ids, "low": LOW_SCORE, "repeated": REPEATED_WITHIN,
        "risky": RISKY_FROM, "joined": until - timedelta(days=new_agent_days),
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_CANDIDATES, values)
        return [
            Candidate(
                row[0], row[1], row[2], tuple(str(code) for code, fits in zip(SIGNALS, row[3:], strict=True) if fits)
            )
            for row in cursor.fetchall()
        ]


def get_plan(plan_id: int, scope: list[int] | None) -> SamplingPlan:
    """Return a plan within a team scope (None = every plan). Raises NotFound."""
    plan = within(SamplingPlan.objects.filter(pk=plan_id), scope).first()
    if plan is None:
        raise NotFound
    return plan


def agents_to_plan(scope: list[int] | None) -> list[Staff]:
    """Return the people a plan can name: everybody at work, within a team scope the people of these teams."""
    rows = active_staff()
    if scope is not None:
        rows = rows.filter(pk__in=Membership.objects.filter(team_id__in=scope).values("staff_id"))
    return list(rows)


def reviewers(ids: Iterable[int] = ()) -> list[Staff]:
    """Return who may review: those named, else the dedicated reviewers, else everybody with the right."""
    people = able_reviewers()
    wanted = set(ids)
    named = [one for one in people if one.pk in wanted]
    dedicated = [one for one in people if not one.may(Permission.QUALITY_MANAGE)]
    return named or dedicated or people


def able_reviewers() -> list[Staff]:
    """Return everybody with the right to review, with where they are."""
    return list(staff_with(Permission.QUALITY_REVIEW).select_related("presence"))


def unseen_by(people: Iterable[Staff], ticket_ids: Iterable[int]) -> dict[int, set[int]]:
    """Return for each ticket which of these people may not see it; one statement for each who sees only her teams."""
    wanted = set(ticket_ids)
    found: dict[int, set[int]] = {pk: set() for pk in wanted}
    for one in people:
        if team_scope(one) is None:
            continue
        seen = set(tickets_visible_to(one).filter(pk__in=wanted).order_by().values_list("pk", flat=True))
        for pk in wanted - seen:
            found[pk].add(one.pk)
    return found


def is_away(staff: Staff, *, at: datetime, hours: int) -> bool:
    """Say whether somebody has been off shift or away for so long that others do her reviews."""
    presence = getattr(staff, "presence", None)
    gone = presence is not None and presence.status in {PresenceStatus.OFFLINE, PresenceStatus.AWAY}
    return bool(gone and presence is not None and presence.since <= at - timedelta(hours=hours))


def authors_of(ticket_ids: Iterable[int]) -> dict[int, set[int]]:
    """Return who answered in each conversation, in what was joined into it too."""
    wanted = list(ticket_ids)
    parts = dict(Ticket.objects.filter(merged_into_id__in=wanted).values_list("pk", "merged_into_id"))
    rows = Message.objects.filter(ticket_id__in=[*wanted, *parts], author_type="staff", author_id__isnull=False)
    found: dict[int, set[int]] = {pk: set() for pk in wanted}
    for ticket_id, author_id in rows.exclude(kind="note").values_list("ticket_id", "author_id").distinct():
        if author_id is not None:
            found[parts.get(ticket_id, ticket_id) or ticket_id].add(author_id)
    return found


def main_agent(ticket_id: int) -> int | None:
    """Return who answered most in a conversation, the later one of two; None when nobody did."""
    rows = Message.objects.filter(ticket_id=ticket_id, author_type="staff", author_id__isnull=False)
    tally = rows.exclude(kind="note").values("author_id").annotate(n=Count("pk")).order_by("-n", "author_id")
    return next((row["author_id"] for row in tally), None)


def coach_for(agent_id: int, team_id: int | None) -> int | None:
    """Return who talks with an agent: a supervisor of the team, else of one of hers; None when there is none."""
    people = staff_with(Permission.QUALITY_MANAGE).exclude(pk=agent_id).order_by("pk")
    teams = (
        [team_id] if team_id else list(Membership.objects.filter(staff_id=agent_id).values_list("team_id", flat=True))
    )
    near = people.filter(memberships__team_id__in=teams)
    leading = near.filter(roles__overlap=["supervisor"]).first()
    found = leading or near.first()
    return found.pk if found else None


def open_loads() -> dict[int, int]:
    """Return how many reviews wait with each reviewer."""
    rows = QualityReview.objects.filter(state=ReviewState.WAITING, reviewer__isnull=False)
    return dict(rows.values_list("reviewer_id").annotate(n=Count("pk")))


def waiting_reviews() -> Q:
    """Return the condition of reviews that wait and are no calibration."""
    return Q(state=ReviewState.WAITING, calibration__isnull=True)
