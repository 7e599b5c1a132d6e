"""What a rule does: each action by the service a person's click uses, in a savepoint of its own.

An action that is refused leaves nothing behind, says why in words, and does not stop the others.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import InterfaceError, OperationalError, transaction
from django.utils import translation

from accounts.models import Membership, Staff
from accounts.services import notify
from core.actors import Actor
from core.errors import DomainError, InvalidInput
from core.events import TooDeep
from tickets.enums import AuthorType, MacroAssign, MessageKind, TicketStatus
from tickets.models import CannedReply, Message, Ticket
from tickets.permissions import desk_url
from tickets.rule_enums import Do, StepState, Tell
from tickets.rule_errors import AnswerIncomplete, NobodyToTell, ReplyGone, SomethingBroke, TooManyAnswers
from tickets.selectors.canned import fill_in, missing_in, variables_for
from tickets.selectors.supervising import supervisors_of
from tickets.services.conversation import add_note, write_answer
from tickets.services.locking import lock_ticket, save_ticket
from tickets.services.macro_steps import Steps, apply_steps
from tickets.services.moving import check_may_resolve
from tickets.services.rules.definitions import Action
from tickets.services.status import change_status
from tickets.services.task_clock import business_due, calendar_of_team
from tickets.services.tasks import TaskOrder, ask_department
from tickets.services.writing import Words

logger = logging.getLogger(__name__)
REASON = "by_rule"
MOST_ANSWERS = 3
A_DAY = timedelta(days=1)
MOST_TOLD = 30
LANGUAGES = {"zh": "zh-hans", "en": "en"}


@dataclass(frozen=True)
class Doer:
    """Who acts on which ticket, and when."""

    ticket_id: int
    rule_id: int
    rule_name: str
    at: datetime

    @property
    def actor(self) -> Actor:
        """Return the rule as a doer."""
        return Actor.rule(self.rule_id)

    @property
    def same(self) -> dict[str, Any]:
        """Return what every service is told."""
        return {"ticket_id": self.ticket_id, "actor": self.actor, "at": self.at}


def do_action(action: Action, doer: Doer) -> dict[str, Any]:
    """Do one action and return what became of it: {"do", "state", "code", "zh", "en"}. Raises TooDeep."""
    before = _version(doer)
    try:
        with transaction.atomic():
            changed = ACTIONS[Do(action.do)](action.value, doer)
    except DomainError as refusal:
        return _refused(action, refusal)
    except (TooDeep, OperationalError, InterfaceError):
        raise  # a loop ends the whole rule; a deadlock or a lost connection the whole job, which is tried again
    except Exception:  # a fault of ours in one action must not take the shop's other rules along
        logger.exception("rules.action_broke rule_id=%s ticket_id=%s do=%s", doer.rule_id, doer.ticket_id, action.do)
        return _refused(action, SomethingBroke())
    is_done = changed if changed is not None else _version(doer) != before
    return {"do": action.do, "state": str(StepState.DONE if is_done else StepState.SAME)}


def _version(doer: Doer) -> int | None:
    return Ticket.objects.filter(pk=doer.ticket_id).values_list("version", flat=True).first()


def _refused(action: Action, refusal: DomainError) -> dict[str, Any]:
    told = {}
    for key, language in LANGUAGES.items():
        with translation.override(language):
            told[key] = _sentence(refusal)[:300]
    return {"do": action.do, "state": str(StepState.FAILED), "code": refusal.code[:64], **told}


def _sentence(refusal: DomainError) -> str:
    texts = (
        [str(text) for texts in refusal.fields.values() for text in texts] if isinstance(refusal, InvalidInput) else []
    )
    return " ".join(dict.fromkeys(texts)) or str(refusal)


def _steps(steps: Steps, doer: Doer) -> None:
    apply_steps(steps=steps, reason=REASON, **doer.same)


def _priority(value: dict[str, Any], doer: Doer) -> None:
    _steps(Steps(priority=value["priority"]), doer)


def _category(value: dict[str, Any], doer: Doer) -> None:
    _steps(Steps(category_id=value["id"]), doer)


def _add_tags(value: dict[str, Any], doer: Doer) -> None:
    _steps(Steps(add_tags=tuple(value["tags"])), doer)


def _remove_tags(value: dict[str, Any], doer: Doer) -> None:
    _steps(Steps(remove_tags=tuple(value["tags"])), doer)


def _team(value: dict[str, Any], doer: Doer) -> None:
    """Put the ticket into a team's queue; one that is with the team stays with whoever has it."""
    if lock_ticket(doer.ticket_id).team_id != value["id"]:
        _steps(Steps(assign=MacroAssign.QUEUE, team_id=value["id"]), doer)


