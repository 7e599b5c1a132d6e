"""What somebody typed into the search box: words, and filters such as `status:open` or `快递:顺丰`.

A filter is a known key, a colon (Chinese ones too) and a value, quoted when it holds blanks: `team:"after sales"`.
Several values in one filter are alternatives (`status:new,open`), several filters must all hold, a minus in front turns
one round (`-status:closed`). An unknown key is a word like any other, so that addresses and times can be looked for.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Exists, OuterRef, Q
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from accounts.models import Staff, Team
from core.errors import Text
from core.text import normalise
from customers.enums import Tier
from orders.models import Parcel
from orders.selectors import carriers_named, shops_named
from tickets.enums import ACTIVE_STATUSES, AuthorType, Channel, Priority, TicketStatus
from tickets.models import Attachment, Category, TicketRead

MAX_QUERY = 200
MOST_FILTERS = 10
_PART = re.compile(r'(?<!\S)(-?)([^\s:："]+)[:：](?:"([^"]*)"|(\S+))')
_SPAN = re.compile(r"(\d{1,4})(d|天|w|周|m|个月)", re.IGNORECASE)
_DAYS = {"d": 1, "天": 1, "w": 7, "周": 7, "m": 30, "个月": 30}
_NOBODY = {"nobody", "none", "无", "未分配"}


class UnknownValue(Exception):
    """A filter names something that does not exist."""


@dataclass(frozen=True)
class Asking:
    """Who asks, and when."""

    staff: Staff
    now: datetime


@dataclass(frozen=True)
class Part:
    """One filter as it was typed; `rest` is the query without it, `problem` why it cannot be followed."""

    typed: str
    rest: str
    problem: Text = ""


@dataclass(frozen=True)
class Query:
    """A read query: the words, what tickets must fit, and the filters as typed."""

    words: str
    wanted: Q
    parts: tuple[Part, ...] = ()
    asks_for_spam: bool = False

    @property
    def is_impossible(self) -> bool:
        """Say whether a filter names what does not exist: then nothing is found, and it is said why."""
        return any(part.problem for part in self.parts)


def read_query(text: str, staff: Staff, now: datetime) -> Query:
    """Read what was typed; a filter that cannot be followed is kept with its problem, nothing is guessed."""
    text = normalise(text)[:MAX_QUERY].replace("“", '"').replace("”", '"')
    asking, wanted, words, asks_for_spam = Asking(staff, now), Q(), text, False
    parts: list[Part] = []
    for found in _PART.finditer(text):
        key = KEYS.get(found[2].lower())
        if key is None or len(parts) == MOST_FILTERS:
            continue
        typed = found[0]
        words = words.replace(typed, " ", 1)
        rest = " ".join((text[: found.start()] + text[found.end() :]).split())
        value = found[3] if found[3] is not None else found[4]
        asks_for_spam |= key == "is" and FLAGS.get(value.lower()) == "spam"
        try:
            fits = READERS[key](value, asking)
        except UnknownValue as error:
            parts.append(Part(typed, rest, error.args[0]))
            continue
        wanted &= ~fits if found[1] else fits
        parts.append(Part(typed, rest))
    return Query(" ".join(words.split()), wanted, tuple(parts), asks_for_spam)


# --- values ----------------------------------------------------------------------------------------------------------
def _each(value: str, book: dict[str, Any], problem: Text) -> list[Any]:
    """Return what each of the comma-separated values stands for."""
    found = []
    for one in re.split(r"[,，、]", value.strip().lower()):
        if one.strip() not in book:
            raise UnknownValue(problem % {"value": one.strip()})
        found.append(book[one.strip()])
    return found


@lru_cache(maxsize=8)
def _codes(kind: Any) -> dict[str, Any]:
    """Return a choice's values by code and by its names in both languages."""
    book: dict[str, Any] = {member.name.lower(): member.value for member in kind}
    for language in ("zh-hans", "en"):
        with translation.override(language):
            book |= {str(label).lower(): value for value, label in kind.choices}
    return book


