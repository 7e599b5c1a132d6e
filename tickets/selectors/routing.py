"""What routing reads: the queue of a team in its order, and its people with what they have in work."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Exists, F, IntegerField, OuterRef, Q, QuerySet, Value
from django.db.models.expressions import Case, When
from django.db.models.functions import Coalesce

from accounts.availability import Limits, limits_of
from accounts.enums import Permission, PresenceStatus
from accounts.models import Membership, Staff
from core.kept import Kept, number_slot
from customers.enums import Tier
from tickets.enums import TicketStatus
from tickets.models import Ticket
from tickets.models.routing import DedicatedAgent, GivenBack, RoutingMode, TeamRouting

IN_WORK = (TicketStatus.NEW, TicketStatus.OPEN)
"""What takes a place: a ticket that waits for the customer or a department is not being worked on."""
NOT_AGAIN_FOR = timedelta(hours=8)
LAST_AGENT_WITHIN = timedelta(days=90)
QUEUED = Q(assignee__isnull=True, status__in=IN_WORK, is_spam=False, merged_into__isnull=True)
WORKED_ON = Q(assignee__isnull=False, status__in=IN_WORK, is_spam=False, merged_into__isnull=True)
_TEAM = number_slot("team", 5)
_automatic = Kept(lambda: (_TEAM,))


@dataclass(frozen=True)
class Need:
    """What a waiting ticket asks for. `skill` is empty when its category asks for none."""

    ticket_id: int
    team_id: int
    channel: str
    language: str
    tier: str
    skill: str
    opened_at: datetime
    dedicated_id: int | None = None
    last_id: int | None = None
    not_to: frozenset[int] = frozenset()


@dataclass
class Agent:
    """Somebody who may be given work, as she was when read; `idle_since` is when she last got a ticket."""

    pk: int
    limits: Limits
    skills: frozenset[str]
    languages: frozenset[str]
    idle_since: datetime
    is_member: bool = True
    loads: dict[str, int] = field(default_factory=dict)

    @property
    def load(self) -> int:
        """Return how many tickets she has in work."""
        return sum(self.loads.values())

    def has_room(self, channel: str) -> bool:
        """Tell whether one more of this channel fits."""
        return self.limits.has_room(self.loads, channel)


@dataclass
class Pool:
    """The people of a team who are online, and what anybody of it could do if she were."""

    agents: list[Agent]
    known_skills: frozenset[str]
    known_languages: frozenset[str]

    def has_room(self) -> bool:
        """Tell whether anybody could take anything more."""
        return any(agent.load < agent.limits.in_total for agent in self.agents)


def is_automatic(team_id: int | None) -> bool:
    """Tell whether a team's tickets are handed out."""
    if team_id is None:
        return False
    return bool(_automatic.rows("", _of_automatic, team=team_id))


def _of_automatic() -> QuerySet[TeamRouting, tuple[int]]:
    rows = TeamRouting.objects.filter(pk=_TEAM.sample, mode=RoutingMode.AUTOMATIC, team__archived_at__isnull=True)
    return rows.values_list("pk")


def routing_of(team_id: int) -> TeamRouting:
    """Return a team's way of routing; one nobody set is by hand."""
    return TeamRouting.objects.filter(pk=team_id).first() or TeamRouting(team_id=team_id, version=0)


def widen_after(team_ids: Iterable[int]) -> dict[int, timedelta]:
    """Return after how long each team's tickets go to somebody free without their skill or language."""
    ids = list(team_ids)
    known = dict(TeamRouting.objects.filter(pk__in=ids).values_list("pk", "widen_after_minutes"))
    default = TeamRouting._meta.get_field("widen_after_minutes").default
    return {pk: timedelta(minutes=known.get(pk, default)) for pk in ids}


def automatic_teams() -> QuerySet[TeamRouting]:
    """Return the teams whose tickets are handed out."""
    return TeamRouting.objects.filter(mode=RoutingMode.AUTOMATIC, team__archived_at__isnull=True).order_by("pk")


def queue_of(team_ids: Iterable[int]) -> QuerySet[Ticket]:
    """Return what waits for an agent in these teams, in the order it is handed out.

    The more urgent first, then VIP customers, then what is due first, then the oldest.
    """
    is_vip = Case(When(customer__tier=Tier.VIP, then=Value(0)), default=Value(1), output_field=IntegerField())
    return (
        Ticket.objects.filter(QUEUED, team_id__in=list(team_ids))
        .annotate(vip_first=is_vip)
        .order_by("-priority", "vip_first", F("next_due_at").asc(nulls_last=True), "opened_at", "pk")
    )


def _dedicated() -> Coalesce:
    """Return whose customer it is: of a joined record, the one that counts says so."""
    return Coalesce("customer__merged_into__dedicated_agent__staff", "customer__dedicated_agent__staff")


