"""How far a change to many tickets has come, counted from its items."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Count
from django.utils.translation import gettext_lazy as _

from tickets.enums import BulkItemState, BulkState
from tickets.models import BulkItem, BulkRun
from tickets.models.ticket import NUMBER_OFFSET

LISTED = 200
WHY: dict[str, Any] = {
    "transition_not_allowed": _("Its status does not allow this."),
    "not_found": _("You can no longer see it."),
    "not_allowed": _("You may not do this with it."),
    "ticket_merged": _("It was joined with another ticket."),
    "changed_since": _("Somebody has changed it since."),
    "fields_missing": _("Required fields are empty."),
    "invalid": _("What was chosen does not fit it."),
}


@dataclass(frozen=True)
class LeftAlone:
    """A ticket a run did not change (or restore), and why."""

    ticket_id: int
    why: Any

    @property
    def number(self) -> int:
        """Return the number people say."""
        return self.ticket_id + NUMBER_OFFSET


@dataclass(frozen=True)
class Progress:
    """A run with the numbers of its items by state."""

    run: BulkRun
    waiting: int
    done: int
    refused: int
    undone: int
    kept: int
    left_alone: list[LeftAlone]

    @property
    def is_undo(self) -> bool:
        """Say whether the run is being or was taken back."""
        return self.run.state in {BulkState.UNDOING, BulkState.UNDONE}

    @property
    def is_over(self) -> bool:
        """Say whether nothing is left to do."""
        return self.run.state in {BulkState.DONE, BulkState.UNDONE}

    @property
    def gone_through(self) -> int:
        """Return how many tickets of the present turn are behind it."""
        return self.undone + self.kept if self.is_undo else self.run.total - self.waiting

    @property
    def of(self) -> int:
        """Return how many tickets the present turn has."""
        return self.undone + self.kept + self.done if self.is_undo else self.run.total


def progress_of(run_id: int) -> Progress:
    """Return how far a run has come, with the first two hundred tickets it left alone."""
    run = BulkRun.objects.get(pk=run_id)
    rows = BulkItem.objects.filter(run=run)
    counts = dict(rows.order_by().values_list("state").annotate(n=Count("pk")))
    wanted = BulkItemState.KEPT if run.state in {BulkState.UNDOING, BulkState.UNDONE} else BulkItemState.REFUSED
    left = rows.filter(state=wanted).order_by("ticket_id").values_list("ticket_id", "refusal")[:LISTED]
    alone = [LeftAlone(pk, WHY.get(code, _("This cannot be done."))) for pk, code in left]
    numbers = {state.value: counts.get(state.value, 0) for state in BulkItemState}
    return Progress(run, **numbers, left_alone=alone)
