"""The steps of a macro besides its words: category, priority, tags, who has the ticket."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from core.actors import Actor
from tickets.enums import MacroAssign
from tickets.models import Macro, Ticket
from tickets.services.work import assign_ticket, categorise_ticket, set_priority, tag_ticket


@dataclass(frozen=True)
class Steps:
    """What changes about the ticket; what is None or empty stays. False when nothing does."""

    category_id: int | None = None
    priority: int | None = None
    add_tags: tuple[str, ...] = ()
    remove_tags: tuple[str, ...] = ()
    assign: str = MacroAssign.KEEP
    assignee_id: int | None = None
    team_id: int | None = None

    def __bool__(self) -> bool:
        return self != Steps()

    def as_json(self) -> dict[str, Any]:
        """Return the steps as they are kept with a held message."""
        return {name: value for name, value in asdict(self).items() if value != getattr(Steps(), name)}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Steps:
        """Return kept steps."""
        tags: dict[str, Any] = {name: tuple(data[name]) for name in ("add_tags", "remove_tags") if name in data}
        return cls(**{**data, **tags})

    @classmethod
    def of(cls, macro: Macro) -> Steps:
        """Return the steps of a macro."""
        return cls(
            category_id=macro.category_id,
            priority=macro.priority,
            add_tags=tuple(macro.add_tags),
            remove_tags=tuple(macro.remove_tags),
            assign=str(macro.assign),
            assignee_id=macro.assignee_id if macro.assign == MacroAssign.PERSON else None,
            team_id=macro.team_id,
        )


def apply_steps(*, ticket_id: int, steps: Steps, actor: Actor, at: datetime, reason: str = "by_macro") -> None:
    """Do the steps in the caller's transaction, each by its own service. Raises what they raise.

    Macros and automation rules both come here; `reason` says which where a ticket changes hands.
    """
    same: dict[str, Any] = {"ticket_id": ticket_id, "actor": actor, "at": at}
    if steps.category_id is not None:
        categorise_ticket(category_id=steps.category_id, **same)
    if steps.priority is not None:
        set_priority(priority=steps.priority, **same)
    if steps.add_tags or steps.remove_tags:
        tags = set(Ticket.objects.values_list("tags", flat=True).get(pk=ticket_id))
        tag_ticket(tags=(tags - set(steps.remove_tags)) | set(steps.add_tags), **same)
    if steps.assign == MacroAssign.KEEP and steps.team_id is None:
        return
    who: dict[str, int | None] = {
        MacroAssign.ME: actor.id,
        MacroAssign.PERSON: steps.assignee_id,
        MacroAssign.QUEUE: None,
    }
    if steps.assign == MacroAssign.KEEP:
        current = Ticket.objects.values_list("assignee_id", flat=True).get(pk=ticket_id)
        assign_ticket(assignee_id=current, team_id=steps.team_id, reason=reason, **same)
    elif steps.assign == MacroAssign.PERSON and steps.assignee_id is None:
        return  # the colleague the macro named is gone
    else:
        assignee_id = who[MacroAssign(steps.assign)]
        assign_ticket(assignee_id=assignee_id, team_id=steps.team_id, reason=reason, **same)
