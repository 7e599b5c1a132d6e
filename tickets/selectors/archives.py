"""The tables of an archive: what is in it, page by page in the order of the key, as somebody sees it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from accounts.models import Staff
from accounts.permissions import scope_key
from core.crypto import CannotDecrypt, decrypt
from customers.enums import IdentityKind, Tier
from customers.models import Customer, Identity
from orders.enums import OrderStatus
from orders.models import Order, OrderItem
from orders.permissions import orders_visible_to
from tickets.enums import AuthorType, Channel, MessageKind, Priority, TicketStatus
from tickets.models import Archive, Attachment, FormerAgent, Message, Ticket
from tickets.models.ticket import NUMBER_OFFSET
from tickets.permissions import tickets_visible_to

PAGE = 500
LINES = 1000
PARENTS = 200
LAST = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows of a table; `after` is the key behind which the next page begins, [] when the table is over."""

    rows: list[list[Any]]
    after: list[int]


def tickets_of(archive: Archive, staff: Staff) -> QuerySet[Ticket]:
    """Return the tickets of an archive that this person sees; no spam."""
    rows = tickets_visible_to(staff).filter(is_spam=False)
    return _within(rows, "opened_at", archive)


def orders_of(archive: Archive, staff: Staff) -> QuerySet[Order]:
    """Return the orders of an archive that this person sees."""
    return _within(orders_visible_to(staff), "placed_at", archive)


def customers_of(archive: Archive, staff: Staff) -> QuerySet[Customer]:
    """Return everybody who wrote or ordered in an archive; all customers where it is of all shops and times."""
    rows = Customer.objects.filter(erased_at=None)
    if not (archive.shop_id or archive.since or archive.until) and scope_key(staff) == (True, False, None, None):
        return rows
    mine = {"customer_id": OuterRef("pk")}
    wrote, ordered = tickets_of(archive, staff).filter(**mine), orders_of(archive, staff).filter(**mine)
    return rows.filter(Q(Exists(wrote)) | Q(Exists(ordered)))


def _within(rows: Any, field: str, archive: Archive) -> Any:
    if archive.shop_id:
        rows = rows.filter(shop_id=archive.shop_id)
    if archive.since:
        rows = rows.filter(**{f"{field}__gte": archive.since})
    return rows.filter(**{f"{field}__lt": archive.until}) if archive.until else rows


@dataclass(frozen=True)
class Table:
    """One table: `name` of its files, `heads` as (key, title in the reader's language), pages behind a key."""

    name: str
    heads: Callable[[], list[tuple[str, str]]]
    page: Callable[[Archive, Staff, Sequence[int]], Page]


def count_rows(archive: Archive, staff: Staff) -> int:
    """Return how many rows the tables have; what progress is told by."""
    return (
        tickets_of(archive, staff).count()
        + customers_of(archive, staff).count()
        + orders_of(archive, staff).count()
        + Message.objects.filter(ticket__in=tickets_of(archive, staff), moved_to=None).count()
        + OrderItem.objects.filter(order__in=orders_of(archive, staff)).count()
    )


def _after(rows: Any, after: Sequence[int]) -> Any:
    return (rows.filter(pk__gt=after[0]) if after else rows).order_by("pk")[:PAGE]


def _whole(rows: list[list[Any]], keys: Sequence[int]) -> Page:
    return Page(rows, [keys[-1]] if len(keys) == PAGE else [])


def _lines_of(parents: Any, lines: Any, parent: str, line: str, after: Sequence[int]) -> tuple[Any, list[int]]:
    """Return the lines of the next parents behind (parent, line), and their keys; no join decides the order.

    Parents are read first, so that each statement reads a few hundred rows however many there are.
    """
    ids = list(
        (parents.filter(pk__gte=after[0]) if after else parents).order_by("pk").values_list("pk", flat=True)[:PARENTS]
    )
    rows = lines.filter(**{f"{parent}__in": ids})
    if after:
        rows = rows.exclude(**{parent: after[0], f"{line}__lte": after[1]})
    return rows.order_by(parent, line)[:LINES], ids


def _behind(told: Sequence[tuple[int, int]], ids: Sequence[int]) -> list[int]:
    """Return where the next page of lines begins: behind the last line, or behind the last parent."""
    if len(told) == LINES:
        return list(told[-1])
    return [ids[-1], LAST] if len(ids) == PARENTS else []