def needs_of(rows: QuerySet[Ticket], *, at: datetime) -> list[Need]:
    """Return what these tickets ask for, in their order, in three statements."""
    skill = Coalesce("category__needed_skill__skill", "category__parent__needed_skill__skill", Value(""))
    found = list(
        rows.annotate(skill=skill, tier=F("customer__tier"), dedicated_id=_dedicated()).values(
            "pk", "team_id", "channel", "language", "tier", "skill", "opened_at", "dedicated_id", "customer_id"
        )
    )
    last = last_agents({row["customer_id"] for row in found if row["customer_id"]}, at=at)
    refused: dict[int, set[int]] = defaultdict(set)
    back = GivenBack.objects.filter(ticket_id__in=[row["pk"] for row in found], at__gt=at - NOT_AGAIN_FOR)
    for ticket_id, staff_id in back.values_list("ticket_id", "staff_id"):
        refused[ticket_id].add(staff_id)
    return [_need(row, last, refused) for row in found]


def _need(row: Mapping[str, Any], last: dict[int, int], refused: dict[int, set[int]]) -> Need:
    return Need(
        ticket_id=row["pk"],
        team_id=row["team_id"],
        channel=row["channel"],
        language=row["language"],
        tier=row["tier"] or Tier.STANDARD,
        skill=row["skill"],
        opened_at=row["opened_at"],
        dedicated_id=row["dedicated_id"],
        last_id=last.get(row["customer_id"]),
        not_to=frozenset(refused.get(row["pk"], ())),
    )


def last_agents(customer_ids: Iterable[int], *, at: datetime) -> dict[int, int]:
    """Return who served each of these customers last, within three months."""
    rows = (
        Ticket.objects.filter(
            customer_id__in=set(customer_ids), assignee__isnull=False, opened_at__gt=at - LAST_AGENT_WITHIN
        )
        .order_by("customer_id", "-opened_at")
        .distinct("customer_id")
    )
    return dict(rows.values_list("customer_id", "assignee_id"))


def loads_of(staff_ids: Iterable[int]) -> dict[int, dict[str, int]]:
    """Return how many tickets each of these people has in work, by channel."""
    rows = Ticket.objects.filter(WORKED_ON, assignee_id__in=list(staff_ids)).order_by()
    loads: dict[int, dict[str, int]] = defaultdict(dict)
    for staff_id, channel, count in (
        rows.values("assignee_id", "channel").annotate(n=Count("pk")).values_list("assignee_id", "channel", "n")
    ):
        loads[staff_id][channel] = count
    return loads


def abilities_of(team_ids: Iterable[int]) -> dict[int, Pool]:
    """Return what the people of these teams could do, here or not, without the people themselves."""
    rows = Membership.objects.filter(team_id__in=list(team_ids), staff__is_active=True)
    skills: dict[int, set[str]] = defaultdict(set)
    languages: dict[int, set[str]] = defaultdict(set)
    for team_id, hers, spoken in rows.values_list("team_id", "staff__skills", "staff__languages"):
        skills[team_id].update(hers)
        languages[team_id].update(spoken)
    return {pk: Pool([], frozenset(skills[pk]), frozenset(languages[pk])) for pk in team_ids}


def pool_of(team_id: int) -> Pool:
    """Return who of a team, or of others as a dedicated agent, is online and may answer, in two statements."""
    member = Membership.objects.filter(staff_id=OuterRef("pk"), team_id=team_id)
    cared_for = DedicatedAgent.objects.filter(staff_id=OuterRef("pk"))
    people = list(
        Staff.objects.filter(Q(Exists(member)) | Q(Exists(cared_for)), is_active=True)
        .annotate(is_member=Exists(member))
        .select_related("presence", "capacity")
        .order_by("pk")
    )
    able = [one for one in people if one.may(Permission.TICKET_REPLY)]
    members = [one for one in able if one.is_member]  # type: ignore[attr-defined]
    here = [one for one in able if _is_online(one)]
    loads = loads_of(one.pk for one in here)
    return Pool(
        agents=[_agent(one, loads.get(one.pk, {})) for one in here],
        known_skills=frozenset(skill for one in members for skill in one.skills),
        known_languages=frozenset(language for one in members for language in one.languages),
    )


def agent_of(staff_id: int) -> Agent | None:
    """Return one person as routing sees her; None when she is off shift or nobody ever heard of her."""
    here = Staff.objects.filter(pk=staff_id, presence__isnull=False).exclude(presence__status=PresenceStatus.OFFLINE)
    staff = here.select_related("presence", "capacity").first()
    return _agent(staff, loads_of([staff_id]).get(staff_id, {})) if staff else None


def _is_online(staff: Staff) -> bool:
    presence = getattr(staff, "presence", None)
    return presence is not None and presence.status == PresenceStatus.ONLINE


def _agent(staff: Staff, loads: dict[str, int]) -> Agent:
    presence = staff.presence
    return Agent(
        pk=staff.pk,
        limits=limits_of(staff),
        skills=frozenset(staff.skills),
        languages=frozenset(staff.languages),
        idle_since=presence.given_at or presence.since,
        is_member=bool(getattr(staff, "is_member", True)),
        loads=dict(loads),
    )
