"""Which events rules listen to, and whether any rule that is on listens to this one.

Every service that records an event asks. So an event nobody could listen to costs nothing, and the others cost one
small statement per transaction. It is asked of the database, not of a cache: a rule that was just switched on in
another process counts from its commit on, and nothing can be stale.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet

from core.actors import ActorType
from core.kept import Kept
from core.models import Event
from tickets.models import Rule
from tickets.rule_enums import Trigger
from tickets.services.outgoing import REPLY_TEMPLATE, RULE_TEMPLATE

STATUS_KINDS = ("ticket.status_changed", "ticket.resolved", "ticket.reopened", "ticket.closed")
_PLAIN: dict[str, Trigger] = {
    "ticket.opened": Trigger.OPENED,
    "message.received": Trigger.CUSTOMER_WROTE,
    "message.noted": Trigger.NOTED,
    "clock.warned": Trigger.CLOCK_WARNED,
    "clock.breached": Trigger.CLOCK_BREACHED,
    **dict.fromkeys(STATUS_KINDS, Trigger.STATUS),
}
OWN_MAILS = (REPLY_TEMPLATE, RULE_TEMPLATE)
MACHINES = (ActorType.RULE, ActorType.BOT)
# What begins or ends a stretch of time; a colleague's touch begins "untouched" anew.
BEGINS = ("ticket.opened", *STATUS_KINDS, "ticket.marked_spam", "ticket.unmarked_spam", "ticket.unmerged")
TOUCHES = ("message.sent", "message.noted", "ticket.assigned", "ticket.changed", "ticket.fields_filled")
TIMED_KINDS: dict[str, tuple[str, ...]] = {
    Trigger.UNTOUCHED: BEGINS,
    Trigger.WAITING: BEGINS,
    Trigger.SOLVED: BEGINS,
}
KINDS = tuple(
    dict.fromkeys([*_PLAIN, "message.sent", "ticket.changed", "ticket.assigned", "delivery.failed", *BEGINS, *TOUCHES])
)


def triggers_of(kind: str, actor_type: str, data: Mapping[str, Any]) -> set[str]:
    """Return what an event sets off, timed triggers aside."""
    if kind in _PLAIN:
        return {_PLAIN[kind]}
    if kind == "message.sent":
        return set() if actor_type in MACHINES else {Trigger.ANSWERED}
    if kind == "ticket.changed":
        return {name for name in (Trigger.CATEGORY, Trigger.PRIORITY) if str(name) in data.get("fields", ())}
    if kind == "ticket.assigned":
        found = {Trigger.ASSIGNEE} if data.get("agent_id") != data.get("before_id") else set()
        return found | ({Trigger.TEAM} if data.get("team_id") != data.get("before_team_id") else set())
    if kind == "delivery.failed" and data.get("template") in OWN_MAILS:
        return {Trigger.MAIL_FAILED}
    return set()


def waits_of(kind: str, actor_type: str) -> set[str]:
    """Return the timed triggers whose waiting an event begins or ends."""
    found = {trigger for trigger, kinds in TIMED_KINDS.items() if kind in kinds}
    if kind in TOUCHES and actor_type == ActorType.STAFF:
        found.add(Trigger.UNTOUCHED)
    return found


def is_wanted(event: Event) -> bool:
    """Say whether a rule that is on listens to this event."""
    if event.ticket_id is None:
        return False
    wanted = triggers_of(event.kind, event.actor_type, event.data) | waits_of(event.kind, event.actor_type)
    return bool(wanted) and not wanted.isdisjoint(triggers_on(event))


_memo: tuple[int, frozenset[str]] | None = None
_asking = Kept(tuple)


def triggers_on(event: Event) -> frozenset[str]:
    """Return the triggers of the rules that are on; asked once in each transaction, which the event's xid names."""
    global _memo
    xid = event.__dict__.get("xid")
    memo = _memo
    if memo is not None and isinstance(xid, int) and memo[0] == xid:
        return memo[1]
    found = frozenset(trigger for (trigger,) in _asking.rows("", _of_active_rules))
    _memo = (xid, found) if isinstance(xid, int) else None
    return found


def _of_active_rules() -> QuerySet[Rule, tuple[str]]:
    return Rule.objects.filter(is_active=True).order_by().values_list("trigger").distinct()


def forget() -> None:
    """Have the next event ask again: a rule was changed in this very transaction."""
    global _memo
    _memo = None
