"""Change many tickets at once: each in a transaction of its own, its refusal beside it, undone for a while.

What is left to do stands in the items. A worker that dies leaves the rest waiting; what was done was marked done in
the transaction that did it, so going on does nothing twice.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Staff
from accounts.permissions import Permission, has, require
from core.actors import Actor
from core.errors import DomainError, InvalidInput, NotFound
from core.jobs import schedule
from core.live import announce
from tickets.enums import BulkAction, BulkItemState, BulkState
from tickets.errors import NothingToUndo
from tickets.models import BulkItem, BulkRun, Ticket
from tickets.permissions import tickets_visible_to
from tickets.services.bulk_actions import ACTIONS, check_value

logger = logging.getLogger(__name__)
BULK_JOB = "tickets.bulk_run"
MOST = 10_000
AT_ONCE = 20
RESCUE = timedelta(seconds=30)
UNDO_FOR = timedelta(minutes=30)
RIGHTS: dict[str, Permission] = {
    BulkAction.TAKE: Permission.TICKET_REPLY,
    BulkAction.ASSIGN: Permission.TICKET_ASSIGN,
    BulkAction.TEAM: Permission.TICKET_ASSIGN,
    BulkAction.STATUS: Permission.TICKET_EDIT,
    BulkAction.PRIORITY: Permission.TICKET_EDIT,
    BulkAction.CATEGORY: Permission.TICKET_EDIT,
    BulkAction.ADD_TAGS: Permission.TICKET_EDIT,
    BulkAction.REMOVE_TAGS: Permission.TICKET_EDIT,
    BulkAction.SPAM: Permission.TICKET_BLOCK,
    BulkAction.RESOLVE: Permission.TICKET_RESOLVE,
}


@transaction.atomic
def start_bulk(
    *,
    staff: Staff,
    action: str,
    value: dict[str, Any],
    tickets: QuerySet[Ticket],
    at: datetime,
    client_id: UUID | None = None,
) -> BulkRun:
    """Write down a change to the tickets of a queryset (of those this person may see) and return it.

    The same `client_id` gives the run there is. Few are done by `go_on` in the request, many by the job owed here.
    Raises NotAllowed, InvalidInput.
    """
    if action not in BulkAction.values:
        raise InvalidInput
    require(staff, Permission.TICKET_BULK)
    require(staff, RIGHTS[action])
    value = check_value(action, value, staff)
    known = BulkRun.objects.filter(staff=staff, client_id=client_id).first() if client_id else None
    if known is not None:
        return known
    ids = list(tickets.filter(merged_into__isnull=True).order_by().values_list("pk", flat=True)[: MOST + 1])
    if not ids or len(ids) > MOST:
        words = _("Choose at least one ticket.") if not ids else _("Ten thousand tickets at once are the most.")
        raise InvalidInput(words, fields={"ids": [words]})
    run = BulkRun.objects.create(
        staff=staff, action=action, value=value, total=len(ids), client_id=client_id, created_at=at,
        undo_until=at + UNDO_FOR,
    )  # fmt: skip
    BulkItem.objects.bulk_create([BulkItem(run=run, ticket_id=pk) for pk in sorted(ids)], batch_size=2000)
    _owe(run, "run", 1, at)
    return run


def _owe(run: BulkRun, turn: str, part: int, at: datetime) -> None:
    """Owe the job. Few tickets are changed in the request itself; then it only picks up what a dead one left."""
    due_at = at + RESCUE if part == 1 and run.total <= AT_ONCE else at
    payload = {"run_id": run.pk, "turn": turn, "part": part}
    schedule(BULK_JOB, key=f"{run.pk}:{turn}:{part}", due_at=due_at, payload=payload)


def go_on(*, run_id: int, seconds: float = 20) -> bool:
    """Do what is left of a run, or of its undoing, for so long; return whether anything is left.

    Two workers at one run share it: each takes the next item nobody holds.
    """
    run = BulkRun.objects.select_related("staff").get(pk=run_id)
    if run.state not in {BulkState.RUNNING, BulkState.UNDOING}:
        return False
    is_undo = run.state == BulkState.UNDOING
    step: Callable[[BulkRun], bool] = _undo_next if is_undo else _do_next
    end, told = time.monotonic() + seconds, time.monotonic()
    while step(run):
        now = time.monotonic()
        if now - told > 1:
            told = now
            _announce(run)
        if now > end:
            return True
    return not _finish(run.pk, is_undo)


def go_on_by_job(*, run_id: int, turn: str, part: int) -> None:
    """Work on a run for part of a lease, then owe the rest."""
    if go_on(run_id=run_id, seconds=45):
        with transaction.atomic():
            _owe(BulkRun(pk=run_id, total=MOST), turn, part + 1, timezone.now())


def _next(run: BulkRun, state: str) -> BulkItem | None:
    rows = BulkItem.objects.select_for_update(skip_locked=True, of=("self",))
    return rows.filter(run=run, state=state).order_by("ticket_id").first()


@transaction.atomic
def _do_next(run: BulkRun) -> bool:
    """Change one ticket and mark its item in the same transaction; return False when none waits."""
    item = _next(run, BulkItemState.WAITING)
    if item is None:
        return False
    action = ACTIONS[run.action]
    try:
        with transaction.atomic():
            _check_door(run, item)
            item.before = action.read(_ticket(item))
            action.do(item.ticket_id, run.value, Actor.staff(run.staff), timezone.now())
            item.after = action.read(_ticket(item))
        item.state = BulkItemState.DONE
    except DomainError as error:
        item.state, item.before, item.after, item.refusal = BulkItemState.REFUSED, {}, {}, error.code[:200]
    item.save(update_fields=["state", "before", "after", "refusal"])
    return True


def _check_door(run: BulkRun, item: BulkItem) -> None:
    """Look again whether this person may: minutes may have passed, and rights change."""
    if not run.staff.is_active or not has(run.staff, RIGHTS[run.action]):
        require(run.staff, RIGHTS[run.action])
    if not tickets_visible_to(run.staff).filter(pk=item.ticket_id).exists():
        raise NotFound


def _ticket(item: BulkItem) -> Ticket:
    """Return the ticket as it stands, held until this transaction ends."""
    rows = Ticket.objects.select_for_update(no_key=True, of=("self",))
    ticket = rows.filter(pk=item.ticket_id).first()
    if ticket is None:
        raise NotFound
    return ticket


@transaction.atomic
def _undo_next(run: BulkRun) -> bool:
    """Put one ticket back as it was, if it still stands as the run left it; return False when none is left."""
    item = _next(run, BulkItemState.DONE)
    if item is None:
        return False
    action = ACTIONS[run.action]
    try:
        with transaction.atomic():
            _check_door(run, item)
            if action.read(_ticket(item)) != item.after:
                raise NothingToUndo(code="changed_since")
            if item.before != item.after:
                action.restore(item.ticket_id, item.before, Actor.staff(run.staff), timezone.now())
        item.state = BulkItemState.UNDONE
    except DomainError as error:
        item.state, item.refusal = BulkItemState.KEPT, error.code[:200]
    item.save(update_fields=["state", "refusal"])
    return True


@transaction.atomic
def _finish(run_id: int, is_undo: bool) -> bool:
    """Close the turn when no item is left to anybody; return whether it is closed."""
    run = BulkRun.objects.select_for_update(no_key=True).get(pk=run_id)
    left = BulkItemState.DONE if is_undo else BulkItemState.WAITING
    if run.items.filter(state=left).exists():  # another worker holds it
        return False
    if run.state in {BulkState.RUNNING, BulkState.UNDOING}:
        run.state = BulkState.UNDONE if is_undo else BulkState.DONE
        run.finished_at = timezone.now()
        run.undo_until = max(run.undo_until, run.finished_at + UNDO_FOR) if not is_undo else run.undo_until
        run.save(update_fields=["state", "finished_at", "undo_until"])
    _announce(run)
    return True


@transaction.atomic
def undo_bulk(*, run_id: int, staff: Staff, at: datetime) -> BulkRun:
    """Begin to take a run back; what others have changed since stays. Raises NotFound, NothingToUndo."""
    run = BulkRun.objects.select_for_update(no_key=True).filter(pk=run_id, staff=staff).first()
    if run is None:
        raise NotFound
    if run.state == BulkState.UNDOING:
        return run
    if run.state != BulkState.DONE or at > run.undo_until:
        raise NothingToUndo
    run.state = BulkState.UNDOING
    run.save(update_fields=["state"])
    _owe(run, "undo", 1, at)
    return run


def _announce(run: BulkRun) -> None:
    """Have the page of whoever ordered it look again; the lists hear of each ticket anyway."""
    announce(f"staff.{run.staff_id}", "bulk", run.pk, int(time.time()))


def retire_runs(*, before: datetime, most: int = 200) -> int:
    """Forget runs that nobody can undo any more; return how many."""
    old = list(BulkRun.objects.filter(created_at__lt=before).order_by("pk").values_list("pk", flat=True)[:most])
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM tickets_bulk_item WHERE run_id = ANY(%s)", [old])
        cursor.execute("DELETE FROM tickets_bulk_run WHERE id = ANY(%s)", [old])
    return len(old)


def known_ids(texts: Iterable[str]) -> list[int]:
    """Return the ids among what a form sent."""
    return [int(text) for text in texts if text.isascii() and text.isdecimal() and len(text) < 18][:MOST]
