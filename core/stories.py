"""Which events a whole story tells: under which part, to whom, and which stay silent and why.

An app says at start-up what of its events belongs into a story told as one stream (of an order). How a line reads is
registered beside it (core.registry.register_story). A kind that is neither told nor silent fails a test.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any

from django.db.models import Q
from django.utils.safestring import SafeString

from core.events import kinds
from core.models import Event
from core.registry import StoryLine, StoryRenderer, render_story


class Part(StrEnum):
    """What a reader can narrow a story to."""

    ORDER = "order"
    PARCELS = "parcels"
    TALK = "talk"
    MONEY = "money"
    FOLLOW_UP = "follow_up"
    INSIDE = "inside"


@dataclass(frozen=True)
class Then:
    """One fact of how things stood at a moment: what it is of, and its state as markup."""

    icon: str
    label: str
    html: SafeString


Teller = Callable[[list[Event], Any], list[Then]]
StoryDoor = Callable[[Any], Q | None]
_TOLD: dict[str, tuple[Part, str]] = {}
SILENT: dict[str, str] = {}
_DOORS: dict[str, StoryDoor] = {}
_WHOLE: dict[str, StoryRenderer] = {}
_BESIDE: dict[str, Any] = {}
_TELLERS: dict[str, tuple[tuple[str, ...], Teller]] = {}


def tell(part: Part, *prefixes: str, permission: str = "") -> None:
    """Tell the kinds that begin so under a part, to those who hold the permission; the longest prefix decides."""
    for prefix in prefixes:
        _TOLD[prefix] = part, permission


def keep_silent(why: str, *prefixes: str) -> None:
    """Leave the kinds that begin so out of every story, for a reason; a longer prefix that is told is told."""
    for prefix in prefixes:
        SILENT[prefix] = why


def register_story_door(name: str, door: StoryDoor) -> None:
    """Narrow the events of a story by their rows: a condition on events for a viewer, None when she sees all."""
    _DOORS[name] = door


def part_of(kind: str) -> Part | None:
    """Return the part a kind is told under, None for one that is not told."""
    found = _terms(kind)
    return found[0] if found else None


@lru_cache(maxsize=2048)
def _terms(kind: str) -> tuple[Part, str] | None:
    told = max((prefix for prefix in _TOLD if kind.startswith(prefix)), key=len, default="")
    hushed = max((prefix for prefix in SILENT if kind.startswith(prefix)), key=len, default="")
    return _TOLD[told] if told and len(told) > len(hushed) else None


def kinds_told(viewer: Any, part: Part | None = None) -> tuple[str, ...]:
    """Return the kinds this viewer is told of, of one part or of all."""
    missing = tuple(sorted(right for right in _rights() if not viewer.may(right)))
    return _kinds_told(missing, part)


def _rights() -> Iterable[str]:
    return {permission for _part, permission in _TOLD.values() if permission}


@lru_cache(maxsize=256)
def _kinds_told(missing: tuple[str, ...], part: Part | None) -> tuple[str, ...]:
    found = []
    for kind in sorted(kinds.KINDS):
        terms = _terms(kind)
        if terms and terms[1] not in missing and part in {None, terms[0]}:
            found.append(kind)
    return tuple(found)


def story_doors(viewer: Any) -> list[Q]:
    """Return the conditions that keep rows from this viewer that are not hers to see."""
    return [condition for door in _DOORS.values() if (condition := door(viewer)) is not None]


def register_teller(name: str, told_by: tuple[str, ...], teller: Teller) -> None:
    """Say how things stood after events of these kinds: gets all of them up to a moment, by id."""
    _TELLERS[name] = told_by, teller


def kinds_of_state(viewer: Any) -> tuple[str, ...]:
    """Return the kinds by which this viewer is told how things stood."""
    told = {kind for told_by, _teller in _TELLERS.values() for kind in told_by}
    return tuple(sorted(told.intersection(kinds_told(viewer))))


def tell_state(events: list[Event], viewer: Any) -> list[Then]:
    """Return how things stood after the events."""
    lines: list[Then] = []
    for told_by, teller in _TELLERS.values():
        lines += teller([event for event in events if event.kind in told_by], viewer)
    return lines


def register_whole_story(kind_prefix: str, renderer: StoryRenderer) -> None:
    """Say how events read where the conversation does not stand beside them; else as register_story says."""
    _WHOLE[kind_prefix] = renderer


def register_beside(name: str, expression: Any) -> None:
    """Bring something along with every event of a whole story, so that its renderer need not ask for it again.

    `name` becomes an attribute of the events; the expression may refer to their columns.
    """
    _BESIDE[name] = expression


def beside_events() -> dict[str, Any]:
    """Return what is to be brought along, as annotations."""
    return dict(_BESIDE)


def render_whole_story(events: list[Event], viewer: Any) -> list[tuple[Event, StoryLine]]:
    """Render events for a story told as one stream; in their order, those without a line left out."""
    lines = {event.pk: line for event, line in render_story(events, viewer)}
    for prefix, renderer in _WHOLE.items():
        mine = [event for event in events if event.kind.startswith(prefix)]
        if mine:
            lines.update(renderer(mine, viewer))
    return [(event, lines[event.pk]) for event in events if event.pk in lines]