def _status(value: str, asking: Asking) -> Q:
    book = {word: [code] for word, code in _codes(TicketStatus).items()}
    active = [status.value for status in ACTIVE_STATUSES]
    waiting = [TicketStatus.WAITING_CUSTOMER.value, TicketStatus.WAITING_DEPARTMENT.value]
    book |= dict.fromkeys(("active", "unresolved", "未解决", "未完成"), active)
    book |= dict.fromkeys(("waiting", "等待", "等待中"), waiting)
    found = _each(value, book, _("There is no status “%(value)s”."))
    return Q(status__in=[code for codes in found for code in codes])


def _choice(column: str, kind: Any, problem: Text) -> Callable[[str, Asking], Q]:
    def read(value: str, asking: Asking) -> Q:
        return Q(**{f"{column}__in": _each(value, _codes(kind), problem)})

    return read


def _assignee(value: str, asking: Asking) -> Q:
    wanted = Q()
    for one in re.split(r"[,，、]", value.strip()):
        if one.lower() in _NOBODY:
            wanted |= Q(assignee__isnull=True)
        elif one.lower() in {"me", "我"}:
            wanted |= Q(assignee_id=asking.staff.pk)
        else:
            named = Q(display_name__iexact=one) | Q(email__iexact=one)
            people = list(Staff.objects.filter(named).values_list("pk", flat=True)[:50])
            if not people:
                raise UnknownValue(_("Nobody here is called “%(value)s”.") % {"value": one})
            wanted |= Q(assignee_id__in=people)
    return wanted


def _team(value: str, asking: Asking) -> Q:
    if value.strip().lower() in _NOBODY:
        return Q(team__isnull=True)
    book = {name.lower(): pk for pk, name in Team.objects.values_list("pk", "name")}
    return Q(team_id__in=_each(value, book, _("There is no team “%(value)s”.")))


def _shop(value: str, asking: Asking) -> Q:
    return Q(shop_id__in=_each(value, shops_named(), _("There is no shop “%(value)s”.")))


def _category(value: str, asking: Asking) -> Q:
    book: dict[str, Any] = {}
    for pk, key, zh, en in Category.objects.values_list("pk", "key", "name_zh", "name_en"):
        for word in (key, zh, en):
            book.setdefault(word.lower(), []).append(pk)
    ids = [pk for pks in _each(value, book, _("There is no category “%(value)s”.")) for pk in pks]
    return Q(category_id__in=ids) | Q(category__parent_id__in=ids)


def _tag(value: str, asking: Asking) -> Q:
    return Q(tags__overlap=[one for one in re.split(r"[,，、]", value.strip()) if one])


def _carrier(value: str, asking: Asking) -> Q:
    ids = _each(value, carriers_named(), _("There is no carrier “%(value)s”."))
    return Q(Exists(Parcel.objects.filter(order_id=OuterRef("order_id"), carrier_id__in=ids)))


def _order(value: str, asking: Asking) -> Q:
    number = value.strip()
    return Q(order__number__in=[number, number.upper()]) | Q(order_given=number)


def _flag(value: str, asking: Asking) -> Q:
    flag = _each(value, FLAGS, _("“%(value)s” is not known here: unread, overdue, spam or unassigned."))[0]
    if flag == "unread":
        seen = TicketRead.objects.filter(
            ticket_id=OuterRef("pk"), staff_id=asking.staff.pk, seq__gte=OuterRef("last_seq")
        )
        return Q(last_message_by=AuthorType.CUSTOMER.value) & ~Q(Exists(seen))
    if flag == "overdue":
        return Q(next_due_at__lt=asking.now, status__in=[status.value for status in ACTIVE_STATUSES])
    return Q(is_spam=True) if flag == "spam" else Q(assignee__isnull=True)


def _having(value: str, asking: Asking) -> Q:
    thing = _each(value, THINGS, _("“%(value)s” is not known here: file or order."))[0]
    if thing == "order":
        return Q(order__isnull=False)
    return Q(Exists(Attachment.objects.filter(ticket_id=OuterRef("pk"), message__isnull=False)))


