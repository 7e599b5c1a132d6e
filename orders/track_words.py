"""What a customer reads about her parcels: one honest headline, what to do next, and the carrier's words made safe."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core.text import mask_name
from core.ui.times import date_words, local
from orders.enums import PARCEL_ENDED, OrderStatus, ParcelStatus
from orders.models import Order, Parcel

SILENT_DAYS = 3
FIRST_HOUR, LAST_HOUR = 8, 21
_PICKUP_PLACE = re.compile(
    r"驿站|快递柜|智能柜|自提柜|丰巢|菜鸟|代收点|自提点|代办点|便利店待取|待取件|凭.{0,6}取件"
    r"|pick-?up (?:point|station|locker)|parcel locker|ready for collection",
    re.IGNORECASE,
)
_PICKUP_CODE = re.compile(
    r"(?:取件码|取货码|提货码|验证码|pick-?up code)\s*(?:为|是|is)?\s*[:：「【\[]?\s*([0-9A-Za-z-]{3,14})", re.I
)
_LONG_NUMBER = re.compile(
    r"(?<![0-9A-Za-z])(?:\+?86[- ]?)?(?:1[3-9]\d[- ]?\d{4}[- ]?\d{4}|0\d{2,3}[- ]?\d{7,8})(?![0-9A-Za-z])"
)
_SIGNER = re.compile(r"((?:签收人|收件人|收货人)\s*(?:是|为)?\s*[:：]?\s*)([\u3400-\u9fff·]{2,8})")
_NO_PERSON = frozenset(
    {"本人", "本人签收", "家人", "他人", "他人代收", "门卫", "前台", "物业", "保安", "同事", "邻居", "已签收", "单位"}
)


@dataclass(frozen=True)
class Headline:
    """The first thing read: a sentence, a second one below it, a tone and an icon."""

    text: str
    note: str = ""
    tone: str = "neutral"
    icon: str = "package"


@dataclass(frozen=True)
class Advice:
    """What to do next with one parcel; `code` opens the locker."""

    text: str
    tone: str = "info"
    code: str = ""


def headline_of(order: Order, parcels: Sequence[Parcel], at: datetime) -> Headline:
    """Say in one sentence how it stands. Times are those of the active zone: the shop's."""
    if order.status == OrderStatus.CANCELLED:
        note = _("If you did not expect this, please contact us.")
        return Headline(_("This order was cancelled"), note, "neutral", "circle-x")
    if not parcels:
        return _without_parcels(order, at)
    statuses = {parcel.status for parcel in parcels}
    for status, tell in _TROUBLE.items():
        if status in statuses:
            return tell(parcels)
    if statuses == {ParcelStatus.DELIVERED}:
        return _delivered(max((p.delivered_at for p in parcels if p.delivered_at), default=order.delivered_at))
    return _under_way(order, parcels, at)


def _without_parcels(order: Order, at: datetime) -> Headline:
    if order.status in {OrderStatus.DELIVERED, OrderStatus.COMPLETED}:
        return _delivered(order.delivered_at)
    if order.status == OrderStatus.SHIPPED:
        return Headline(
            _("Your order is on its way"), _("The tracking number appears here soon."), "info", "truck-delivery"
        )
    if order.status == OrderStatus.PLACED and order.paid_at is None and order.total > 0:
        return Headline(
            _("Waiting for your payment"), _("We pack your order as soon as it is paid."), "warn", "credit-card"
        )
    if order.promised_at is None:
        return Headline(_("We are preparing your order"), _("The tracking number appears here when it is sent."))
    if order.promised_at < at:
        return _late(order.promised_at)
    return Headline(_("We are preparing your order"), arrival_words(order.promised_at, at))


def _delivered(delivered_at: datetime | None) -> Headline:
    if delivered_at is None:
        return Headline(_("Delivered"), "", "good", "package-import")
    there = local(delivered_at)
    values = {"date": date_words(there.date(), this_year=there.year), "time": f"{there:%H:%M}"}
    return Headline(_("Delivered"), _("Handed over on %(date)s at %(time)s") % values, "good", "package-import")


def _lost(parcels: Sequence[Parcel]) -> Headline:
    return Headline(
        _("A parcel seems to be lost"), _("The carrier cannot find it. Please contact us, we put it right."), "bad",
        "help-circle",
    )  # fmt: skip


def _refused(parcels: Sequence[Parcel]) -> Headline:
    return Headline(
        _("A parcel was not accepted"), _("It goes back to the shop. If that was not you, please contact us."), "warn",
        "package-off",
    )  # fmt: skip


def _returned(parcels: Sequence[Parcel]) -> Headline:
    return Headline(
        _("A parcel went back to the shop"), _("Please contact us about a new delivery or your money."), "warn",
        "truck-return",
    )  # fmt: skip


def _returning(parcels: Sequence[Parcel]) -> Headline:
    return Headline(
        _("A parcel is on its way back to the shop"), _("If you still want it, please contact us now."), "warn",
        "truck-return",
    )  # fmt: skip


