"""The conversation as HTML: messages grouped by author and minute, events as thin lines between them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from itertools import groupby
from typing import Any

from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe  # allowed: pieces escape what people wrote
from django.utils.translation import gettext, ngettext

from core import registry, ui
from core.models import Event
from core.ui.escaping import esc
from core.ui.times import date_words, local
from tickets.enums import AuthorType, MessageKind
from tickets.models.ticket import NUMBER_OFFSET
from tickets.selectors.conversation import MessageRow
from tickets.views.desk_html import picture_addresses, safe_html, safe_text

SHOWN_EVENTS = 2
LONG = 1600
KINDS = {"application/pdf": "pdf", "application/zip": "zip", "application/vnd.ms-excel": "sheet", "text/csv": "sheet"}
PICTURES = {"image/png", "image/jpeg", "image/gif", "image/webp", "image/avif"}
DELIVERY = {
    "queued": ("clock", ""),
    "sending": ("clock", ""),
    "sent": ("check", ""),
    "delivered": ("checks", "text-good"),
    "failed": ("alert-circle", "text-bad"),
    "expired": ("alert-circle", "text-bad"),
}


def render_stream(
    messages: Iterable[MessageRow],
    events: Iterable[Event],
    *,
    viewer: Any,
    customer_name: str,
    deliveries: dict[int, str],
    now: datetime,
    follows: date | None = None,
    ticket_id: int = 0,
    remarks: Mapping[int, SafeString] | None = None,
    may_promise: bool = False,
) -> SafeString:
    """Return the stream's inner HTML, oldest first; `follows` is the day already shown above.

    `remarks` are shown below messages, by their id; with `may_promise` our answers can be kept as promises.

    Messages of tickets that were joined into `ticket_id` say so and carry no seq: those of the open one count.
    """
    lines = registry.render_story(events, viewer)
    items: list[tuple[datetime, int, Any]] = [(event.at, 0, (event, line)) for event, line in lines]
    items += [(message.at, 1, message) for message in messages]
    items.sort(key=lambda item: item[0])
    pieces: list[str] = []
    before: MessageRow | None = None
    for day, of_day in groupby(items, key=lambda item: local(item[0]).date()):
        if day != follows:
            pieces.append(_day(day, now))
            before = None
        for is_message, run in groupby(of_day, key=lambda item: item[1]):
            if not is_message:
                pieces.extend(_events([item[2] for item in run]))
                before = None
                continue
            for _at, _kind, message in run:
                is_guest = ticket_id not in {0, message.ticket_id}
                follows_on = _belongs(message, before)
                look = {"follows": follows_on, "is_guest": is_guest, "may_promise": may_promise and not is_guest}
                pieces.append(render_message(message, customer_name, deliveries, **look))
                if remarks and message.id in remarks:
                    pieces.append(remarks[message.id])
                before = message
    return mark_safe("".join(pieces))  # allowed: pieces escape what people wrote


def _day(day: date, now: datetime) -> str:
    today = local(now).date()
    words = date_words(day, this_year=today.year)
    if (today - day).days == 0:
        words = gettext("Today")
    elif (today - day).days == 1:
        words = gettext("Yesterday")
    return f'<div class="day" role="separator" data-day="{day.isoformat()}"><span>{esc(words)}</span></div>'


def _belongs(message: MessageRow, before: MessageRow | None) -> bool:
    """Say whether a message continues the one before: same author and kind within the same minute."""
    return (
        before is not None
        and (before.kind, before.author_type, before.author_id, before.ticket_id, before.moved_to)
        == (message.kind, message.author_type, message.author_id, message.ticket_id, None)
        and before.at.replace(second=0, microsecond=0) == message.at.replace(second=0, microsecond=0)
    )


def _events(run: list[tuple[Event, registry.StoryLine]]) -> Iterator[str]:
    """Yield event lines; a long run is folded down to its newest."""
    if len(run) > SHOWN_EVENTS + 1:
        folded, run = run[:-1], run[-1:]
        words = ngettext("%(n)d earlier event", "%(n)d earlier events", len(folded)) % {"n": len(folded)}
        inner = "".join(_event(event, line) for event, line in folded)
        yield f'<details class="events"><summary>{esc(words)}</summary>{inner}</details>'
    for event, line in run:
        yield _event(event, line)


def _event(event: Event, line: registry.StoryLine) -> str:
    tone = f" tone-{esc(line.tone)}" if line.tone else ""
    return (
        f'<div class="event{tone}" id="e-{event.pk}" data-event="{event.pk}">{ui.icon(line.icon, 16)}'
        f"<span>{line.html}</span>{ui.when(event.at, 'time')}</div>"
    )


def render_message(
    message: MessageRow,
    customer_name: str,
    deliveries: dict[int, str],
    *,
    follows: bool = False,
    is_guest: bool = False,
    may_promise: bool = False,
) -> str:
    """Return one message; `follows` leaves its heading out, a guest belongs to a ticket that was joined in."""
    is_note = message.kind == MessageKind.NOTE.value
    is_customer = message.author_type == AuthorType.CUSTOMER.value
    side = "msg-note" if is_note else "msg-in" if is_customer else "msg-out"
    state = deliveries.get(message.delivery_id or 0, "")
    place = (
        f'id="m-{message.ticket_id}-{message.seq}"' if is_guest else (f'id="m-{message.seq}" data-seq="{message.seq}"')
    )
    if message.moved_to is not None:
        return _moved(message, side, place)
    failed = " msg-failed" if state in {"failed", "expired"} else ""
    return (
        f'<article class="msg {side}{failed}{" is-follow" if follows else ""}" {place}>'
        f"{_by(message, customer_name, is_note, is_guest)}{_body(message)}{_files(message)}"
        f"{_meta(message, state, side, may_promise=may_promise)}</article>"
    )


def _moved(message: MessageRow, side: str, place: str) -> str:
    """Return the line that stands where a message was before it was split off."""
    number = (message.moved_to or 0) + NUMBER_OFFSET
    url = reverse("tickets:ticket", args=[message.moved_to])
    words = esc(gettext("Moved to ticket %(number)s") % {"number": f"#{number}"})
    return (
        f'<article class="msg {side} is-moved" {place}><p class="msg-body muted">{ui.icon("arrow-forward-up", 14)}'
        f'<a href="{url}">{words}</a></p></article>'
    )


def _by(message: MessageRow, customer_name: str, is_note: bool, is_guest: bool = False) -> str:
    if message.author_type == AuthorType.CUSTOMER.value:
        name = customer_name or gettext("Customer")
        face = ui.avatar(name, 24)
    elif message.author_type == AuthorType.STAFF.value:
        name, face = _colleague(message)
    else:
        name, face = gettext("Automatic message"), ui.icon("robot", 16)
    mark = f"{ui.icon('note', 14)}<span>{esc(gettext('Internal note'))}</span>" if is_note else ""
    if is_guest:
        mark += f'<span class="msg-guest num">#{message.ticket_id + NUMBER_OFFSET}</span>'
    who = f'{face}<span class="strong">{esc(name)}</span>{mark}'
    return f'<header class="msg-by">{who}{ui.when(message.at, "time")}</header>'


def _colleague(message: MessageRow) -> tuple[str, SafeString]:
    """Return who of the company wrote, with a face; the company itself has no letter."""
    if message.author_id is None and not message.author_name:
        return gettext("The company"), ui.icon("building-store", 16)
    name = message.author_name or gettext("Former colleague")
    return name, ui.avatar(name, 24)


def shows_html(message: MessageRow) -> bool:
    """Tell whether a message is shown as HTML: what colleagues marked up, and mails without a text part."""
    return bool(message.html) and (message.author_type == AuthorType.STAFF.value or not message.text.strip())


def _body(message: MessageRow) -> str:
    is_html = shows_html(message)
    if is_html:
        inner: str = safe_html(message.html, picture_addresses(message.files, file_url))
        shape = " msg-html"
    else:
        inner, shape = safe_text(message.text), ""
    if not inner and not message.quoted:
        return ""
    if len(message.text) > LONG and not is_html:
        inner = (
            f'<details class="msg-long"><summary>{safe_text(message.text[:LONG])}… '
            f'<span class="text-accent">{esc(gettext("Show all"))}</span></summary>'
            f"{safe_text(message.text[LONG:])}</details>"
        )
    if message.quoted:
        inner += (
            f'<details class="quoted"><summary>{ui.icon("dots", 16)}'
            f'<span class="sr-only">{esc(gettext("Quoted mail"))}</span></summary>'
            f"<blockquote>{safe_text(message.quoted)}</blockquote></details>"
        )
    return f'<div class="msg-body{shape}">{inner}</div>{_mentioned(message)}'


def _mentioned(message: MessageRow) -> str:
    if not message.mentioned:
        return ""
    chips = "".join(f'<span class="mention">@{esc(name)}</span>' for name in message.mentioned)
    return f'<p class="msg-mentions"><span class="sr-only">{esc(gettext("Mentioned:"))}</span>{chips}</p>'


def file_url(file: dict[str, Any], *, thumb: bool = False) -> str:
    """Return the address of an attachment, or of its small picture."""
    url = reverse("tickets:attachment", args=[file["key"]])
    return f"{url}?thumb=1" if thumb else url


def _files(message: MessageRow) -> str:
    shown = [file for file in message.files or () if not (file["inline"] and shows_html(message))]
    if not shown:
        return ""
    return f'<div class="msg-files">{"".join(_file(file) for file in shown)}</div>'


def _file(file: dict[str, Any]) -> str:
    url, name = file_url(file), esc(file["name"])
    if file["mime"] in PICTURES:
        small = file_url(file, thumb=True) if file["thumb"] else url
        return (
            f'<a class="msg-picture" href="{url}" target="_blank" rel="noopener" title="{name}">'
            f'<img src="{small}" alt="{name}" loading="lazy"></a>'
        )
    kind = KINDS.get(
        file["mime"], "video" if file["mime"].startswith("video/") else "sheet" if "sheet" in file["mime"] else "file"
    )
    return ui.file_chip(file["name"], file["size"], url, kind)


def _meta(message: MessageRow, state: str, side: str, *, may_promise: bool) -> str:
    """Return what stands below one of our answers: how far it came, and the way to keep it as a promise."""
    if side != "msg-out":
        return ""
    inner = delivery_mark(message.delivery_id or 0, state) if state else ""
    if may_promise and message.author_type == AuthorType.STAFF.value:
        url = reverse("tickets:ticket_promises", args=[message.ticket_id])
        inner += (
            f'<a class="msg-promise" href="{url}?message={message.id}" hx-post="{url}ask/" hx-target="#ask"'
            f' hx-swap="innerHTML" data-promise-said="{message.id}">{ui.icon("rubber-stamp", 14)}'
            f"{esc(gettext('Keep as a promise'))}</a>"
        )
    return f'<footer class="msg-meta">{inner}</footer>' if inner else ""


def delivery_mark(delivery_id: int, state: str, *, out_of_band: bool = False) -> str:
    """Return how far an answer came on its way to the customer."""
    icon, tone = DELIVERY.get(state, ("clock", ""))
    words = {
        "queued": gettext("Waiting to be sent"),
        "sending": gettext("Being sent"),
        "sent": gettext("Sent"),
        "delivered": gettext("Delivered"),
        "failed": gettext("Could not be delivered"),
        "expired": gettext("Could not be delivered in time"),
    }.get(state, state)
    oob = ' hx-swap-oob="true"' if out_of_band else ""
    return f'<span class="delivery {tone}" id="delivery-{delivery_id}"{oob}>{ui.icon(icon, 14)}{esc(words)}</span>'