# tickets ------------------------------------------------------------------------------------------------------------

TICKET_FIELDS = (
    "pk", "subject", "status", "priority", "channel", "category__name_zh", "category__name_en", "shop__name",
    "team__name", "assignee__display_name", "customer_id", "order__number", "tags", "opened_at", "first_response_at",
    "resolved_at", "closed_at", "last_message_at", "merged_into_id",
)  # fmt: skip


def _ticket_heads() -> list[tuple[str, str]]:
    return [
        ("number", _("Ticket")), ("subject", _("Subject")), ("status", _("Status")), ("priority", _("Priority")),
        ("channel", _("Channel")), ("category", _("Category")), ("shop", _("Shop")), ("team", _("Team")),
        ("assignee", _("Assignee")), ("customer", _("Customer number")), ("order", _("Order")), ("tags", _("Tags")),
        ("opened_at", _("Opened")), ("first_response_at", _("First reply")), ("resolved_at", _("Resolved")),
        ("closed_at", _("Closed at")), ("last_message_at", _("Last message")), ("merged_into", _("Joined into")),
    ]  # fmt: skip


def _tickets(archive: Archive, staff: Staff, after: Sequence[int]) -> Page:
    rows = list(_after(tickets_of(archive, staff), after).values_list(*TICKET_FIELDS))
    status, priority, channel = (_words(kind) for kind in (TicketStatus, Priority, Channel))
    english = (get_language() or "").startswith("en")
    found: list[list[Any]] = []
    for pk, subject, state, rank, via, zh, en, shop, team, assignee, customer, order, tags, *times, merged in rows:
        cells = [
            pk + NUMBER_OFFSET, subject, status.get(state, state), priority.get(rank, ""), channel.get(via, via),
            en if english else zh, shop, team, assignee, customer, order, ", ".join(tags), *times,
            merged + NUMBER_OFFSET if merged else None,
        ]  # fmt: skip
        found.append(cells)
    return _whole(found, [row[0] for row in rows])


# messages -----------------------------------------------------------------------------------------------------------


def _message_heads() -> list[tuple[str, str]]:
    return [
        ("ticket", _("Ticket")), ("line", _("No.")), ("at", _("Time")), ("kind", _("Kind")), ("by", _("Said by")),
        ("name", _("Agent")), ("text", _("Text")), ("files", _("Files")),
    ]  # fmt: skip


def _messages(archive: Archive, staff: Staff, after: Sequence[int]) -> Page:
    lines = Message.objects.filter(moved_to=None)
    rows, ids = _lines_of(tickets_of(archive, staff), lines, "ticket_id", "seq", after)
    told = list(rows.values_list("pk", "ticket_id", "seq", "at", "kind", "author_type", "author_id", "text"))
    files: dict[int, list[str]] = {}
    of_these = Attachment.objects.filter(message_id__in=[row[0] for row in told]).order_by("pk")
    for message_id, name in of_these.values_list("message_id", "name"):
        files.setdefault(message_id or 0, []).append(name)
    names = _names({row[6] for row in told if row[5] == AuthorType.STAFF and row[6]})
    kinds, types = _words(MessageKind), _words(AuthorType)
    found = [
        [
            ticket + NUMBER_OFFSET, seq, at, kinds.get(kind, kind), types.get(by, by),
            names.get(author, "") if by == AuthorType.STAFF else "", text, ", ".join(files.get(pk, [])),
        ]
        for pk, ticket, seq, at, kind, by, author, text in told
    ]  # fmt: skip
    return Page(found, _behind([(row[1], row[2]) for row in told], ids))


def _names(ids: set[int]) -> dict[int, str]:
    here = Staff.objects.filter(pk__in=[pk for pk in ids if pk > 0]).values_list("pk", "display_name")
    gone = FormerAgent.objects.filter(pk__in=[-pk for pk in ids if pk < 0]).values_list("pk", "name")
    return dict(here) | {-pk: name for pk, name in gone}


# customers ----------------------------------------------------------------------------------------------------------


