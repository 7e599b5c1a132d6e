"""Join two tickets into one conversation, and take that back while nothing depends on it.

Nobody's messages change hands: the source keeps its own, points to the target and is closed; streams read both. New
words, mails and notes for the source arrive at the target (`locking.lock_canonical`).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _

from accounts.services import notify
from core.actors import Actor
from core.errors import NotFound
from core.events import record
from customers.selectors import same_person
from tickets.enums import ACTIVE_STATUSES, MessageKind, TicketStatus
from tickets.errors import CannotMerge, CannotUnmerge
from tickets.events import TicketsJoined
from tickets.models import Message, Ticket, TicketMerge
from tickets.permissions import desk_url
from tickets.services.locking import lock_tickets, not_before, save_ticket, touch_clocks
from tickets.services.moving import DONE, bring_back, move_and_record, set_aside
from tickets.services.watching import bring_watchers

TAKEN = ("customer_id", "order_id", "category_id", "priority", "customer_turn_at")
MOST_PARTS = 50


@transaction.atomic
def merge_tickets(*, source_id: int, target_id: int, actor: Actor, at: datetime) -> Ticket:
    """Join the source into the target and return the target; asked twice it is joined once.

    Raises NotFound, CannotMerge. After commit: the agents of both are told, lists and pages look again.
    """
    parts = list(Ticket.objects.filter(merged_into_id=source_id).values_list("pk", flat=True))
    locked = lock_tickets([source_id, target_id, *parts])
    source, target = locked.get(source_id), locked.get(target_id)
    if source is None or target is None:
        raise NotFound
    if source.merged_into_id == target.pk:
        return target
    _check_pair(source, target)
    at = max(not_before(source, at), not_before(target, at))
    _repoint(source.pk, target.pk)
    merge = TicketMerge(
        source=source,
        target=target,
        target_seq=target.last_seq,
        merged_at=at,
        merged_by_id=actor.id if actor.is_person else None,
    )
    source.version += 1
    target.version += 1
    merge.taken = _take_over(source, target)
    if source.status in ACTIVE_STATUSES and (target.status in DONE or _waits_on_us(source, target)):
        move_and_record(target, to=TicketStatus.OPEN, actor=actor, at=at, reason="merged")
    merge.before = set_aside(source, at=at)
    source.merged_into = target
    touch_clocks(source, actor=actor, at=at)
    touch_clocks(target, actor=actor, at=at)
    save_ticket(source)
    target.save(update_fields=["customer"])
    save_ticket(target)
    merge.save(force_insert=True)
    record("ticket.merged", subject=source, actor=actor, at=at, data=TicketsJoined(target.pk, source.version))
    record("ticket.took_in", subject=target, actor=actor, at=at, data=TicketsJoined(source.pk, target.version))
    _tell(source, target, "ticket.merged", actor, at)
    return target


def _check_pair(source: Ticket, target: Ticket) -> None:
    if source.pk == target.pk:
        raise CannotMerge(_("A ticket cannot be joined with itself."))
    if source.merged_into_id is not None:
        raise CannotMerge(_("This ticket was joined with another one already."), into_id=source.merged_into_id)
    if target.merged_into_id is not None:
        raise CannotMerge(_("That ticket was joined with another one. Choose that one."), into_id=target.merged_into_id)
    if source.is_spam or target.is_spam:
        raise CannotMerge(_("One of them is spam. Take it out of the spam first."))
    if source.customer_id and target.customer_id and not same_person(source.customer_id, target.customer_id):
        raise CannotMerge(
            _("These are two customers, and each would see the other's messages. Link the tickets instead."),
            code="other_customer",
        )


def _repoint(source_id: int, target_id: int) -> None:
    """Let what was joined into the source point to the target, so that one step always leads to the end."""
    moved = Ticket.objects.filter(merged_into_id=source_id)
    if moved.count() > MOST_PARTS:
        raise CannotMerge(_("This ticket holds too many others already."))
    for part in moved.order_by("pk"):
        Ticket.objects.filter(pk=part.pk).update(merged_into_id=target_id)


def _waits_on_us(source: Ticket, target: Ticket) -> bool:
    return target.status == TicketStatus.WAITING_CUSTOMER and source.customer_turn_at is not None


def _take_over(source: Ticket, target: Ticket) -> dict[str, list[Any]]:
    """Give the target what it lacks and the source has; return what changed, as JSON values."""
    old = {name: getattr(target, name) for name in TAKEN}
    for name in ("customer", "order", "category"):
        if getattr(target, f"{name}_id") is None and getattr(source, f"{name}_id") is not None:
            setattr(target, name, getattr(source, name))
    target.priority = max(target.priority, source.priority)
    turns = [turn for turn in (source.customer_turn_at, target.customer_turn_at) if turn is not None]
    target.customer_turn_at = min(turns, default=None)
    target.tags = sorted({*target.tags, *source.tags})[:20]
    bring_watchers(into_id=target.pk, watchers=source.watchers)
    if target.contact_enc is None:
        target.contact_enc = source.contact_enc
    if source.last_message_at and (target.last_message_at is None or source.last_message_at > target.last_message_at):
        target.last_message_at, target.last_message_by = source.last_message_at, source.last_message_by
        target.preview = source.preview
    new = {name: getattr(target, name) for name in TAKEN}
    return {name: [_json(old[name]), _json(new[name])] for name in TAKEN if old[name] != new[name]}


def _json(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


@transaction.atomic
def unmerge_ticket(*, source_id: int, actor: Actor, at: datetime) -> Ticket:
    """Make a joined ticket its own again and return it.

    Raises NotFound, CannotUnmerge when somebody has written in the target since, when the target is finished, or was
    joined further itself. What the target took over goes back where it still stands as it was taken.
    """
    merge = TicketMerge.objects.filter(source_id=source_id, undone_at__isnull=True).first()
    if merge is None:
        raise NotFound
    family = _family(source_id, merge.target_id)
    locked = lock_tickets([source_id, merge.target_id, *family])
    source, target = locked[source_id], locked[merge.target_id]
    merge.refresh_from_db()
    if merge.undone_at is not None:
        raise NotFound
    if source.merged_into_id != target.pk:
        raise CannotUnmerge(_("The other ticket was joined further. Take that apart first."))
    if target.last_seq != merge.target_seq or target.status in DONE:
        raise CannotUnmerge
    at = max(not_before(source, at), not_before(target, at))
    source.version += 1
    target.version += 1
    source.merged_into = None
    bring_back(source, merge.before, key=f"u{merge.pk}")
    touch_clocks(source, actor=actor, at=at)
    save_ticket(source)
    for part in sorted(family):
        Ticket.objects.filter(pk=part).update(merged_into_id=source.pk)
    _give_back(target, merge.taken)
    tell_newest(target)
    touch_clocks(target, actor=actor, at=at)
    target.save(update_fields=["customer"])
    save_ticket(target)
    merge.undone_at = at
    merge.save(update_fields=["undone_at"])
    record("ticket.unmerged", subject=source, actor=actor, at=at, data=TicketsJoined(target.pk, source.version))
    record("ticket.let_go", subject=target, actor=actor, at=at, data=TicketsJoined(source.pk, target.version))
    _tell(source, target, "ticket.unmerged", actor, at)
    return source


def _family(source_id: int, target_id: int) -> set[int]:
    """Return what had been joined into the source before it was joined itself."""
    steps = TicketMerge.objects.filter(source__merged_into_id=target_id, undone_at__isnull=True)
    of: dict[int, list[int]] = {}
    for child, parent in steps.values_list("source_id", "target_id"):
        of.setdefault(parent, []).append(child)
    found: set[int] = set()
    waiting = [source_id]
    while waiting:
        for child in of.get(waiting.pop(), []):
            found.add(child)
            waiting.append(child)
    return found


def _give_back(target: Ticket, taken: dict[str, list[Any]]) -> None:
    for name, (before, after) in taken.items():
        if _json(getattr(target, name)) == after:
            setattr(target, name, parse_datetime(before) if name.endswith("_at") and before else before)


def tell_newest(ticket: Ticket) -> None:
    """Set what lists show of a locked ticket (newest public message, by whom, when) from its own messages."""
    rows = Message.objects.filter(ticket=ticket, kind=MessageKind.PUBLIC, moved_to__isnull=True)
    newest = rows.order_by("-at", "-seq").first()
    if newest is not None:
        ticket.last_message_at, ticket.last_message_by = newest.at, newest.author_type
        ticket.preview = " ".join(newest.text.split())[:160]


def _tell(source: Ticket, target: Ticket, kind: str, actor: Actor, at: datetime) -> None:
    """Tell the agents of both, but not whoever did it."""
    for staff_id in {source.assignee_id, target.assignee_id} - {None, actor.id if actor.is_person else None}:
        params = {"ticket_id": target.pk, "number": target.number, "other": source.number}
        notify(staff_id=staff_id, kind=kind, params=params, url=desk_url(target.pk), at=at)  # type: ignore[arg-type]
