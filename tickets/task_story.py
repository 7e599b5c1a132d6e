"""How department tasks, promises, steps and defects read in a stream."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.utils.html import escape
from django.utils.safestring import mark_safe  # allowed: words and values are escaped
from django.utils.translation import gettext

from accounts.models import Team
from accounts.selectors import staff_names
from core.models import Event
from core.registry import StoryLine
from tickets.work_enums import PromiseKind

Words = Callable[[], str]
TASK: dict[str, tuple[str, str, Words]] = {
    "task.asked": ("users-group", "", lambda: gettext("%(who)s handed a task to %(team)s")),
    "task.taken": ("user-check", "", lambda: gettext("%(who)s took the task of %(team)s")),
    "task.answered": ("checks", "good", lambda: gettext("%(who)s answered for %(team)s")),
    "task.declined": ("arrow-back-up", "warn", lambda: gettext("%(who)s sent the task of %(team)s back")),
    "task.given_back": ("arrow-back-up", "", lambda: gettext("%(who)s put the task of %(team)s back")),
    "task.passed_on": ("arrow-forward-up", "", lambda: gettext("%(who)s passed the task on to %(team)s")),
    "task.withdrawn": ("x", "", lambda: gettext("%(who)s withdrew the task of %(team)s")),
    "task.asked_again": ("repeat", "", lambda: gettext("%(who)s asked %(team)s again")),
    "task.rescheduled": ("calendar", "", lambda: gettext("%(who)s gave %(team)s another due time")),
    "task.overdue": ("flame", "bad", lambda: gettext("The task of %(team)s is overdue")),
    "task.escalated": ("arrow-up", "bad", lambda: gettext("The overdue task of %(team)s was escalated")),
}
PROMISE: dict[str, tuple[str, str, Words]] = {
    "promise.made": ("rubber-stamp", "", lambda: gettext("%(who)s promised the customer: %(what)s")),
    "promise.moved": ("calendar", "", lambda: gettext("%(who)s agreed on another time for: %(what)s")),
    "promise.broken": ("flame", "bad", lambda: gettext("A promise was not kept in time: %(what)s")),
    "promise.kept": ("circle-check", "good", lambda: gettext("%(who)s kept the promise: %(what)s")),
    "promise.settled": ("check", "warn", lambda: gettext("%(who)s made good on a late promise: %(what)s")),
    "promise.withdrawn": ("x", "", lambda: gettext("%(who)s withdrew a promise: %(what)s")),
}


def _who(event: Event, names: dict[int, str]) -> str:
    if event.actor_type == "staff":
        return names.get(event.actor_id or 0, gettext("A former colleague"))
    return gettext("The system")


def _names(events: list[Event], viewer: Any) -> dict[int, str]:
    return staff_names({event.actor_id for event in events if event.actor_type == "staff"}, viewer)


def _say(event: Event, looks: tuple[str, str, Words], **values: str) -> StoryLine:
    icon, tone, words = looks
    escaped = {key: escape(value) for key, value in values.items()}
    html = mark_safe(escape(words()) % escaped)  # allowed: words and values are escaped
    return StoryLine(event.pk, icon, tone, html)


def render_task_events(events: list[Event], viewer: Any) -> dict[int, StoryLine]:
    """Return a line for each task event; one query for people, one for departments."""
    names = _names(events, viewer)
    teams = dict(Team.objects.filter(pk__in={e.data.get("team_id") for e in events}).values_list("pk", "name"))
    return {
        event.pk: _say(event, TASK[event.kind], who=_who(event, names), team=teams.get(event.data.get("team_id"), "–"))
        for event in events
        if event.kind in TASK
    }


def render_promise_events(events: list[Event], viewer: Any) -> dict[int, StoryLine]:
    """Return a line for each promise event; one query for people."""
    names, labels = _names(events, viewer), dict(PromiseKind.choices)
    return {
        event.pk: _say(
            event, PROMISE[event.kind], who=_who(event, names), what=str(labels.get(event.data.get("kind"), ""))
        )
        for event in events
        if event.kind in PROMISE
    }


def render_defect_events(events: list[Event], viewer: Any) -> dict[int, StoryLine]:
    """Return a line for each defect reported."""
    names = _names(events, viewer)
    looks = ("alert-triangle", "warn", lambda: gettext("%(who)s reported a product defect"))
    return {event.pk: _say(event, looks, who=_who(event, names)) for event in events}


def render_joint_events(events: list[Event], viewer: Any) -> dict[int, StoryLine]:
    """Return a line for each joint response given."""
    names = _names(events, viewer)
    looks = ("checks", "good", lambda: gettext("%(who)s gave the joint answer of the departments"))
    return {event.pk: _say(event, looks, who=_who(event, names)) for event in events if event.kind.endswith("answered")}