def _customer_heads() -> list[tuple[str, str]]:
    return [
        ("number", _("Customer number")), ("name", _("Customer")), ("tier", _("Tier")), ("tags", _("Tags")),
        ("phone", _("Phone")), ("email", _("Email")), ("accounts", _("Other accounts")), ("language", _("Language")),
        ("note", _("Note")), ("since", _("Customer since")), ("joined_into", _("Joined into")),
    ]  # fmt: skip


def _customers(archive: Archive, staff: Staff, after: Sequence[int]) -> Page:
    people = list(_after(customers_of(archive, staff), after))
    known: dict[int, dict[str, list[str]]] = {}
    for identity in Identity.objects.filter(customer__in=people).order_by("-is_primary", "pk"):
        known.setdefault(identity.customer_id, {}).setdefault(identity.kind, []).append(_opened(identity.value_enc))
    tiers = _words(Tier)
    found: list[list[Any]] = []
    for one in people:
        ways = known.get(one.pk, {})
        phones, mails = (", ".join(ways.pop(kind, [])) for kind in (IdentityKind.PHONE, IdentityKind.EMAIL))
        others = ", ".join(value for values in ways.values() for value in values)
        cells = [
            one.pk, one.name, tiers.get(one.tier, one.tier), ", ".join(one.tags), phones, mails, others, one.language,
            one.note, one.created_at, one.merged_into_id,
        ]  # fmt: skip
        found.append(cells)
    return _whole(found, [one.pk for one in people])


# orders -------------------------------------------------------------------------------------------------------------


def _order_heads() -> list[tuple[str, str]]:
    return [
        ("number", _("Order")), ("shop", _("Shop")), ("status", _("Status")), ("customer", _("Customer number")),
        ("placed_at", _("Ordered at")), ("paid_at", _("Paid at")), ("shipped_at", _("Shipped at")),
        ("delivered_at", _("Delivered at")), ("completed_at", _("Completed at")), ("currency", _("Currency")),
        ("total", _("Total")), ("paid", _("Paid")), ("recipient", _("Recipient")), ("phone", _("Phone")),
        ("region", _("Region")), ("street", _("Street")), ("note", _("Note")), ("tracking", _("Tracking numbers")),
    ]  # fmt: skip


def _orders(archive: Archive, staff: Staff, after: Sequence[int]) -> Page:
    whole = orders_of(archive, staff).select_related("shop").prefetch_related("parcels")
    rows, status = list(_after(whole, after)), _words(OrderStatus)
    found = [
        [
            one.number, one.shop.name, status.get(one.status, one.status), one.customer_id, one.placed_at, one.paid_at,
            one.shipped_at, one.delivered_at, one.completed_at, one.currency, one.total, one.paid, one.recipient,
            _opened(one.phone_enc), one.region, _opened(one.street_enc), one.buyer_note,
            ", ".join(parcel.tracking_number for parcel in one.parcels.all()),
        ]
        for one in rows
    ]  # fmt: skip
    return _whole(found, [one.pk for one in rows])


def _item_heads() -> list[tuple[str, str]]:
    return [
        ("order", _("Order")), ("shop", _("Shop")), ("line", _("No.")), ("sku", _("SKU")), ("title", _("Goods")),
        ("quantity", _("Quantity")), ("unit_price", _("Unit price")), ("currency", _("Currency")),
    ]  # fmt: skip


def _items(archive: Archive, staff: Staff, after: Sequence[int]) -> Page:
    rows, ids = _lines_of(orders_of(archive, staff), OrderItem.objects.all(), "order_id", "line", after)
    fields = ("order_id", "line", "order__number", "order__shop__name", "sku", "title", "quantity", "unit_price")
    told = list(rows.values_list(*fields, "order__currency"))
    found = [[number, shop, line, *rest] for _order, line, number, shop, *rest in told]
    return Page(found, _behind([(row[0], row[1]) for row in told], ids))


def _words(kind: Any) -> dict[Any, str]:
    return {value: str(label) for value, label in kind.choices}


def _opened(value: Any) -> str:
    try:
        return decrypt(bytes(value)) if value else ""
    except CannotDecrypt:
        return ""


TABLES = (
    Table("tickets", _ticket_heads, _tickets),
    Table("messages", _message_heads, _messages),
    Table("customers", _customer_heads, _customers),
    Table("orders", _order_heads, _orders),
    Table("items", _item_heads, _items),
)