_TROUBLE = {
    ParcelStatus.LOST: _lost,
    ParcelStatus.REFUSED: _refused,
    ParcelStatus.RETURNING: _returning,
    ParcelStatus.RETURNED: _returned,
}


def _under_way(order: Order, parcels: Sequence[Parcel], at: datetime) -> Headline:
    open_ones = [parcel for parcel in parcels if parcel.status not in PARCEL_ENDED]
    note = ""
    if len(parcels) > 1:
        there = len(parcels) - len(open_ones)
        note = ngettext(
            "%(there)s of %(n)s parcel has arrived.", "%(there)s of %(n)s parcels have arrived.", len(parcels)
        ) % {"there": there, "n": len(parcels)}
    if all(parcel.status == ParcelStatus.READY_FOR_PICKUP for parcel in open_ones):
        return Headline(_("Ready for you at the pick-up point"), note, "accent", "building-store")
    told = [moment for parcel in open_ones if (moment := expected_by(parcel))]
    if len(told) < len(open_ones) and order.promised_at:
        told.append(order.promised_at)
    expected = max(told, default=None)
    if any(parcel.status == ParcelStatus.OUT_FOR_DELIVERY for parcel in open_ones) and len(open_ones) == 1:
        is_today = expected is not None and expected >= at and local(expected).date() == local(at).date()
        note = note or _("Please keep your phone within reach.")
        text = arrival_words(expected, at) if is_today and expected else _("The courier is on the way to you")
        return Headline(text, note, "accent", "route")
    if expected is None:
        text = _("Your parcel is on its way") if len(parcels) == 1 else _("Your parcels are on their way")
        return Headline(text, note or _("The carrier has not named a day yet."), "info", "truck-delivery")
    if expected < at:
        return _late(expected, note)
    return Headline(arrival_words(expected, at), note, "info", "truck-delivery")


def _late(expected: datetime, note: str = "") -> Headline:
    there = _day_of(expected)
    words = _(
        "It should have been there by %(date)s. There is no new time yet; this page shows it as soon as there is."
    )
    text = words % {"date": date_words(there, this_year=there.year)}
    return Headline(_("Later than we said, we are sorry"), " ".join(filter(None, (text, note))), "warn", "clock")


def expected_by(parcel: Parcel) -> datetime | None:
    """Return by when a parcel should be there: what was told, or the late end of what was learnt, to the full hour."""
    if parcel.expected_high is None:
        return parcel.expected_at
    hour = parcel.expected_high.replace(minute=0, second=0, microsecond=0)
    late = hour if hour == parcel.expected_high else hour + timedelta(hours=1)
    if FIRST_HOUR <= local(late).hour <= LAST_HOUR:
        return late
    return local(late).replace(hour=23, minute=59)  # nobody rings at night: the day is all that can be said


def arrival_words(expected: datetime, at: datetime) -> str:
    """Say until when it should be there: today, tomorrow or a date; the hour only where one was told."""
    day, today, moment = _day_of(expected), local(at).date(), local(expected).time()
    by = f"{moment:%H:%M}" if _is_hour_told(moment) else ""
    values = {"time": by, "date": date_words(day, this_year=today.year)}
    if day == today:
        return (_("Arrives today by %(time)s") if by else _("Arrives today")) % values
    if day == today + timedelta(days=1):
        return (_("Arrives tomorrow by %(time)s") if by else _("Arrives tomorrow")) % values
    return (_("Arrives %(date)s by %(time)s") if by else _("Arrives by %(date)s")) % values


def _is_hour_told(moment: time) -> bool:
    """Tell whether a time was meant as one: full and half hours of the day, not what a calculation left over."""
    return moment.minute in {0, 30} and FIRST_HOUR <= moment.hour <= LAST_HOUR


def _day_of(expected: datetime) -> date:
    """Return the day a promise is about: midnight ends the day before."""
    there = local(expected)
    return (there - timedelta(seconds=1)).date() if there.time() == time() else there.date()


def advice_of(parcel: Parcel, texts: Sequence[str], at: datetime, *, is_proven: bool) -> Advice | None:
    """Say what to do next with a parcel; `texts` are its scans' words, the newest first."""
    is_waiting = parcel.status not in PARCEL_ENDED and texts and _PICKUP_PLACE.search(texts[0])
    if parcel.status == ParcelStatus.READY_FOR_PICKUP or is_waiting:
        return _at_pickup_point(texts, is_proven)
    if parcel.is_in_trouble:
        return Advice(
            _("The carrier reports a problem. Read the latest line below, and ask us if it is not clear."), "warn"
        )
    words: dict[str, Advice] = {
        ParcelStatus.CREATED: Advice(_("The label is written. More is shown once the carrier has the parcel.")),
        ParcelStatus.OUT_FOR_DELIVERY: Advice(_("Nobody at home? Ask the courier to leave it where it suits you.")),
        ParcelStatus.DELIVERED: Advice(
            _("Not with you? Ask at home and at the reception first, then contact us."), "neutral"
        ),
        ParcelStatus.RETURNING: Advice(_("It is going back. If you still want it, contact us now."), "warn"),
        ParcelStatus.REFUSED: Advice(_("It is going back. If you still want it, contact us now."), "warn"),
        ParcelStatus.RETURNED: Advice(_("It is back at the shop. Contact us for a new one or your money."), "warn"),
        ParcelStatus.LOST: Advice(_("You need not search for it. Contact us for a new delivery or your money."), "bad"),
    }  # fmt: skip
    if parcel.status in words:
        return words[parcel.status]
    silent = (at - parcel.last_scan_at).days if parcel.last_scan_at else 0
    is_quiet = parcel.quiet_at is not None and at >= parcel.quiet_at and silent >= 1
    if is_quiet or silent >= SILENT_DAYS:
        text = ngettext(
            "No news for %(n)s day. If you worry, ask us.", "No news for %(n)s days. If you worry, ask us.", silent
        )
        return Advice(text % {"n": silent}, "warn")
    return None


