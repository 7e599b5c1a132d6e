"""The demo's company: shops, staff, team, hours, mailbox, products."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from accounts.models import Staff, Team
from accounts.services.presence import set_presence
from accounts.services.staff import StaffDraft, create_staff
from accounts.services.teams import create_team
from core.actors import SYSTEM
from core.calendar.services import CalendarInput, save_calendar
from core.models import Company
from core.services import reach_step, save_company
from cs_portal.demo.words import PRODUCTS
from notifications.services.mailboxes import MailboxDraft, create_mailbox
from orders.models import Shop
from orders.services.shops import ProductData, ShopDraft, save_products, save_shop
from tickets.models import Category
from tickets.services.sla.policies import PolicyTerms, save_policy

PASSWORD = "demo-pass-2026"


@dataclass
class Cast:
    """Who and what the demo consists of."""

    shops: dict[str, Shop]
    staff: dict[str, Staff]
    team: Team


STAFF = [
    ("supervisor@demo.example", "林若溪", ("supervisor",), "主管 supervisor"),
    ("agent@demo.example", "王晓慧", ("agent",), "客服 agent"),
    ("agent2@demo.example", "陈立", ("agent_senior",), ""),
    ("agent3@demo.example", "赵思远", ("agent",), ""),
    ("agent4@demo.example", "周佳怡", ("agent_junior",), ""),
    ("review@demo.example", "方敏", ("quality",), "质检 quality"),
    ("review2@demo.example", "高远", ("quality",), ""),
    ("admin@demo.example", "沈建国", ("admin",), "管理员 admin"),
]
PLAYER = "player@demo.example"


def _promise(at: datetime) -> None:
    """Promise complaints and loyal customers more than others; what deadlines do is set per promise."""
    complaint = Category.objects.filter(key="complaint").values_list("pk", flat=True)
    shared: dict[str, Any] = {"close_after_days": 7, "next_response_minutes": 60}
    promises = [
        PolicyTerms(
            name="投诉优先", first_response_minutes=30, resolution_minutes=1440, category_ids=list(complaint), **shared
        ),
        PolicyTerms(
            name="金卡与贵宾", first_response_minutes=60, resolution_minutes=1440, tiers=["gold", "vip"], **shared
        ),
        PolicyTerms(
            name="售前咨询（营业时间）", first_response_minutes=60, resolution_minutes=720, is_business_time=True,
            stages=["pre_sale"], breach_raises_priority=False, **shared,
        ),
    ]  # fmt: skip
    for terms in promises:
        save_policy(pk=None, terms=terms, at=at)


def make_cast(at: datetime) -> Cast:
    """Found the company: everything the story needs except its past."""
    save_company(name="暖阳家居", timezone="Asia/Shanghai", language="zh-hans", version=None, at=at)
    calendar = save_calendar(
        values=CalendarInput(
            name="客服工作时间",
            timezone="Asia/Shanghai",
            weekly=[[["09:00", "21:00"]]] * 7,
            holidays_country="CN",
            is_default=True,
        ),
        actor=SYSTEM,
        at=at,
    )
    shops = {
        "sunny": _shop("sunny", "暖阳家居旗舰店", "#0F766E", at),
        "bedding": _shop("bedding", "暖阳床品", "#7C3AED", at),
    }
    for code, shop in shops.items():
        goods = [
            ProductData(sku=sku, name=name, category=category, price=Decimal(price), stock=stock)
            for owner, sku, name, category, price, stock in PRODUCTS
            if owner == code
        ]
        save_products(shop_id=shop.pk, products=goods, actor=SYSTEM, at=at)
    _promise(at)
    team = create_team(name="客服一组", shop_ids=[], actor=SYSTEM, at=at, calendar_id=calendar.pk)
    staff = {}
    for email, name, roles, _note in [*STAFF, (PLAYER, "小暖", ("agent_senior",), "")]:
        draft = StaffDraft(display_name=name, roles=roles, team_ids=(team.pk,))
        staff[email] = create_staff(email=email, password=PASSWORD, draft=draft, actor=SYSTEM, at=at)
    for email in ("agent2@demo.example", "agent3@demo.example", PLAYER):
        set_presence(staff_id=staff[email].pk, status="online", at=at)
    create_mailbox(
        draft=MailboxDraft(
            address="service@service.example",
            name_zh="暖阳家居客服",
            name_en="Sunny Home service",
            signature_zh="暖阳家居 · 每天 9:00–21:00 为您服务",
            signature_en="Sunny Home · here for you 9:00–21:00 every day",
            is_default=True,
        ),
        actor=SYSTEM,
        at=at,
    )
    reach_step(step="done", at=at)
    assert Company.objects.filter(set_up_at__isnull=False).exists()
    return Cast(shops, staff, team)


def _shop(code: str, name: str, color: str, at: datetime) -> Shop:
    draft = ShopDraft(
        code=code, name=name, color=color, contact_email="service@service.example", contact_phone="400-800-1234"
    )
    return save_shop(shop_id=None, version=None, draft=draft, actor=SYSTEM, at=at)
