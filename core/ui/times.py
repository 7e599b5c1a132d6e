"""Moments and deadlines as people read them: relative under a day, then a plain date."""

from datetime import date, datetime, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils import timezone
from django.utils.html import conditional_escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext, pgettext

from .icons import icon
from .numbers import NOTHING, duration, is_chinese

DAY = timedelta(days=1)
AT_RISK = 0.75
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@lru_cache(maxsize=8)
def zone_named(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def reader_zone() -> tzinfo:
    """Return the reader's zone: the active one, else the company's own."""
    zone = timezone.get_current_timezone()
    if zone == timezone.get_default_timezone():
        zone = zone_named(getattr(settings, "BUSINESS_TIME_ZONE", settings.TIME_ZONE))
    return zone


def local(at: datetime) -> datetime:
    """Return the moment in the reader's zone."""
    return at.astimezone(reader_zone())


def date_words(day: date, *, this_year: int) -> str:
    """Write 11月21日 or 21 Nov, with the year when it is another one."""
    if is_chinese():
        words = f"{day.month}月{day.day}日"
        return words if day.year == this_year else f"{day.year}年{words}"
    words = f"{day.day} {MONTHS[day.month - 1]}"
    return words if day.year == this_year else f"{words} {day.year}"


def moment_words(at: datetime, *, now: datetime) -> str:
    """Write 11月21日 14:05 in local time."""
    zone = reader_zone()
    return _short_words(at.astimezone(zone), now.astimezone(zone).year)


def _short_words(there: datetime, this_year: int) -> str:
    return f"{date_words(there, this_year=this_year)} {there.hour:02}:{there.minute:02}"


def full_words(at: datetime) -> str:
    """Write the whole moment, year to second, for a title."""
    return _full_words(local(at))


def _full_words(there: datetime) -> str:
    return f"{date_words(there, this_year=0)} {there.hour:02}:{there.minute:02}:{there.second:02}"


def relative_words(at: datetime, *, now: datetime) -> str | None:
    """Write 3 分钟前 or in 2 h; None from a day away on."""
    ago = now - at
    if abs(ago) >= DAY:
        return None
    seconds = int(abs(ago).total_seconds())
    if seconds < 60:
        return gettext("just now") if ago >= timedelta(0) else gettext("in a moment")
    past = ago > timedelta(0)
    if seconds < 3600:
        word = gettext("%(n)d min ago") if past else gettext("in %(n)d min")
        return word % {"n": seconds // 60}
    word = gettext("%(n)d h ago") if past else gettext("in %(n)d h")
    return word % {"n": seconds // 3600}


def when(at: datetime | date | None, style: str = "auto", now: datetime | None = None) -> SafeString:
    """Render a <time>: `auto` (relative under a day), `moment`, `full`, `date`, `time` or `relative`."""
    if not at:
        return mark_safe(f'<span class="muted">{NOTHING}</span>')
    now, zone = now or timezone.now(), reader_zone()
    this_year = now.astimezone(zone).year
    if not isinstance(at, datetime):
        return mark_safe(f'<time datetime="{at.isoformat()}">{date_words(at, this_year=this_year)}</time>')
    there = at.astimezone(zone)
    iso, title = at.isoformat(timespec="seconds"), _full_words(there)
    if style in ("auto", "relative"):
        relative = relative_words(at, now=now)
        if relative is not None:
            return mark_safe(
                f'<time datetime="{iso}" title="{title}" data-when'
                f' data-abs="{_short_words(there, this_year)}">{relative}</time>'
            )
    if style == "relative":
        span = duration(now - at)
        words = (gettext("%(span)s ago") if at < now else gettext("in %(span)s")) % {"span": span}
    elif style == "full":
        words = title[:-3]  # seconds are for the title
    elif style == "date":
        words = date_words(there, this_year=this_year)
    elif style == "time":
        words = f"{there:%H:%M}"
    else:
        words = _short_words(there, this_year)
    return mark_safe(f'<time datetime="{iso}" title="{title}">{words}</time>')


def clock(
    due_at: datetime | None,
    started_at: datetime | None = None,
    now: datetime | None = None,
    stopped_at: datetime | None = None,
    paused: bool = False,
    label: str = "",
    compact: bool = False,
    fraction: float | None = None,
) -> SafeString:
    """Render a deadline as a ring that fills and turns amber then red, with words.

    `fraction` (0–1, business time) wins over started_at..due_at. `compact` leaves the words to the title.
    """
    if not due_at:
        return SafeString("")
    started_at, stopped_at = started_at or None, stopped_at or None  # a missing template variable is ""
    fraction = None if fraction in (None, "") else float(fraction)
    now = now or timezone.now()
    state, words, share = clock_state(due_at, started_at, now, stopped_at, paused, fraction)
    live = ""
    if stopped_at is None and not paused:
        start = ""
        if started_at is not None and fraction is None:
            start = f' data-start="{started_at.isoformat(timespec="seconds")}"'
        live = f' data-clock data-due="{due_at.isoformat(timespec="seconds")}"{start}'
    title = conditional_escape(f"{label} · {words}" if label else words)
    due = full_words(due_at)
    mark = {"kept": icon("check", 14), "late": icon("alert-triangle", 14), "paused": icon("player-pause", 14)}.get(
        state
    )
    glyph = mark or mark_safe(ring(share))
    if compact:
        return mark_safe(
            f'<span class="clock clock-{state}" role="img" aria-label="{title}"'
            f' title="{title} · {due}"{live}>{glyph}</span>'
        )
    named = f'<span class="clock-label">{conditional_escape(label)}</span> ' if label else ""
    return mark_safe(
        f'<span class="clock clock-{state}" title="{due}"{live}>{glyph}{named}'
        f'<span class="clock-words">{words}</span></span>'
    )


def clock_state(
    due_at: datetime,
    started_at: datetime | None,
    now: datetime,
    stopped_at: datetime | None,
    paused: bool,
    fraction: float | None,
) -> tuple[str, str, float]:
    """Return (state, words, share used); state is kept, missed, paused, late, risk or running."""
    if stopped_at is not None:
        if stopped_at <= due_at:
            return "kept", pgettext("deadline", "kept"), 1.0
        return "late", gettext("late by %(span)s") % {"span": duration(stopped_at - due_at)}, 1.0
    if paused:
        return "paused", pgettext("deadline", "paused"), fraction or 0.0
    if now > due_at:
        return "late", gettext("over by %(span)s") % {"span": duration(now - due_at)}, 1.0
    if fraction is None:
        whole = (due_at - started_at) if started_at and started_at < due_at else None
        fraction = (now - started_at) / whole if whole and started_at else 0.0
    words = gettext("%(span)s left") % {"span": duration(due_at - now)}
    return ("risk" if fraction >= AT_RISK else "running"), words, max(0.0, min(1.0, fraction))


def ring(share: float) -> str:
    return (
        '<svg class="ring" viewBox="0 0 20 20" aria-hidden="true"><circle class="ring-track" cx="10" cy="10" r="7.5"/>'
        '<circle class="ring-fill" cx="10" cy="10" r="7.5" pathLength="100"'
        f' stroke-dasharray="{share * 100:.0f} 100"/></svg>'
    )