def _at_pickup_point(texts: Iterable[str], is_proven: bool) -> Advice:
    code = next((found[1] for text in texts if (found := _PICKUP_CODE.search(text))), "")
    if code and is_proven:
        return Advice(_("It waits at a pick-up point. Your code:"), "accent", code)
    if code:
        return Advice(
            _("It waits at a pick-up point. The code is on the page behind the link in our message."), "accent"
        )
    return Advice(_("It waits at a pick-up point. The carrier sends you the code."), "accent")


def public_text(text: str, *, is_proven: bool) -> str:
    """Return a scan's words without what is nobody else's: who signed, and for who came by number, phones and codes."""
    shown = _SIGNER.sub(_masked_signer, text)
    if is_proven:
        return shown
    shown = _PICKUP_CODE.sub(lambda found: found[0].replace(found[1], "****"), shown)
    return _LONG_NUMBER.sub(lambda found: f"****{found[0][-4:]}", shown)


def _masked_signer(found: re.Match[str]) -> str:
    return found[0] if found[2] in _NO_PERSON else f"{found[1]}{mask_name(found[2])}"


def life_of(order: Order, parcels: Sequence[Parcel]) -> list[dict[str, object]]:
    """Return the order's line of life for the component: passed, now, to come; the slowest parcel leads."""
    steps = _steps(order, parcels)
    reached = max((index for index, (_l, _i, at, is_there) in enumerate(steps) if at or is_there), default=0)
    ended = order.status == OrderStatus.CANCELLED
    trouble = next((p for p in parcels if p.status in _TROUBLE), None)
    items: list[dict[str, object]] = []
    for index, (label, icon, moment, is_passed) in enumerate(steps[: reached + 1] if ended or trouble else steps):
        if index < reached and moment is None and not is_passed:
            continue  # nobody told of it: paid at the door, never packed apart
        is_last = index == len(steps) - 1
        state = "next" if index > reached else "done" if index < reached or is_last or ended or trouble else "now"
        note = parcels[0].place if state == "now" and len(parcels) == 1 else ""
        items.append({"label": label, "icon": icon, "state": state, "at": moment, "note": note})
    if ended:
        items.append({"label": _("Cancelled"), "icon": "circle-x", "state": "failed", "at": order.cancelled_at})
    elif trouble:
        label = str(ParcelStatus(trouble.status).label)
        since = trouble.lost_at if trouble.status == ParcelStatus.LOST else trouble.rank_at
        items.append({"label": label, "icon": "alert-triangle", "state": "failed", "at": since})
    return items


def _steps(order: Order, parcels: Sequence[Parcel]) -> list[tuple[str, str, datetime | None, bool]]:
    """Return (label, icon, when, passed though nobody told when) for each step of an order that goes well."""
    near = {ParcelStatus.OUT_FOR_DELIVERY, ParcelStatus.READY_FOR_PICKUP, ParcelStatus.DELIVERED}
    is_out = bool(parcels) and all(parcel.status in near for parcel in parcels)
    out_at = max((p.rank_at for p in parcels if p.rank_at and p.status == ParcelStatus.OUT_FOR_DELIVERY), default=None)
    is_there = bool(parcels) and all(p.status == ParcelStatus.DELIVERED for p in parcels)
    is_there = is_there or order.status in {OrderStatus.DELIVERED, OrderStatus.COMPLETED}
    is_sent = any(p.status != ParcelStatus.CREATED for p in parcels) or order.status == OrderStatus.SHIPPED
    there_at = order.delivered_at or max((p.delivered_at for p in parcels if p.delivered_at), default=None)
    return [
        (_("Order placed"), "shopping-cart", order.placed_at, True),
        (_("Paid"), "credit-card", order.paid_at, False),
        (_("Packed"), "package", order.packed_at, False),
        (_("Shipped"), "truck-delivery", order.shipped_at, is_sent),
        (_("Out for delivery"), "route", None if is_there else out_at, is_out and not is_there),
        (_("Delivered"), "home", there_at if is_there else None, is_there),
    ]
