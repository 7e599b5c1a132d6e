"""The company of the benchmark: shops, teams, the staff who are signed in as, and those who did the work."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.contrib.auth.hashers import make_password

from accounts.enums import ApiScope, PresenceStatus
from accounts.models import ApiKey, Membership, Presence, Staff, Team
from bench.seeding import API_KEY, BUSY, LEAD, ONE, PASSWORD
from core.crypto import hash_token
from core.models import Company
from orders.models import Carrier, Shop
from tickets.models import Category

SHOPS = (("bench-tmall", "清和旗舰店"), ("bench-jd", "清和自营"), ("bench-dy", "清和直播间"),
("bench-mini", "清和小程序"),
         ("bench-outlet", "清和折扣店"), ("bench-en", "Qinghe Global"))  # fmt: skip
SHOP_WEIGHTS = (46, 24, 14, 9, 5, 2)


@dataclass(frozen=True)
class World:
    """Ids of what the rows point to. `team_agents` are the agents of each team, those signed in as left out."""

    shops: list[int]
    teams: list[int]
    team_agents: dict[int, list[int]]
    busy: int
    one: int
    categories: list[int]
    carriers: list[int]


def make_world(at: datetime) -> World:
    """Make shops, teams and staff through the models."""
    Company.objects.update_or_create(pk=1, defaults={"name": "清和电商", "set_up_at": at})
    shops = [Shop.objects.create(code=code, name=name).pk for code, name in SHOPS]
    scopes: list[list[int]] = [shops[:4], shops[3:], []]
    names = ("售前组", "售后组", "综合组")
    teams = [Team.objects.create(name=name, shop_ids=scope).pk for name, scope in zip(names, scopes, strict=True)]
    secret = make_password(PASSWORD)
    agents: dict[int, list[int]] = {}
    for place, team in enumerate(teams):
        people = [
            _member(f"agent{place}{n}@bench.example", f"客服{place}{n}", ["agent"], [team], secret) for n in range(7)
        ]
        agents[team] = people
    busy = _member(BUSY, "林小满", ["agent_senior"], teams[:1], secret)
    one = _member(ONE, "何一", ["agent_senior"], teams[:1], secret)
    lead = _member(LEAD, "周主管", ["supervisor"], teams, secret)
    ApiKey.objects.create(
        name="bench", prefix="csk_bench", key_hash=hash_token(API_KEY), scopes=[*ApiScope.values], created_by_id=lead
    )
    categories = list(Category.objects.filter(parent__isnull=False).order_by("pk").values_list("pk", flat=True))
    carriers = list(Carrier.objects.order_by("pk").values_list("pk", flat=True))
    return World(shops, teams, agents, busy, one, categories, carriers)


def _member(email: str, name: str, roles: list[str], teams: list[int], password: str) -> int:
    staff = Staff.objects.create(
        email=email, display_name=name, roles=roles, password=password, timezone=settings.BUSINESS_TIME_ZONE
    )
    Presence.objects.create(staff=staff, status=PresenceStatus.ONLINE)
    Membership.objects.bulk_create(Membership(staff=staff, team_id=team) for team in teams)
    return staff.pk
