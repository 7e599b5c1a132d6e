"""Two incidents of the demo: one of two weeks ago, told to its end and reviewed, and one that is under way."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import uuid4

from core.actors import Actor
from cs_portal.demo.people import Cast
from orders.incident_enums import IncidentKind, IncidentSeverity
from orders.models import Incident, Order
from orders.services.incidents import IncidentDraft, Review, declare_incident, review_incident, start_attaching
from orders.services.incidents.attaching import attach_batch
from tickets.enums import ACTIVE_STATUSES
from tickets.models import Ticket
from tickets.services.incidents import close_incident, link_found_tickets, save_draft, send_update
from tickets.services.incidents.preparing import finish_update
from tickets.services.incidents.telling import tell_next

FIRST = {
    "zh-hans": "{customer_name}您好：承运您订单 {order_number} 的车辆途中发生事故，人员平安，包裹正在清点，"
    "预计晚到两天。有新进展我们马上告诉您，给您添麻烦了。",
    "en": "Hello {customer_name}, the truck that carries your order {order_number} had an accident. Nobody was hurt. "
    "Your parcel will be about two days late; we write again as soon as we know more.",
}
LAST = {
    "zh-hans": "{customer_name}您好：订单 {order_number} 的包裹已清点完好，今天重新发出，运单号不变。感谢您的耐心。",
    "en": "Hello {customer_name}, the parcel of your order {order_number} is unharmed and on its way again today. "
    "Thank you for your patience.",
}
STUCK = {
    "zh-hans": "{customer_name}您好：因暴雨，杭州转运中心暂停收发，您的订单 {order_number}"
    "（运单 {tracking_number}）会晚到一到两天。恢复后我们第一时间告诉您。",
    "en": "Hello {customer_name}, heavy rain has closed the hub in Hangzhou. Your order {order_number} (parcel "
    "{tracking_number}) will be one or two days late. We write again as soon as it opens.",
}
NEXT = {"zh-hans": "{customer_name}您好：杭州转运中心今早已恢复收发，您的订单 {order_number} 预计明天送达。"}
REVIEW = Review(
    what="干线货车在沪昆高速追尾，六个订单的包裹滞留一天半。",
    cause="承运商雨天未按要求减速，我们到货晚四小时才得知。",
    helped="当天上报，一小时内通知到全部客户，没有一位客户因此申请退款。",
    changes="请承运商接入车辆定位告警；雨雪天气提前把承诺时效放宽一天。",
    cost=Decimal("860.00"),
)


def tell_incidents(cast: Cast, orders: Sequence[Order], now: datetime) -> int:
    """Tell both incidents through the ordinary services; return how many orders they touch."""
    boss = Actor.staff(cast.staff["supervisor@demo.example"])
    arrived = [order for order in orders if order.delivered_at and timedelta(12) < now - order.delivered_at][-6:]
    over = _declare(cast, boss, arrived, ("干线货车追尾", IncidentKind.LOST_TRUCK), now - timedelta(days=14))
    _tell(over, boss, FIRST, now - timedelta(days=14) + timedelta(minutes=35))
    _tell(over, boss, LAST, now - timedelta(days=12), is_final=True)
    over.refresh_from_db()
    end = now - timedelta(days=12) + timedelta(hours=1)
    ended = close_incident(incident_id=over.pk, reason="", version=over.version, actor=boss, at=end)
    review_incident(incident_id=over.pk, review=REVIEW, actor=boss, at=now - timedelta(days=10), version=ended.version)
    asked = set(
        Ticket.objects.filter(order__status="shipped", status__in=ACTIVE_STATUSES).values_list("order_id", flat=True)
    )
    moving = sorted((order for order in orders if order.status == "shipped"), key=lambda one: one.pk not in asked)[:8]
    current = _declare(cast, boss, moving, ("杭州转运中心因暴雨停运", IncidentKind.HUB_STUCK), now - timedelta(hours=5))
    _tell(current, boss, STUCK, now - timedelta(hours=4, minutes=20))
    save_draft(incident_id=current.pk, texts=NEXT, is_final=False, version=0, actor=boss, at=now)
    return len(arrived) + len(moving)


def _declare(
    cast: Cast, boss: Actor, orders: Sequence[Order], said: tuple[str, IncidentKind], at: datetime
) -> Incident:
    title, kind = said
    draft = IncidentDraft(
        title, kind, boss.id or 0, "详情见承运商通知，顺丰与中通的线路都受影响。", IncidentSeverity.MAJOR,
        [shop.pk for shop in cast.shops.values()],
    )  # fmt: skip
    incident = declare_incident(draft=draft, actor=boss, at=at)
    if orders:
        run = start_attaching(
            incident_id=incident.pk, conditions={"ids": [order.pk for order in orders]}, client_id=uuid4(), actor=boss,
            at=at + timedelta(minutes=12), version=None,
        )  # fmt: skip
        while attach_batch(run_id=run.pk, at=at + timedelta(minutes=13)):
            pass
        link_found_tickets(incident_id=incident.pk, at=at + timedelta(minutes=14))
    return incident


def _tell(incident: Incident, boss: Actor, texts: dict[str, str], at: datetime, *, is_final: bool = False) -> None:
    draft = save_draft(incident_id=incident.pk, texts=texts, is_final=is_final, version=0, actor=boss, at=at)
    update = send_update(incident_id=incident.pk, version=draft.version, actor=boss, at=at)
    update.incident = incident
    while tell_next(update, at=at + timedelta(minutes=1)):
        pass
    finish_update(update_id=update.pk, at=at + timedelta(minutes=3))