def _time(column: str) -> Callable[[str, Asking], Q]:
    def read(value: str, asking: Asking) -> Q:
        first, last = _dates(value.strip().lower(), asking.now)
        zone, wanted = ZoneInfo(settings.BUSINESS_TIME_ZONE), Q()
        if first:
            wanted &= Q(**{f"{column}__gte": datetime.combine(first, time.min, zone)})
        if last:
            wanted &= Q(**{f"{column}__lt": datetime.combine(last + timedelta(days=1), time.min, zone)})
        return wanted

    return read


def _dates(value: str, now: datetime) -> tuple[date | None, date | None]:
    """Return the first and the last day of `7d`, `today`, `2026-11`, `2026-11-01`, `>=2026-11-01` or `A..B`."""
    today = now.astimezone(ZoneInfo(settings.BUSINESS_TIME_ZONE)).date()
    if value in {"today", "今天"}:
        return today, today
    if value in {"yesterday", "昨天"}:
        return today - timedelta(days=1), today - timedelta(days=1)
    if span := _SPAN.fullmatch(value):
        return today - timedelta(days=int(span[1]) * _DAYS[span[2]] - 1), None
    if ".." in value:
        first, last = value.split("..", 1)
        return (_span_of(first)[0] if first else None), (_span_of(last)[1] if last else None)
    if compared := re.fullmatch(r"(>=|<=|>|<)(.+)", value):
        (first_day, last_day), day = _span_of(compared[2]), timedelta(days=1)
        after = {">=": first_day, ">": last_day + day}.get(compared[1])
        before = {"<=": last_day, "<": first_day - day}.get(compared[1])
        return after, before
    return _span_of(value)


def _span_of(value: str) -> tuple[date, date]:
    """Return the first and the last day of a day or a month. Raises UnknownValue."""
    try:
        if month := re.fullmatch(r"(\d{4})-(\d{1,2})", value):
            first = date(int(month[1]), int(month[2]), 1)
            last = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
        else:
            year, number, day = re.split(r"[-/.]", value)
            first = last = date(int(year), int(number), int(day))
    except (ValueError, OverflowError):
        raise UnknownValue(_NO_DATE % {"value": value}) from None
    if not 1970 < first.year < 9000:
        raise UnknownValue(_NO_DATE % {"value": value})
    return first, last


_NO_DATE = _("“%(value)s” is no date: write 2026-11-01, 2026-11 or 7d.")
FLAGS = {
    "unread": "unread", "未读": "unread", "overdue": "overdue", "超时": "overdue", "逾期": "overdue",
    "spam": "spam", "垃圾": "spam", "unassigned": "unassigned", "未分配": "unassigned",
}  # fmt: skip
THINGS = {"file": "file", "files": "file", "attachment": "file", "附件": "file", "order": "order", "订单": "order"}
READERS: dict[str, Callable[[str, Asking], Q]] = {
    "status": _status,
    "priority": _choice("priority", Priority, _("There is no priority “%(value)s”.")),
    "channel": _choice("channel", Channel, _("There is no channel “%(value)s”.")),
    "tier": _choice("customer__tier", Tier, _("There is no tier “%(value)s”.")),
    "assignee": _assignee,
    "team": _team,
    "shop": _shop,
    "category": _category,
    "tag": _tag,
    "carrier": _carrier,
    "order": _order,
    "is": _flag,
    "has": _having,
    "opened": _time("opened_at"),
    "updated": _time("last_message_at"),
}
KEYS = {key: key for key in READERS} | {
    "状态": "status", "优先级": "priority", "渠道": "channel", "等级": "tier", "会员": "tier", "处理人": "assignee",
    "负责人": "assignee", "客服": "assignee", "团队": "team", "组": "team", "店铺": "shop", "分类": "category",
    "标签": "tag", "tags": "tag", "快递": "carrier", "承运商": "carrier", "订单": "order", "是": "is", "有": "has",
    "创建": "opened", "created": "opened", "更新": "updated",
}  # fmt: skip
