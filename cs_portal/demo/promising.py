"""What the demo promises: rules for far and near, heavy and usual, and plans for when days are not enough."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from core.actors import Actor
from cs_portal.demo.people import Cast
from orders.models import ContingencyPlan
from orders.promise_enums import CompensationKind, PlanKind, PlanState
from orders.services.promising.plans import PlanDraft, move_plan, plan_part, save_plan
from orders.services.promising.ruling import RuleDraft, save_promise_rule

FAR = ["新疆", "西藏", "青海"]
NEAR = ["浙江", "江苏", "上海"]
CUT_OFF = time(16)
RULES = [
    RuleDraft("偏远地区", regions=FAR, cut_off=CUT_OFF, dispatch_days=1, transit_days=7),
    RuleDraft("床垫与铸铁锅（大件）", skus=["MAT-02", "POT-05"], cut_off=CUT_OFF, dispatch_days=2, transit_days=4),
    RuleDraft("江浙沪", regions=NEAR, cut_off=CUT_OFF, dispatch_days=1, transit_days=4),
    RuleDraft("其他地区", cut_off=CUT_OFF, dispatch_days=1, transit_days=5),
]


def promise_deliveries(cast: Cast, now: datetime) -> list[ContingencyPlan]:
    """Set the rules and switch the plans on, before any order is told; returns those that are over by now."""
    boss = Actor.staff(cast.staff["supervisor@demo.example"])
    today = now.astimezone(ZoneInfo(cast.shops["sunny"].timezone)).date()
    for rule in RULES:
        save_promise_rule(rule_id=None, draft=rule, version=None, actor=boss, at=now - timedelta(days=44))
    rush = PlanDraft(
        "大促订单高峰", PlanKind.HOLIDAY, extra_days=2,
        placed_from=today - timedelta(days=14), placed_until=today - timedelta(days=11),
    )  # fmt: skip
    snow = PlanDraft(
        "新疆降雪绕行", PlanKind.WEATHER, extra_days=3, regions=["新疆"], placed_from=today - timedelta(days=6),
        compensation=CompensationKind.COUPON, compensation_amount=Decimal(10),
    )  # fmt: skip
    stock = PlanDraft(
        "年末盘点", PlanKind.OTHER, extra_days=2,
        placed_from=today + timedelta(days=30), placed_until=today + timedelta(days=32),
    )  # fmt: skip
    plans = [(rush, 14), (snow, 6), (stock, None)]
    saved = []
    for draft, days_ago in plans:
        plan = save_plan(plan_id=None, draft=draft, version=None)
        if days_ago is not None:
            on_at = now - timedelta(days=days_ago)
            move_plan(plan_id=plan.pk, to=PlanState.ON, actor=boss, at=on_at)
            plan_part(plan_id=plan.pk, state=PlanState.ON, after=0, at=on_at)
        saved.append(plan)
    return saved[:1]


def end_plans(plans: list[ContingencyPlan], cast: Cast, at: datetime) -> None:
    """End what is over by now: new orders are free of it."""
    boss = Actor.staff(cast.staff["supervisor@demo.example"])
    for plan in plans:
        move_plan(plan_id=plan.pk, to=PlanState.OVER, actor=boss, at=at)
