"""The stream of an order's page: lines by day, scans folded, parts to choose, and the view of a moment of the past."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from itertools import groupby
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe  # allowed: joins lines that are markup already
from django.utils.translation import gettext, ngettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from accounts.permissions import StaffRequest
from core import ui
from core.stories import Part, tell_state
from core.ui.times import date_words, local
from orders.models import Order
from orders.selectors.replay import events_until, moments_around
from orders.selectors.story import Entry, brief_story, read_place, read_stream

FOLDED_FROM = 4
PARTS = {
    Part.ORDER: pgettext_lazy("part of a story", "Order"),
    Part.PARCELS: pgettext_lazy("part of a story", "Parcels"),
    Part.TALK: pgettext_lazy("part of a story", "Talk"),
    Part.MONEY: pgettext_lazy("part of a story", "Money"),
    Part.FOLLOW_UP: pgettext_lazy("part of a story", "Follow-up"),
    Part.INSIDE: pgettext_lazy("part of a story", "Inside"),
}
Link = dict[str, Any]


def stream_context(request: StaffRequest, order: Order) -> dict[str, Any]:
    """Return what the stream of the order's page shows, by its address: ?story=part&at=moment&before=place."""
    part = Part(request.GET["story"]) if request.GET.get("story") in set(Part) else None
    asked = request.GET.get("at", "").strip()
    at = read_moment(asked)
    before = read_place(request.GET.get("before", ""))
    stream = read_stream(order, request.user, part=part, before=before, until=at)
    kept = {"story": part.value if part else "", "at": write_moment(at) if at else ""}

    def url(**other: str) -> str:
        told = {name: value for name, value in {**kept, **other}.items() if value}
        return f"{reverse('orders:detail', args=[order.pk])}?{urlencode(told)}"

    return {
        "rows": _rows(stream.entries, url),
        "parts": [
            {"key": "all", "label": _("Everything"), "url": url(story=""), "is_on": part is None},
            *({"key": p.value, "label": PARTS[p], "url": url(story=p.value), "is_on": p == part} for p in PARTS),
        ],
        "part": part.value if part else "",
        "older_url": url(before=str(stream.older)) if stream.older else "",
        "newest_url": url() if before else "",
        "is_bad_moment": bool(asked) and at is None,
        "asked": asked,
        "then": _then(request, order, at, url) if at else None,
        "replay_url": url(at=write_moment(stream.entries[0].place.at)) if stream.entries else "",
    }


def brief_rows(request: StaffRequest, order: Order) -> list[SafeString]:
    """Return the newest lines of the story as they stand beside a conversation."""
    return [_line(entry, ui.when(entry.place.at)) for entry in brief_story(order, request.user).entries]


def read_moment(text: str) -> datetime | None:
    """Return the moment an address names (ISO 8601, in the reader's zone when it says none), None for no moment."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=local(timezone.now()).tzinfo)
    return moment if 1971 < moment.year < 2200 else None


def write_moment(at: datetime) -> str:
    """Return a moment as addresses name it, to the microsecond."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _then(request: StaffRequest, order: Order, at: datetime, url: Any) -> dict[str, Any]:
    around = moments_around(order, request.user, at)
    return {
        "at": at,
        "words": ui.when(at, style="full"),
        "input": f"{local(at):%Y-%m-%dT%H:%M:%S}",
        "facts": tell_state(events_until(order, request.user, at), request.user),
        "now_url": url(at=""),
        "steps": [
            {"icon": icon, "label": label, "url": url(at=write_moment(moment)) if moment else ""}
            for icon, label, moment in (
                ("arrow-left", _("First step"), around["first"]),
                ("chevron-left", _("One step back"), around["previous"]),
                ("chevron-right", _("One step on"), around["next"]),
                ("arrow-right", _("Last step"), around["last"]),
            )
        ],
    }


def _rows(entries: list[Entry], url: Any) -> list[SafeString]:
    """Return the lines with a heading for each day, in the reader's zone; runs of scans are folded."""
    rows = []
    today = local(timezone.now()).date()
    for day, of_day in groupby(entries, key=lambda entry: local(entry.place.at).date()):
        rows.append(format_html('<li class="story-day"><h3>{}</h3></li>', _day_words(day, today)))
        for run in _runs(list(of_day)):
            lines = [_line(entry, _moment(entry, url)) for entry in run]
            rows.append(lines[0] if len(run) == 1 else _folded(run, lines))
    return rows


def _runs(entries: list[Entry]) -> Iterator[list[Entry]]:
    """Return entries one by one, but scans of one parcel that follow each other in one piece when they are many."""
    for parcel, run in groupby(entries, key=lambda entry: entry.parcel_id):
        found = list(run)
        if parcel is not None and len(found) >= FOLDED_FROM:
            yield found
        else:
            yield from ([entry] for entry in found)


def _day_words(day: date, today: date) -> str:
    words = date_words(day, this_year=today.year)
    return gettext("Today, %(day)s") % {"day": words} if day == today else words


def _line(entry: Entry, moment: SafeString) -> SafeString:
    return ui.story_item(entry.icon, entry.html, tone=entry.tone, moment=moment)


def _moment(entry: Entry, url: Any) -> SafeString:
    """Return the time of a line as a link to how the order stood then."""
    title = gettext("See the order as it stood then")
    href = url(at=write_moment(entry.place.at))
    return format_html('<a href="{}#story" title="{}">{}</a>', href, title, ui.when(entry.place.at, style="time"))


def _folded(run: list[Entry], lines: list[SafeString]) -> SafeString:
    """Return a run of scans as one line that opens."""
    words = ngettext("%(count)d scan", "%(count)d scans", len(run)) % {"count": len(run)}
    newest, oldest = (f"{local(run[place].place.at):%H:%M}" for place in (0, -1))
    inner = mark_safe("".join(lines))  # allowed: each line is markup already
    return format_html(
        '<li class="story-item tone-neutral"><span class="story-mark">{}</span><details class="story-text story-fold">'
        '<summary>{}<span class="story-meta">{}</span></summary><ol class="story">{}</ol></details>'
        '<span class="story-at num">{}–{}</span></li>',
        ui.icon("dots-vertical", 16), words, run[0].html, inner, oldest, newest,
    )  # fmt: skip
