"""How the demo's service centre is set up beyond its people: tiers, departments, routing, macros, fields, filters."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from accounts.models import Staff, Team
from accounts.services.capacity import set_capacity
from accounts.services.staff import StaffDraft, create_staff, edit_staff
from accounts.services.teams import create_team
from core.actors import SYSTEM, Actor
from cs_portal.demo.people import PASSWORD, Cast
from cs_portal.demo.work_words import FIELDS, MACROS, SKILLS_ASKED, STANDARD_SOLUTIONS, STANDARD_STEPS
from customers.models import Customer
from customers.services.records import CustomerDraft, edit_customer
from orders.models import Order
from tickets.models import Category, StandardVersion
from tickets.models.routing import RoutingMode
from tickets.services import save_field, save_macro
from tickets.services.departments import DepartmentTerms, save_department
from tickets.services.fields import FieldWords
from tickets.services.macros import MacroWords
from tickets.services.routing.settings import (
    RoutingTerms,
    save_category_skills,
    save_team_routing,
    set_dedicated_agent,
)
from tickets.services.saved_views import save_view
from tickets.services.standards import StandardWords, publish_standard
from tickets.work_enums import Tier

ABILITIES = {
    "agent@demo.example": ("logistics", "presales"),
    "agent2@demo.example": ("returns", "complaints", "technical", "vip"),
    "agent3@demo.example": ("returns", "logistics"),
    "agent4@demo.example": ("presales",),
}
IN_AFTERSALES = ("agent2@demo.example", "agent3@demo.example")
OPEN = ["new", "open", "waiting_customer", "waiting_department"]
DEPARTMENT_STAFF = [
    ("warehouse@demo.example", "罗海", "warehouse", "仓储部", "仓库 warehouse"),
    ("carrier@demo.example", "何芳", "department", "物流部", "物流部 department"),
    ("quality@demo.example", "梁静", "department", "品控部", ""),
]
# (areas read, line of support, hours to answer)
TERMS: dict[str, tuple[tuple[str, ...], int | None, int]] = {
    "仓储部": (("quality", "logistics-damaged"), None, 4),
    "物流部": (("logistics",), None, 4),
    "品控部": (("quality", "complaint-product"), Tier.RESEARCH, 16),
}


@dataclass
class Departments:
    """The teams others hand work to, their people, and the team whose tickets are handed out."""

    teams: dict[str, Team]
    people: dict[str, Staff]
    aftersales: Team


def tier_customers(orders: list[Order], at: datetime) -> list[int]:
    """Make those who bought most VIP, gold and silver customers; returns them, the best first."""
    spent: Counter[int] = Counter()
    for order in orders:
        spent[order.customer_id] += int(order.total or Decimal(0))
    best = [pk for pk, _sum in spent.most_common(9)]
    people = Customer.objects.in_bulk(best)
    for place, pk in enumerate(best):
        one = people[pk]
        tags = ("企业采购",) if place == 0 else ()
        note = "公司行政，每季度给员工买礼品，发票要写公司抬头。" if place == 0 else ""
        draft = CustomerDraft(name=one.name, tier=["vip", "gold", "silver"][place // 3], tags=tags, note=note)
        edit_customer(customer_id=pk, version=one.version, draft=draft, actor=SYSTEM, at=at)
    return best


def set_desk_up(cast: Cast, best: list[int], now: datetime) -> Departments:
    """Set up what supervisors set up; nothing of it touches conversations told before."""
    at = now - timedelta(days=30)
    supervisor = cast.staff["supervisor@demo.example"]
    categories = dict(Category.objects.values_list("key", "pk"))
    departments = _departments(cast, categories, at)
    _route(cast, departments.aftersales, categories, at)
    set_dedicated_agent(customer_id=best[0], staff_id=cast.staff["agent2@demo.example"].pk, at=at)
    for place, (key, zh, en, kind, category, choices, required) in enumerate(FIELDS):
        rows = [{"value": value, "zh": name, "en": english} for value, name, english in choices]
        words = FieldWords(
            key=key, label_zh=zh, label_en=en, kind=kind, category_id=categories[category], choices=rows,
            is_required=required, position=place * 10,
        )  # fmt: skip
        save_field(pk=None, words=words)
    for macro in MACROS:
        steps = {**macro.steps, "category_id": categories[macro.category]} if macro.category else macro.steps
        save_macro(pk=None, words=MacroWords(title=macro.title, folder=macro.folder, body=macro.body, **steps))
    _filters(cast, categories, at)
    standard = StandardWords(
        summary="先安抚、再核实、当天给方案；能补发的不让客户寄回。",
        owner_role="agent",
        time_limit_minutes=480,
        steps=STANDARD_STEPS,
        solutions=STANDARD_SOLUTIONS,
    )
    publish_standard(
        category_id=categories["quality-defect"], words=standard, actor=Actor.staff(supervisor), at=at, version=None
    )
    return departments


def standard_keys() -> list[str]:
    """Return the keys of the standard's steps, in order."""
    return [step["key"] for step in StandardVersion.objects.order_by("pk").first().steps]  # type: ignore[union-attr]


