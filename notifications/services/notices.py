"""Notices: one message to one person, tried channel by channel until one takes it, not in quiet hours, never too late.

The first message of a notice, or all of them where it goes everywhere at once, is queued in the caller's transaction.
What becomes of it comes back as an event of the delivery; when it failed for good the next channel is tried, each once
(the delivery's key names notice and channel). A notice that went everywhere stands where its best message stands.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from core.actors import SYSTEM
from core.crypto import CannotDecrypt, decrypt, encrypt
from core.errors import DomainError, NotFound
from core.events import Code, record
from core.inserting import insert_once
from notifications.enums import NOTICE_MOVES, DeliveryState, NoticeState, Purpose
from notifications.errors import NotRetryable
from notifications.events import NoticeMoved
from notifications.models import Delivery, Notice
from notifications.quiet import zone_named
from notifications.selectors.notices import notice_policy, plan_of, quiet_end
from notifications.selectors.providers import active_channels, lacks
from notifications.services.deliveries import queue_message
from notifications.services.sending import fail_delivery
from notifications.templates import language_for


@dataclass(frozen=True)
class Place:
    """One way to a person: a channel and her address on it."""

    channel: str
    to: str


@dataclass(frozen=True)
class NoticeDraft:
    """What to tell whom. `places` are the ways in the order to try, already without what she refused (`skips`)."""

    key: str
    template: str
    language: str
    zone: str
    places: Sequence[Place]
    context: Mapping[str, Any]
    skips: Sequence[Mapping[str, str]] = ()
    is_urgent: bool = False
    is_critical: bool = False
    is_everywhere: bool = False
    shop_id: int | None = None
    customer_id: int | None = None
    order_id: int | None = None
    expires_at: datetime | None = None


@transaction.atomic
def give_notice(*, draft: NoticeDraft, at: datetime) -> Notice:
    """Give a notice, once per key; the same key again returns the first one unchanged.

    After commit: its first message is sent, at the end of quiet hours when they are on and it is not urgent.
    """
    notice = Notice(
        key=draft.key,
        template=draft.template,
        language=language_for(draft.language),
        zone=draft.zone,
        plan_enc=encrypt(json.dumps([{"channel": str(place.channel), "to": place.to} for place in draft.places])),
        context_enc=encrypt(json.dumps(dict(draft.context), ensure_ascii=False, default=str)),
        skips=[dict(skip) for skip in draft.skips],
        is_urgent=draft.is_urgent,
        is_critical=draft.is_critical,
        is_everywhere=draft.is_everywhere,
        shop_id=draft.shop_id,
        customer_id=draft.customer_id,
        order_id=draft.order_id,
        made_at=at,
        expires_at=draft.expires_at,
    )
    if not insert_once(notice):
        return Notice.objects.get(key=draft.key)
    _try_next(notice, at)
    return notice


@transaction.atomic
def follow_delivery(*, delivery_id: int, at: datetime) -> None:
    """Have a notice follow what became of its message; one that failed for good gives way to the next channel.

    Reads the message as it stands now, so events in any order and twice come to the same.
    """
    delivery = Delivery.objects.filter(pk=delivery_id).first()
    if delivery is None or delivery.notice_id is None:
        return
    notice = _lock(delivery.notice_id)
    if notice.is_everywhere:
        _follow_all(notice, at)
        return
    if delivery.channel != notice.channel:  # an older channel's late news; the newer one counts
        if delivery.state == DeliveryState.DELIVERED and notice.state in {NoticeState.FAILED, NoticeState.EXPIRED}:
            notice.channel = delivery.channel
            _settle(notice, NoticeState.DELIVERED, "", at)
        return
    if delivery.state == DeliveryState.SENT and notice.state in {NoticeState.OPEN, *_LEFT}:
        _settle(notice, NoticeState.SENT, "", at)
    elif delivery.state == DeliveryState.DELIVERED and notice.state != NoticeState.DELIVERED:
        if notice.state != NoticeState.DROPPED:
            _settle(notice, NoticeState.DELIVERED, "", at)
    elif delivery.state == DeliveryState.EXPIRED and notice.state == NoticeState.OPEN:
        _settle(notice, NoticeState.EXPIRED, "too_late", at)
    elif delivery.state == DeliveryState.FAILED and notice.state in {NoticeState.OPEN, NoticeState.SENT}:
        _note_skip(notice, delivery.channel, delivery.provider_code)
        if notice.deliveries.filter(channel=delivery.channel, state__in=_ALIVE).exists():  # another device of hers
            notice.save(update_fields=["skips"])
            return
        if notice.state == NoticeState.SENT:
            _move(notice, NoticeState.OPEN)
        _try_next(notice, at)


@transaction.atomic
def drop_notice(*, notice_id: int, reason: str, at: datetime) -> bool:
    """Take back a notice that has not left; False when it has. Events overtook it."""
    notice = _lock(notice_id)
    if notice.state != NoticeState.OPEN:
        return False
    waiting = notice.deliveries.filter(state=DeliveryState.QUEUED).order_by("pk").values_list("pk", flat=True)
    if notice.deliveries.filter(state__in=_GONE).exists():
        return False
    _settle(notice, NoticeState.DROPPED, reason, at)
    for delivery_id in list(waiting):
        fail_delivery(delivery_id=delivery_id, code=reason, at=at)
    return True


_LEFT = frozenset({NoticeState.FAILED, NoticeState.EXPIRED})
_GONE = (DeliveryState.SENDING, DeliveryState.SENT, DeliveryState.DELIVERED)
_ALIVE = (DeliveryState.QUEUED, *_GONE)


def _follow_all(notice: Notice, at: datetime) -> None:
    """Have a notice that went to every channel at once stand where the best of its messages stands."""
    told: dict[str, str] = {}
    for state, channel in notice.deliveries.order_by("pk").values_list("state", "channel"):
        told.setdefault(state, channel)
    waits = {DeliveryState.QUEUED, DeliveryState.SENDING} & set(told)
    to, reason = NoticeState.FAILED, "no_way"
    if DeliveryState.DELIVERED in told:
        to, reason = NoticeState.DELIVERED, ""
    elif DeliveryState.SENT in told:
        to, reason = NoticeState.SENT, ""
    elif waits:
        to, reason = NoticeState.OPEN, ""
    elif set(told) == {DeliveryState.EXPIRED}:
        to, reason = NoticeState.EXPIRED, "too_late"
    if to not in NOTICE_MOVES[notice.state]:  # it stands there already, or was taken back
        return
    best = DeliveryState.DELIVERED if to == NoticeState.DELIVERED else DeliveryState.SENT
    notice.channel = told.get(best, notice.channel)
    if to == NoticeState.OPEN:
        _move(notice, to)
        notice.save(update_fields=["state", "version"])
    else:
        _settle(notice, to, reason, at)


def _lock(notice_id: int) -> Notice:
    notice = Notice.objects.select_for_update(no_key=True).filter(pk=notice_id).first()
    if notice is None:
        raise NotFound(notice=notice_id)
    return notice


def _move(notice: Notice, to: str) -> None:
    """Set the state; the only reader of the transition table."""
    if to not in NOTICE_MOVES[notice.state]:
        raise NotRetryable(code="transition_not_allowed", before=notice.state, after=str(to))
    notice.state = to
    notice.version += 1


def _try_next(notice: Notice, at: datetime) -> None:
    """Queue the message on the next channel that can take it (or on all), or settle the notice; call with it locked.

    Several places of one channel are a person's devices: all of them get it.
    """
    plan, active = plan_of(notice), active_channels()
    due = at if notice.is_urgent else quiet_end(at, notice.zone) or at
    if notice.expires_at is not None and due >= notice.expires_at:
        _settle(notice, NoticeState.EXPIRED, "too_late", at)
        return
    taken: list[str] = []
    while notice.step < len(plan):
        place = plan[notice.step]
        if taken and place["channel"] != taken[0] and not notice.is_everywhere:
            break
        notice.step += 1
        if reason := lacks(place["channel"], notice.template, notice.language, active):
            _note_skip(notice, place["channel"], reason)
            continue
        if not _counts(notice, due):
            _settle(notice, NoticeState.DROPPED, "cap", at)
            return
        try:
            _queue(notice, place, nth=taken.count(place["channel"]), due=due, at=at)
        except DomainError as error:  # an address that is none on this channel
            _note_skip(notice, place["channel"], error.code[:40])
            continue
        taken.append(place["channel"])
    if taken:
        notice.channel = taken[0]
        notice.save(update_fields=["step", "channel", "skips", "state", "is_counted", "version"])
        return
    was_tried = bool(notice.channel)
    _settle(notice, NoticeState.FAILED if was_tried else NoticeState.DROPPED, "no_way" if plan else "no_address", at)


def _note_skip(notice: Notice, channel: str, reason: str) -> None:
    """Keep why a channel was left, once however many devices it has; the caller saves."""
    skip = {"channel": channel, "reason": reason}
    if skip not in notice.skips:
        notice.skips = [*notice.skips, skip]


def _queue(notice: Notice, place: dict[str, str], *, nth: int, due: datetime, at: datetime) -> Delivery:
    with transaction.atomic():
        return queue_message(
            key=f"notice:{notice.pk}:{place['channel']}" + (f":{nth}" if nth else ""),
            channel=place["channel"],
            template=notice.template,
            language=notice.language,
            to=place["to"],
            context=_context_of(notice),
            purpose=Purpose.NOTICE,
            customer_id=notice.customer_id,
            order_id=notice.order_id,
            shop_id=notice.shop_id,
            notice_id=notice.pk,
            at=at,
            due_at=due,
            expires_at=notice.expires_at,
        )


def _context_of(notice: Notice) -> dict[str, Any]:
    try:
        return dict(json.loads(decrypt(notice.context_enc) or "{}"))
    except CannotDecrypt:
        return {}


# One statement counts and checks, so two notices at once never pass the cap together.
_COUNT = """INSERT INTO notifications_notice_count AS c (customer_id, day, count) VALUES (%s, %s, 1)
ON CONFLICT (customer_id, day) DO UPDATE SET count = c.count + 1 WHERE c.count < %s RETURNING c.count"""


def _counts(notice: Notice, due: datetime) -> bool:
    """Count a notice on the day it is due, once; False when the day is full. Critical ones are not counted."""
    if notice.is_critical or notice.is_counted or notice.customer_id is None:
        return True
    day = due.astimezone(zone_named(notice.zone)).date()
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, [notice.customer_id, day, notice_policy().daily_cap])
        notice.is_counted = cursor.fetchone() is not None
    return notice.is_counted


def _settle(notice: Notice, to: str, reason: str, at: datetime) -> None:
    _move(notice, to)
    notice.reason, notice.settled_at = reason, at
    notice.save(update_fields=["state", "reason", "settled_at", "step", "channel", "skips", "is_counted", "version"])
    if to in {NoticeState.FAILED, NoticeState.EXPIRED, NoticeState.DROPPED}:
        data = NoticeMoved(template=Code(notice.template), channel=Code(notice.channel), reason=Code(reason))
        record(f"notice.{to}", subject=notice, actor=SYSTEM, at=at, data=data)
