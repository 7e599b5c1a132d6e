"""Everything that happened to an order in one stream, the newest first: events of all apps, and scans.

An entry stands at its moment; at the same moment events come after scans, and later events after earlier ones. A page
goes on from a cursor, so a stream of thousands costs as many statements as one of ten. What a reader may not see is
not read: neither it nor how much of it there is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from django.db.models import Q, QuerySet
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.permissions import scope_key, stand_in
from accounts.selectors import event_names, remember_event_names
from core.kept import Kept
from core.models import Event
from core.stories import Part, beside_events, kinds_told, part_of, render_whole_story, story_doors
from orders.models import Order, Parcel
from orders.selectors.told import ToldScan, parcels_told
from orders.slots import ORDER, READER, order_and_reader

PAGE = 80
PANEL_EVENTS = 30
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SAME_MOMENT = 40  # news of parcels that may stand at the very moment a page ends


class Place(NamedTuple):
    """Where an entry stands in the stream; the greater the later."""

    at: datetime
    source: int  # 0 a scan, 1 an event
    pk: int

    def __str__(self) -> str:
        return f"{(self.at - _EPOCH) // timedelta(microseconds=1)}_{self.source}_{self.pk}"


def read_place(text: str) -> Place | None:
    """Return the place a cursor names, None for anything else."""
    parts = text.split("_")
    if len(parts) != 3 or not all(part.isdecimal() and part.isascii() and len(part) < 18 for part in parts):
        return None
    micros, source, pk = (int(part) for part in parts)
    return Place(_EPOCH + timedelta(microseconds=micros), source, pk) if micros < 4e15 and source < 2 else None


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the story. `parcel_id` is set for a scan, which may be folded with its like."""

    place: Place
    part: Part
    icon: str
    tone: str
    html: SafeString
    parcel_id: int | None = None


@dataclass(frozen=True, slots=True)
class Stream:
    """A page of the story; `older` is the place it goes on from, None at the beginning of the story."""

    entries: list[Entry]
    older: Place | None


def read_stream(
    order: Order, viewer: Any, *, part: Part | None = None, before: Place | None = None, until: datetime | None = None,
    most: int = PAGE,
) -> Stream:  # fmt: skip
    """Return a page of an order's story, the newest first: before a place, and not after `until`."""
    events = _read_events(order, viewer, part, before, until, most)
    scans: list[tuple[Place, Parcel, ToldScan]] = []
    if part in {None, Part.PARCELS}:
        scans = _scans(order, viewer, events, before, until)
    places = [Place(event.at, 1, event.pk) for event in events] + [place for place, _parcel, _scan in scans]
    places = sorted((place for place in places if before is None or place < before), reverse=True)
    page = set(places[:most])
    shown = [event for event in events if Place(event.at, 1, event.pk) in page]
    remember_event_names(shown, viewer)
    entries = list(_of_events(shown, viewer))
    entries += [_of_scan(place, parcel, scan) for place, parcel, scan in scans if place in page]
    entries.sort(key=lambda entry: entry.place, reverse=True)
    return Stream(entries, places[most - 1] if len(places) > most else None)


def brief_story(order: Order, viewer: Any) -> Stream:
    """Return the newest lines, as they stand beside a conversation: without the messages, which are in it."""
    return read_stream(order, viewer, most=PANEL_EVENTS)


def _read_events(
    order: Order, viewer: Any, part: Part | None, before: Place | None, until: datetime | None, most: int
) -> list[Event]:
    kinds = kinds_told(viewer, part)
    if most == PANEL_EVENTS:
        kinds = tuple(kind for kind in kinds if not kind.startswith("message."))
    if before is None and until is None:  # the page as it is opened and as it stands beside a conversation: kept
        key = most, kinds, *scope_key(viewer)
        reader = stand_in(viewer, READER.sample)
        return _kept.instances(
            key, lambda: _events(ORDER.sample, reader, kinds, most + 1), order=order.pk, reader=viewer.pk
        )
    found = _events(order.pk, viewer, kinds, None)
    if until is not None:
        found = found.filter(at__lte=until)
    if before is not None:
        earlier = Q(at__lt=before.at)
        if before.source:
            earlier |= Q(at=before.at, pk__lt=before.pk)
        # news of parcels at the same moment stand for scans that must not be told again
        found = found.filter(earlier | Q(at=before.at, kind__startswith="parcel."), at__lte=before.at)
    return list(found[: most + 1 + (_SAME_MOMENT if before else 0)])


def _events(order_id: int, viewer: Any, kinds: tuple[str, ...], most: int | None) -> QuerySet[Event]:
    found = Event.objects.filter(*story_doors(viewer), order_id=order_id, kind__in=kinds)
    found = found.annotate(**event_names(), **beside_events())
    return found.order_by("-at", "-id")[:most]


_kept = Kept(order_and_reader)


def _scans(
    order: Order, viewer: Any, events: list[Event], before: Place | None, until: datetime | None
) -> list[tuple[Place, Parcel, ToldScan]]:
    """Return the scans that no event tells of."""
    told = {(event.subject_id, _scanned(event.kind), event.at) for event in events if event.kind.startswith("parcel.")}
    found = [
        (Place(scan.at, 0, scan.pk), parcel, scan)
        for parcel, scans in parcels_told([order.pk], viewer)[order.pk]
        for scan in scans
        if (until is None or scan.at <= until) and (parcel.pk, scan.status, scan.at) not in told
    ]
    return [one for one in found if before is None or one[0] < before]


def _scanned(kind: str) -> str:
    step = kind.removeprefix("parcel.")
    return "problem" if step == "problem_reported" else step


def _of_events(events: list[Event], viewer: Any) -> Iterator[Entry]:
    for event, line in render_whole_story(events, viewer):
        part = part_of(event.kind)
        if part is not None:
            yield Entry(Place(event.at, 1, event.pk), part, line.icon, line.tone, format_html("{}", line.html))


def _of_scan(place: Place, parcel: Parcel, scan: ToldScan) -> Entry:
    return Entry(place, Part.PARCELS, "point", "neutral", format_html("{}", scan.words), parcel.pk)