def _departments(cast: Cast, categories: dict[str, int], at: datetime) -> Departments:
    teams, people = {}, {}
    for email, name, role, team_name, _note in DEPARTMENT_STAFF:
        team = create_team(name=team_name, shop_ids=[], actor=SYSTEM, at=at, calendar_id=cast.team.calendar_id)
        draft = StaffDraft(display_name=name, roles=(role,), team_ids=(team.pk,))
        staff = create_staff(email=email, password=PASSWORD, draft=draft, actor=SYSTEM, at=at)
        keys, tier, hours = TERMS[team_name]
        terms = DepartmentTerms(
            tier=tier, category_ids=tuple(categories[key] for key in keys), lead_ids=(staff.pk,), task_hours=hours
        )
        save_department(team_id=team.pk, terms=terms, actor=SYSTEM, at=at)
        teams[team_name], people[team_name] = team, staff
    aftersales = create_team(name="售后专席", shop_ids=[], actor=SYSTEM, at=at, calendar_id=cast.team.calendar_id)
    for email, skills in ABILITIES.items():
        one = cast.staff[email]
        own = (cast.team.pk, aftersales.pk) if email in IN_AFTERSALES else (cast.team.pk,)
        draft = StaffDraft(
            display_name=one.display_name, roles=tuple(one.roles), team_ids=own, skills=skills,
            languages=("zh-hans", "en") if "vip" in skills else ("zh-hans",), is_dedicated="vip" in skills,
        )  # fmt: skip
        cast.staff[email] = edit_staff(staff_id=one.pk, version=one.version, draft=draft, actor=SYSTEM, at=at)
    return Departments(teams, people, aftersales)


def _route(cast: Cast, team: Team, categories: dict[str, int], at: datetime) -> None:
    save_category_skills(skills={categories[key]: skill for key, skill in SKILLS_ASKED.items()})
    terms = RoutingTerms(mode=RoutingMode.AUTOMATIC, widen_after_minutes=15, release_after_minutes=720)
    save_team_routing(team_id=team.pk, version=0, terms=terms, actor=SYSTEM, at=at)
    for email, in_total, per_channel in (
        ("agent2@demo.example", 12, {"chat": 3, "email": 8}),
        ("agent3@demo.example", 8, {"chat": 2}),
        ("agent4@demo.example", 5, {"chat": 1}),
    ):
        staff_id = cast.staff[email].pk
        set_capacity(staff_id=staff_id, version=0, in_total=in_total, per_channel=per_channel, actor=SYSTEM, at=at)


def _filters(cast: Cast, categories: dict[str, int], at: datetime) -> None:
    agent, supervisor = cast.staff["agent@demo.example"], cast.staff["supervisor@demo.example"]
    mine = {"status": OPEN, "tier": ["vip", "gold"]}
    save_view(staff=agent, name="金卡与贵宾", conditions=mine, sorting="due", at=at)
    broken = {"status": OPEN, "category": [str(categories["quality"])], "assignee": ["me"]}
    save_view(staff=agent, name="我手上的质量问题", conditions=broken, sorting="waiting", at=at)
    angry = {"status": ["new", "open"], "category": [str(categories["complaint"])]}
    save_view(staff=supervisor, name="投诉待处理", conditions=angry, sorting="due", team_id=cast.team.pk, at=at)
