"""Let the waits of a timed rule follow its settings: in batches, once, when it is switched or saved."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q, QuerySet

from core.jobs import schedule
from tickets.models import Rule, RuleTimer, Ticket
from tickets.rule_enums import TIMED, Trigger
from tickets.services.rules.editing import ARM_JOB
from tickets.services.rules.timers import DONE, OPEN, drop_timer, keep_timer

BATCH = 200
STATES: dict[str, Q] = {
    Trigger.UNTOUCHED: Q(status__in=[status.value for status in OPEN]),
    Trigger.WAITING: Q(status="waiting_customer"),
    Trigger.SOLVED: Q(status__in=[status.value for status in DONE]),
}


@transaction.atomic
def arm_part(*, rule_id: int, after: int, at: datetime) -> bool:
    """Drop outdated waits of a rule and begin those that are due ahead, some at a time; return whether more are left.

    A stretch whose time was over before the rule was switched on stays untouched: switching on sends nothing to old
    tickets. Events since then arm by themselves, so a batch that comes twice or late changes nothing.
    """
    rule = Rule.objects.filter(pk=rule_id).select_related("current").first()
    if rule is None:
        return False
    if _drop_outdated(rule):
        _owe(rule, after, at)
        return True
    if not rule.is_active or rule.current is None or rule.trigger not in TIMED:
        return False
    ids = list(_candidates(rule, at).filter(pk__gt=after).order_by("pk").values_list("pk", flat=True)[:BATCH])
    for pk in ids:
        ticket = Ticket.objects.select_for_update(no_key=True, of=("self",)).filter(pk=pk).first()
        if ticket is not None:
            keep_timer(rule, ticket, only_ahead_of=at)
    if len(ids) == BATCH:
        _owe(rule, ids[-1], at)
        return True
    return False


def _drop_outdated(rule: Rule) -> int:
    """Drop some waits of an older version, all when the rule is off; return how many."""
    rows = RuleTimer.objects.filter(rule=rule)
    if rule.is_active and rule.current is not None and rule.trigger in TIMED:
        rows = rows.exclude(number=rule.current.number)
    found = list(rows.order_by("pk")[:BATCH])
    for timer in found:
        drop_timer(timer)
    return len(found)


def _candidates(rule: Rule, at: datetime) -> QuerySet[Ticket]:
    """Return tickets in the rule's state; of resolved ones only those plain time has not run out for by far."""
    rows = Ticket.objects.filter(STATES[rule.trigger], is_spam=False, merged_into__isnull=True)
    version = rule.current
    if rule.trigger == Trigger.SOLVED and version is not None and not version.is_business_time:
        rows = rows.filter(resolved_at__gt=at - timedelta(minutes=version.after_minutes or 0))
    return rows


def _owe(rule: Rule, after: int, at: datetime) -> None:
    """Owe the next part; parts of an older setting find that they have nothing left to do."""
    waiting = RuleTimer.objects.filter(rule=rule).order_by("-pk").values_list("pk", flat=True).first() or 0
    key = f"{rule.pk}:{rule.version}:{after}:{waiting}:{int(at.timestamp() * 1000)}"
    schedule(ARM_JOB, key=key, due_at=at, payload={"rule_id": rule.pk, "after": after})