def _agent(value: dict[str, Any], doer: Doer) -> None:
    _steps(Steps(assign=MacroAssign.PERSON, assignee_id=value["id"]), doer)


def _status(value: dict[str, Any], doer: Doer) -> None:
    """Move the ticket; a rule is bound by required fields and owed work as a person is."""
    ticket = lock_ticket(doer.ticket_id)
    if value["status"] == TicketStatus.RESOLVED and ticket.status != TicketStatus.RESOLVED:
        check_may_resolve(ticket)
    change_status(status=value["status"], reason=REASON, **doer.same)


def _note(value: dict[str, Any], doer: Doer) -> bool:
    ticket = lock_ticket(doer.ticket_id)
    add_note(text=fill_in(value["text"], variables_for(ticket, None)), **doer.same)
    return True


def _answer(value: dict[str, Any], doer: Doer) -> bool:
    """Send a canned reply, in the customer's language where there is one under the same shortcut.

    It is an automatic message: it ends no turn, counts as nobody's first reply and leaves the status alone.
    """
    ticket = lock_ticket(doer.ticket_id)
    reply = _reply_for(value["id"], ticket.language)
    since = Message.objects.filter(ticket_id=ticket.pk, kind=MessageKind.PUBLIC, at__gt=doer.at - A_DAY)
    person = since.filter(author_type=AuthorType.STAFF).order_by("-seq").values_list("seq", flat=True).first() or 0
    if since.filter(author_type=AuthorType.BOT, seq__gt=person).count() >= MOST_ANSWERS:
        raise TooManyAnswers  # two machines answering each other end here, whatever their mails say
    text = fill_in(reply.body, variables_for(ticket, None))
    if missing := missing_in(text):
        raise AnswerIncomplete(names=missing)
    words = Words(text=text, channel=ticket.channel, kind=MessageKind.PUBLIC)
    write_answer(ticket, words, actor=doer.actor, at=doer.at, then_status=ticket.status)
    save_ticket(ticket)
    return True


def _reply_for(reply_id: int, language: str) -> CannedReply:
    reply = CannedReply.objects.filter(pk=reply_id, is_active=True, owner__isnull=True).first()
    if reply is None:
        raise ReplyGone
    if reply.language == language:
        return reply
    rows = CannedReply.objects.filter(shortcut=reply.shortcut, language=language, is_active=True, owner__isnull=True)
    return rows.first() or reply


def _notify(value: dict[str, Any], doer: Doer) -> bool:
    ticket = lock_ticket(doer.ticket_id)
    people = _people(value, ticket)
    if not people:
        raise NobodyToTell
    # The rule's name is a heading supervisors wrote, no person's data.
    params = {"ticket_id": ticket.pk, "number": ticket.number, "rule": doer.rule_name}
    for staff_id in people:
        notify(staff_id=staff_id, kind="ticket.rule_told", params=params, url=desk_url(ticket.pk), at=doer.at)
    return True


def _people(value: dict[str, Any], ticket: Ticket) -> list[int]:
    to = value["to"]
    if to == Tell.SUPERVISORS:
        return supervisors_of(ticket)
    if to == Tell.ASSIGNEE:
        wanted = [ticket.assignee_id]
    elif to == "staff":
        wanted = [value.get("id")]
    else:
        team_id = ticket.team_id if to == Tell.OWN_TEAM else value.get("id")
        members = Membership.objects.filter(team_id=team_id or 0).order_by("staff_id")
        wanted = list(members.values_list("staff_id", flat=True))
    here = Staff.objects.filter(pk__in=[pk for pk in wanted if pk], is_active=True)
    return list(here.order_by("pk").values_list("pk", flat=True)[:MOST_TOLD])


def _task(value: dict[str, Any], doer: Doer) -> bool:
    ticket = lock_ticket(doer.ticket_id)
    asked = fill_in(value["text"], variables_for(ticket, None))
    due_at = business_due(calendar_of_team(value["id"]), doer.at, value["hours"])
    order = TaskOrder(team_id=value["id"], asked=asked, due_at=due_at, is_blocking=value.get("blocks", False))
    ask_department(order=order, **doer.same)
    return True


def _stop(_value: dict[str, Any], _doer: Doer) -> bool:
    return True


ACTIONS: dict[Do, Callable[[dict[str, Any], Doer], bool | None]] = {
    Do.PRIORITY: _priority,
    Do.CATEGORY: _category,
    Do.STATUS: _status,
    Do.ADD_TAGS: _add_tags,
    Do.REMOVE_TAGS: _remove_tags,
    Do.TEAM: _team,
    Do.AGENT: _agent,
    Do.NOTE: _note,
    Do.ANSWER: _answer,
    Do.NOTIFY: _notify,
    Do.TASK: _task,
    Do.STOP: _stop,
}
"""Each returns whether it did something, None where the ticket's version tells."""
