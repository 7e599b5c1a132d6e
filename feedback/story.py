"""How surveys and visits read in a stream."""

from __future__ import annotations

from typing import Any

from django.utils.html import format_html
from django.utils.translation import gettext

from accounts.selectors import staff_names
from core.models import Event
from core.registry import StoryLine
from feedback.enums import InvalidReason, Outcome, SkipReason
from feedback.models import Answer


def render_survey_events(events: list[Event], viewer: Any) -> dict[int, StoryLine]:
    """Return a line for each survey event; one query for the comments."""
    ids = [event.subject_id for event in events if event.kind == "survey.answered"]
    rows = Answer.objects.filter(invitation_id__in=ids).values_list("invitation_id", "comment") if ids else []
    comments = dict(rows)
    lines = {event.pk: _survey_line(event, comments) for event in events}
    return {pk: line for pk, line in lines.items() if line is not None}


def _survey_line(event: Event, comments: dict[int, str]) -> StoryLine | None:
    data = event.data
    match event.kind:
        case "survey.invited":
            return _say(event, "forms", "", gettext("Survey sent"))
        case "survey.reminded":
            return _say(event, "bell", "", gettext("Survey: reminded once"))
        case "survey.expired":
            return _say(event, "clock", "", gettext("Survey not answered"))
        case "survey.judged":
            if data.get("is_valid"):
                return _say(event, "check", "", gettext("Survey answer counts again"))
            return _say(
                event, "eye-off", "", gettext("Survey answer set aside: %(why)s") % {"why": _reason(data.get("reason"))}
            )
        case "survey.answered":
            return _answered(event, comments.get(event.subject_id or 0, ""))
    return None  # survey.delivered: the mail's own line says it


def _answered(event: Event, comment: str) -> StoryLine:
    score = event.data.get("csat")
    if score is None:
        return _say(event, "forms", "", gettext("Survey answered"), comment)
    icon, tone = ("mood-happy", "good") if score >= 4 else ("mood-empty", "warn") if score == 3 else ("mood-sad", "bad")
    return _say(event, icon, tone, gettext("Survey answered: %(score)d of 5") % {"score": score}, comment)


def _reason(code: Any) -> str:
    return str(InvalidReason(code).label) if code in InvalidReason.values else ""


def render_visit_events(events: list[Event], viewer: Any) -> dict[int, StoryLine]:
    """Return a line for each visit event; one query for the names."""
    ids = {event.actor_id for event in events if event.actor_type == "staff" and event.actor_id is not None}
    names = staff_names(ids) if ids else {}
    lines = {event.pk: _visit_line(event, names) for event in events}
    return {pk: line for pk, line in lines.items() if line is not None}


def _visit_line(event: Event, names: dict[int, str]) -> StoryLine | None:
    data = event.data
    who = names.get(event.actor_id or 0, gettext("A former colleague"))
    match event.kind:
        case "visit.planned":
            return _say(event, "calendar-event", "", gettext("Follow-up visit planned"))
        case "visit.attempted":
            outcome = str(Outcome(data["outcome"]).label) if data.get("outcome") in Outcome.values else ""
            return _say(
                event, "phone", "warn", gettext("%(who)s tried a visit: %(outcome)s") % {"who": who, "outcome": outcome}
            )
        case "visit.answered":
            score = data.get("satisfaction")
            words = gettext("%(who)s made the visit") % {"who": who}
            if score:
                words = gettext("%(who)s made the visit: %(score)d of 5") % {"who": who, "score": score}
            return _say(event, "phone-call", "bad" if (score or 5) <= 2 else "good", words)
        case "visit.skipped":
            why = str(SkipReason(data["why"]).label) if data.get("why") in SkipReason.values else ""
            return _say(event, "player-skip-forward", "", gettext("Visit skipped: %(why)s") % {"why": why})
        case "visit.window_closed":
            if data.get("is_attempted"):
                return None
            return _say(event, "calendar-due", "bad", gettext("No visit was tried in time"))
    return None


def _say(event: Event, icon: str, tone: str, words: str, more: str = "") -> StoryLine:
    html = format_html("{} <q>{}</q>", words, more[:200]) if more else format_html("{}", words)
    return StoryLine(event.pk, icon, tone, html)
