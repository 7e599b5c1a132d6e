"""Where feedback is counted: codes and ids as they stood when it was asked for."""

from typing import Any

from core.errors import TransitionNotAllowed
from core.events import Code
from core.live import announce
from feedback.enums import INVITATION_TRANSITIONS, VISIT_TRANSITIONS
from feedback.models import Invitation, Visit


def code(value: str | None) -> Code | None:
    """Return a code, None for an empty one."""
    return Code(value) if value else None


def survey_dimensions(invitation: Invitation) -> dict[str, Any]:
    """Return the dimensions of an invitation and everything that follows from it (its survey must be loaded)."""
    return {
        "survey": Code(invitation.survey.key),
        "channel": code(invitation.channel),
        "stage": code(invitation.stage),
        "team_id": invitation.team_id,
        "agent_id": invitation.agent_id,
        "tier": code(invitation.tier),
    }


def visit_dimensions(visit: Visit) -> dict[str, Any]:
    """Return the dimensions of a visit."""
    return {
        "channel": code(visit.channel),
        "stage": Code("after_sale"),
        "agent_id": visit.agent_id,
        "tier": code(visit.tier),
    }


def move_invitation(invitation: Invitation, to: str) -> None:
    """Set the state; the only reader of the transition table. Raises TransitionNotAllowed."""
    if to not in INVITATION_TRANSITIONS[invitation.state]:
        raise TransitionNotAllowed(before=str(invitation.state), after=str(to))
    invitation.state = to


def move_visit(visit: Visit, to: str) -> None:
    """Set the state; the only reader of the transition table. Raises TransitionNotAllowed."""
    if to not in VISIT_TRANSITIONS[visit.state]:
        raise TransitionNotAllowed(before=str(visit.state), after=str(to))
    visit.state = to


def announce_visit(visit: Visit) -> None:
    """After commit, tell the lists and the visit's page to look again."""
    announce("visits", "visit", visit.pk, visit.version)
    announce(f"visit.{visit.pk}", "visit", visit.pk, visit.version)
