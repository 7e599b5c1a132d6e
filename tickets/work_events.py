"""Events of what is owed inside a ticket: department tasks, promises, standards, defects."""

from dataclasses import dataclass
from datetime import datetime

from core.events import Code, declare


@dataclass(frozen=True)
class TaskFact:
    """A step in a department task; `seconds` since it was asked, `late` seconds past its due time (negative before).

    `level` is how far an overdue one has risen. `version` is the ticket's.
    """

    team_id: int
    kind: Code
    due_at: datetime
    agent_id: int | None = None
    tier: int | None = None
    category: Code | None = None
    seconds: int = 0
    late: int = 0
    level: int = 0
    is_overdue: bool = False
    version: int = 0


@dataclass(frozen=True)
class JointFact:
    """A joint response was asked for or given; which teams have a part."""

    team_ids: tuple[int, ...] = ()
    seconds: int = 0


@dataclass(frozen=True)
class PromiseFact:
    """A step in a promise; `late` seconds past its due time (negative before), `is_told` whether the customer heard."""

    kind: Code
    due_at: datetime
    agent_id: int | None = None
    team_id: int | None = None
    channel: Code | None = None
    category: Code | None = None
    seconds: int = 0
    late: int = 0
    is_told: bool = False
    version: int = 0


@dataclass(frozen=True)
class StepFact:
    """A step of a service standard was ticked on a ticket, or unticked."""

    standard_id: int
    number: int
    step: Code
    is_last: bool = False


@dataclass(frozen=True)
class StandardPublished:
    """A version of a standard came into force."""

    number: int
    category: Code
    steps: int
    required: int


@dataclass(frozen=True)
class DefectReported:
    """A department reported a product defect."""

    task_id: int
    product_id: int | None = None
    team_id: int | None = None


for _step in (
    "asked", "taken", "given_back", "passed_on", "answered", "declined", "withdrawn", "asked_again", "rescheduled",
    "overdue", "escalated",
):  # fmt: skip
    declare(f"task.{_step}", TaskFact)
declare("joint_response.asked", JointFact)
declare("joint_response.answered", JointFact)
for _step in ("made", "moved", "warned", "broken", "kept", "settled", "withdrawn"):
    declare(f"promise.{_step}", PromiseFact)
declare("ticket_step.done", StepFact)
declare("ticket_step.undone", StepFact)
declare("standard.published", StandardPublished)
declare("standard.rested", StandardPublished)
declare("defect.reported", DefectReported)
